// Package prometheus runs Prometheus's own discovery by Consul, its scraping and its storage, unmodified, against the node
// that CONSUL_HTTP_ADDR names. These are its packages rather than Debian's program, which is built without
// consul_sd_configs.
package prometheus

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/consul"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

const configuration = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: discovered
    consul_sd_configs:
      - server: %s
        services: [prom-app]
        tags: [scraped]
        refresh_interval: 100ms
    relabel_configs:
      - {source_labels: [__meta_consul_service], target_label: service}
      - {source_labels: [__meta_consul_service_id], target_label: instance_id}
      - {source_labels: [__meta_consul_node], target_label: node}
      - {source_labels: [__meta_consul_dc], target_label: dc}
      - {source_labels: [__meta_consul_tags], target_label: tags}
      - {source_labels: [__meta_consul_service_metadata_team], target_label: team}
      - {source_labels: [__meta_consul_health], target_label: health}
`

// server is Prometheus without its own HTTP interface.
type server struct {
	scraping *scrape.Manager
	database *tsdb.DB
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, consul string) *server {
	t.Helper()
	logger := promslog.NewNopLogger()
	loaded, err := config.Load(fmt.Sprintf(configuration, consul), logger)
	must(t, err)
	scrapes, err := loaded.GetScrapeConfigs()
	must(t, err)
	registry := prometheus.NewRegistry()
	database, err := tsdb.Open(t.TempDir(), logger, registry, tsdb.DefaultOptions(), nil)
	must(t, err)
	scraping, err := scrape.NewManager(&scrape.Options{}, logger, nil, database, nil, registry)
	must(t, err)
	must(t, scraping.ApplyConfig(loaded))
	metrics, err := discovery.CreateAndRegisterSDMetrics(registry)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	found := discovery.NewManager(ctx, logger, registry, metrics, discovery.Updatert(100*time.Millisecond))
	configs := map[string]discovery.Configs{}
	for _, one := range scrapes {
		configs[one.JobName] = one.ServiceDiscoveryConfigs
	}
	must(t, found.ApplyConfig(configs))
	ended := make(chan error, 2)
	go func() { ended <- found.Run() }()
	go func() { ended <- scraping.Run(found.SyncCh()) }()
	t.Cleanup(func() {
		scraping.Stop()
		cancel()
		<-ended
		<-ended
		must(t, database.Close())
	})
	return &server{scraping, database}
}

// up answers the targets that are scraped and answer, by the id of their instance.
func (s *server) up() map[string]*scrape.Target {
	targets := map[string]*scrape.Target{}
	for _, target := range s.scraping.TargetsActive()["discovered"] {
		if target.Health() == scrape.HealthGood {
			targets[target.GetValue("instance_id")] = target
		}
	}
	return targets
}

func (s *server) ids() []string {
	ids := []string{}
	for id := range s.up() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// figure answers the last value that was scraped from an instance, NaN without one.
func (s *server) figure(t *testing.T, instance string) float64 {
	t.Helper()
	querier, err := s.database.Querier(0, math.MaxInt64)
	must(t, err)
	defer querier.Close()
	last := math.NaN()
	series := querier.Select(context.Background(), false, nil,
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "planted_figure"),
		labels.MustNewMatcher(labels.MatchEqual, "instance_id", instance))
	for series.Next() {
		points := series.At().Iterator(nil)
		for points.Next() == chunkenc.ValFloat {
			_, last = points.At()
		}
	}
	must(t, series.Err())
	return last
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// target serves one figure and answers its port.
func target(t *testing.T, figure int) int {
	t.Helper()
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "planted_figure %d\n", figure)
	}))
	t.Cleanup(served.Close)
	at, err := url.Parse(served.URL)
	must(t, err)
	port, err := strconv.Atoi(at.Port())
	must(t, err)
	return port
}

func TestTargetsFollowTheRegistry(t *testing.T) {
	consul, err := url.Parse(os.Getenv(api.HTTPAddrEnvName))
	if err != nil || consul.Host == "" {
		t.Fatalf("%s is not set: run compat/run.sh, which starts a node", api.HTTPAddrEnvName)
	}
	client, err := api.NewClient(api.DefaultConfig())
	must(t, err)
	agent := client.Agent()
	register := func(id string, port int, tags ...string) {
		t.Helper()
		must(t, agent.ServiceRegister(&api.AgentServiceRegistration{
			ID: id, Name: "prom-app", Tags: tags, Address: "127.0.0.1", Port: port, Meta: map[string]string{"team": "blue"},
			Check: &api.AgentServiceCheck{TTL: "60s", Status: api.HealthPassing},
		}))
	}
	one, two := target(t, 41), target(t, 42)
	register("prom-1", one, "scraped", "first")
	t.Cleanup(func() {
		for _, id := range []string{"prom-1", "prom-2"} {
			_ = agent.ServiceDeregister(id)
		}
	})
	server := start(t, consul.Host)
	only := func(ids ...string) func() bool {
		return func() bool { return slices.Equal(server.ids(), ids) }
	}
	until(t, "the first target", only("prom-1"))
	name, err := agent.NodeName()
	must(t, err)
	wanted := map[string]string{
		"service": "prom-app", "node": name, "dc": "dc1", "team": "blue", "tags": ",first,scraped,", "health": "passing",
		"instance": fmt.Sprintf("127.0.0.1:%d", one),
	}
	labelled := server.up()["prom-1"]
	if tags := labelled.GetValue("tags"); tags == ",scraped,first," {
		wanted["tags"] = tags
	}
	for label, value := range wanted {
		if got := labelled.GetValue(label); got != value {
			t.Errorf("%s is %q, not %q", label, got, value)
		}
	}
	until(t, "its figure", func() bool { return server.figure(t, "prom-1") == 41 })
	// An instance without the tag is not taken; with it, it is.
	register("prom-2", two, "other")
	until(t, "the second instance", func() bool {
		entries, _, err := client.Health().Service("prom-app", "other", true, nil)
		return err == nil && len(entries) == 1
	})
	if ids := server.ids(); !slices.Equal(ids, []string{"prom-1"}) {
		t.Fatalf("%v", ids)
	}
	register("prom-2", two, "scraped")
	until(t, "the second target", only("prom-1", "prom-2"))
	until(t, "its figure", func() bool { return server.figure(t, "prom-2") == 42 })
	// A change of health changes a label of the target, at once.
	must(t, agent.UpdateTTL("service:prom-2", "", api.HealthWarning))
	until(t, "the label of its health", func() bool {
		target := server.up()["prom-2"]
		return target != nil && target.GetValue("health") == "warning"
	})
	must(t, agent.ServiceDeregister("prom-1"))
	until(t, "the end of the first target", only("prom-2"))
}
