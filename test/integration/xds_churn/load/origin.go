package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"golang.org/x/net/websocket"
)

// padding makes an answer longer than one small segment.
var padding = strings.Repeat("x", 2000)

// startOrigins serves HTTP/1.1 and HTTP/2 without TLS on so many free ports.
func startOrigins(count int) []int {
	ports := []int{}
	for number := range count {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		ports = append(ports, socket.Addr().(*net.TCPAddr).Port)
		server := &http.Server{Handler: origin(number), Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		go func() { log.Fatal(server.Serve(socket)) }()
	}
	return ports
}

func origin(number int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", echoStream)
	mux.Handle("/socket", websocket.Handler(func(socket *websocket.Conn) {
		// io.Copy would not keep the messages apart.
		for {
			var message []byte
			if websocket.Message.Receive(socket, &message) != nil ||
				websocket.Message.Send(socket, message) != nil {
				return
			}
		}
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("x-origin", fmt.Sprint(number))
		io.WriteString(w, answer(r.Method, r.URL.Path, body))
	})
	return mux
}

// answer is the body that a request must be answered with.
func answer(method, path string, body []byte) string {
	return fmt.Sprintf("%s %s %s\n%s", method, path, body, padding)
}

// echoStream answers each message of a call as soon as it comes, framed as in gRPC.
func echoStream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("content-type", "application/grpc")
	w.Header().Set("trailer", "grpc-status")
	w.WriteHeader(http.StatusOK)
	flusher := w.(http.Flusher)
	flusher.Flush()
	for {
		message, err := readMessage(r.Body)
		if err == io.EOF {
			w.Header().Set("grpc-status", "0")
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // resets the stream: never a good end
		}
		if _, err := w.Write(framed(message)); err != nil {
			return
		}
		flusher.Flush()
	}
}

func framed(message []byte) []byte {
	frame := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	return append(frame, message...)
}

// readMessage ends with io.EOF only between two messages.
func readMessage(from io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(from, message); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return message, nil
}
