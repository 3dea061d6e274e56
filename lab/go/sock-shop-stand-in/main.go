// Command sock-shop stands in for each part of Sock Shop in the lab, where no registry serves the published images. It
// listens on a part's ports and speaks their protocols for one exchange: as much as a mesh and its policies decide by.
// From inside such a pod it also tries whether other parts answer.
//
//	sock-shop serve PART PROTOCOL:PORT...
//	sock-shop probe PROTOCOL://HOST:PORT...
//
// Protocols: http, mysql, mongo, redis, amqp. What probe prints is documented in internal/probe.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"istio-teleport/lab/go/sock-shop-stand-in/internal/probe"
	"istio-teleport/lab/go/sock-shop-stand-in/internal/serve"
)

const usage = `usage: sock-shop serve PART PROTOCOL:PORT...
       sock-shop probe PROTOCOL://HOST:PORT...`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 2 && args[0] == "serve":
		// Process 1 of a container is not ended by signals that it does not ask for.
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return serve.Part(ctx, args[1], args[2:])
	case len(args) > 1 && args[0] == "probe":
		outcomes, err := probe.All(args[1:])
		if err != nil {
			return err
		}
		lines := json.NewEncoder(os.Stdout)
		for _, outcome := range outcomes {
			if err := lines.Encode(outcome); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("%s", usage)
	}
}
