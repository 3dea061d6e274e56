// Command tctl plays Teleport's admin tool in the lab.
package main

import (
	"context"
	"os"

	"istio-teleport/lab/go/teleport-double/internal/command"
	"istio-teleport/lab/go/teleport-double/internal/tctl"
)

func main() {
	environment := tctl.Environment{Stdin: os.Stdin, Stdout: os.Stdout, Getenv: os.Getenv}
	command.Exit(tctl.Run(context.Background(), os.Args[1:], environment), tctl.ErrUsage)
}
