package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/resource"
)

func bot(name string) *resource.Bot {
	return &resource.Bot{
		Kind: "bot", Version: "v1", Metadata: &resource.Metadata{Name: name}, Spec: &resource.BotSpec{},
	}
}

func open(t *testing.T) (*Store, string) {
	t.Helper()
	directory := t.TempDir()
	s, err := Open(directory)
	if err != nil {
		t.Fatal(err)
	}
	return s, directory
}

func TestPutRefusesToOverwriteUnlessAsked(t *testing.T) {
	s, _ := open(t)
	if err := s.Put(bot("b"), false); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(bot("b"), false); !trace.IsAlreadyExists(err) || trace.UserMessage(err) != `bot "b" already exists` {
		t.Errorf("got %v", err)
	}
	if err := s.Put(bot("b"), true); err != nil {
		t.Error(err)
	}
}

func TestGetAndDeleteOfAMissingResource(t *testing.T) {
	s, _ := open(t)
	if _, err := s.Get(resource.KindBot, "b"); !trace.IsNotFound(err) {
		t.Errorf("get: %v", err)
	}
	if err := s.Delete(resource.KindBot, "b"); !trace.IsNotFound(err) {
		t.Errorf("delete: %v", err)
	}
}

// No name leaves the directory, and names come back as they were, in order.
func TestListOrderAndOddNames(t *testing.T) {
	s, directory := open(t)
	names := []string{"../up", "a", "b/c", "z%2f"}
	for i := len(names) - 1; i >= 0; i-- {
		if err := s.Put(bot(names[i]), false); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := s.List(resource.KindBot)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range listed {
		if r.ResourceName() != names[i] {
			t.Errorf("position %d: %q, want %q", i, r.ResourceName(), names[i])
		}
	}
	files, err := os.ReadDir(filepath.Join(directory, "bot"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(names) {
		t.Errorf("%d files for %d resources", len(files), len(names))
	}
}
