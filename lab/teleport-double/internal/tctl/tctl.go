// Package tctl is the command line of Teleport's admin tool as far as this
// project uses it (Teleport tool/tctl/common/resource_command.go): create, get,
// rm, status, version, with tctl's argument shapes and messages.
package tctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gravitational/trace"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"istio-teleport/lab/teleport-double/internal/buildversion"
	"istio-teleport/lab/teleport-double/internal/resource"
)

// SocketEnvironment names the variable that holds the admin socket's path. The
// flag --admin-socket comes before it. (The real tctl finds its server by a
// config file or an identity file.)
const SocketEnvironment = "TELEPORT_DOUBLE_ADMIN_SOCKET"

// ErrUsage is returned for arguments that don't make a command.
var ErrUsage = errors.New(`usage: tctl [--admin-socket PATH] COMMAND
  create [-f|--force] [FILE]             store every document of FILE, or of stdin when there is no FILE
  get KIND[/NAME] [--format yaml|json]   print resources
  rm KIND/NAME                           delete a resource
  status                                 print the cluster's name
  version                                print the version
KIND is role, bot, token or workload_identity`)

// Environment is the outside world of one run.
type Environment struct {
	Stdin  io.Reader
	Stdout io.Writer
	Getenv func(string) string
}

// Run executes one command line, without the program's name.
func Run(ctx context.Context, arguments []string, environment Environment) error {
	parsed, err := parse(arguments)
	if err != nil {
		return err
	}
	if parsed.command == "version" {
		_, err := fmt.Fprintln(environment.Stdout, buildversion.Version)
		return err
	}
	socket := parsed.socket
	if socket == "" {
		socket = environment.Getenv(SocketEnvironment)
	}
	if socket == "" {
		return trace.BadParameter("no auth server: set %s or --admin-socket", SocketEnvironment)
	}
	r := run{client: newClient(socket), environment: environment}
	switch parsed.command {
	case "create":
		return r.create(ctx, parsed.operand, parsed.force)
	case "get":
		return r.get(ctx, parsed.operand, parsed.format)
	case "rm":
		return r.remove(ctx, parsed.operand)
	default:
		return r.status(ctx)
	}
}

type invocation struct {
	command string
	operand string
	socket  string
	format  string
	force   bool
}

// parse takes flags before and after the operand, as tctl does.
func parse(arguments []string) (invocation, error) {
	parsed := invocation{format: "yaml"}
	var operands []string
	for i := 0; i < len(arguments); i++ {
		name, value, hasValue := strings.Cut(arguments[i], "=")
		switch name {
		case "-f", "--force":
			parsed.force = true
		case "--admin-socket", "--format":
			if !hasValue {
				i++
				if i == len(arguments) {
					return parsed, ErrUsage
				}
				value = arguments[i]
			}
			if name == "--format" {
				parsed.format = value
			} else {
				parsed.socket = value
			}
		default:
			if strings.HasPrefix(name, "-") && name != "-" {
				return parsed, ErrUsage
			}
			operands = append(operands, arguments[i])
		}
	}
	if len(operands) == 0 || len(operands) > 2 {
		return parsed, ErrUsage
	}
	parsed.command = operands[0]
	if len(operands) == 2 {
		parsed.operand = operands[1]
	}
	needsOperand := parsed.command == "get" || parsed.command == "rm"
	takesOperand := needsOperand || parsed.command == "create"
	switch {
	case !slices.Contains([]string{"create", "get", "rm", "status", "version"}, parsed.command),
		needsOperand && parsed.operand == "",
		!takesOperand && parsed.operand != "",
		parsed.force && parsed.command != "create",
		parsed.format != "yaml" && parsed.format != "json":
		return parsed, ErrUsage
	}
	return parsed, nil
}

type run struct {
	client      *client
	environment Environment
}

// create stores the documents one after the other and stops at the first that
// fails; the ones before it stay stored. "-" is a file name like any other: the
// real tctl reads stdin only when no file is named.
func (r run) create(ctx context.Context, file string, force bool) error {
	input := r.environment.Stdin
	if file != "" {
		opened, err := os.Open(file)
		if err != nil {
			return trace.ConvertSystemError(err)
		}
		defer opened.Close()
		input = opened
	}
	const lookahead = 32 * 1024
	decoder := kyaml.NewYAMLOrJSONDecoder(input, lookahead)
	for count := 0; ; count++ {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			if count == 0 {
				return trace.BadParameter("no resources found, empty input?")
			}
			return nil
		}
		if err != nil {
			return trace.BadParameter("%v", err)
		}
		if err := r.createOne(ctx, document, force); err != nil {
			return err
		}
	}
}

func (r run) createOne(ctx context.Context, document json.RawMessage, force bool) error {
	parsed, err := resource.Parse(document)
	if err != nil {
		return err
	}
	// A token is always overwritten, with or without --force (Teleport
	// tool/tctl/common/resources/token.go calls UpsertToken).
	overwrite := force || parsed.ResourceKind() == resource.KindToken
	if err := r.client.put(ctx, document, overwrite); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.environment.Stdout, "%s %q has been created\n", createdName(parsed.ResourceKind()), parsed.ResourceName())
	return err
}

// createdName is what tctl calls a kind after creating one.
func createdName(kind resource.Kind) string {
	switch kind {
	case resource.KindToken:
		return "provision_token"
	case resource.KindBot:
		return "Bot"
	case resource.KindWorkloadIdentity:
		return "Workload Identity"
	default:
		return string(kind)
	}
}

// get prints YAML documents with a line of dashes between them, or a JSON list.
func (r run) get(ctx context.Context, reference, format string) error {
	kind, name, err := parseReference(reference)
	if err != nil {
		return err
	}
	documents, err := r.client.get(ctx, kind, name)
	if err != nil {
		return err
	}
	if format == "json" {
		text, err := json.MarshalIndent(documents, "", "    ")
		if err != nil {
			return trace.Wrap(err)
		}
		_, err = fmt.Fprintf(r.environment.Stdout, "%s\n", text)
		return err
	}
	for i, document := range documents {
		text, err := yaml.JSONToYAML(document)
		if err != nil {
			return trace.Wrap(err)
		}
		if i > 0 {
			text = append([]byte("---\n"), text...)
		}
		if _, err := r.environment.Stdout.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (r run) remove(ctx context.Context, reference string) error {
	kind, name, err := parseReference(reference)
	if err != nil {
		return err
	}
	if name == "" {
		return trace.BadParameter("provide a full resource name to delete, for example:\n$ tctl rm %s/NAME", kind)
	}
	if err := r.client.remove(ctx, kind, name); err != nil {
		return err
	}
	called := createdName(kind)
	if kind == resource.KindToken {
		called = "token"
	}
	_, err = fmt.Fprintf(r.environment.Stdout, "%s %q has been deleted\n", called, name)
	return err
}

func (r run) status(ctx context.Context) error {
	status, err := r.client.status(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.environment.Stdout, "Cluster  %s\nVersion  %s\n", status.ClusterName, status.ServerVersion)
	return err
}

func parseReference(reference string) (resource.Kind, string, error) {
	kindName, name, _ := strings.Cut(reference, "/")
	kind, err := resource.KindFromName(kindName)
	return kind, name, err
}
