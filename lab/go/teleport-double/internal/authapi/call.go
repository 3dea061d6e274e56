package authapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/gravitational/trace"
)

// maximumBody is more than any document or answer has, in bytes.
const maximumBody = 8 << 20

// Call sends one request and reads the answer into response, which may be nil.
// The server's error comes back with its kind and its words.
func Call(ctx context.Context, client *http.Client, method, url string, request, response any) error {
	var body io.Reader
	if request != nil {
		text, err := json.Marshal(request)
		if err != nil {
			return trace.Wrap(err)
		}
		body = bytes.NewReader(text)
	}
	httpRequest, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return trace.Wrap(err)
	}
	httpResponse, err := client.Do(httpRequest)
	if err != nil {
		return trace.ConnectionProblem(err, "%v", err)
	}
	defer httpResponse.Body.Close()
	text, err := io.ReadAll(io.LimitReader(httpResponse.Body, maximumBody))
	if err != nil {
		return trace.ConnectionProblem(err, "reading answer of %s: %v", url, err)
	}
	if httpResponse.StatusCode != http.StatusOK {
		return trace.ReadError(httpResponse.StatusCode, text)
	}
	if response == nil {
		return nil
	}
	return trace.Wrap(json.Unmarshal(text, response), "reading answer of %s", url)
}

// Handler turns a function over JSON values into an HTTP handler. A request
// without a body leaves the value empty.
func Handler[Request, Response any](serve func(*http.Request, Request) (Response, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request Request
		err := json.NewDecoder(io.LimitReader(r.Body, maximumBody)).Decode(&request)
		if err != nil && err != io.EOF {
			trace.WriteError(w, trace.BadParameter("reading request: %v", err))
			return
		}
		response, err := serve(r, request)
		if err != nil {
			trace.WriteError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// The client sees a broken answer by itself; there is nobody else to tell.
		_ = json.NewEncoder(w).Encode(response)
	}
}
