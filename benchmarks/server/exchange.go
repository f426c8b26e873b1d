package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	paceBytes    = 128 << 10 // between two looks at the clock, where the bandwidth is limited
	copyBytes    = 64 << 10  // of a file are read and written; what is longer goes by sendfile(2)
	countedBytes = 1 << 20
	serverTag    = "Server: benchserver\r\nAccept-Ranges: bytes\r\n"
)

// One request and its answer.
type exchange struct {
	*http.Request
	tcp     *net.TCPConn
	raw     syscall.RawConn
	shape   shape
	counted *counters
	due     time.Time // when the bytes so far may have arrived, by the bandwidth
	failed  bool      // nothing more can be said on this connection
}

func (c *exchange) begin() {
	c.counted.requests.Add(1)
	for at, name := range methods {
		if name == c.Method {
			c.counted.methods[at].Add(1)
		}
	}
	now := c.counted.inFlight.Add(1)
	for most := c.counted.mostInFlight.Load(); now > most; most = c.counted.mostInFlight.Load() {
		if c.counted.mostInFlight.CompareAndSwap(most, now) {
			break
		}
	}
	c.due = time.Now()
	if c.Header.Get("Expect") == "100-continue" {
		_, err := c.tcp.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		c.failed = err != nil
	}
}

func (c *exchange) end() {
	c.counted.inFlight.Add(-1)
}

// Wait until n more bytes have passed at the set bandwidth.
func (c *exchange) pace(n int) {
	if c.shape.bytesPerSecond > 0 {
		c.due = c.due.Add(time.Duration(float64(n) / c.shape.bytesPerSecond * float64(time.Second)))
	}
	if c.shape.bytesPerSecond > 0 || c.shape.latency > 0 {
		time.Sleep(time.Until(c.due))
	}
}

// The answer begins: what was received is due, and the latency after it.
func (c *exchange) delay() {
	if now := time.Now(); c.due.Before(now) {
		c.due = now
	}
	c.due = c.due.Add(c.shape.latency)
}

// Fill the buffer from the body, at the set bandwidth; a shorter count is its end.
func (c *exchange) receive(body io.Reader, buffer []byte) (int, error) {
	total := 0
	for total < len(buffer) {
		end := len(buffer)
		if c.shape.bytesPerSecond > 0 {
			end = min(end, total+paceBytes)
		}
		n, err := io.ReadFull(body, buffer[total:end])
		total += n
		c.counted.bytesIn.Add(int64(n))
		c.pace(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// The bytes that are meant, where they are sent in signed chunks
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
func (c *exchange) payload() io.Reader {
	if strings.HasPrefix(c.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return &chunked{source: bufio.NewReaderSize(c.Body, readBufferBytes)}
	}
	return c.Body
}

type chunked struct {
	source *bufio.Reader
	left   int64
	ended  bool
}

func (r *chunked) Read(into []byte) (int, error) {
	for r.left == 0 {
		if r.ended {
			return 0, io.EOF
		}
		line, err := r.source.ReadString('\n')
		if err != nil {
			return 0, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		if size == "" { // the end of the chunk before
			continue
		}
		if r.left, err = strconv.ParseInt(size, 16, 64); err != nil {
			return 0, err
		}
		if r.left == 0 { // trailers follow, of no interest
			r.ended = true
			_, err := io.Copy(io.Discard, r.source)
			return 0, errors.Join(err, io.EOF)
		}
	}
	n, err := r.source.Read(into[:min(int64(len(into)), r.left)])
	r.left -= int64(n)
	return n, err
}

// Pass over what is left of the request's body, so that the next request can be read.
func (c *exchange) drain() error {
	_, err := io.Copy(io.Discard, c.Body)
	return err
}

func (c *exchange) head(status int, headers []string, length int64) []byte {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 ")
	head.WriteString(strconv.Itoa(status))
	head.WriteString(" ")
	head.WriteString(http.StatusText(status))
	head.WriteString("\r\n" + serverTag)
	for at := 0; at < len(headers); at += 2 {
		head.WriteString(headers[at])
		head.WriteString(": ")
		head.WriteString(headers[at+1])
		head.WriteString("\r\n")
	}
	if status != http.StatusNoContent {
		head.WriteString("Content-Length: ")
		head.WriteString(strconv.FormatInt(length, 10))
		head.WriteString("\r\n")
	}
	head.WriteString("\r\n")
	return head.Bytes()
}

// Answer with a body that is at hand; headers are names and values in turn.
func (c *exchange) reply(status int, headers []string, body []byte) {
	c.send(status, headers, int64(len(body)), net.Buffers{body})
}

func (c *exchange) send(status int, headers []string, length int64, body net.Buffers) {
	c.delay()
	head := c.head(status, headers, length)
	if c.Method == http.MethodHead {
		body = nil
	}
	if c.shape.bytesPerSecond > 0 {
		for _, part := range body {
			for n := 0; len(part) > 0; part = part[n:] {
				n = min(len(part), paceBytes)
				c.pace(n)
				c.write(head, part[:n])
				head = nil
			}
		}
		body = nil
	}
	if head != nil {
		c.pace(0)
		c.write(head, body...)
	}
}

// Answer with a part of a file. The kernel takes the bytes from its cache, so that serving costs little.
func (c *exchange) sendFile(status int, headers []string, file *os.File, offset, length int64) {
	if length <= copyBytes {
		body := make([]byte, length)
		if _, err := file.ReadAt(body, offset); err != nil {
			c.failed = true
			return
		}
		c.reply(status, headers, body)
		return
	}
	c.delay()
	head := c.head(status, headers, length)
	if c.Method == http.MethodHead {
		length = 0
	}
	c.pace(0)
	c.write(head)
	for length > 0 && !c.failed {
		n := length
		if c.shape.bytesPerSecond > 0 {
			n = min(n, paceBytes)
			c.pace(int(n))
		}
		c.splice(file, offset, n)
		offset, length = offset+n, length-n
	}
}

func (c *exchange) splice(file *os.File, offset, length int64) {
	source, end := int(file.Fd()), offset+length
	var failure error
	err := c.raw.Write(func(socket uintptr) bool {
		for offset < end && failure == nil {
			// Counted before they are sent: whoever has the last byte may ask for the count at once.
			wanted := min(end-offset, countedBytes)
			c.counted.bytesOut.Add(wanted)
			n, err := syscall.Sendfile(int(socket), source, &offset, int(wanted))
			c.counted.bytesOut.Add(int64(max(n, 0)) - wanted)
			switch {
			case errors.Is(err, syscall.EAGAIN):
				return false // until the socket takes more
			case errors.Is(err, syscall.EINTR):
			case err != nil:
				failure = err
			case n == 0:
				failure = io.ErrUnexpectedEOF
			}
		}
		return true
	})
	c.failed = err != nil || failure != nil
}

func (c *exchange) write(head []byte, body ...[]byte) {
	if c.failed {
		return
	}
	for _, part := range body {
		c.counted.bytesOut.Add(int64(len(part)))
	}
	parts := append(net.Buffers{head}, body...)
	_, err := parts.WriteTo(c.tcp)
	c.failed = err != nil
}
