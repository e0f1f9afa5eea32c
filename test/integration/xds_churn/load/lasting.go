package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

const beat = 100 * time.Millisecond

// group is the streams of one kind: how many were opened and were lost before their time, and the
// messages that came back.
type group struct {
	Opened   int      `json:"opened"`
	Dropped  int      `json:"dropped"`
	Ended    int      `json:"ended"` // as asked, and well
	Messages int      `json:"messages"`
	Errors   []string `json:"errors"`
}

// lasting is what lives through all phases.
type lasting struct {
	mutex  sync.Mutex
	groups map[string]*group
	over   chan struct{}
	all    sync.WaitGroup
}

func (l *lasting) report() map[string]group {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	found := map[string]group{}
	for name, group := range l.groups {
		found[name] = *group
	}
	return found
}

// open opens half of each group in plain, half over TLS, and comes back when each has echoed once
// or has failed.
func (l *lasting) open(context *tls.Config) {
	l.groups = map[string]*group{"streams": {Errors: []string{}}, "sockets": {Errors: []string{}}}
	l.over = make(chan struct{})
	plain, closed := over(context, 2, false, plainHTTP2), over(context, 2, false, http2)
	var opened sync.WaitGroup
	for number := range *streams {
		client, url := plain[number/2%2], fmt.Sprintf("http://127.0.0.1:%d/stream", *front)
		if number%2 == 1 {
			client, url = closed[number/2%2], fmt.Sprintf("https://127.0.0.1:%d/stream", *secure)
		}
		l.start("streams", &opened, func() (echoing, error) { return openStream(client, url) })
	}
	for number := range *sockets {
		l.start("sockets", &opened, func() (echoing, error) {
			if number%2 == 1 {
				return openSocket(*secure, context)
			}
			return openSocket(*front, nil)
		})
	}
	opened.Wait()
}

func (l *lasting) close() {
	close(l.over)
	l.all.Wait()
}

// echoing is an open stream. Neither call waits longer than patience.
type echoing interface {
	echo(message []byte) ([]byte, error)
	end() error
}

func (l *lasting) start(name string, opened *sync.WaitGroup, open func() (echoing, error)) {
	opened.Add(1)
	group := l.groups[name]
	l.all.Go(func() {
		ready := sync.OnceFunc(opened.Done)
		defer ready()
		stream, err := open()
		for number := 0; err == nil; number++ {
			err = l.one(group, stream, number)
			ready()
			if err != nil {
				break
			}
			select {
			case <-time.After(beat):
				continue
			case <-l.over:
			}
			if err = stream.end(); err == nil {
				l.mutex.Lock()
				defer l.mutex.Unlock()
				group.Ended++
				return
			}
		}
		l.mutex.Lock()
		defer l.mutex.Unlock()
		group.Dropped++
		group.Errors = append(group.Errors, err.Error())
	})
}

func (l *lasting) one(group *group, stream echoing, number int) error {
	message := fmt.Appendf(nil, "message %d %s", number, padding[:100+number%500])
	back, err := stream.echo(message)
	if err == nil && !bytes.Equal(back, message) {
		err = fmt.Errorf("message %d came back as %.40q", number, back)
	}
	if err != nil {
		return fmt.Errorf("message %d: %w", number, err)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	group.Messages++
	if number == 0 {
		group.Opened++
	}
	return nil
}

// call is one gRPC-like call over HTTP/2 that goes on.
type call struct {
	cancel   context.CancelFunc
	up       *io.PipeWriter
	response *http.Response
}

func openStream(client *http.Client, url string) (echoing, error) {
	lasts, cancel := context.WithCancel(context.Background())
	out, up := io.Pipe()
	request, err := http.NewRequestWithContext(lasts, http.MethodPost, url, out)
	if err != nil {
		cancel()
		return nil, err
	}
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	stop := time.AfterFunc(patience, cancel)
	defer stop.Stop()
	response, err := client.Do(request)
	if err != nil {
		cancel()
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		cancel()
		return nil, fmt.Errorf("%s %s", response.Proto, response.Status)
	}
	return &call{cancel, up, response}, nil
}

func (c *call) echo(message []byte) ([]byte, error) {
	stop := time.AfterFunc(patience, c.cancel)
	defer stop.Stop()
	if _, err := c.up.Write(framed(message)); err != nil {
		return nil, err
	}
	return readMessage(c.response.Body)
}

func (c *call) end() error {
	stop := time.AfterFunc(patience, c.cancel)
	defer stop.Stop()
	c.up.Close()
	if _, err := readMessage(c.response.Body); err != io.EOF {
		return fmt.Errorf("no end: %v", err)
	}
	if status := c.response.Trailer.Get("grpc-status"); status != "0" {
		return fmt.Errorf("grpc-status is %q", status)
	}
	return nil
}

// socket is one WebSocket.
type socket struct{ conn *websocket.Conn }

func openSocket(port int, context *tls.Config) (echoing, error) {
	url := fmt.Sprintf("ws://127.0.0.1:%d/socket", port)
	config, err := websocket.NewConfig(url, "http://localhost")
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), patience)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	if context != nil {
		conn = tls.Client(conn, context)
	}
	made, err := websocket.NewClient(config, conn)
	if err != nil {
		return nil, err
	}
	return &socket{made}, nil
}

func (s *socket) echo(message []byte) ([]byte, error) {
	s.conn.SetDeadline(time.Now().Add(patience))
	if err := websocket.Message.Send(s.conn, message); err != nil {
		return nil, err
	}
	var back []byte
	err := websocket.Message.Receive(s.conn, &back)
	return back, err
}

// end closes with a frame; the library on the other side closes the connection then. What the close of
// this side says no longer matters: TLS cannot say goodbye to who has closed the connection.
func (s *socket) end() error {
	s.conn.SetDeadline(time.Now().Add(patience))
	if err := s.conn.WriteClose(1000); err != nil {
		return err
	}
	var more []byte
	if err := websocket.Message.Receive(s.conn, &more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("no end: %v", err)
	}
	s.conn.Close()
	return nil
}
