// Package tctl is the command line of Teleport's admin tool as far as this
// project uses it (Teleport tool/tctl/common/resource_command.go): create, get,
// rm, auth rotate, status, version, with tctl's argument shapes and messages.
package tctl

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/trace"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/buildversion"
	"istio-teleport/lab/go/teleport-double/internal/fileconfig"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// ErrUsage is returned for arguments that don't make a command.
var ErrUsage = errors.New(`usage: tctl [-c FILE] COMMAND
  create [-f|--force] [FILE]             store every document of FILE, or of stdin when there is no FILE
  get KIND[/NAME] [--format yaml|json]   print resources
  rm KIND/NAME                           delete a resource
  auth rotate --type=spiffe (--manual --phase=PHASE | --grace-period=0)
                                         rotate the certificate authority of SVIDs
  auth export --type=tls-spiffe          print the certificates of that authority
  lock (--user=NAME | --role=NAME) [--message=TEXT] [--ttl=DURATION]
                                         refuse everything to a user or a role
  status                                 print the cluster's name and the authority's rotation
  version                                print the version
FILE is the Auth Service's teleport.yaml; it may also come from TELEPORT_CONFIG_FILE
KIND is role, bot, token, workload_identity, lock or cluster_auth_preference`)

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
		_, err := fmt.Fprintln(environment.Stdout, buildversion.Text())
		return err
	}
	config, err := fileconfig.Read(cmp.Or(parsed.config, environment.Getenv(fileconfig.PathEnvironment), defaultConfig))
	if err != nil {
		return err
	}
	r := run{client: newClient(config.AdminSocket()), environment: environment}
	switch parsed.command {
	case "create":
		return r.create(ctx, parsed.operand, parsed.force)
	case "get":
		return r.get(ctx, parsed.operand, parsed.format)
	case "rm":
		return r.remove(ctx, parsed.operand)
	case "auth":
		if parsed.operand == "export" {
			return r.export(ctx, parsed.rotation.Type)
		}
		return r.rotate(ctx, parsed.rotation)
	case "lock":
		return r.lock(ctx, parsed.lock)
	default:
		return r.status(ctx)
	}
}

// defaultConfig is where tctl looks when nothing names a file (Teleport
// defaults.ConfigFilePath).
const defaultConfig = "/etc/teleport.yaml"

type invocation struct {
	command string
	operand string
	config  string
	format  string
	force   bool
	// rotation is set for "auth rotate" alone.
	rotation authapi.RotateRequest
	// lock is set for "lock" alone.
	lock resource.LockSpec
}

// rotationGracePeriod is tctl's default (Teleport defaults.RotationGracePeriod).
const rotationGracePeriod = 48 * time.Hour

// parse takes flags before and after the operand, as tctl does.
func parse(arguments []string) (invocation, error) {
	parsed := invocation{format: "yaml"}
	unset := authapi.RotateRequest{GracePeriod: rotationGracePeriod}
	parsed.rotation = unset
	var operands []string
	for i := 0; i < len(arguments); i++ {
		name, value, hasValue := strings.Cut(arguments[i], "=")
		switch name {
		case "-f", "--force":
			parsed.force = true
		case "--manual":
			parsed.rotation.Manual = true
		case "-c", "--config", "--format", "--type", "--phase", "--grace-period", "--user", "--role", "--message", "--ttl":
			if !hasValue {
				i++
				if i == len(arguments) {
					return parsed, ErrUsage
				}
				value = arguments[i]
			}
			switch name {
			case "--format":
				parsed.format = value
			case "-c", "--config":
				parsed.config = value
			case "--user":
				parsed.lock.Target.User = value
			case "--role":
				parsed.lock.Target.Role = value
			case "--message":
				parsed.lock.Message = value
			case "--ttl":
				ttl, err := time.ParseDuration(value)
				if err != nil {
					return parsed, ErrUsage
				}
				expires := time.Now().Add(ttl).UTC()
				parsed.lock.Expires = &expires
			case "--type":
				parsed.rotation.Type = value
			case "--phase":
				parsed.rotation.TargetPhase = authority.Phase(value)
			case "--grace-period":
				period, err := time.ParseDuration(value)
				if err != nil {
					return parsed, ErrUsage
				}
				parsed.rotation.GracePeriod = period
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
	rotates := parsed.command == "auth" && parsed.operand == "rotate"
	exports := parsed.command == "auth" && parsed.operand == "export"
	needsOperand := parsed.command == "get" || parsed.command == "rm" || parsed.command == "auth"
	takesOperand := needsOperand || parsed.command == "create"
	switch {
	case !slices.Contains([]string{"create", "get", "rm", "auth", "lock", "status", "version"}, parsed.command),
		(rotates || exports) != (parsed.command == "auth"),
		!rotates && !exports && parsed.rotation != unset,
		parsed.command != "lock" && parsed.lock != resource.LockSpec{},
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
	// tool/tctl/common/resources/token.go calls UpsertToken), and so is the one
	// cluster_auth_preference (createAuthPreference; if it came from a file of the
	// auth server's, Teleport asks for --confirm).
	overwrite := force || parsed.ResourceKind() == resource.KindToken || parsed.ResourceKind() == resource.KindAuthPreference
	if err := r.client.put(ctx, document, overwrite); err != nil {
		return err
	}
	if parsed.ResourceKind() == resource.KindAuthPreference {
		_, err = fmt.Fprintln(r.environment.Stdout, "cluster auth preference has been updated")
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
	if kind == resource.KindAuthPreference {
		name = resource.AuthPreferenceName
	}
	if name == "" {
		return trace.BadParameter("provide a full resource name to delete, for example:\n$ tctl rm %s/NAME", kind)
	}
	err = r.client.remove(ctx, kind, name)
	resets := kind == resource.KindAuthPreference && trace.IsNotFound(err)
	if err != nil && !resets {
		return err
	}
	if kind == resource.KindAuthPreference {
		_, err := fmt.Fprintln(r.environment.Stdout, "cluster auth preference has been reset to defaults")
		return err
	}
	called := createdName(kind)
	if kind == resource.KindToken {
		called = "token"
	}
	_, err = fmt.Fprintf(r.environment.Stdout, "%s %q has been deleted\n", called, name)
	return err
}

// rotate sends one request (Teleport tool/tctl/common/auth_rotate_command.go);
// tctl's interactive mode is not played.
func (r run) rotate(ctx context.Context, request authapi.RotateRequest) error {
	if request.Type == "" {
		return trace.BadParameter("required flag --type not provided")
	}
	if err := r.client.rotate(ctx, request); err != nil {
		return err
	}
	done := "Initiated certificate authority rotation."
	if request.TargetPhase != "" {
		done = fmt.Sprintf("Updated rotation phase to %q.", string(request.TargetPhase))
	}
	_, err := fmt.Fprintf(r.environment.Stdout, "%s To check status use 'tctl status'\n", done)
	return err
}

// typeSPIFFE is what `tctl auth export` calls the authority of SVIDs (Teleport
// tool/tctl/common/auth_command.go, allowedCertificateTypes).
const typeSPIFFE = "tls-spiffe"

// export prints certificates in PEM. Which of two the real tctl prints while one
// is being rotated could not be read; this prints both.
func (r run) export(ctx context.Context, kind string) error {
	if kind != typeSPIFFE {
		return trace.BadParameter("--type=%s is not played, only %s", kind, typeSPIFFE)
	}
	status, err := r.client.status(ctx)
	if err != nil {
		return err
	}
	for _, der := range status.SPIFFEAuthorities {
		if err := pem.Encode(r.environment.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return trace.Wrap(err)
		}
	}
	return nil
}

// lock makes a lock with a name of its own (Teleport
// tool/tctl/common/lock_command.go).
func (r run) lock(ctx context.Context, spec resource.LockSpec) error {
	lock := resource.Lock{Kind: string(resource.KindLock), Version: "v2", Metadata: resource.Metadata{Name: uuid.NewString()}, Spec: spec}
	document, err := json.Marshal(lock)
	if err != nil {
		return trace.Wrap(err)
	}
	if err := r.client.put(ctx, document, true); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.environment.Stdout, "Created a lock with name %q.\n", lock.Metadata.Name)
	return err
}

// status prints the cluster, and of Teleport's authorities the one that is
// played (Teleport tool/tctl/common/status_command.go).
func (r run) status(ctx context.Context) error {
	status, err := r.client.status(ctx)
	if err != nil {
		return err
	}
	spiffe := status.SPIFFEAuthority
	rotation := fmt.Sprintf("in progress (mode: manual, phase: %s)", spiffe.Phase)
	if spiffe.Phase == authority.PhaseStandby {
		rotation = "standby (never rotated)"
		if !spiffe.LastRotated.IsZero() {
			rotation = fmt.Sprintf("standby (last rotated: %s)", spiffe.LastRotated.Format("Jan 2 2006 15:04:05 UTC"))
		}
	}
	table := tabwriter.NewWriter(r.environment.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintf(table, "Cluster  %s\nVersion  %s\n\n", status.ClusterName, status.ServerVersion)
	fmt.Fprintf(table, "authority\trotation\tprotocol\tstatus\n%s\t%s\tTLS\tactive\n", authapi.AuthoritySPIFFE, rotation)
	if spiffe.Trusted {
		fmt.Fprint(table, "\t\tTLS\ttrusted\n")
	}
	return table.Flush()
}

func parseReference(reference string) (resource.Kind, string, error) {
	kindName, name, _ := strings.Cut(reference, "/")
	kind, err := resource.KindFromName(kindName)
	return kind, name, err
}
