package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	patience  = 15 * time.Second
	maxErrors = 8
	postEvery = 8 // every so many requests has a body, and may not be asked again
)

// watched are the fields of an answer that tell which state of the configuration made it.
var watched = []string{"x-origin", "x-route", "x-host", "x-scope", "x-runtime", "x-extension"}

// class is one kind of clients.
type class struct {
	name    string
	share   float64 // of the rate
	url     string
	host    string
	clients []*http.Client
}

// over makes clients of one protocol; each HTTP/2 client has a connection of its own.
func over(context *tls.Config, count int, fresh bool, set func(*http.Protocols)) []*http.Client {
	clients := []*http.Client{}
	for range count {
		transport := &http.Transport{Protocols: new(http.Protocols), DisableKeepAlives: fresh,
			DisableCompression: true, MaxIdleConns: 1000, MaxIdleConnsPerHost: 1000,
			TLSClientConfig: context.Clone()}
		set(transport.Protocols)
		clients = append(clients, &http.Client{Transport: transport})
	}
	return clients
}

func http1(p *http.Protocols)      { p.SetHTTP1(true) }
func http2(p *http.Protocols)      { p.SetHTTP2(true) }
func plainHTTP2(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }

func makeClasses(context *tls.Config) []*class {
	plain := fmt.Sprintf("http://127.0.0.1:%d", *front)
	closed := fmt.Sprintf("https://127.0.0.1:%d", *secure)
	byScope := fmt.Sprintf("http://127.0.0.1:%d", *scoped)
	return []*class{
		{"HTTP/1", 0.33, plain, "", over(context, 1, false, http1)},
		{"HTTP/1, a connection each", 0.02, plain, "", over(context, 1, true, http1)},
		{"HTTP/1, a host by VHDS", 0.05, plain, "more.example", over(context, 1, false, http1)},
		{"HTTP/2", 0.30, plain, "", over(context, 2, false, plainHTTP2)},
		{"HTTP/1, TLS", 0.08, closed, "", over(context, 1, false, http1)},
		{"HTTP/1, TLS, a connection each", 0.02, closed, "", over(context, 1, true, http1)},
		{"HTTP/2, TLS", 0.12, closed, "", over(context, 2, false, http2)},
		{"HTTP/1, scoped routes", 0.08, byScope, "scoped.example", over(context, 1, false, http1)},
	}
}

// report is what became of the requests of a phase.
type report struct {
	Seconds   float64                   `json:"seconds"`
	Requests  int                       `json:"requests"`
	Failed    int                       `json:"failed"`
	Retried   int                       `json:"retried"`
	Errors    []string                  `json:"errors"`
	Classes   map[string]int            `json:"classes"`
	Quantiles map[string]float64        `json:"quantiles"` // milliseconds
	Seen      map[string]map[string]int `json:"seen"`      // how often, by field and value
	Lasting   any                       `json:"lasting"`
	times     []time.Duration
}

func newReport() *report {
	return &report{Errors: []string{}, Classes: map[string]int{}, Seen: map[string]map[string]int{}}
}

func (r *report) see(name, value string) {
	if r.Seen[name] == nil {
		r.Seen[name] = map[string]int{}
	}
	r.Seen[name][value]++
}

func (r *report) add(other *report) {
	r.Seconds += other.Seconds
	r.Requests += other.Requests
	r.Failed += other.Failed
	r.Retried += other.Retried
	r.Errors = append(r.Errors, other.Errors...)
	r.Errors = r.Errors[:min(len(r.Errors), maxErrors)]
	for name, number := range other.Classes {
		r.Classes[name] += number
	}
	for name, values := range other.Seen {
		for value, number := range values {
			r.see(name, value)
			r.Seen[name][value] += number - 1
		}
	}
	r.times = append(r.times, other.times...)
}

func (r *report) measure() {
	slices.Sort(r.times)
	r.Quantiles = map[string]float64{}
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1} {
		if len(r.times) > 0 {
			index := min(int(share*float64(len(r.times))), len(r.times)-1)
			r.Quantiles[name] = float64(r.times[index].Microseconds()) / 1000
		}
	}
}

// ask runs all classes for so long.
func ask(classes []*class, duration time.Duration) *report {
	total, begun := newReport(), time.Now()
	end := begun.Add(duration)
	var all sync.WaitGroup
	var mutex sync.Mutex
	for _, class := range classes {
		perSecond := *rate * class.share
		workers := max(2, int(perSecond/15))
		interval := time.Duration(float64(workers) / perSecond * float64(time.Second))
		for number := range workers {
			first := begun.Add(interval * time.Duration(number) / time.Duration(workers))
			all.Go(func() {
				found := class.pace(class.clients[number%len(class.clients)], first, end, interval)
				mutex.Lock()
				defer mutex.Unlock()
				total.add(found)
			})
		}
	}
	all.Wait()
	total.Seconds = time.Since(begun).Seconds()
	return total
}

// pace asks at fixed times. A request that is late because the one before was slow counts from when
// it was due: what a client would have waited.
func (c *class) pace(client *http.Client, due, end time.Time, interval time.Duration) *report {
	found := newReport()
	for number := 0; due.Before(end) && time.Since(end) < patience; number++ {
		time.Sleep(time.Until(due))
		tries, err := c.one(client, number, found)
		found.times = append(found.times, time.Since(due))
		found.Requests++
		found.Classes[c.name]++
		found.Retried += max(0, tries-1)
		if err != nil {
			found.Failed++
			found.Errors = append(found.Errors, fmt.Sprintf("%s: %v", c.name, err))
		}
		due = due.Add(interval)
	}
	return found
}

var serial atomic.Int64

// one asks, and judges the answer as a whole. On how many connections it was tried.
func (c *class) one(client *http.Client, number int, found *report) (int, error) {
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var tries atomic.Int32
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { tries.Add(1) }})
	method, path, sent := http.MethodGet, fmt.Sprintf("/r/%d", serial.Add(1)), []byte{}
	if number%postEvery == postEvery-1 {
		method, sent = http.MethodPost, bytes.Repeat([]byte("y"), 3000)
	}
	request, err := http.NewRequestWithContext(traced, method, c.url+path, bytes.NewReader(sent))
	if err != nil {
		return 0, err
	}
	request.Host = c.host
	if method == http.MethodPost {
		request.GetBody = nil // Go must not send it twice
	}
	response, err := client.Do(request)
	if err != nil {
		return int(tries.Load()), err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return int(tries.Load()), err
	}
	if response.StatusCode != http.StatusOK {
		return int(tries.Load()), fmt.Errorf("%s: %.80s", response.Status, body)
	}
	if want := answer(method, path, sent); string(body) != want {
		return int(tries.Load()), fmt.Errorf("%d bytes that were not asked for: %.80q", len(body), body)
	}
	c.note(response, found)
	return int(tries.Load()), nil
}

func (c *class) note(response *http.Response, found *report) {
	for _, name := range watched {
		if value := response.Header.Get(name); value != "" {
			found.see(name, value)
		}
	}
	if response.TLS != nil {
		found.see("certificate", response.TLS.PeerCertificates[0].Subject.CommonName)
	}
}
