// Two services that register themselves with a Consul agent: users, which has two instances, and
// questions, which has one. Each instance speaks REST and gRPC on one port; Consul asks /healthz of
// each. POST /fail makes it answer that with 503, POST /mend with 200 again; POST /leave
// deregisters the instance and ends it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	consul = flag.Int("consul", 8500, "the agent's port")
	ports  = map[string]*int{
		"users-1":     flag.Int("users1", 18011, "the first instance of users"),
		"users-2":     flag.Int("users2", 18012, "the second instance of users"),
		"questions-1": flag.Int("questions1", 18013, "the instance of questions"),
	}
)

// One of a service.
type instance struct {
	id     string
	port   int
	ill    atomic.Bool
	once   sync.Once
	server *http.Server
}

// Asks the agent; an error also when it refuses.
func ask(path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/v1/agent/service/%s", *consul, path)
	request, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}

// Until the agent takes it.
func (i *instance) register() {
	service, _, _ := strings.Cut(i.id, "-")
	type object = map[string]any
	for {
		err := ask("register", object{
			"Name": service, "ID": i.id, "Address": "127.0.0.1", "Port": i.port,
			"Tags": []string{"v1", "http", "grpc"},
			"Check": object{
				"HTTP":     fmt.Sprintf("http://127.0.0.1:%d/healthz", i.port),
				"Interval": "1s", "Timeout": "1s", "Status": "passing",
				"DeregisterCriticalServiceAfter": "60s"},
		})
		if err == nil {
			log.Printf("%s is registered", i.id)
			return
		}
		log.Print(err)
		time.Sleep(time.Second)
	}
}

// Out of Consul first; what is under way is answered, then the port is closed.
func (i *instance) leave() {
	i.once.Do(func() {
		if err := ask("deregister/"+i.id, nil); err != nil {
			log.Print(err)
		}
		time.Sleep(500 * time.Millisecond) // who asks Consul may have to hear of it first
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = i.server.Shutdown(ending)
		log.Printf("%s has left", i.id)
	})
}

func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz" && i.ill.Load():
		http.Error(w, "ill", http.StatusServiceUnavailable)
	case r.URL.Path == "/healthz":
		fmt.Fprintln(w, "well")
	case r.URL.Path == "/fail" || r.URL.Path == "/mend":
		i.ill.Store(r.URL.Path == "/fail")
		fmt.Fprintf(w, "%s: %s\n", i.id, r.URL.Path[1:])
	case r.URL.Path == "/leave":
		fmt.Fprintf(w, "%s leaves\n", i.id)
		go i.leave()
	case strings.HasPrefix(r.Header.Get("content-type"), "application/grpc"):
		i.grpc(w)
	default:
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"instance": i.id, "path": r.URL.Path})
	}
}

// A message whose first field is the instance's id, as any gRPC server would send it.
func (i *instance) grpc(w http.ResponseWriter) {
	message := append([]byte{0x0a, byte(len(i.id))}, i.id...)
	w.Header().Set("content-type", "application/grpc")
	w.Header().Set("trailer", "grpc-status")
	_ = http.NewResponseController(w).Flush() // no content-length: trailers end it
	_, _ = w.Write(append([]byte{0, 0, 0, 0, byte(len(message))}, message...))
	w.Header().Set("grpc-status", "0")
}

// HTTP/1.1, and HTTP/2 without TLS, on one port.
func (i *instance) start() {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	i.server = &http.Server{
		Addr: fmt.Sprintf("127.0.0.1:%d", i.port), Handler: i, Protocols: &protocols}
	go func() {
		if err := i.server.ListenAndServe(); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	go i.register()
}

func main() {
	flag.Parse()
	var all []*instance
	for id, port := range ports {
		all = append(all, &instance{id: id, port: *port})
		all[len(all)-1].start()
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	<-ended
	var leaving sync.WaitGroup
	for _, each := range all {
		leaving.Add(1)
		go func() {
			each.leave()
			leaving.Done()
		}()
	}
	leaving.Wait()
}
