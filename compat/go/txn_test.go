package compat

import (
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
)

func op(verb api.KVOp, key, value string) *api.KVTxnOp {
	return &api.KVTxnOp{Verb: verb, Key: key, Value: []byte(value)}
}

func TestATransactionReadsItsOwnWrites(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"gone", "x")
	ok, answer, _, err := kv.Txn(api.KVTxnOps{
		op(api.KVCheckNotExists, prefix+"a", ""),
		op(api.KVSet, prefix+"a", "1"),
		op(api.KVGet, prefix+"a", ""),
		op(api.KVDelete, prefix+"gone", ""),
		op(api.KVGetOrEmpty, prefix+"gone", ""),
		op(api.KVGetTree, prefix, ""),
	}, nil)
	must(t, err)
	if !ok || len(answer.Errors) != 0 {
		t.Fatalf("%v, %+v", ok, answer.Errors)
	}
	var values []string
	for _, pair := range answer.Results {
		values = append(values, strings.TrimPrefix(pair.Key, prefix)+"="+string(pair.Value))
	}
	if got := strings.Join(values, " "); got != "a= a=1 gone= a=1" {
		t.Fatalf("results %q", got)
	}
	if answer.Results[0].ModifyIndex != get(t, kv, prefix+"a").ModifyIndex {
		t.Fatalf("%+v", answer.Results[0])
	}
}

func TestATransactionIsAllOrNothingAndNamesEveryFailure(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"there", "x")
	ok, answer, _, err := kv.Txn(api.KVTxnOps{
		op(api.KVSet, prefix+"a", "1"),
		op(api.KVCheckNotExists, prefix+"there", ""),
		&api.KVTxnOp{Verb: api.KVCAS, Key: prefix + "there", Value: []byte("y"), Index: 1},
		op(api.KVGet, prefix+"nowhere", ""),
	}, nil)
	must(t, err)
	if ok || len(answer.Results) != 0 || len(answer.Errors) != 3 {
		t.Fatalf("%v, %+v", ok, answer)
	}
	want := map[int]string{
		1: `key "` + prefix + `there" exists`,
		2: `failed to set key "` + prefix + `there", index is stale`,
		3: `key "` + prefix + `nowhere" doesn't exist`,
	}
	for _, failure := range answer.Errors {
		if failure.What != want[failure.OpIndex] {
			t.Errorf("operation %d: %q, want %q", failure.OpIndex, failure.What, want[failure.OpIndex])
		}
	}
	if pair := get(t, kv, prefix+"a"); pair != nil {
		t.Fatalf("half a transaction: %+v", pair)
	}
}

func TestTheNewerTransactionCall(t *testing.T) {
	client := client(t)
	prefix := clean(t, client.KV())
	ok, answer, _, err := client.Txn().Txn(api.TxnOps{
		{KV: op(api.KVSet, prefix+"a", "1")},
		{KV: op(api.KVGet, prefix+"a", "")},
	}, nil)
	must(t, err)
	if !ok || len(answer.Results) != 2 || string(answer.Results[1].KV.Value) != "1" {
		t.Fatalf("%v, %+v", ok, answer)
	}
}

func TestLockVerbsOfATransaction(t *testing.T) {
	client := client(t)
	kv := client.KV()
	key := clean(t, kv) + "lock"
	session, _, err := client.Session().Create(&api.SessionEntry{Name: t.Name()}, nil)
	must(t, err)
	defer client.Session().Destroy(session, nil)
	run := func(verb api.KVOp, session string) (bool, *api.KVTxnResponse) {
		ok, answer, _, err := kv.Txn(api.KVTxnOps{{Verb: verb, Key: key, Session: session}}, nil)
		must(t, err)
		return ok, answer
	}
	if ok, answer := run(api.KVLock, session); !ok || answer.Results[0].Session != session {
		t.Fatalf("lock: %v %+v", ok, answer)
	}
	if ok, _ := run(api.KVCheckSession, session); !ok {
		t.Fatal("check-session by the holder")
	}
	if ok, answer := run(api.KVUnlock, "b7c7ffd7-0000-4000-8000-000000000000"); ok {
		t.Fatalf("unlock by another: %+v", answer)
	}
	if ok, _ := run(api.KVUnlock, session); !ok {
		t.Fatal("unlock by the holder")
	}
}

func TestTooManyOperations(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	operations := make(api.KVTxnOps, 129)
	for i := range operations {
		operations[i] = op(api.KVSet, prefix+"k", "v")
	}
	_, _, _, err := kv.Txn(operations, nil)
	if err == nil || !strings.Contains(err.Error(), "Transaction contains too many operations (129 > 128)") {
		t.Fatal(err)
	}
	if ok, _, _, err := kv.Txn(operations[:128], nil); err != nil || !ok {
		t.Fatalf("128 operations: %v, %v", ok, err)
	}
}
