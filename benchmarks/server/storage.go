package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunkBytes  = 1 << 20
	inlineBytes = 64 << 10 // an object that is smaller has memory of its own size
	heldBytes   = 1 << 20  // a file that is smaller is read at the start
)

// What is behind a key. Either a file or chunks hold its bytes; an object that is only listed has neither.
type object struct {
	size     int64
	tag      string
	modified time.Time
	file     *os.File
	chunks   [][]byte
	isListed bool
}

type bucket struct {
	objects map[string]*object
	keys    []string // sorted; nil when a key has come or gone since
}

type storage struct {
	lock    sync.RWMutex
	buckets map[string]*bucket
	uploads map[string]map[int]*object
	free    [][]byte // chunks of objects that were deleted: new ones would cost page faults while a client is measured
	tags    atomic.Int64
}

func newStorage() *storage {
	return &storage{buckets: map[string]*bucket{}, uploads: map[string]map[int]*object{}}
}

// A name that nothing else has: an ETag, or the id of an upload.
func (s *storage) name() string {
	return hex.EncodeToString([]byte(fmt.Sprintf("%016x", s.tags.Add(1))))
}

func (s *storage) load(folder, keys string) error {
	if folder != "" {
		if err := s.loadFiles(folder); err != nil {
			return err
		}
	}
	if keys != "" {
		return s.loadKeys(keys)
	}
	return nil
}

func (s *storage) loadFiles(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name, key, isObject := strings.Cut(filepath.ToSlash(inside), "/")
		if !isObject {
			return nil
		}
		found, err := s.fromFile(path)
		if err == nil {
			s.put(name, key, found, true)
		}
		return err
	})
}

func (s *storage) fromFile(path string) (*object, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	status, err := file.Stat()
	if err != nil {
		return nil, err
	}
	found := &object{size: status.Size(), tag: s.name(), modified: status.ModTime(), file: file}
	if found.size > heldBytes {
		return found, nil
	}
	data, err := os.ReadFile(path)
	found.file, found.chunks = nil, [][]byte{data}
	file.Close()
	return found, err
}

func (s *storage) loadKeys(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	now := time.Now()
	for lines := bufio.NewScanner(file); ; {
		if !lines.Scan() {
			return lines.Err()
		}
		full, size, _ := strings.Cut(lines.Text(), "\t")
		name, key, _ := strings.Cut(full, "/")
		bytes, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			return err
		}
		s.put(name, key, &object{size: bytes, tag: s.name(), modified: now, isListed: true}, true)
	}
}

// The object of a key; the second answer says whether there is such a bucket.
func (s *storage) get(name, key string) (*object, bool) {
	s.lock.RLock()
	defer s.lock.RUnlock()
	in, ok := s.buckets[name]
	if !ok {
		return nil, false
	}
	return in.objects[key], true
}

func (s *storage) create(name string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.bucket(name)
}

func (s *storage) bucket(name string) *bucket {
	if s.buckets[name] == nil {
		s.buckets[name] = &bucket{objects: map[string]*object{}}
	}
	return s.buckets[name]
}

// Let a key lead to an object; not where it leads to one already and that must stay.
func (s *storage) put(name, key string, given *object, replaces bool) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	in := s.bucket(name)
	old := in.objects[key]
	if old != nil && !replaces {
		return false
	}
	if old == nil {
		in.keys = nil
	} else {
		s.release(old)
	}
	in.objects[key] = given
	return true
}

// Delete keys. Nobody may be reading their objects: the memory is used again.
func (s *storage) remove(name string, keys ...string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	in := s.bucket(name)
	for _, key := range keys {
		if old := in.objects[key]; old != nil {
			s.release(old)
			delete(in.objects, key)
		}
	}
	in.keys = nil
}

func (s *storage) release(old *object) {
	for _, chunk := range old.chunks {
		if cap(chunk) == chunkBytes {
			s.free = append(s.free, chunk[:chunkBytes])
		}
	}
}

func (s *storage) chunk() []byte {
	s.lock.Lock()
	defer s.lock.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		chunk := s.free[last]
		s.free = s.free[:last]
		return chunk
	}
	return make([]byte, chunkBytes)
}

// Receive the body of a request into memory.
func (s *storage) receive(c *exchange) (*object, error) {
	made := &object{tag: s.name(), modified: time.Now()}
	body, length := c.payload(), c.ContentLength
	if length >= 0 && length < inlineBytes {
		data := make([]byte, length)
		n, err := c.receive(body, data)
		made.chunks, made.size = [][]byte{data[:n]}, int64(n)
		return made, err
	}
	for {
		chunk := s.chunk()
		n, err := c.receive(body, chunk)
		made.chunks, made.size = append(made.chunks, chunk[:n]), made.size+int64(n)
		if err != nil || n < chunkBytes {
			return made, err
		}
	}
}

func (s *storage) begin() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	id := s.name()
	s.uploads[id] = map[int]*object{}
	return id
}

func (s *storage) addPart(id string, number int, part *object) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	parts, ok := s.uploads[id]
	if ok {
		if old := parts[number]; old != nil {
			s.release(old)
		}
		parts[number] = part
	}
	return ok
}

// End an upload: its parts in order as one object, or nil where there is no such upload.
func (s *storage) finish(id string) *object {
	s.lock.Lock()
	defer s.lock.Unlock()
	parts, ok := s.uploads[id]
	if !ok {
		return nil
	}
	delete(s.uploads, id)
	numbers := make([]int, 0, len(parts))
	for number := range parts {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	whole := &object{tag: s.name() + "-" + strconv.Itoa(len(parts)), modified: time.Now()}
	for _, number := range numbers {
		whole.chunks = append(whole.chunks, parts[number].chunks...)
		whole.size += parts[number].size
	}
	return whole
}

func (s *storage) has(id string) bool {
	s.lock.RLock()
	defer s.lock.RUnlock()
	_, ok := s.uploads[id]
	return ok
}

// The bytes of a part of an object that is in memory.
func (o *object) slices(offset, length int64) net.Buffers {
	var found net.Buffers
	for _, chunk := range o.chunks {
		size := int64(len(chunk))
		if offset < size && length > 0 {
			n := min(size-offset, length)
			found = append(found, chunk[offset:offset+n])
			offset, length = 0, length-n
		} else {
			offset -= size
			if offset < 0 {
				offset = 0
			}
		}
	}
	return found
}
