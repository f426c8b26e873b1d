package main

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	isoTime    = "2006-01-02T15:04:05.000Z"
	mostKeys   = 1000
	namespace  = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	xmlContent = "application/xml"
)

// Carry out a request (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html).
func (s *server) answer(c *exchange) {
	name, key, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, "/"), "/")
	query := c.URL.Query()
	switch {
	case key == "":
		s.onBucket(c, name, query)
	case query.Has("uploads") || query.Has("uploadId"):
		s.onUpload(c, name, key, query)
	case c.Method == http.MethodGet || c.Method == http.MethodHead:
		s.read(c, name, key)
	case c.Method == http.MethodPut && c.Header.Get("X-Amz-Copy-Source") == "":
		s.write(c, name, key)
	case c.Method == http.MethodDelete:
		s.objects.remove(name, key)
		c.reply(http.StatusNoContent, nil, nil)
	default:
		c.refuse(http.StatusNotImplemented, "NotImplemented")
	}
}

func (c *exchange) refuse(status int, code string) {
	c.tell(status, "<Error><Code>"+code+"</Code><Message>"+code+"</Message></Error>")
}

func (c *exchange) tell(status int, document string) {
	c.reply(status, []string{"Content-Type", xmlContent}, []byte(xmlHead+document))
}

func (s *server) onBucket(c *exchange, name string, query url.Values) {
	switch {
	case c.Method == http.MethodPut:
		s.objects.create(name)
		c.reply(http.StatusOK, nil, nil)
	case c.Method == http.MethodHead:
		if _, exists := s.objects.get(name, ""); !exists {
			c.refuse(http.StatusNotFound, "NoSuchBucket")
			return
		}
		c.reply(http.StatusOK, []string{"X-Amz-Bucket-Region", "us-east-1"}, nil)
	case c.Method == http.MethodPost && query.Has("delete"):
		s.deleteMany(c, name)
	case c.Method != http.MethodGet:
		c.refuse(http.StatusNotImplemented, "NotImplemented")
	case name == "":
		c.tell(http.StatusOK, "<ListAllMyBucketsResult"+namespace+"><Buckets></Buckets></ListAllMyBucketsResult>")
	case query.Has("location"):
		c.tell(http.StatusOK, "<LocationConstraint"+namespace+"></LocationConstraint>")
	default:
		s.list(c, name, query)
	}
}

func (s *server) deleteMany(c *exchange, name string) {
	var asked struct {
		Object []struct{ Key string }
	}
	if err := xml.NewDecoder(c.payload()).Decode(&asked); err != nil {
		c.refuse(http.StatusBadRequest, "MalformedXML")
		return
	}
	keys := make([]string, 0, len(asked.Object))
	for _, entry := range asked.Object {
		keys = append(keys, entry.Key)
	}
	s.objects.remove(name, keys...)
	c.tell(http.StatusOK, "<DeleteResult"+namespace+"></DeleteResult>")
}

func (s *server) read(c *exchange, name, key string) {
	found, exists := s.objects.get(name, key)
	switch {
	case !exists:
		c.refuse(http.StatusNotFound, "NoSuchBucket")
		return
	case found == nil:
		c.refuse(http.StatusNotFound, "NoSuchKey")
		return
	case found.isListed && c.Method == http.MethodGet:
		c.refuse(http.StatusNotImplemented, "NotImplemented")
		return
	}
	tag := `"` + found.tag + `"`
	if wanted := c.Header.Get("If-Match"); wanted != "" && wanted != "*" && wanted != tag {
		c.refuse(http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	headers := []string{
		"ETag", tag, "Last-Modified", found.modified.UTC().Format(http.TimeFormat),
		"Content-Type", "application/octet-stream",
	}
	start, end, status := byteRange(c.Header.Get("Range"), found.size)
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		c.refuse(status, "InvalidRange")
		return
	case http.StatusPartialContent:
		headers = append(headers, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end-1, found.size))
	}
	if found.file != nil {
		c.sendFile(status, headers, found.file, start, end-start)
	} else {
		c.send(status, headers, end-start, found.slices(start, end-start))
	}
}

// The half-open range that a header asks for, and the status of the answer (RFC 9110, section 14).
func byteRange(header string, size int64) (start, end int64, status int) {
	first, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	if !ok || strings.Contains(header, ",") {
		return 0, size, http.StatusOK
	}
	start, noStart := strconv.ParseInt(first, 10, 64)
	end, noEnd := strconv.ParseInt(last, 10, 64)
	switch {
	case noStart != nil && noEnd != nil:
		return 0, size, http.StatusOK
	case noStart != nil:
		start, end = max(size-end, 0), size
	case noEnd != nil:
		end = size
	default:
		end = min(end+1, size)
	}
	if start >= end {
		return 0, 0, http.StatusRequestedRangeNotSatisfiable
	}
	return start, end, http.StatusPartialContent
}

func (s *server) write(c *exchange, name, key string) {
	made, err := s.objects.receive(c)
	if err != nil {
		c.failed = true
		return
	}
	if !s.objects.put(name, key, made, c.Header.Get("If-None-Match") != "*") {
		c.refuse(http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	c.reply(http.StatusOK, []string{"ETag", `"` + made.tag + `"`}, nil)
}

func (s *server) onUpload(c *exchange, name, key string, query url.Values) {
	id := query.Get("uploadId")
	if !query.Has("uploads") && !s.objects.has(id) {
		c.refuse(http.StatusNotFound, "NoSuchUpload")
		return
	}
	switch c.Method {
	case http.MethodPut:
		s.writePart(c, id, query.Get("partNumber"))
	case http.MethodDelete:
		s.objects.finish(id)
		c.reply(http.StatusNoContent, nil, nil)
	case http.MethodPost:
		if query.Has("uploads") {
			c.tell(http.StatusOK, describe("InitiateMultipartUploadResult", name, key, "UploadId", s.objects.begin()))
			return
		}
		whole := s.objects.finish(id)
		if !s.objects.put(name, key, whole, c.Header.Get("If-None-Match") != "*") {
			c.refuse(http.StatusPreconditionFailed, "PreconditionFailed")
			return
		}
		c.tell(http.StatusOK, describe("CompleteMultipartUploadResult", name, key, "ETag", `"`+whole.tag+`"`))
	default:
		c.refuse(http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *server) writePart(c *exchange, id, number string) {
	position, err := strconv.Atoi(number)
	if err != nil {
		c.refuse(http.StatusBadRequest, "InvalidArgument")
		return
	}
	part, err := s.objects.receive(c)
	if err != nil {
		c.failed = true
		return
	}
	if !s.objects.addPart(id, position, part) {
		c.refuse(http.StatusNotFound, "NoSuchUpload")
		return
	}
	c.reply(http.StatusOK, []string{"ETag", `"` + part.tag + `"`}, nil)
}

func describe(kind, name, key, what, value string) string {
	return "<" + kind + namespace + "><Bucket>" + escaped(name) + "</Bucket><Key>" + escaped(key) + "</Key><" +
		what + ">" + escaped(value) + "</" + what + "></" + kind + ">"
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return out.String()
}

// One page of ListObjectsV2 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
func (s *server) list(c *exchange, name string, query url.Values) {
	if query.Get("list-type") != "2" {
		c.refuse(http.StatusNotImplemented, "NotImplemented")
		return
	}
	after := query.Get("start-after")
	if token, err := base64.URLEncoding.DecodeString(query.Get("continuation-token")); err == nil && len(token) > 0 {
		after = string(token)
	}
	limit, err := strconv.Atoi(query.Get("max-keys"))
	if err != nil || limit > mostKeys {
		limit = mostKeys
	}
	text, encoding := escaped, ""
	if query.Get("encoding-type") == "url" {
		encoding = "<EncodingType>url</EncodingType>"
		text = func(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }
	}
	page, exists := s.objects.page(name, query.Get("prefix"), query.Get("delimiter"), after, limit)
	if !exists {
		c.refuse(http.StatusNotFound, "NoSuchBucket")
		return
	}
	var out strings.Builder
	out.WriteString("<ListBucketResult" + namespace + "><Name>" + escaped(name) + "</Name><Prefix>" +
		text(query.Get("prefix")) + "</Prefix><KeyCount>" + strconv.Itoa(page.count) + "</KeyCount><MaxKeys>" +
		strconv.Itoa(limit) + "</MaxKeys><IsTruncated>" + strconv.FormatBool(page.next != "") + "</IsTruncated>" + encoding)
	if page.next != "" {
		token := base64.URLEncoding.EncodeToString([]byte(page.next))
		out.WriteString("<NextContinuationToken>" + token + "</NextContinuationToken>")
	}
	for at, key := range page.keys {
		found := page.objects[at]
		out.WriteString("<Contents><Key>" + text(key) + "</Key><LastModified>" +
			found.modified.UTC().Format(isoTime) + "</LastModified><ETag>&quot;" + found.tag + "&quot;</ETag><Size>" +
			strconv.FormatInt(found.size, 10) + "</Size><StorageClass>STANDARD</StorageClass></Contents>")
	}
	for _, prefix := range page.prefixes {
		out.WriteString("<CommonPrefixes><Prefix>" + text(prefix) + "</Prefix></CommonPrefixes>")
	}
	out.WriteString("</ListBucketResult>")
	c.tell(http.StatusOK, out.String())
}

// A page of a listing; next is where the following one goes on, empty at the end.
type page struct {
	keys, prefixes []string
	objects        []*object
	count          int
	next           string
}

func (s *storage) page(name, prefix, delimiter, after string, limit int) (found page, exists bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	in, exists := s.buckets[name]
	if !exists {
		return found, false
	}
	if in.keys == nil {
		in.keys = slices.Sorted(maps.Keys(in.objects))
	}
	at := sort.SearchStrings(in.keys, max(prefix, after))
	last := ""
	for at < len(in.keys) && strings.HasPrefix(in.keys[at], prefix) {
		key := in.keys[at]
		rolled := prefix
		if cut := strings.Index(key[len(prefix):], delimiter); delimiter != "" && cut >= 0 {
			rolled = key[:len(prefix)+cut+len(delimiter)]
		}
		if key <= after || rolled != prefix && rolled <= after {
			at++ // the page before ended here
			continue
		}
		if found.count == limit {
			found.next = last
			break
		}
		found.count++
		if rolled == prefix {
			found.keys, found.objects = append(found.keys, key), append(found.objects, in.objects[key])
			last = key
			at++
			continue
		}
		found.prefixes = append(found.prefixes, rolled)
		last = rolled
		at += sort.Search(len(in.keys)-at, func(step int) bool { return !strings.HasPrefix(in.keys[at+step], rolled) })
	}
	return found, true
}
