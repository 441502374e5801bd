package compat

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestPutGetDelete(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "a b/ç%/+"
	value := []byte{0, 1, 2, 255, '<', '&'}
	_, err := kv.Put(&api.KVPair{Key: key, Value: value, Flags: math.MaxUint64}, nil)
	must(t, err)

	pair, meta, err := kv.Get(key, nil)
	must(t, err)
	if pair == nil || pair.Key != key || !bytes.Equal(pair.Value, value) || pair.Flags != math.MaxUint64 {
		t.Fatalf("got %+v", pair)
	}
	if pair.CreateIndex == 0 || pair.CreateIndex != pair.ModifyIndex || meta.LastIndex != pair.ModifyIndex {
		t.Fatalf("indexes: %+v, answer's %d", pair, meta.LastIndex)
	}
	if !meta.KnownLeader || meta.LastContact != 0 || pair.LockIndex != 0 || pair.Session != "" {
		t.Fatalf("%+v, %+v", meta, pair)
	}

	_, err = kv.Delete(key, nil)
	must(t, err)
	pair, gone, err := kv.Get(key, nil)
	must(t, err)
	if pair != nil || gone.LastIndex <= meta.LastIndex {
		t.Fatalf("after the delete: %+v, index %d after %d", pair, gone.LastIndex, meta.LastIndex)
	}
}

func TestAnEmptyValueIsNull(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"folder/", "")
	if pair := get(t, kv, prefix+"folder/"); pair == nil || pair.Value != nil {
		t.Fatalf("got %+v", pair)
	}
	if pair := get(t, kv, prefix+"folder"); pair != nil {
		t.Fatalf("a key without its slash is another key: %+v", pair)
	}
}

func TestAnEqualPutMovesNoIndex(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "k"
	put(t, kv, key, "same")
	before := get(t, kv, key)
	put(t, kv, key, "same")
	if after := get(t, kv, key); after.ModifyIndex != before.ModifyIndex {
		t.Fatalf("%d became %d", before.ModifyIndex, after.ModifyIndex)
	}
}

func TestListAndKeys(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	for _, name := range []string{"b/2", "a", "b/1", "c", "b/x/y"} {
		put(t, kv, prefix+name, name)
	}
	pairs, meta, err := kv.List(prefix, nil)
	must(t, err)
	var listed []string
	for _, pair := range pairs {
		listed = append(listed, strings.TrimPrefix(pair.Key, prefix))
	}
	if want := []string{"a", "b/1", "b/2", "b/x/y", "c"}; !reflect.DeepEqual(listed, want) {
		t.Fatalf("listed %v, want %v", listed, want)
	}
	if last := get(t, kv, prefix+"b/x/y").ModifyIndex; meta.LastIndex != last {
		t.Fatalf("index %d, the last write was %d", meta.LastIndex, last)
	}
	keys, _, err := kv.Keys(prefix, "/", nil)
	must(t, err)
	if want := []string{prefix + "a", prefix + "b/", prefix + "c"}; !reflect.DeepEqual(keys, want) {
		t.Fatalf("keys %v, want %v", keys, want)
	}
	if pairs, _, err := kv.List(prefix+"none", nil); err != nil || pairs != nil {
		t.Fatalf("an empty prefix lists %v, %v", pairs, err)
	}
}

func TestDeletingUnderAPrefixRaisesItsIndex(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"a", "1")
	_, before, err := kv.List(prefix, nil)
	must(t, err)
	_, err = kv.DeleteTree(prefix, nil)
	must(t, err)
	_, after, err := kv.List(prefix, nil)
	must(t, err)
	if after.LastIndex <= before.LastIndex {
		t.Fatalf("%d after %d", after.LastIndex, before.LastIndex)
	}
}

func TestCompareAndSet(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "k"
	cas := func(value string, index uint64) bool {
		done, _, err := kv.CAS(&api.KVPair{Key: key, Value: []byte(value), ModifyIndex: index}, nil)
		must(t, err)
		return done
	}
	if !cas("first", 0) || cas("second", 0) {
		t.Fatal("index 0 means: only if absent")
	}
	index := get(t, kv, key).ModifyIndex
	if cas("stale", index-1) || !cas("second", index) {
		t.Fatal("only the present index may pass")
	}
	remove := func(index uint64) bool {
		done, _, err := kv.DeleteCAS(&api.KVPair{Key: key, ModifyIndex: index}, nil)
		must(t, err)
		return done
	}
	if remove(index) || !remove(get(t, kv, key).ModifyIndex) {
		t.Fatal("a delete with a stale index must fail, with the present one pass")
	}
}

func TestReadModes(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "k"
	put(t, kv, key, "v")
	for _, options := range []*api.QueryOptions{{RequireConsistent: true}, {AllowStale: true}, {Datacenter: "dc1"}} {
		pair, _, err := kv.Get(key, options)
		must(t, err)
		if pair == nil || string(pair.Value) != "v" {
			t.Fatalf("%+v: got %+v", options, pair)
		}
	}
	_, _, err := kv.Get(key, &api.QueryOptions{Datacenter: "elsewhere"})
	if err == nil || !strings.Contains(err.Error(), "No path to datacenter") {
		t.Fatalf("another datacenter: %v", err)
	}
}

func TestBlockingGetReturnsTheChange(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "k"
	put(t, kv, key, "old")
	before := get(t, kv, key)
	seen := make(chan *api.KVPair, 1)
	go func() {
		pair, _, err := kv.Get(key, &api.QueryOptions{WaitIndex: before.ModifyIndex, WaitTime: time.Minute})
		if err != nil {
			t.Error(err)
		}
		seen <- pair
	}()
	put(t, kv, key+"/elsewhere", "1")
	put(t, kv, key, "new")
	if pair := receive(t, "the blocked read", seen); string(pair.Value) != "new" {
		t.Fatalf("got %+v", pair)
	}
}

func TestBlockingGetEndsAtItsLimit(t *testing.T) {
	kv := client(t).KV()
	key := clean(t, kv) + "k"
	put(t, kv, key, "v")
	index := get(t, kv, key).ModifyIndex
	start := time.Now()
	pair, meta, err := kv.Get(key, &api.QueryOptions{WaitIndex: index, WaitTime: 300 * time.Millisecond})
	must(t, err)
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Fatalf("it answered after %s", took)
	}
	if pair == nil || meta.LastIndex != index {
		t.Fatalf("%+v at %d", pair, meta.LastIndex)
	}
}

func TestBlockingListSeesADelete(t *testing.T) {
	kv := client(t).KV()
	prefix := clean(t, kv)
	put(t, kv, prefix+"a", "1")
	_, meta, err := kv.List(prefix, nil)
	must(t, err)
	seen := make(chan api.KVPairs, 1)
	go func() {
		pairs, _, err := kv.List(prefix, &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Minute})
		if err != nil {
			t.Error(err)
		}
		seen <- pairs
	}()
	_, err = kv.Delete(prefix+"a", nil)
	must(t, err)
	if pairs := receive(t, "the blocked list", seen); len(pairs) != 0 {
		t.Fatalf("got %v", pairs)
	}
}
