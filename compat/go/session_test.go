package compat

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func createSession(t *testing.T, client *api.Client, entry *api.SessionEntry) string {
	t.Helper()
	id, _, err := client.Session().Create(entry, nil)
	must(t, err)
	t.Cleanup(func() {
		_, err := client.Session().Destroy(id, nil)
		must(t, err)
	})
	return id
}

func TestASessionFromCreateToDestroy(t *testing.T) {
	client := client(t)
	sessions := client.Session()
	id := createSession(t, client, &api.SessionEntry{
		Name: "mine", TTL: "30s", Behavior: api.SessionBehaviorDelete, LockDelay: 5 * time.Second,
	})
	entry, meta, err := sessions.Info(id, nil)
	must(t, err)
	if entry == nil || entry.Name != "mine" || entry.TTL != "30s" || entry.Behavior != "delete" ||
		entry.LockDelay != 5*time.Second || entry.Node == "" || meta.LastIndex == 0 {
		t.Fatalf("%+v", entry)
	}
	if len(entry.NodeChecks) != 1 || entry.NodeChecks[0] != "serfHealth" {
		t.Fatalf("a session leans on its node's health: %+v", entry.NodeChecks)
	}
	for name, list := range map[string]func() ([]*api.SessionEntry, *api.QueryMeta, error){
		"list": func() ([]*api.SessionEntry, *api.QueryMeta, error) { return sessions.List(nil) },
		"node": func() ([]*api.SessionEntry, *api.QueryMeta, error) { return sessions.Node(entry.Node, nil) },
	} {
		entries, _, err := list()
		must(t, err)
		if !hasSession(entries, id) {
			t.Fatalf("%s does not have it", name)
		}
	}
	if renewed, _, err := sessions.Renew(id, nil); err != nil || renewed == nil || renewed.ID != id {
		t.Fatalf("renew: %+v, %v", renewed, err)
	}
	_, err = sessions.Destroy(id, nil)
	must(t, err)
	if entry, _, err := sessions.Info(id, nil); err != nil || entry != nil {
		t.Fatalf("after the end: %+v, %v", entry, err)
	}
	if renewed, _, err := sessions.Renew(id, nil); err != nil || renewed != nil {
		t.Fatalf("renewing what ended is a 404, which the client turns into nil: %+v, %v", renewed, err)
	}
}

func hasSession(entries []*api.SessionEntry, id string) bool {
	for _, entry := range entries {
		if entry.ID == id {
			return true
		}
	}
	return false
}

func TestATimeToLiveOutOfBounds(t *testing.T) {
	_, _, err := client(t).Session().Create(&api.SessionEntry{TTL: "1s"}, nil)
	want := "Unexpected response code: 500 (Invalid Session TTL '1000000000', must be between [10s=24h0m0s])"
	if err == nil || err.Error() != want {
		t.Fatalf("%v", err)
	}
}

func TestAKeyIsHeldByOneSession(t *testing.T) {
	client := client(t)
	kv := client.KV()
	key := clean(t, kv) + "leader"
	first := createSession(t, client, &api.SessionEntry{Name: "first"})
	second := createSession(t, client, &api.SessionEntry{Name: "second"})
	pair := func(session string) *api.KVPair {
		return &api.KVPair{Key: key, Value: []byte(session), Session: session}
	}
	acquire := func(session string) bool {
		done, _, err := kv.Acquire(pair(session), nil)
		must(t, err)
		return done
	}
	if !acquire(first) || acquire(second) || !acquire(first) {
		t.Fatal("the first holds it, again and alone")
	}
	if held := get(t, kv, key); held.Session != first || held.LockIndex != 1 {
		t.Fatalf("%+v", held)
	}
	if done, _, err := kv.Release(pair(second), nil); err != nil || done {
		t.Fatalf("released by another: %v, %v", done, err)
	}
	if done, _, err := kv.Release(pair(first), nil); err != nil || !done {
		t.Fatalf("released by its holder: %v, %v", done, err)
	}
	if !acquire(second) {
		t.Fatal("free after a release, without delay")
	}
	if held := get(t, kv, key); held.Session != second || held.LockIndex != 2 {
		t.Fatalf("%+v", held)
	}
}

func TestAnUnknownSessionCannotAcquire(t *testing.T) {
	kv := client(t).KV()
	unknown := "0e8a1a53-9d4d-4b6e-8d7b-3d1f8f1f0b3a"
	_, _, err := kv.Acquire(&api.KVPair{Key: clean(t, kv) + "k", Session: unknown}, nil)
	if err == nil || !strings.Contains(err.Error(), `500 (invalid session "`+unknown+`")`) {
		t.Fatal(err)
	}
}

func TestASessionsEndReleasesOrDeletes(t *testing.T) {
	client := client(t)
	kv := client.KV()
	prefix := clean(t, kv)
	for _, behavior := range []string{api.SessionBehaviorRelease, api.SessionBehaviorDelete} {
		id := createSession(t, client, &api.SessionEntry{Behavior: behavior, LockDelay: time.Minute})
		key := prefix + behavior
		held := &api.KVPair{Key: key, Value: []byte("v"), Session: id}
		if done, _, err := kv.Acquire(held, nil); err != nil || !done {
			t.Fatalf("%v, %v", done, err)
		}
		_, err := client.Session().Destroy(id, nil)
		must(t, err)
		left := get(t, kv, key)
		if behavior == api.SessionBehaviorDelete && left != nil {
			t.Fatalf("left: %+v", left)
		}
		if behavior == api.SessionBehaviorRelease && (left == nil || left.Session != "" || string(left.Value) != "v") {
			t.Fatalf("left: %+v", left)
		}
		next := createSession(t, client, &api.SessionEntry{})
		if done, _, err := kv.Acquire(&api.KVPair{Key: key, Session: next}, nil); err != nil || done {
			t.Fatalf("%s: the lock delay was not kept: %v, %v", behavior, done, err)
		}
	}
}
