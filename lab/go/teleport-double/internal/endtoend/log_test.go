package endtoend

import (
	"log"
	"testing"
)

// logTo gives an http.Server's complaints to the test's log.
func logTo(t *testing.T) *log.Logger {
	return log.New(testWriter{t}, "", 0)
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(text []byte) (int, error) {
	w.t.Log(string(text))
	return len(text), nil
}
