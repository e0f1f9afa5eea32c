// Command load is the clients of the suite xds_churn, and their origins.
//
// It listens on three free ports and prints them. Then it reads commands, a line each, and answers
// each with a line of JSON:
//
//	open                opens the long streams and the WebSockets
//	phase NAME SECONDS  asks paced requests for so long; tells what became of them, and of those of
//	                    earlier phases of that name
//	close               ends the streams and the WebSockets as one should
//
// Go's client honours `connection: close` and GOAWAY. It asks again by itself only where no byte of
// an answer has come and the method allows it, or the server said that it took no notice; how often
// is told apart, as `retried`.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	front     = flag.Int("front", 0, "the proxy's port for plain HTTP")
	secure    = flag.Int("secure", 0, "its port for TLS")
	scoped    = flag.Int("scoped", 0, "its port with scoped routes")
	authority = flag.String("authority", "", "a file: who signs the proxy's certificates")
	rate      = flag.Float64("rate", 1000, "requests a second, in all")
	streams   = flag.Int("streams", 20, "long streams over HTTP/2")
	sockets   = flag.Int("sockets", 20, "WebSockets")
)

// trusting is how a client knows the proxy.
func trusting() *tls.Config {
	pem, err := os.ReadFile(*authority)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		log.Fatalf("%s: no certificate", *authority)
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

func main() {
	flag.Parse()
	say(map[string][]int{"origins": startOrigins(3)})
	context := trusting()
	classes := makeClasses(context)
	lasting := &lasting{}
	phases := map[string]*report{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 1 && words[0] == "open":
			lasting.open(context)
			say(lasting.report())
		case len(words) == 3 && words[0] == "phase":
			seconds, err := strconv.ParseFloat(words[2], 64)
			if err != nil {
				log.Fatal(err)
			}
			name := words[1]
			if phases[name] == nil {
				phases[name] = newReport()
			}
			phases[name].add(ask(classes, time.Duration(seconds*float64(time.Second))))
			phases[name].measure()
			phases[name].Lasting = lasting.report()
			say(phases[name])
		case len(words) == 1 && words[0] == "close":
			lasting.close()
			say(lasting.report())
		default:
			log.Fatalf("what is %q?", lines.Text())
		}
	}
}

func say(what any) {
	line, err := json.Marshal(what)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", line)
}
