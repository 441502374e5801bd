package compat

import (
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// registered puts a node with one service and one check of it into the catalogue, past every agent, until the test ends.
func registered(t *testing.T, client *api.Client, node, service, status string) *api.CatalogRegistration {
	t.Helper()
	registration := &api.CatalogRegistration{
		Node:            node,
		Address:         "192.0.2.10",
		TaggedAddresses: map[string]string{"lan": "192.0.2.10", "wan": "198.51.100.10"},
		NodeMeta:        map[string]string{"rack": "r1"},
		Service: &api.AgentService{
			ID:              service + "-1",
			Service:         service,
			Tags:            []string{"blue", "v1"},
			Meta:            map[string]string{"owner": "team-a"},
			Port:            8080,
			Address:         "192.0.2.20",
			Weights:         api.AgentWeights{Passing: 5, Warning: 2},
			TaggedAddresses: map[string]api.ServiceAddress{"wan": {Address: "198.51.100.20", Port: 80}},
		},
		Checks: api.HealthChecks{{
			Node: node, CheckID: service + "-check", Name: "up", Status: status, ServiceID: service + "-1", Output: "said so",
		}},
	}
	_, err := client.Catalog().Register(registration, nil)
	must(t, err)
	t.Cleanup(func() {
		_, err := client.Catalog().Deregister(&api.CatalogDeregistration{Node: node}, nil)
		must(t, err)
	})
	return registration
}

func TestCatalogOfANode(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthPassing)
	node, meta, err := client.Catalog().Node("go-node", nil)
	must(t, err)
	if node.Node.Address != "192.0.2.10" || node.Node.TaggedAddresses["wan"] != "198.51.100.10" || node.Node.Meta["rack"] != "r1" {
		t.Fatalf("%+v", node.Node)
	}
	service := node.Services["go-web-1"]
	if service == nil || service.Service != "go-web" || service.Port != 8080 || service.Weights.Passing != 5 || service.Meta["owner"] != "team-a" {
		t.Fatalf("%+v", service)
	}
	if wan := service.TaggedAddresses["wan"]; wan.Address != "198.51.100.20" || wan.Port != 80 {
		t.Fatalf("%+v", wan)
	}
	if meta.LastIndex == 0 || !meta.KnownLeader {
		t.Fatalf("%+v", meta)
	}
	list, _, err := client.Catalog().NodeServiceList("go-node", nil)
	must(t, err)
	if list.Node.Node != "go-node" || len(list.Services) != 1 || list.Services[0].ID != "go-web-1" {
		t.Fatalf("%+v", list)
	}
	if missing, _, err := client.Catalog().Node("go-nobody", nil); err != nil || missing != nil {
		t.Fatalf("%+v, %v", missing, err)
	}
	datacentres, err := client.Catalog().Datacenters()
	if err != nil || len(datacentres) != 1 || datacentres[0] != "dc1" {
		t.Fatalf("%v, %v", datacentres, err)
	}
}

func TestCatalogNodesAreFiltered(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthPassing)
	for name, options := range map[string]*api.QueryOptions{
		"meta":   {NodeMeta: map[string]string{"rack": "r1"}},
		"filter": {Filter: `Meta.rack == "r1" and Node matches "^go-"`},
	} {
		nodes, _, err := client.Catalog().Nodes(options)
		if err != nil || len(nodes) != 1 || nodes[0].Node != "go-node" {
			t.Fatalf("%s: %+v, %v", name, nodes, err)
		}
	}
	_, _, err := client.Catalog().Nodes(&api.QueryOptions{Filter: "Nonsense == 1"})
	fails(t, err, 500, `Selector "Nonsense" is not valid`)
	_, _, err = client.Catalog().Nodes(&api.QueryOptions{Filter: "Node =="})
	fails(t, err, 500, "Failed to create boolean expression evaluator")
}

func TestCatalogServices(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthPassing)
	services, _, err := client.Catalog().Services(nil)
	must(t, err)
	if tags := services["go-web"]; len(tags) != 2 || tags[0] != "blue" || tags[1] != "v1" {
		t.Fatalf("%v", services)
	}
	if _, ok := services["consul"]; !ok {
		t.Fatalf("the servers' own service is not there: %v", services)
	}
	if some, _, err := client.Catalog().Services(&api.QueryOptions{NodeMeta: map[string]string{"rack": "r2"}}); err != nil || len(some) != 0 {
		t.Fatalf("%v, %v", some, err)
	}
	found, _, err := client.Catalog().ServiceMultipleTags("go-web", []string{"blue", "v1"}, nil)
	must(t, err)
	if len(found) != 1 || found[0].ServiceID != "go-web-1" || found[0].ServicePort != 8080 || found[0].NodeMeta["rack"] != "r1" {
		t.Fatalf("%+v", found)
	}
	if found[0].ServiceWeights.Passing != 5 || found[0].ServiceAddress != "192.0.2.20" || found[0].Address != "192.0.2.10" {
		t.Fatalf("%+v", found[0])
	}
	for tag, count := range map[string]int{"blue": 1, "green": 0} {
		some, _, err := client.Catalog().Service("go-web", tag, nil)
		if err != nil || len(some) != count {
			t.Fatalf("%s: %+v, %v", tag, some, err)
		}
	}
	filtered, _, err := client.Catalog().Service("go-web", "", &api.QueryOptions{Filter: `"v1" in ServiceTags and ServiceMeta.owner == "team-b"`})
	if err != nil || len(filtered) != 0 {
		t.Fatalf("%+v, %v", filtered, err)
	}
}

func TestCatalogDeregistersOneThing(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthPassing)
	_, err := client.Catalog().Deregister(&api.CatalogDeregistration{Node: "go-node", CheckID: "go-web-check"}, nil)
	must(t, err)
	if checks, _, err := client.Health().Checks("go-web", nil); err != nil || len(checks) != 0 {
		t.Fatalf("%+v, %v", checks, err)
	}
	_, err = client.Catalog().Deregister(&api.CatalogDeregistration{Node: "go-node", ServiceID: "go-web-1"}, nil)
	must(t, err)
	if node, _, err := client.Catalog().Node("go-node", nil); err != nil || node == nil || len(node.Services) != 0 {
		t.Fatalf("%+v, %v", node, err)
	}
}

func TestHealth(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthWarning)
	health := client.Health()
	entries, _, err := health.Service("go-web", "blue", false, nil)
	must(t, err)
	if len(entries) != 1 || entries[0].Node.Node != "go-node" || entries[0].Service.ID != "go-web-1" || len(entries[0].Checks) != 1 {
		t.Fatalf("%+v", entries)
	}
	check := entries[0].Checks[0]
	if check.Status != api.HealthWarning || check.Output != "said so" || check.ServiceName != "go-web" || len(check.ServiceTags) != 2 {
		t.Fatalf("%+v", check)
	}
	if entries[0].Checks.AggregatedStatus() != api.HealthWarning {
		t.Fatalf("%+v", entries[0].Checks)
	}
	for _, options := range []*api.QueryOptions{nil, {Filter: `Service.Port == 8080`}} {
		if passing, _, err := health.Service("go-web", "", true, options); err != nil || len(passing) != 0 {
			t.Fatalf("%+v, %v", passing, err)
		}
	}
	some, _, err := health.ServiceMultipleTags("go-web", []string{"blue", "v1"}, false, &api.QueryOptions{Filter: `Checks.Status == "warning" and Service.Meta.owner == "team-a"`})
	if err != nil || len(some) != 1 {
		t.Fatalf("%+v, %v", some, err)
	}
	for what, list := range map[string]func() (api.HealthChecks, *api.QueryMeta, error){
		"node":    func() (api.HealthChecks, *api.QueryMeta, error) { return health.Node("go-node", nil) },
		"service": func() (api.HealthChecks, *api.QueryMeta, error) { return health.Checks("go-web", nil) },
		"state": func() (api.HealthChecks, *api.QueryMeta, error) {
			return health.State(api.HealthWarning, &api.QueryOptions{Filter: `Node == "go-node"`})
		},
		"any": func() (api.HealthChecks, *api.QueryMeta, error) {
			return health.State(api.HealthAny, &api.QueryOptions{Filter: `Node == "go-node"`})
		},
	} {
		if checks, _, err := list(); err != nil || len(checks) != 1 || checks[0].CheckID != "go-web-check" {
			t.Fatalf("%s: %+v, %v", what, checks, err)
		}
	}
}

func TestABlockingReadOfHealthWakesForItsServiceAlone(t *testing.T) {
	client := client(t)
	registration := registered(t, client, "go-node", "go-web", api.HealthPassing)
	_, meta, err := client.Health().Service("go-web", "", true, nil)
	must(t, err)
	type answer struct {
		entries []*api.ServiceEntry
		index   uint64
		err     error
	}
	answers := make(chan answer, 1)
	ask := func(wait time.Duration) {
		entries, meta, err := client.Health().Service("go-web", "", true, &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: wait})
		if err != nil {
			answers <- answer{err: err}
			return
		}
		answers <- answer{entries, meta.LastIndex, nil}
	}
	go ask(patience)
	other := registered(t, client, "go-other", "go-db", api.HealthPassing)
	other.Checks[0].Status = api.HealthCritical
	_, err = client.Catalog().Register(other, nil)
	must(t, err)
	select {
	case got := <-answers:
		t.Fatalf("another service woke it: %+v", got)
	case <-time.After(200 * time.Millisecond):
	}
	registration.Checks[0].Status = api.HealthCritical
	_, err = client.Catalog().Register(registration, nil)
	must(t, err)
	got := receive(t, "the change", answers)
	if got.err != nil || len(got.entries) != 0 || got.index <= meta.LastIndex {
		t.Fatalf("%+v", got)
	}
}

func TestTransactionOfTheCatalogue(t *testing.T) {
	client := client(t)
	remove := func() {
		_, err := client.Catalog().Deregister(&api.CatalogDeregistration{Node: "go-txn"}, nil)
		must(t, err)
	}
	t.Cleanup(remove)
	service := api.AgentService{ID: "go-api", Service: "go-api", Port: 1}
	done, response, _, err := client.Txn().Txn(api.TxnOps{
		{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: api.Node{Node: "go-txn", Address: "192.0.2.1"}}},
		{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: "go-txn", Service: service}},
		{Check: &api.CheckTxnOp{Verb: api.CheckSet, Check: api.HealthCheck{Node: "go-txn", CheckID: "c", Name: "c", ServiceID: "go-api", Status: api.HealthPassing}}},
		{Service: &api.ServiceTxnOp{Verb: api.ServiceGet, Node: "go-txn", Service: service}},
	}, nil)
	must(t, err)
	if !done || len(response.Errors) != 0 || len(response.Results) != 4 {
		t.Fatalf("%v, %+v", done, response)
	}
	if got := response.Results[3].Service; got == nil || got.Service != "go-api" || got.ModifyIndex == 0 {
		t.Fatalf("%+v", response.Results[3])
	}
	if entries, _, err := client.Health().Service("go-api", "", true, nil); err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	// A refused operation takes the others with it, and is told by its place.
	done, response, _, err = client.Txn().Txn(api.TxnOps{
		{Check: &api.CheckTxnOp{Verb: api.CheckDelete, Check: api.HealthCheck{Node: "go-txn", CheckID: "c"}}},
		{Service: &api.ServiceTxnOp{Verb: api.ServiceCAS, Node: "go-txn", Service: api.AgentService{ID: "go-api", Service: "go-api", ModifyIndex: 1}}},
	}, nil)
	must(t, err)
	if done || len(response.Errors) != 1 || response.Errors[0].OpIndex != 1 {
		t.Fatalf("%v, %+v", done, response)
	}
	if checks, _, err := client.Health().Checks("go-api", nil); err != nil || len(checks) != 1 {
		t.Fatalf("%+v, %v", checks, err)
	}
}

func TestCoordinates(t *testing.T) {
	if nodes, _, err := client(t).Coordinate().Nodes(nil); err != nil || nodes == nil {
		t.Fatalf("%v, %v", nodes, err)
	}
}
