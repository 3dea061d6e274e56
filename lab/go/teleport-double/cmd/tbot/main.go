// Command tbot plays Teleport's Machine ID agent in the lab.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"istio-teleport/lab/go/teleport-double/internal/buildversion"
	"istio-teleport/lab/go/teleport-double/internal/command"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/process"
)

const usage = `usage: tbot start -c FILE [--log-format json|text] [-d]
       tbot version
FILE may also come from TBOT_CONFIG_PATH, and -d from TBOT_DEBUG`

var errUsage = errors.New(usage)

func main() { command.Service(errUsage, start) }

func start(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("tbot start", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var path, format string
	var debug bool
	for _, name := range []string{"c", "config"} {
		flags.StringVar(&path, name, os.Getenv("TBOT_CONFIG_PATH"), "")
	}
	// Anything that is no boolean counts as not set.
	debugDefault, _ := strconv.ParseBool(os.Getenv("TBOT_DEBUG"))
	for _, name := range []string{"d", "debug"} {
		flags.BoolVar(&debug, name, debugDefault, "")
	}
	flags.StringVar(&format, "log-format", "text", "")
	if flags.Parse(arguments) != nil || flags.NArg() > 0 || path == "" || (format != "json" && format != "text") {
		return errUsage
	}
	level := new(slog.LevelVar)
	log := newLogger(format, level)
	if debug {
		level.Set(slog.LevelDebug)
	}
	c, err := config.Read(path, log)
	if err != nil {
		return err
	}
	if c.Debug {
		level.Set(slog.LevelDebug)
	}
	log.Info("Initializing tbot", "version", buildversion.Version())
	return process.Run(ctx, c, log)
}

// newLogger writes to stderr with the keys of Teleport's JSON log.
func newLogger(format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: renameKeys}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

func renameKeys(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attr
	}
	switch attr.Key {
	case slog.TimeKey:
		attr.Key = "timestamp"
	case slog.MessageKey:
		attr.Key = "message"
	case slog.LevelKey:
		attr.Value = slog.StringValue(strings.ToLower(attr.Value.String()))
	}
	return attr
}
