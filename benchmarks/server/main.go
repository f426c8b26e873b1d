// An S3 server for measuring clients: fast, on loopback, with a latency and a bandwidth that can be set.
//
// It serves the files of a folder (FOLDER/BUCKET/KEY), keeps in memory what is written, and looks at no signature.
// README.md in the folder above says why it exists.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	readBufferBytes = 64 << 10
	controlPrefix   = "/-/"
)

// What is done to every request while it is set.
type shape struct {
	latency        time.Duration // between the end of a request and the first byte of its answer
	bytesPerSecond float64       // of each connection, in each direction; 0: unlimited
}

// Totals since the last reset; bytes are those of bodies.
type counters struct {
	requests, bytesIn, bytesOut, connections atomic.Int64
	inFlight, mostInFlight                   atomic.Int64
	methods                                  [len(methods)]atomic.Int64
}

var methods = [...]string{"GET", "HEAD", "PUT", "POST", "DELETE"}

type server struct {
	objects *storage
	behind  string // the address of a server that answers in our place
	shape   atomic.Pointer[shape]
	counted atomic.Pointer[counters]
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	folder := flag.String("folder", "", "whose files are the objects: FOLDER/BUCKET/KEY")
	keys := flag.String("keys", "", "file of lines `BUCKET/KEY<tab>SIZE`: objects that are listed and cannot be read")
	behind := flag.String("behind", "", "URL of a server that answers in place of this one, which only counts and delays")
	flag.Parse()
	objects := newStorage()
	if err := objects.load(*folder, *keys); err != nil {
		log.Fatal(err)
	}
	s := &server{objects: objects, behind: strings.TrimPrefix(*behind, "http://")}
	s.shape.Store(&shape{})
	s.counted.Store(&counters{})
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go s.serve(conn.(*net.TCPConn))
	}
}

// One connection: its requests one after another, as HTTP/1.1 has it.
func (s *server) serve(tcp *net.TCPConn) {
	defer tcp.Close()
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	s.counted.Load().connections.Add(1)
	answer := s.answer
	if s.behind != "" {
		other := &upstream{address: s.behind}
		defer other.close()
		answer = other.answer
	}
	reader := bufio.NewReaderSize(tcp, readBufferBytes)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		c := &exchange{Request: request, tcp: tcp, raw: raw, shape: *s.shape.Load(), counted: s.counted.Load()}
		if strings.HasPrefix(request.URL.Path, controlPrefix) {
			s.control(c)
		} else {
			c.begin()
			answer(c)
			c.end()
		}
		if c.failed || request.Close || c.drain() != nil {
			return
		}
	}
}

func (c *counters) asJSON() []byte {
	byMethod := map[string]int64{}
	for at, name := range methods {
		if n := c.methods[at].Load(); n > 0 {
			byMethod[name] = n
		}
	}
	said, _ := json.Marshal(map[string]any{
		"requests": c.requests.Load(), "methods": byMethod, "connections": c.connections.Load(),
		"most_in_flight": c.mostInFlight.Load(), "bytes_in": c.bytesIn.Load(), "bytes_out": c.bytesOut.Load(),
	})
	return said
}

// Requests to the server itself, neither counted nor delayed.
func (s *server) control(c *exchange) {
	c.shape = shape{}
	c.counted = &counters{}
	query := c.URL.Query()
	number := func(name string) float64 {
		value, _ := strconv.ParseFloat(query.Get(name), 64)
		return value
	}
	switch strings.TrimPrefix(c.URL.Path, controlPrefix) {
	case "reset":
		s.counted.Store(&counters{})
		c.reply(http.StatusOK, nil, []byte("null"))
	case "stats":
		c.reply(http.StatusOK, nil, s.counted.Load().asJSON())
	case "shape":
		latency := time.Duration(number("latency_ms") * float64(time.Millisecond))
		s.shape.Store(&shape{latency, number("bytes_per_second")})
		c.reply(http.StatusOK, nil, []byte("null"))
	case "ready":
		c.reply(http.StatusOK, nil, []byte(strconv.Itoa(os.Getpid())))
	default:
		c.reply(http.StatusNotFound, nil, []byte(`"unknown"`))
	}
}
