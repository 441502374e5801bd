package compat

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestEvents(t *testing.T) {
	events := client(t).Event()
	id, _, err := events.Fire(&api.UserEvent{Name: "compat-go", Payload: []byte("hello")}, nil)
	must(t, err)
	listed, meta, err := events.List("compat-go", nil)
	must(t, err)
	last := listed[len(listed)-1]
	if last.ID != id || last.Name != "compat-go" || string(last.Payload) != "hello" || last.LTime == 0 {
		t.Fatalf("%+v", last)
	}
	if want := events.IDToIndex(id); meta.LastIndex != want {
		t.Fatalf("index %d, the last event's is %d", meta.LastIndex, want)
	}
	if others, _, err := events.List("compat-go-nobody-fired-this", nil); err != nil || len(others) != 0 {
		t.Fatalf("%v, %v", others, err)
	}
}

func TestStatus(t *testing.T) {
	status := client(t).Status()
	leader, err := status.Leader()
	must(t, err)
	peers, err := status.Peers()
	must(t, err)
	if !strings.Contains(leader, ":") || len(peers) != 1 || peers[0] != leader {
		t.Fatalf("leader %q, peers %q", leader, peers)
	}
}

func TestAgentSelf(t *testing.T) {
	agent := client(t).Agent()
	self, err := agent.Self()
	must(t, err)
	name, err := agent.NodeName()
	must(t, err)
	if self["Config"]["Datacenter"] != "dc1" || self["Config"]["NodeName"] != name || self["Config"]["Server"] != true {
		t.Fatalf("%+v", self["Config"])
	}
	if self["Member"]["Name"] != name {
		t.Fatalf("%+v", self["Member"])
	}
	if host, err := agent.Host(); err != nil || len(host) == 0 {
		t.Fatalf("%v, %v", host, err)
	}
	if metrics, err := agent.Metrics(); err != nil || metrics.Timestamp == "" {
		t.Fatalf("%+v, %v", metrics, err)
	}
}

func TestAgentReload(t *testing.T) {
	must(t, client(t).Agent().Reload())
}

func TestAgentMonitorStreams(t *testing.T) {
	client := client(t)
	stop := make(chan struct{})
	defer close(stop)
	lines, err := client.Agent().Monitor("trace", stop, nil)
	must(t, err)
	must(t, client.Agent().Reload())
	if line := receive(t, "a line of the log", lines); line == "" {
		t.Fatal("the log's stream ended")
	}
}

func TestRaftConfiguration(t *testing.T) {
	configuration, err := client(t).Operator().RaftGetConfiguration(nil)
	must(t, err)
	if len(configuration.Servers) != 1 {
		t.Fatalf("%+v", configuration)
	}
	server := configuration.Servers[0]
	if !server.Leader || !server.Voter || server.ID == "" || server.Node == "" || server.ProtocolVersion != "3" {
		t.Fatalf("%+v", server)
	}
}

func TestUsage(t *testing.T) {
	usage, _, err := client(t).Operator().Usage(nil)
	must(t, err)
	if counts, ok := usage.Usage["dc1"]; !ok || counts.Nodes != 1 {
		t.Fatalf("%+v", usage)
	}
}

func TestSnapshotSaveAndRestore(t *testing.T) {
	client := client(t)
	kv := client.KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"kept", "before")
	saved, meta, err := client.Snapshot().Save(nil)
	must(t, err)
	archive, err := io.ReadAll(saved)
	must(t, err)
	must(t, saved.Close())
	if meta.LastIndex == 0 || len(archive) == 0 {
		t.Fatalf("%+v, %d bytes", meta, len(archive))
	}
	put(t, kv, prefix+"kept", "after")
	put(t, kv, prefix+"added", "later")

	broken := bytes.Clone(archive)
	broken[len(broken)/2] ^= 0x10
	if err := client.Snapshot().Restore(nil, bytes.NewReader(broken)); err == nil {
		t.Fatal("a flipped bit was restored")
	}
	if pair := get(t, kv, prefix+"kept"); pair == nil || string(pair.Value) != "after" {
		t.Fatalf("a refused archive changed %+v", pair)
	}

	_, before, err := kv.List(prefix, nil)
	must(t, err)
	must(t, client.Snapshot().Restore(nil, bytes.NewReader(archive)))
	if pair := get(t, kv, prefix+"kept"); pair == nil || string(pair.Value) != "before" {
		t.Fatalf("after the restore %+v", pair)
	}
	if pair := get(t, kv, prefix+"added"); pair != nil {
		t.Fatalf("a restore replaces everything: %+v", pair)
	}
	put(t, kv, prefix+"kept", "again")
	_, after, err := kv.List(prefix, nil)
	must(t, err)
	if after.LastIndex <= before.LastIndex {
		t.Fatalf("the index went from %d to %d", before.LastIndex, after.LastIndex)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	client := client(t)
	kv := client.KV()
	key := clean(t, kv) + "k"
	in := func(ns string) (*api.WriteOptions, *api.QueryOptions) {
		return &api.WriteOptions{Namespace: ns}, &api.QueryOptions{Namespace: ns}
	}
	writeA, readA := in("compat-a")
	_, readB := in("compat-b")
	_, err := kv.Put(&api.KVPair{Key: key, Value: []byte("a")}, writeA)
	must(t, err)
	defer kv.Delete(key, writeA)
	if pair, _, err := kv.Get(key, readA); err != nil || pair == nil || string(pair.Value) != "a" {
		t.Fatalf("%+v, %v", pair, err)
	}
	for name, options := range map[string]*api.QueryOptions{"compat-b": readB, "default": nil} {
		if pair, _, err := kv.Get(key, options); err != nil || pair != nil {
			t.Fatalf("seen in %s: %+v, %v", name, pair, err)
		}
		if pairs, _, err := kv.List("compat-go/", options); err != nil || len(pairs) != 0 {
			t.Fatalf("listed in %s: %v, %v", name, pairs, err)
		}
	}
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	_, _, err := client(t).ConfigEntries().List(api.ServiceDefaults, nil)
	fails(t, err, 501, "/v1/config/:kind")
}
