// Package store keeps resources as files, one per resource, below one directory.
package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// Store is safe for concurrent use by one process.
type Store struct {
	directory string
	mu        sync.RWMutex
}

// Open uses a directory, which is made if it is missing (mode 0700: a token's
// name can be a secret).
func Open(directory string) (*Store, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	return &Store{directory: directory}, nil
}

// Put writes a resource. With overwrite false an existing one is an error.
func (s *Store) Put(r resource.Resource, overwrite bool) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return trace.Wrap(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(r.ResourceKind(), r.ResourceName())
	if _, err := os.Stat(path); err == nil && !overwrite {
		return trace.AlreadyExists("%s %q already exists", r.ResourceKind(), r.ResourceName())
	}
	return trace.Wrap(writeAtomically(path, text))
}

// Get reads a resource; a missing one is a NotFound error.
func (s *Store) Get(kind resource.Kind, name string) (resource.Resource, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.read(kind, name)
}

// List reads all resources of a kind in the order of their names.
func (s *Store) List(kind resource.Kind) ([]resource.Resource, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries, err := os.ReadDir(filepath.Join(s.directory, string(kind)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	var names []string
	for _, entry := range entries {
		escaped, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok {
			continue
		}
		name, err := url.PathUnescape(escaped)
		if err != nil {
			return nil, trace.Wrap(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	var resources []resource.Resource
	for _, name := range names {
		r, err := s.read(kind, name)
		if err != nil {
			return nil, err
		}
		resources = append(resources, r)
	}
	return resources, nil
}

// Delete removes a resource; a missing one is a NotFound error.
func (s *Store) Delete(kind resource.Kind, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.path(kind, name)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return notFound(kind, name)
		}
		return trace.ConvertSystemError(err)
	}
	return nil
}

func (s *Store) read(kind resource.Kind, name string) (resource.Resource, error) {
	text, err := os.ReadFile(s.path(kind, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(kind, name)
	}
	if err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	r, err := resource.Parse(text)
	if err != nil {
		return nil, trace.Wrap(err, "reading stored %s %q", kind, name)
	}
	return r, nil
}

func notFound(kind resource.Kind, name string) error {
	return trace.NotFound("%s %q doesn't exist", kind, name)
}

const suffix = ".json"

// path escapes the name, so that no name leaves the directory.
func (s *Store) path(kind resource.Kind, name string) string {
	return filepath.Join(s.directory, string(kind), url.PathEscape(name)+suffix)
}

func writeAtomically(path string, text []byte) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return trace.ConvertSystemError(err)
	}
	temporary, err := os.CreateTemp(directory, ".new-*")
	if err != nil {
		return trace.ConvertSystemError(err)
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(append(text, '\n')); err != nil {
		temporary.Close()
		return trace.ConvertSystemError(err)
	}
	if err := temporary.Close(); err != nil {
		return trace.ConvertSystemError(err)
	}
	return trace.ConvertSystemError(os.Rename(temporary.Name(), path))
}
