// Command misbehave is an HTTP/2 server over plain TCP, or TLS, that answers gRPC's UnaryCall, but for
// one way in which it misbehaves (-case), after the HTTP/2 interop test descriptions of gRPC:
//
//	goaway            says GOAWAY when the first call of a connection has ended
//	ping              sends a PING between any two frames of an answer
//	max_streams       allows one stream at a time on a connection
//	rst_after_header  RST_STREAM behind the answer's head
//	rst_during_data   … in the middle of its body
//	rst_after_data    … in the place of its trailers
//
// It checks what a client must do: answer each PING, keep the limit, use another connection after
// GOAWAY. What is wrong is printed as "violation: …"; at its end it prints how many calls it saw.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
)

const (
	answerBytes = 314159
	frameBytes  = 16384
	manyBytes   = 1 << 24
)

var (
	behaviour = flag.String("case", "", "how to misbehave")
	calls     atomic.Int64
)

// connection is one client's. mu guards everything that is written, and the windows.
type connection struct {
	framer *http2.Framer
	mu     sync.Mutex
	opened *sync.Cond // a window was opened, or the connection has ended

	window        int64 // of the connection
	initialWindow int64
	windows       map[uint32]int64 // of each stream that is being answered
	open          int              // streams whose answer has not ended
	pings, acks   int
	limited       bool // the client has acknowledged the settings
	goneAway      bool
	ended         bool
}

func violation(format string, arguments ...any) {
	fmt.Printf("violation: "+format+"\n", arguments...)
}

func serve(socket net.Conn) {
	defer socket.Close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(socket, preface); err != nil {
		return // somebody who only looked whether the port is open
	}
	c := &connection{framer: http2.NewFramer(socket, socket), window: 65535, initialWindow: 65535,
		windows: map[uint32]int64{}}
	c.opened = sync.NewCond(&c.mu)
	settings := []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: manyBytes}}
	if *behaviour == "max_streams" {
		settings = append(settings, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
	}
	c.framer.WriteSettings(settings...)
	c.framer.WriteWindowUpdate(0, 1<<30)
	c.read()
	c.mu.Lock()
	c.ended = true
	c.opened.Broadcast()
	c.mu.Unlock()
}

// read handles the client's frames until the connection ends.
func (c *connection) read() {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.handle(frame)
		c.mu.Unlock()
	}
}

func (c *connection) handle(frame http2.Frame) {
	id := frame.Header().StreamID
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if frame.IsAck() {
			c.limited = true
			return
		}
		if size, ok := frame.Value(http2.SettingInitialWindowSize); ok {
			for id := range c.windows {
				c.windows[id] += int64(size) - c.initialWindow
			}
			c.initialWindow = int64(size)
			c.opened.Broadcast()
		}
		c.framer.WriteSettingsAck()
	case *http2.WindowUpdateFrame:
		if id == 0 {
			c.window += int64(frame.Increment)
		} else if _, ok := c.windows[id]; ok {
			c.windows[id] += int64(frame.Increment)
		}
		c.opened.Broadcast()
	case *http2.PingFrame:
		if frame.IsAck() {
			c.acks++
			c.opened.Broadcast()
		} else {
			c.framer.WritePing(true, frame.Data)
		}
	case *http2.HeadersFrame:
		c.begin(id)
		if frame.StreamEnded() {
			go c.answer(id)
		}
	case *http2.DataFrame:
		if size := uint32(len(frame.Data())); size > 0 {
			c.framer.WriteWindowUpdate(0, size)
		}
		if frame.StreamEnded() {
			go c.answer(id)
		}
	case *http2.RSTStreamFrame:
		if _, ok := c.windows[id]; ok {
			delete(c.windows, id)
			c.open--
			c.opened.Broadcast()
		}
	}
}

func (c *connection) begin(id uint32) {
	c.windows[id] = c.initialWindow
	c.open++
	calls.Add(1)
	if *behaviour == "max_streams" && c.limited && c.open > 1 {
		violation("%d streams at a time", c.open)
	}
	if c.goneAway {
		violation("stream %d came after GOAWAY", id)
	}
}

// answer writes a response, in the way that was asked for.
func (c *connection) answer(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := message()
	c.head(id, false, ":status", "200", "content-type", "application/grpc")
	if *behaviour == "rst_after_header" {
		c.reset(id)
		return
	}
	for sent := 0; sent < len(body); {
		if *behaviour == "rst_during_data" && sent > len(body)/2 {
			c.reset(id)
			return
		}
		size := c.wait(id, min(frameBytes, len(body)-sent))
		if size == 0 {
			return
		}
		c.ping()
		c.framer.WriteData(id, false, body[sent:sent+size])
		sent += size
	}
	if *behaviour == "rst_after_data" {
		c.reset(id)
		return
	}
	c.ping()
	c.finish(id)
	for !c.ended && c.acks < c.pings {
		c.opened.Wait()
	}
	if c.acks < c.pings {
		violation("%d of %d pings were answered", c.acks, c.pings)
	}
}

// finish ends the answer, and the connection where that is the case.
func (c *connection) finish(id uint32) {
	c.head(id, true, "grpc-status", "0")
	delete(c.windows, id)
	c.open--
	if *behaviour == "goaway" && !c.goneAway {
		c.goneAway = true
		c.framer.WriteGoAway(id, http2.ErrCodeNo, nil)
	}
}

func (c *connection) reset(id uint32) {
	c.framer.WriteRSTStream(id, http2.ErrCodeNo)
	delete(c.windows, id)
	c.open--
}

func (c *connection) ping() {
	if *behaviour != "ping" {
		return
	}
	c.pings++
	var data [8]byte
	binary.BigEndian.PutUint64(data[:], uint64(c.pings))
	c.framer.WritePing(false, data)
}

// wait takes up to `wanted` bytes of both windows; 0: the stream has ended meanwhile.
func (c *connection) wait(id uint32, wanted int) int {
	for {
		window, ok := c.windows[id]
		if !ok || c.ended {
			return 0
		}
		if size := min(int64(wanted), c.window, window); size > 0 {
			c.window -= size
			c.windows[id] -= size
			return int(size)
		}
		c.opened.Wait()
	}
}

func (c *connection) head(id uint32, end bool, fields ...string) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(),
		EndHeaders: true, EndStream: end})
}

// message is the answer that the interop client expects to its large call, as gRPC frames it.
func message() []byte {
	encoded, err := proto.Marshal(&testpb.SimpleResponse{Payload: &testpb.Payload{
		Type: testpb.PayloadType_COMPRESSABLE, Body: make([]byte, answerBytes)}})
	if err != nil {
		log.Fatal(err)
	}
	framed := make([]byte, 5, 5+len(encoded))
	binary.BigEndian.PutUint32(framed[1:], uint32(len(encoded)))
	return append(framed, encoded...)
}

func main() {
	port := flag.Int("port", 0, "where to listen on 127.0.0.1")
	useTLS := flag.Bool("use_tls", false, "speak TLS")
	certificate := flag.String("tls_cert_file", "", "what it shows")
	key := flag.String("tls_key_file", "", "the key of that")
	flag.Parse()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	if *useTLS {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		listener = tls.NewListener(listener,
			&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM)
	go func() {
		<-ends
		fmt.Printf("calls: %d\n", calls.Load())
		os.Exit(0)
	}()
	for {
		socket, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(socket)
	}
}
