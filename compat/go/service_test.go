package compat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// within is how long a result of a check may take to reach every answer, an interval of the check aside.
const within = time.Second

func local(t *testing.T, client *api.Client, registration *api.AgentServiceRegistration) {
	t.Helper()
	must(t, client.Agent().ServiceRegister(registration))
	t.Cleanup(func() {
		id := registration.ID
		if id == "" {
			id = registration.Name
		}
		must(t, client.Agent().ServiceDeregister(id))
	})
}

// healthy waits until as many instances of a service pass, and tells how long that took.
func healthy(t *testing.T, client *api.Client, service string, count int) time.Duration {
	t.Helper()
	begun := time.Now()
	options := &api.QueryOptions{WaitTime: time.Second}
	for {
		entries, meta, err := client.Health().Service(service, "", true, options)
		must(t, err)
		if len(entries) == count {
			return time.Since(begun)
		}
		if time.Since(begun) > patience {
			t.Fatalf("%s has %d instances that pass, not %d", service, len(entries), count)
		}
		options.WaitIndex = meta.LastIndex
	}
}

func TestAgentRegistersAService(t *testing.T) {
	client := client(t)
	agent := client.Agent()
	local(t, client, &api.AgentServiceRegistration{
		ID: "go-local-1", Name: "go-local", Tags: []string{"a"}, Port: 9000, Address: "127.0.0.1", Meta: map[string]string{"k": "v"},
		Checks: api.AgentServiceChecks{{Name: "beat", TTL: "30s", Status: api.HealthPassing}},
	})
	services, err := agent.ServicesWithFilter(`Service == "go-local" and "a" in Tags`)
	must(t, err)
	if len(services) != 1 || services["go-local-1"].Port != 9000 {
		t.Fatalf("%+v", services)
	}
	service, _, err := agent.Service("go-local-1", nil)
	must(t, err)
	if service.Service != "go-local" || service.Meta["k"] != "v" || service.ContentHash == "" || service.Datacenter != "dc1" {
		t.Fatalf("%+v", service)
	}
	checks, err := agent.ChecksWithFilter(`ServiceID == "go-local-1"`)
	must(t, err)
	if check := checks["service:go-local-1"]; check == nil || check.Type != "ttl" || check.Name != "beat" {
		t.Fatalf("%+v", checks)
	}
	healthy(t, client, "go-local", 1)
	status, infos, err := agent.AgentHealthServiceByName("go-local")
	if err != nil || status != api.HealthPassing || len(infos) != 1 {
		t.Fatalf("%s, %+v, %v", status, infos, err)
	}
	status, info, err := agent.AgentHealthServiceByID("go-local-1")
	if err != nil || status != api.HealthPassing || info.Service.ID != "go-local-1" {
		t.Fatalf("%s, %+v, %v", status, info, err)
	}
	if status, _, err := agent.AgentHealthServiceByName("go-nobody"); err != nil || status != api.HealthCritical {
		t.Fatalf("%s, %v", status, err)
	}
}

func TestAgentReplacesAService(t *testing.T) {
	client := client(t)
	one := &api.AgentServiceRegistration{Name: "go-again", Port: 1, Check: &api.AgentServiceCheck{CheckID: "one", TTL: "30s"}}
	local(t, client, one)
	two := &api.AgentServiceRegistration{Name: "go-again", Port: 2, Check: &api.AgentServiceCheck{CheckID: "two", TTL: "30s"}}
	must(t, client.Agent().ServiceRegister(two))
	checks, err := client.Agent().ChecksWithFilter(`ServiceName == "go-again"`)
	if err != nil || len(checks) != 2 {
		t.Fatalf("%+v, %v", checks, err)
	}
	must(t, client.Agent().ServiceRegisterOpts(two, api.ServiceRegisterOpts{ReplaceExistingChecks: true}))
	checks, err = client.Agent().ChecksWithFilter(`ServiceName == "go-again"`)
	if err != nil || len(checks) != 1 || checks["two"] == nil {
		t.Fatalf("%+v, %v", checks, err)
	}
}

func TestAgentRefusesNonsense(t *testing.T) {
	agent := client(t).Agent()
	fails(t, agent.ServiceRegister(&api.AgentServiceRegistration{}), 400, "Missing service name")
	fails(t, agent.ServiceRegister(&api.AgentServiceRegistration{Name: "x", Checks: api.AgentServiceChecks{{Name: "nothing"}}}), 400, "Invalid check")
	fails(t, agent.ServiceDeregister("go-nobody"), 404, `Unknown service ID "go-nobody"`)
	fails(t, agent.CheckDeregister("go-nobody"), 404, `Unknown check ID "go-nobody"`)
	fails(t, agent.UpdateTTL("go-nobody", "", api.HealthPassing), 404, `Unknown check ID "go-nobody"`)
}

func TestTTLUpdatesSteerHealth(t *testing.T) {
	client := client(t)
	agent := client.Agent()
	local(t, client, &api.AgentServiceRegistration{Name: "go-beat", Check: &api.AgentServiceCheck{CheckID: "go-beat-ttl", TTL: "60s"}})
	healthy(t, client, "go-beat", 0)
	for _, step := range []struct {
		status string
		count  int
	}{{api.HealthPassing, 1}, {api.HealthWarning, 0}, {api.HealthPassing, 1}, {api.HealthCritical, 0}} {
		must(t, agent.UpdateTTL("go-beat-ttl", "now "+step.status, step.status))
		if took := healthy(t, client, "go-beat", step.count); took > within {
			t.Fatalf("%s took %s", step.status, took)
		}
	}
	checks, _, err := client.Health().Checks("go-beat", nil)
	if err != nil || len(checks) != 1 || checks[0].Output != "now critical" || checks[0].Status != api.HealthCritical {
		t.Fatalf("%+v, %v", checks, err)
	}
}

func TestATTLThatIsNotRenewedTurnsCritical(t *testing.T) {
	client := client(t)
	local(t, client, &api.AgentServiceRegistration{Name: "go-late", Check: &api.AgentServiceCheck{TTL: "1s", Status: api.HealthPassing}})
	healthy(t, client, "go-late", 1)
	healthy(t, client, "go-late", 0)
}

func TestCheckOfItsOwn(t *testing.T) {
	client := client(t)
	agent := client.Agent()
	local(t, client, &api.AgentServiceRegistration{Name: "go-plain"})
	healthy(t, client, "go-plain", 1)
	must(t, agent.CheckRegister(&api.AgentCheckRegistration{ID: "go-extra", Name: "extra", ServiceID: "go-plain", AgentServiceCheck: api.AgentServiceCheck{TTL: "60s"}}))
	healthy(t, client, "go-plain", 0)
	must(t, agent.CheckDeregister("go-extra"))
	healthy(t, client, "go-plain", 1)
}

func TestMaintenance(t *testing.T) {
	client := client(t)
	agent := client.Agent()
	local(t, client, &api.AgentServiceRegistration{Name: "go-maint"})
	healthy(t, client, "go-maint", 1)
	must(t, agent.EnableServiceMaintenance("go-maint", "broken"))
	healthy(t, client, "go-maint", 0)
	checks, _, err := client.Health().Checks("go-maint", nil)
	if err != nil || len(checks) != 1 || checks[0].CheckID != "_service_maintenance:go-maint" || checks[0].Notes != "broken" {
		t.Fatalf("%+v, %v", checks, err)
	}
	must(t, agent.DisableServiceMaintenance("go-maint"))
	healthy(t, client, "go-maint", 1)
	t.Cleanup(func() { must(t, agent.DisableNodeMaintenance()) })
	must(t, agent.EnableNodeMaintenance("all of it"))
	healthy(t, client, "go-maint", 0)
	// The client takes the status from 503, which maintenance has in common with critical.
	status, info, err := agent.AgentHealthServiceByID("go-maint")
	if err != nil || status != api.HealthCritical || info.AggregatedStatus != api.HealthMaint {
		t.Fatalf("%s, %+v, %v", status, info, err)
	}
	must(t, agent.DisableNodeMaintenance())
	healthy(t, client, "go-maint", 1)
}

func TestAnHTTPCheckSteersHealth(t *testing.T) {
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, "spoken by the server")
	}))
	defer server.Close()
	client := client(t)
	local(t, client, &api.AgentServiceRegistration{
		Name: "go-http", Port: 80, Check: &api.AgentServiceCheck{HTTP: server.URL, Interval: "1s", Timeout: "500ms"},
	})
	healthy(t, client, "go-http", 1)
	for _, down := range []bool{true, false} {
		broken.Store(down)
		count := map[bool]int{true: 0, false: 1}[down]
		if took := healthy(t, client, "go-http", count); took > time.Second+within {
			t.Fatalf("down is %t: took %s", down, took)
		}
	}
	checks, _, err := client.Health().Checks("go-http", nil)
	if err != nil || len(checks) != 1 || checks[0].Type != "http" || checks[0].Status != api.HealthPassing {
		t.Fatalf("%+v, %v", checks, err)
	}
}

func TestMembers(t *testing.T) {
	agent := client(t).Agent()
	members, err := agent.Members(false)
	must(t, err)
	name, err := agent.NodeName()
	must(t, err)
	if len(members) != 1 || members[0].Name != name || members[0].Tags["role"] != "consul" {
		t.Fatalf("%+v", members)
	}
}
