package compat

import (
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestPreparedQueries(t *testing.T) {
	client := client(t)
	registration := registered(t, client, "go-node", "go-web", api.HealthPassing)
	queries := client.PreparedQuery()
	definition := &api.PreparedQueryDefinition{
		Name:    "go-find",
		Service: api.ServiceQuery{Service: "go-web", OnlyPassing: true, Tags: []string{"v1", "!green"}},
		DNS:     api.QueryDNSOptions{TTL: "10s"},
	}
	id, _, err := queries.Create(definition, nil)
	must(t, err)
	gone := false
	t.Cleanup(func() {
		if !gone {
			_, err := queries.Delete(id, nil)
			must(t, err)
		}
	})
	for _, called := range []string{id, "go-find"} {
		found, _, err := queries.Execute(called, nil)
		must(t, err)
		if found.Service != "go-web" || len(found.Nodes) != 1 || found.Nodes[0].Service.ID != "go-web-1" || found.DNS.TTL != "10s" {
			t.Fatalf("%s: %+v", called, found)
		}
		if found.Datacenter != "dc1" || found.Failovers != 0 {
			t.Fatalf("%s: %+v", called, found)
		}
	}
	listed, _, err := queries.List(nil)
	must(t, err)
	got, _, err := queries.Get(id, nil)
	must(t, err)
	if len(listed) != 1 || len(got) != 1 || got[0].Name != "go-find" || got[0].Service.Tags[1] != "!green" {
		t.Fatalf("%+v, %+v", listed, got)
	}
	registration.Checks[0].Status = api.HealthCritical
	_, err = client.Catalog().Register(registration, nil)
	must(t, err)
	if found, _, err := queries.Execute("go-find", nil); err != nil || len(found.Nodes) != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	definition.ID = id
	definition.Service.OnlyPassing = false
	definition.Service.Tags = []string{"green"}
	_, err = queries.Update(definition, nil)
	must(t, err)
	if found, _, err := queries.Execute("go-find", nil); err != nil || len(found.Nodes) != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	_, err = queries.Delete(id, nil)
	must(t, err)
	gone = true
	_, _, err = queries.Get(id, nil)
	fails(t, err, 404, "Query not found")
	_, _, err = queries.Execute("go-find", nil)
	fails(t, err, 404, "Query not found")
}

func TestATemplateOfQueries(t *testing.T) {
	client := client(t)
	registered(t, client, "go-node", "go-web", api.HealthPassing)
	queries := client.PreparedQuery()
	id, _, err := queries.Create(&api.PreparedQueryDefinition{
		Name:     "go-by-",
		Template: api.QueryTemplate{Type: "name_prefix_match", Regexp: "^go-by-(.*)$"},
		Service:  api.ServiceQuery{Service: "go-${match(1)}"},
	}, nil)
	must(t, err)
	defer queries.Delete(id, nil)
	found, _, err := queries.Execute("go-by-web", nil)
	if err != nil || found.Service != "go-web" || len(found.Nodes) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
}

func TestAQueryIsRefused(t *testing.T) {
	queries := client(t).PreparedQuery()
	_, _, err := queries.Create(&api.PreparedQueryDefinition{Name: "go-nothing"}, nil)
	fails(t, err, 500, "Must provide a Service name")
}
