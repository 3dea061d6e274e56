// Package command is the outermost part that the programs of this module share:
// signals, exit codes, and how a failure is said.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/buildversion"
)

// Exit ends the process if there is an error: with 2 for usage, which says what
// forms a command, and with 1 and one ERROR message for any other.
func Exit(err, usage error) {
	switch {
	case errors.Is(err, usage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "ERROR: %s\n", trace.UserMessage(err))
		os.Exit(1)
	}
}

// Service is the main function of a program with the commands `version` and
// `start`, which runs until a signal ends it.
func Service(usage error, start func(ctx context.Context, arguments []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	Exit(run(ctx, os.Args[1:], usage, start), usage)
}

func run(ctx context.Context, arguments []string, usage error, start func(context.Context, []string) error) error {
	if len(arguments) == 0 {
		return usage
	}
	switch arguments[0] {
	case "version":
		_, err := fmt.Println(buildversion.Text())
		return err
	case "start":
		return start(ctx, arguments[1:])
	default:
		return usage
	}
}
