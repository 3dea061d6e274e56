// Package issuance decides whether a workload identity is issued for given
// attributes, and makes the certificate (Teleport
// lib/auth/machineid/workloadidentityv1/{decision,issuer_service}.go).
package issuance

import (
	"slices"

	"github.com/gravitational/trace"
	"k8s.io/apimachinery/pkg/util/validation"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/expression"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// Rendered is a workload identity with its templates filled in.
type Rendered struct {
	Identity *resource.WorkloadIdentity
	ID       string
	Hint     string
	DNSSANs  []string
	Subject  resource.SubjectTemplate
}

// Decide evaluates the rules and then the templates. The error says why nothing
// is issued.
func Decide(identity *resource.WorkloadIdentity, attrs *attribute.Attrs) (*Rendered, error) {
	if err := evaluateRules(identity.Spec.Rules.Allow, attrs); err != nil {
		return nil, trace.Wrap(err, "attributes did not pass rule evaluation")
	}
	spiffe := identity.Spec.SPIFFE
	rendered := &Rendered{Identity: identity}
	var err error
	if rendered.ID, err = expression.Render(spiffe.ID, attrs); err != nil {
		return nil, trace.Wrap(err, "templating spec.spiffe.id")
	}
	if rendered.Hint, err = expression.Render(spiffe.Hint, attrs); err != nil {
		return nil, trace.Wrap(err, "templating spec.spiffe.hint")
	}
	for i, template := range spiffe.X509.DNSSANs {
		name, err := expression.Render(template, attrs)
		if err != nil {
			return nil, trace.Wrap(err, "templating spec.spiffe.x509.dns_sans[%d]", i)
		}
		if !validHostname(name) {
			return nil, trace.BadParameter(
				"templating spec.spiffe.x509.dns_sans[%d] resulted in an invalid DNS name %q", i, name)
		}
		rendered.DNSSANs = append(rendered.DNSSANs, name)
	}
	if subject := spiffe.X509.SubjectTemplate; subject != nil {
		if rendered.Subject, err = renderSubject(*subject, attrs); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

func renderSubject(template resource.SubjectTemplate, attrs *attribute.Attrs) (resource.SubjectTemplate, error) {
	subject := template
	for _, field := range []struct {
		name string
		text *string
	}{
		{"common_name", &subject.CommonName},
		{"organization", &subject.Organization},
		{"organizational_unit", &subject.OrganizationalUnit},
	} {
		text, err := expression.Render(*field.text, attrs)
		if err != nil {
			return resource.SubjectTemplate{}, trace.Wrap(err, "templating spec.spiffe.x509.subject_template.%s", field.name)
		}
		*field.text = text
	}
	return subject, nil
}

// validHostname follows RFC 1123: a label may start with a digit, and the first
// one may be a wildcard (Teleport PR 62665).
func validHostname(name string) bool {
	return len(validation.IsDNS1123Subdomain(name)) == 0 || len(validation.IsWildcardDNS1123Subdomain(name)) == 0
}

// evaluateRules passes when there are no rules or one of them holds. The first
// error ends it, even when a later rule would hold.
func evaluateRules(rules []resource.WorkloadIdentityRule, attrs *attribute.Attrs) error {
	if len(rules) == 0 {
		return nil
	}
	for _, rule := range rules {
		holds, err := ruleHolds(rule, attrs)
		if err != nil {
			return err
		}
		if holds {
			return nil
		}
	}
	return trace.AccessDenied("no matching rule found")
}

func ruleHolds(rule resource.WorkloadIdentityRule, attrs *attribute.Attrs) (bool, error) {
	if rule.Expression != "" {
		return expression.Evaluate(rule.Expression, attrs)
	}
	for _, condition := range rule.Conditions {
		holds, err := conditionHolds(condition, attrs)
		if err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

func conditionHolds(condition resource.Condition, attrs *attribute.Attrs) (bool, error) {
	value, err := attribute.ConditionValue(attrs, condition.Attribute)
	if err != nil {
		return false, err
	}
	switch {
	case condition.Eq != nil:
		return value == condition.Eq.Value, nil
	case condition.NotEq != nil:
		return value != condition.NotEq.Value, nil
	case condition.In != nil:
		return slices.Contains(condition.In.Values, value), nil
	case condition.NotIn != nil:
		return !slices.Contains(condition.NotIn.Values, value), nil
	default:
		return false, trace.BadParameter("unsupported operator")
	}
}
