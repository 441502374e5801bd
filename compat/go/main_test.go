// Package compat runs Consul's own Go client, unmodified, against a running Konsul.
//
// The node is the one that CONSUL_HTTP_ADDR names; compat/run.sh starts it. Tests run one after another, each under
// a key prefix of its own, because one of them restores a snapshot of the whole state.
package compat

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(api.HTTPAddrEnvName) == "" {
		fmt.Fprintf(os.Stderr, "%s is not set: run compat/run.sh, which starts a node\n", api.HTTPAddrEnvName)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func client(t *testing.T) *api.Client {
	t.Helper()
	client, err := api.NewClient(api.DefaultConfig())
	must(t, err)
	return client
}

// clean answers a key prefix that is empty now and after the test.
func clean(t *testing.T, kv *api.KV) string {
	t.Helper()
	prefix := "compat-go/" + t.Name() + "/"
	remove := func() {
		_, err := kv.DeleteTree(prefix, nil)
		must(t, err)
	}
	remove()
	t.Cleanup(remove)
	return prefix
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that an error is the server's, with this status and these words.
func fails(t *testing.T, err error, status int, words string) {
	t.Helper()
	var answer api.StatusError
	if !errors.As(err, &answer) || answer.Code != status || !strings.Contains(answer.Body, words) {
		t.Fatalf("wanted %d with %q, got %v", status, words, err)
	}
}

func put(t *testing.T, kv *api.KV, key, value string) {
	t.Helper()
	_, err := kv.Put(&api.KVPair{Key: key, Value: []byte(value)}, nil)
	must(t, err)
}

func get(t *testing.T, kv *api.KV, key string) *api.KVPair {
	t.Helper()
	pair, _, err := kv.Get(key, nil)
	must(t, err)
	return pair
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("%s: nothing within %s", what, patience)
		panic("unreachable")
	}
}
