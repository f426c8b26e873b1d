package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
)

// The server behind, seen from one connection of a client: it gets a connection of its own.
type upstream struct {
	address string
	tcp     net.Conn
	reader  *bufio.Reader
}

func (u *upstream) close() {
	if u.tcp != nil {
		u.tcp.Close()
	}
}

func (u *upstream) connect() (err error) {
	if u.tcp == nil {
		if u.tcp, err = net.Dial("tcp", u.address); err == nil {
			u.reader = bufio.NewReaderSize(u.tcp, readBufferBytes)
		}
	}
	return err
}

// Let the server behind answer; what passes is counted and delayed, and nothing is changed.
func (u *upstream) answer(c *exchange) {
	c.failed = true
	if u.connect() != nil {
		return
	}
	asked := *c.Request
	asked.URL = &url.URL{Opaque: c.RequestURI} // quoted as the client did it, and signed it
	asked.Header.Del("Expect")                 // was answered
	if c.ContentLength != 0 {                  // an empty body in a wrapper would be sent as one of unknown length
		asked.Body = passing{c.Body, func(n int) { c.counted.bytesIn.Add(int64(n)); c.pace(n) }}
	}
	if asked.Write(u.tcp) != nil {
		return
	}
	answer, err := http.ReadResponse(u.reader, c.Request)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	c.delay()
	c.pace(0)
	answer.Body = passing{answer.Body, func(n int) { c.pace(n); c.counted.bytesOut.Add(int64(n)) }}
	writer := bufio.NewWriterSize(c.tcp, readBufferBytes)
	if answer.Write(writer) == nil && writer.Flush() == nil {
		c.failed = answer.Close
	}
}

// A body that tells how much of it has passed.
type passing struct {
	io.ReadCloser
	passed func(n int)
}

func (p passing) Read(into []byte) (int, error) {
	n, err := p.ReadCloser.Read(into)
	if n > 0 {
		p.passed(n)
	}
	return n, err
}
