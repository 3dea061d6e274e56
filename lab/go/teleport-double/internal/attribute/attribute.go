// Package attribute is the model of the attributes that a workload identity's
// rules and templates see, with the lookup rules of the two languages that
// Teleport uses on them (Teleport lib/auth/machineid/workloadidentityv1/decision.go
// and .../expression/proto.go).
//
// The field names are the protobuf text names of Teleport's Attrs message; they
// are also the JSON names on the wire between tbot and the auth server and in
// audit events. Of the workload attestors only Unix and Kubernetes are played,
// so workload.docker, workload.podman, workload.systemd and workload.sigstore
// are unknown names here.
package attribute

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/gravitational/trace"
)

// Attrs is everything a decision may look at.
type Attrs struct {
	Workload *Workload `json:"workload,omitempty"`
	User     *User     `json:"user,omitempty"`
	Join     *Join     `json:"join,omitempty"`
}

// Workload is what tbot attested about the caller. Kubernetes is nil when that
// attestation is off or failed.
type Workload struct {
	Unix       *Unix       `json:"unix,omitempty"`
	Kubernetes *Kubernetes `json:"kubernetes,omitempty"`
}

// Unix describes the calling process. BinaryPath and BinaryHash are empty when
// tbot may not read the executable (no CAP_SYS_PTRACE).
type Unix struct {
	Attested   bool   `json:"attested,omitempty"`
	PID        int32  `json:"pid,omitempty"`
	GID        uint32 `json:"gid,omitempty"`
	UID        uint32 `json:"uid,omitempty"`
	BinaryPath string `json:"binary_path,omitempty"`
	BinaryHash string `json:"binary_hash,omitempty"`
}

// Kubernetes describes the pod that the calling process runs in. Container is
// nil when the kubelet did not yet report the container.
type Kubernetes struct {
	Attested       bool              `json:"attested,omitempty"`
	Namespace      string            `json:"namespace,omitempty"`
	PodName        string            `json:"pod_name,omitempty"`
	ServiceAccount string            `json:"service_account,omitempty"`
	PodUID         string            `json:"pod_uid,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Container      *Container        `json:"container,omitempty"`
}

// ContainerType is an enumeration; rules and templates can't use it.
type ContainerType int

// The container types of Teleport's protobuf enumeration.
const (
	ContainerTypeUnspecified ContainerType = iota
	ContainerTypeRegular
	ContainerTypeInit
)

// Container is the container of the calling process.
type Container struct {
	Name        string        `json:"name,omitempty"`
	Image       string        `json:"image,omitempty"`
	ImageDigest string        `json:"image_digest,omitempty"`
	Type        ContainerType `json:"type,omitempty"`
}

// User is the bot that asks for the credential.
type User struct {
	Name          string            `json:"name,omitempty"`
	IsBot         bool              `json:"is_bot,omitempty"`
	BotName       string            `json:"bot_name,omitempty"`
	BotInstanceID string            `json:"bot_instance_id,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
}

// Join tells how the bot joined.
type Join struct {
	Meta       *JoinMeta       `json:"meta,omitempty"`
	Kubernetes *JoinKubernetes `json:"kubernetes,omitempty"`
}

// JoinMeta names the token and the method of the join.
type JoinMeta struct {
	JoinTokenName string `json:"join_token_name,omitempty"`
	JoinMethod    string `json:"join_method,omitempty"`
}

// JoinKubernetes is what the service account token of the join said.
type JoinKubernetes struct {
	ServiceAccount *JoinServiceAccount `json:"service_account,omitempty"`
	Pod            *JoinPod            `json:"pod,omitempty"`
	Subject        string              `json:"subject,omitempty"`
}

// JoinServiceAccount is the service account of tbot's pod.
type JoinServiceAccount struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// JoinPod is tbot's pod.
type JoinPod struct {
	Name string `json:"name,omitempty"`
}

// Kind is the type of an attribute as the languages see it.
type Kind int

// The kinds of attributes.
const (
	KindMessage Kind = iota
	KindString
	KindBool
	KindInt
	// KindUint is kept apart from KindInt, as protobuf does: a template can't
	// render it.
	KindUint
	KindMap
	KindEnum
)

// Field is a place in the attribute tree, known by its type alone: it exists
// whether or not a given Attrs has a value there.
type Field struct {
	// Path is the dotted name, for example "workload.kubernetes.namespace".
	Path string
	Kind Kind

	index []int
	names []string
}

// Find returns the field with the given path, or false if Teleport's attribute
// message has no such field.
func Find(path string) (Field, bool) {
	t := reflect.TypeFor[Attrs]()
	names := strings.Split(path, ".")
	var index []int
	for i, name := range names {
		position, fieldType, ok := fieldByName(t, name)
		if !ok {
			return Field{}, false
		}
		index = append(index, position)
		kind := kindOf(fieldType)
		if i == len(names)-1 {
			return Field{Path: path, Kind: kind, index: index, names: names}, true
		}
		if kind != KindMessage {
			return Field{}, false
		}
		t = fieldType.Elem()
	}
	return Field{}, false
}

// Value reads the field. It fails with "<message> is unset" when a message on
// the way is missing (Teleport expression/proto.go).
func (f Field) Value(attrs *Attrs) (any, error) {
	v := reflect.ValueOf(attrs).Elem()
	for i, position := range f.index {
		v = v.Field(position)
		if i == len(f.index)-1 {
			break
		}
		if v.IsNil() {
			return nil, trace.Errorf("%s is unset", strings.Join(f.names[:i+1], "."))
		}
		v = v.Elem()
	}
	switch f.Kind {
	case KindInt:
		return int(v.Int()), nil
	case KindUint:
		return v.Uint(), nil
	default:
		return v.Interface(), nil
	}
}

// ConditionValue resolves an attribute the way the conditions form of a rule
// does: an unset string is "", an unset bool "false", an unset number "0", and
// only a name that the message does not have is an error. Maps and enumerations
// can't be used (Teleport decision.go, getFieldStringValue).
func ConditionValue(attrs *Attrs, path string) (string, error) {
	v := reflect.ValueOf(attrs)
	names := strings.Split(path, ".")
	for i, name := range names {
		t := v.Type().Elem()
		position, fieldType, ok := fieldByName(t, name)
		if !ok {
			return "", trace.NotFound("attribute %q not found", name)
		}
		kind := kindOf(fieldType)
		if i == len(names)-1 {
			if kind != KindString && kind != KindBool && kind != KindInt && kind != KindUint {
				return "", trace.BadParameter("attribute %q of type %q cannot be converted to string", name, protoKindName(kind))
			}
			return printed(fieldOrZero(v, position, fieldType)), nil
		}
		if kind != KindMessage {
			return "", trace.BadParameter("attribute %q is not a message", name)
		}
		v = fieldOrZero(v, position, fieldType)
	}
	return "", nil
}

func fieldOrZero(message reflect.Value, position int, fieldType reflect.Type) reflect.Value {
	if message.IsNil() {
		return reflect.Zero(fieldType)
	}
	return message.Elem().Field(position)
}

func printed(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	default:
		return v.String()
	}
}

func fieldByName(t reflect.Type, name string) (int, reflect.Type, bool) {
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == name {
			return i, t.Field(i).Type, true
		}
	}
	return 0, nil, false
}

func kindOf(t reflect.Type) Kind {
	switch {
	case t == reflect.TypeFor[ContainerType]():
		return KindEnum
	case t.Kind() == reflect.String:
		return KindString
	case t.Kind() == reflect.Bool:
		return KindBool
	case t.Kind() == reflect.Map:
		return KindMap
	case t.Kind() == reflect.Pointer:
		return KindMessage
	case t.Kind() == reflect.Uint32:
		return KindUint
	default:
		return KindInt
	}
}

// protoKindName is the name that protobuf gives the kind; a map is a repeated
// message there.
func protoKindName(k Kind) string {
	if k == KindEnum {
		return "enum"
	}
	return "message"
}
