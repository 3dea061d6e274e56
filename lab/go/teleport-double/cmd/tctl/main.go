// Command tctl plays Teleport's admin tool in the lab.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/tctl"
)

func main() {
	environment := tctl.Environment{Stdin: os.Stdin, Stdout: os.Stdout, Getenv: os.Getenv}
	err := tctl.Run(context.Background(), os.Args[1:], environment)
	switch {
	case errors.Is(err, tctl.ErrUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "ERROR: %s\n", trace.UserMessage(err))
		os.Exit(1)
	}
}
