package compat

import (
	"testing"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/consul/api/watch"
)

// follow runs a watch plan until the test ends and hands over each result.
func follow(t *testing.T, client *api.Client, parameters map[string]interface{}) <-chan interface{} {
	t.Helper()
	plan, err := watch.Parse(parameters)
	must(t, err)
	results := make(chan interface{}, 64)
	plan.Handler = func(_ uint64, result interface{}) { results <- result }
	ended := make(chan error, 1)
	go func() { ended <- plan.RunWithClientAndHclog(client, nil) }()
	t.Cleanup(func() {
		plan.Stop()
		must(t, receive(t, "the end of the plan", ended))
	})
	return results
}

func TestWatchPlanOfAKey(t *testing.T) {
	client := client(t)
	kv := client.KV()
	key := clean(t, kv) + "k"
	put(t, kv, key, "1")
	results := follow(t, client, map[string]interface{}{"type": "key", "key": key})
	for _, value := range []string{"1", "2", "3"} {
		put(t, kv, key, value)
		pair, ok := receive(t, "the key", results).(*api.KVPair)
		if !ok || string(pair.Value) != value {
			t.Fatalf("got %+v, want %s", pair, value)
		}
	}
	_, err := kv.Delete(key, nil)
	must(t, err)
	if result := receive(t, "the delete", results); result != nil && result.(*api.KVPair) != nil {
		t.Fatalf("got %+v", result)
	}
}

func TestWatchPlanOfAPrefix(t *testing.T) {
	client := client(t)
	kv := client.KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"a", "1")
	results := follow(t, client, map[string]interface{}{"type": "keyprefix", "prefix": prefix})
	want := func(count int) {
		t.Helper()
		pairs, ok := receive(t, "the prefix", results).(api.KVPairs)
		if !ok || len(pairs) != count {
			t.Fatalf("got %+v, want %d", pairs, count)
		}
	}
	want(1)
	put(t, kv, prefix+"b", "2")
	want(2)
	_, err := kv.Delete(prefix+"a", nil)
	must(t, err)
	want(1)
}

func TestWatchPlanOfEvents(t *testing.T) {
	client := client(t)
	name := "compat-go-watch"
	fire := func(payload string) {
		_, _, err := client.Event().Fire(&api.UserEvent{Name: name, Payload: []byte(payload)}, nil)
		must(t, err)
	}
	fire("first")
	results := follow(t, client, map[string]interface{}{"type": "event", "name": name})
	last := func() string {
		events := receive(t, "the events", results).([]*api.UserEvent)
		return string(events[len(events)-1].Payload)
	}
	if got := last(); got != "first" {
		t.Fatalf("got %q", got)
	}
	fire("second")
	if got := last(); got != "second" {
		t.Fatalf("got %q", got)
	}
}

// until takes results of a plan until one is as wanted: a plan may see a state between two writes.
func until[T any](t *testing.T, results <-chan interface{}, wanted func(T) bool) {
	t.Helper()
	for {
		if result, ok := receive(t, "a result that is as wanted", results).(T); ok && wanted(result) {
			return
		}
	}
}

func TestWatchPlanOfAService(t *testing.T) {
	client := client(t)
	results := follow(t, client, map[string]interface{}{"type": "service", "service": "go-watched", "tag": "v1", "passingonly": true})
	count := func(wanted int) func([]*api.ServiceEntry) bool {
		return func(entries []*api.ServiceEntry) bool { return len(entries) == wanted }
	}
	until(t, results, count(0))
	registration := registered(t, client, "go-node", "go-watched", api.HealthPassing)
	until(t, results, count(1))
	registration.Checks[0].Status = api.HealthCritical
	_, err := client.Catalog().Register(registration, nil)
	must(t, err)
	until(t, results, count(0))
}

func TestWatchPlanOfServices(t *testing.T) {
	client := client(t)
	results := follow(t, client, map[string]interface{}{"type": "services"})
	has := func(wanted bool) func(map[string][]string) bool {
		return func(services map[string][]string) bool { _, ok := services["go-watched"]; return ok == wanted }
	}
	until(t, results, has(false))
	registered(t, client, "go-node", "go-watched", api.HealthPassing)
	until(t, results, has(true))
	_, err := client.Catalog().Deregister(&api.CatalogDeregistration{Node: "go-node", ServiceID: "go-watched-1"}, nil)
	must(t, err)
	until(t, results, has(false))
}

func TestWatchPlanOfNodes(t *testing.T) {
	client := client(t)
	results := follow(t, client, map[string]interface{}{"type": "nodes"})
	until(t, results, func(nodes []*api.Node) bool { return len(nodes) == 1 })
	registered(t, client, "go-node", "go-watched", api.HealthPassing)
	until(t, results, func(nodes []*api.Node) bool { return len(nodes) == 2 })
}

func TestWatchPlanOfChecks(t *testing.T) {
	client := client(t)
	for _, by := range []map[string]interface{}{{"service": "go-watched"}, {"state": "critical"}} {
		by["type"] = "checks"
		results := follow(t, client, by)
		until(t, results, func(checks []*api.HealthCheck) bool { return len(checks) == 0 })
		registration := registered(t, client, "go-node", "go-watched", api.HealthPassing)
		registration.Checks[0].Status = api.HealthCritical
		_, err := client.Catalog().Register(registration, nil)
		must(t, err)
		until(t, results, func(checks []*api.HealthCheck) bool {
			return len(checks) == 1 && checks[0].Status == api.HealthCritical && checks[0].CheckID == "go-watched-check"
		})
		_, err = client.Catalog().Deregister(&api.CatalogDeregistration{Node: "go-node"}, nil)
		must(t, err)
		until(t, results, func(checks []*api.HealthCheck) bool { return len(checks) == 0 })
	}
}
