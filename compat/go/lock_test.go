package compat

import (
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestLockExcludesAndHandsOver(t *testing.T) {
	client := client(t)
	key := clean(t, client.KV()) + "lock"
	first, err := client.LockOpts(&api.LockOptions{Key: key, Value: []byte("first")})
	must(t, err)
	lost, err := first.Lock(nil)
	must(t, err)
	if lost == nil {
		t.Fatal("the first waits for nobody")
	}
	if pair := get(t, client.KV(), key); pair.Flags != api.LockFlagValue || pair.Session == "" {
		t.Fatalf("%+v", pair)
	}

	once, err := client.LockOpts(&api.LockOptions{Key: key, LockTryOnce: true, LockWaitTime: 200 * time.Millisecond})
	must(t, err)
	if lost, err := once.Lock(nil); err != nil || lost != nil {
		t.Fatalf("a try while it is held: %v, %v", lost, err)
	}

	second, err := client.LockKey(key)
	must(t, err)
	acquired := make(chan error, 1)
	go func() {
		_, err := second.Lock(nil)
		acquired <- err
	}()
	must(t, first.Unlock())
	must(t, receive(t, "the second lock", acquired))
	if err := first.Destroy(); err != api.ErrLockInUse {
		t.Fatalf("destroying what another holds: %v", err)
	}
	must(t, second.Unlock())
	must(t, second.Destroy())
}

func TestALockIsLostWithItsSession(t *testing.T) {
	client := client(t)
	key := clean(t, client.KV()) + "lock"
	session := createSession(t, client, &api.SessionEntry{Name: t.Name(), TTL: "15s"})
	lock, err := client.LockOpts(&api.LockOptions{Key: key, Session: session})
	must(t, err)
	lost, err := lock.Lock(nil)
	must(t, err)
	_, err = client.Session().Destroy(session, nil)
	must(t, err)
	receive(t, "the loss", lost)
}

func TestSemaphoreHasItsLimit(t *testing.T) {
	client := client(t)
	prefix := clean(t, client.KV()) + "slots"
	var held []*api.Semaphore
	for range 2 {
		semaphore, err := client.SemaphorePrefix(prefix, 2)
		must(t, err)
		lost, err := semaphore.Acquire(nil)
		must(t, err)
		if lost == nil {
			t.Fatal("there is a free slot")
		}
		held = append(held, semaphore)
	}
	third, err := client.SemaphoreOpts(&api.SemaphoreOptions{
		Prefix: prefix, Limit: 2, SemaphoreTryOnce: true, SemaphoreWaitTime: 200 * time.Millisecond,
	})
	must(t, err)
	if lost, err := third.Acquire(nil); err != nil || lost != nil {
		t.Fatalf("a third in two slots: %v, %v", lost, err)
	}

	waiting, err := client.SemaphorePrefix(prefix, 2)
	must(t, err)
	acquired := make(chan error, 1)
	go func() {
		_, err := waiting.Acquire(nil)
		acquired <- err
	}()
	must(t, held[0].Release())
	must(t, receive(t, "the freed slot", acquired))
	must(t, held[1].Release())
	must(t, waiting.Release())
	must(t, waiting.Destroy())
}
