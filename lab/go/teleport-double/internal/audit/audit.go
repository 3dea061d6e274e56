// Package audit writes the auth server's audit events, one JSON object a line,
// with the field names of Teleport's events (api/types/events).
package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
)

// The types and codes of the events that are written.
const (
	TypeBotJoin        = "bot.join"
	CodeBotJoin        = "TJ001I"
	CodeBotJoinFailure = "TJ001E"

	TypeSPIFFESVIDIssued = "spiffe.svid.issued"
	CodeSPIFFESVIDIssued = "TSPIFFE000I"
)

// Event is one line of the log. Fields that an event does not have are left out.
type Event struct {
	// Time is when the event was written, RFC 3339, UTC.
	Time time.Time `json:"time"`
	Type string    `json:"event"`
	Code string    `json:"code"`

	// Of bot.join.
	Success   *bool  `json:"success,omitempty"`
	Error     string `json:"error,omitempty"`
	TokenName string `json:"token_name,omitempty"`
	Method    string `json:"method,omitempty"`

	BotName       string `json:"bot_name,omitempty"`
	BotInstanceID string `json:"bot_instance_id,omitempty"`

	// Of spiffe.svid.issued. SerialNumber is hexadecimal, a colon after every
	// byte ("0a:1b:…").
	SPIFFEID         string              `json:"spiffe_id,omitempty"`
	SVIDType         string              `json:"svid_type,omitempty"`
	SerialNumber     string              `json:"serial_number,omitempty"`
	Hint             string              `json:"hint,omitempty"`
	DNSSANs          []string            `json:"dns_sans,omitempty"`
	NotAfter         *time.Time          `json:"not_after,omitempty"`
	WorkloadIdentity string              `json:"workload_identity,omitempty"`
	NameSelector     string              `json:"name_selector,omitempty"`
	LabelSelectors   map[string][]string `json:"label_selectors,omitempty"`

	Attributes *attribute.Attrs `json:"attributes,omitempty"`
}

// Log appends to one file; safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	file *os.File
}

// Open opens the file for appending and makes it if it is missing.
func Open(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	return &Log{file: file}, nil
}

// Emit writes one event, with the time of the call.
func (l *Log) Emit(event Event) error {
	event.Time = time.Now().UTC()
	line, err := json.Marshal(event)
	if err != nil {
		return trace.Wrap(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.file.Write(append(line, '\n'))
	return trace.ConvertSystemError(err)
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }
