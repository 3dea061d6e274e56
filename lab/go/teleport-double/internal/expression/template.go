package expression

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
)

// interpolation is a pair of double braces with no brace in between. What has a
// brace inside stays literal text and then breaks the SPIFFE ID (Teleport
// expression/template.go).
var interpolation = regexp.MustCompile(`\{\{([^{}]+?)\}\}`)

// Render fills in a template. An attribute that is empty, a message that is
// unset and a missing map key are errors, so no credential is issued with a gap
// in its name; braces around nothing but spaces vanish without a word.
func Render(template string, attrs *attribute.Attrs) (string, error) {
	var out strings.Builder
	position := 0
	for _, match := range interpolation.FindAllStringSubmatchIndex(template, -1) {
		out.WriteString(template[position:match[0]])
		position = match[1]
		source := template[match[2]:match[3]]
		if strings.TrimSpace(source) == "" {
			continue
		}
		text, err := renderExpression(source, attrs, match[2], match[3])
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	out.WriteString(template[position:])
	return out.String(), nil
}

func renderExpression(source string, attrs *attribute.Attrs, start, end int) (string, error) {
	n, err := compiler{zeroValueIsError: true}.compile(source)
	if err != nil {
		return "", trace.Wrap(err, "parsing expression [%d:%d]: %s", start, end, source)
	}
	value, err := n.evaluate(attrs)
	if err != nil {
		return "", trace.Wrap(err, "evaluating expression: %s", source)
	}
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case string:
		return v, nil
	default:
		return "", trace.Errorf("expression did not evaluate to a string: %s", source)
	}
}
