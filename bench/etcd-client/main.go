// The load generator for etcd's own protocol: its Go client, a closed or an open loop, one line of JSON at the end.
//
// It measures what bench/src/load measures of the others: latencies from when a request was due, the server's processor
// time over the measured part, and how busy this process was. A wrong answer ends it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/client/v3"
)

var (
	endpoint = flag.String("endpoint", "", "address of the server")
	mode     = flag.String("mode", "put", "put, get or list")
	clients  = flag.Int("clients", 1, "requests under way at once")
	rate     = flag.Float64("rate", 0, "requests a second; 0 for as many as there can be")
	warmUp   = flag.Duration("warm-up", time.Second, "time before the measured part")
	measure  = flag.Duration("measure", time.Second, "the measured part")
	keys     = flag.Int64("keys", 10000, "number of keys")
	pid      = flag.Int("pid", 0, "the server's process")
)

// As many connections as serve etcd best here: more of them cost it more than they bring.
const connectionsMax = 8

// sample has the fields of konsul_bench::load::Sample.
type sample struct {
	Requests         int     `json:"requests"`
	Seconds          float64 `json:"seconds"`
	P50              float64 `json:"p50_us"`
	P99              float64 `json:"p99_us"`
	Max              float64 `json:"max_us"`
	ServerCPUSeconds float64 `json:"server_cpu_seconds"`
	GeneratorBusy    float64 `json:"generator_busy"`
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	connections := make([]*clientv3.Client, min(*clients, connectionsMax))
	for i := range connections {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, DialTimeout: 10 * time.Second})
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close()
		connections[i] = client
	}
	if err := json.NewEncoder(os.Stdout).Encode(run(connections)); err != nil {
		log.Fatal(err)
	}
}

func run(connections []*clientv3.Client) sample {
	began := time.Now()
	from, until := began.Add(*warmUp), began.Add(*warmUp+*measure)
	var due <-chan time.Time
	if *rate > 0 {
		due = schedule(began, until)
	}
	latencies := make([][]float64, *clients)
	var all sync.WaitGroup
	for i := range *clients {
		all.Add(1)
		go func() {
			defer all.Done()
			latencies[i] = ask(connections[i%len(connections)], int64(i), due, from, until)
		}()
	}
	time.Sleep(time.Until(from))
	serverBefore, ownBefore := cpuTime(*pid), ownTime()
	time.Sleep(time.Until(until))
	result := sample{
		Seconds:          time.Since(from).Seconds(),
		ServerCPUSeconds: (cpuTime(*pid) - serverBefore).Seconds(),
	}
	result.GeneratorBusy = (ownTime() - ownBefore).Seconds() / result.Seconds
	all.Wait()
	summarise(&result, latencies)
	return result
}

// schedule sends the times at which requests are due. Its buffer holds all of them, so that a server that does not keep up
// delays none.
func schedule(began, until time.Time) <-chan time.Time {
	due := make(chan time.Time, int(*rate*until.Sub(began).Seconds())+2)
	go func() {
		defer close(due)
		for i := 0; ; i++ {
			next := began.Add(time.Duration(float64(i) / *rate * float64(time.Second)))
			if next.After(until) {
				return
			}
			// A timer of Go is late by up to a millisecond on one core; what is late counts from when it was due.
			time.Sleep(time.Until(next))
			due <- next
		}
	}()
	return due
}

var counter atomic.Int64

// ask sends one request after another, and answers the latencies, in microseconds, of those that ended in the measured part.
func ask(client *clientv3.Client, seed int64, due <-chan time.Time, from, until time.Time) []float64 {
	random := rand.New(rand.NewSource(seed))
	var latencies []float64
	for {
		asked := time.Now()
		if due != nil {
			next, more := <-due
			if !more {
				return latencies
			}
			asked = next
		} else if !asked.Before(until) {
			return latencies
		}
		if err := one(client, random); err != nil {
			log.Fatal(err)
		}
		if now := time.Now(); now.After(from) && (now.Before(until) || due != nil) {
			latencies = append(latencies, float64(now.Sub(asked).Nanoseconds())/1000)
		}
	}
}

func one(client *clientv3.Client, random *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	key := fmt.Sprintf("bench/%014d", random.Int63n(*keys))
	switch *mode {
	case "put":
		value := fmt.Sprintf("%016x%s", counter.Add(1), strings.Repeat("v", 84))
		_, err := client.Put(ctx, key, value)
		return err
	case "get":
		answer, err := client.Get(ctx, key)
		if err == nil && (len(answer.Kvs) != 1 || len(answer.Kvs[0].Value) != 100) {
			err = fmt.Errorf("%s: %d entries", key, len(answer.Kvs))
		}
		return err
	case "list":
		answer, err := client.Get(ctx, "bench/", clientv3.WithPrefix())
		if err == nil && int64(len(answer.Kvs)) != *keys {
			err = fmt.Errorf("%d entries of %d", len(answer.Kvs), *keys)
		}
		return err
	}
	return fmt.Errorf("there is no mode %q", *mode)
}

func summarise(result *sample, latencies [][]float64) {
	var all []float64
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Float64s(all)
	result.Requests = len(all)
	if len(all) == 0 {
		log.Fatal("no answer in the measured part")
	}
	at := func(share float64) float64 { return all[min(int(share*float64(len(all))), len(all)-1)] }
	result.P50, result.P99, result.Max = at(0.5), at(0.99), all[len(all)-1]
}

func ownTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpuTime is the processor time of a process, its ended threads included, to ten milliseconds.
func cpuTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		log.Fatal(err)
	}
	// The name of the program is in brackets and may hold anything; user and system time are the 12th and 13th after it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		some, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		ticks += some
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
