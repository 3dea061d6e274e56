// Package expression evaluates the rule expressions and the templates of a
// workload identity (Teleport lib/auth/machineid/workloadidentityv1/expression).
//
// Teleport's predicate language is written in Go's expression syntax; so is the
// part played here: attribute names, map lookups by a literal key, string,
// number and bool literals, ==, !=, &&, ||, ! and parentheses. Everything else,
// functions above all, is refused in words that say so.
package expression

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
)

// evaluator yields a string, int or bool.
type evaluator func(attrs *attribute.Attrs) (any, error)

type valueType int

const (
	typeString valueType = iota
	typeInt
	typeBool
)

type node struct {
	valueType valueType
	evaluate  evaluator
}

// compiler turns source text into evaluators. zeroValueIsError makes an empty
// string attribute an error, as it is inside templates.
type compiler struct {
	zeroValueIsError bool
}

// Validate reports whether a rule expression can be stored: it must parse, name
// known attributes, and be boolean.
func Validate(source string) error {
	_, err := compileRule(source)
	return err
}

// Evaluate runs a rule expression.
func Evaluate(source string, attrs *attribute.Attrs) (bool, error) {
	n, err := compileRule(source)
	if err != nil {
		return false, err
	}
	result, err := n.evaluate(attrs)
	if err != nil {
		return false, err
	}
	return result.(bool), nil
}

func compileRule(source string) (node, error) {
	n, err := compiler{}.compile(source)
	if err != nil {
		return node{}, err
	}
	if n.valueType != typeBool {
		return node{}, trace.BadParameter("expression does not evaluate to a boolean: %s", source)
	}
	return n, nil
}

func (c compiler) compile(source string) (node, error) {
	expr, err := parser.ParseExpr(source)
	if err != nil {
		return node{}, trace.BadParameter("parsing expression: %v", err)
	}
	return c.compileNode(expr)
}

func (c compiler) compileNode(expr ast.Expr) (node, error) {
	switch e := expr.(type) {
	case *ast.ParenExpr:
		return c.compileNode(e.X)
	case *ast.BasicLit:
		return compileLiteral(e)
	case *ast.Ident, *ast.SelectorExpr:
		return c.compileAttribute(expr)
	case *ast.IndexExpr:
		return c.compileLookup(e)
	case *ast.UnaryExpr:
		return c.compileNegation(e)
	case *ast.BinaryExpr:
		return c.compileBinary(e)
	case *ast.CallExpr:
		return node{}, notPlayed("function calls")
	default:
		return node{}, notPlayed("this form of expression")
	}
}

func notPlayed(what string) error {
	return trace.BadParameter("%s: not supported by the double", what)
}

func constant(t valueType, value any) node {
	return node{valueType: t, evaluate: func(*attribute.Attrs) (any, error) { return value, nil }}
}

func compileLiteral(lit *ast.BasicLit) (node, error) {
	switch lit.Kind {
	case token.STRING:
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			return node{}, trace.BadParameter("parsing string %s: %v", lit.Value, err)
		}
		return constant(typeString, text), nil
	case token.INT:
		number, err := strconv.Atoi(lit.Value)
		if err != nil {
			return node{}, trace.BadParameter("parsing number %s: %v", lit.Value, err)
		}
		return constant(typeInt, number), nil
	default:
		return node{}, notPlayed("the literal " + lit.Value)
	}
}

// path returns the dotted name of a chain of selectors.
func path(expr ast.Expr) (string, bool) {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name, true
	case *ast.SelectorExpr:
		prefix, ok := path(e.X)
		return prefix + "." + e.Sel.Name, ok
	default:
		return "", false
	}
}

func findAttribute(expr ast.Expr) (attribute.Field, error) {
	name, ok := path(expr)
	if !ok {
		return attribute.Field{}, notPlayed("a selector on anything but an attribute")
	}
	field, ok := attribute.Find(name)
	if !ok {
		return attribute.Field{}, trace.BadParameter("unknown identifier: %q", name)
	}
	return field, nil
}

func (c compiler) compileAttribute(expr ast.Expr) (node, error) {
	if name, ok := path(expr); ok && (name == "true" || name == "false") {
		return constant(typeBool, name == "true"), nil
	}
	field, err := findAttribute(expr)
	if err != nil {
		return node{}, err
	}
	switch field.Kind {
	case attribute.KindString:
		return node{typeString, func(attrs *attribute.Attrs) (any, error) {
			value, err := field.Value(attrs)
			if err != nil {
				return nil, err
			}
			if value == "" && c.zeroValueIsError {
				return nil, trace.Errorf("%s is unset", field.Path)
			}
			return value, nil
		}}, nil
	case attribute.KindBool:
		return node{typeBool, func(attrs *attribute.Attrs) (any, error) { return field.Value(attrs) }}, nil
	case attribute.KindInt:
		return node{typeInt, func(attrs *attribute.Attrs) (any, error) { return field.Value(attrs) }}, nil
	case attribute.KindUint:
		// A rule compares it with a number; a template does not get a number.
		return node{typeInt, func(attrs *attribute.Attrs) (any, error) {
			value, err := field.Value(attrs)
			if err != nil || c.zeroValueIsError {
				return value, err
			}
			return int(value.(uint64)), nil
		}}, nil
	case attribute.KindMap:
		return node{}, notPlayed("the map " + field.Path + " without a key")
	default:
		// Messages, enumerations and repeated fields are no variables of the
		// language (Teleport expression/proto.go).
		return node{}, trace.BadParameter("unknown identifier: %q", field.Path)
	}
}

func (c compiler) compileLookup(e *ast.IndexExpr) (node, error) {
	field, err := findAttribute(e.X)
	if err != nil {
		return node{}, err
	}
	if field.Kind != attribute.KindMap {
		return node{}, trace.BadParameter("%q is not a map", field.Path)
	}
	literal, ok := e.Index.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return node{}, notPlayed("a key that is not a string literal")
	}
	key, err := strconv.Unquote(literal.Value)
	if err != nil {
		return node{}, trace.BadParameter("parsing string %s: %v", literal.Value, err)
	}
	return node{typeString, func(attrs *attribute.Attrs) (any, error) {
		value, err := field.Value(attrs)
		if err != nil {
			return nil, err
		}
		entry, ok := value.(map[string]string)[key]
		if !ok {
			return nil, trace.Errorf("no value for key: %q", key)
		}
		return entry, nil
	}}, nil
}

func (c compiler) compileNegation(e *ast.UnaryExpr) (node, error) {
	operand, err := c.compileNode(e.X)
	if err != nil {
		return node{}, err
	}
	if e.Op != token.NOT || operand.valueType != typeBool {
		return node{}, notPlayed("the operator " + e.Op.String() + " on this operand")
	}
	return node{typeBool, func(attrs *attribute.Attrs) (any, error) {
		value, err := operand.evaluate(attrs)
		if err != nil {
			return nil, err
		}
		return !value.(bool), nil
	}}, nil
}

func (c compiler) compileBinary(e *ast.BinaryExpr) (node, error) {
	left, err := c.compileNode(e.X)
	if err != nil {
		return node{}, err
	}
	right, err := c.compileNode(e.Y)
	if err != nil {
		return node{}, err
	}
	switch e.Op {
	case token.LAND, token.LOR:
		if left.valueType != typeBool || right.valueType != typeBool {
			return node{}, trace.BadParameter("%s takes two booleans", e.Op)
		}
		return logical(left, right, e.Op == token.LOR), nil
	case token.EQL, token.NEQ:
		if left.valueType != right.valueType {
			return node{}, trace.BadParameter("%s takes two values of one type", e.Op)
		}
		return comparison(left, right, e.Op == token.EQL), nil
	default:
		return node{}, notPlayed("the operator " + e.Op.String())
	}
}

// logical does not evaluate the right side when the left decides.
func logical(left, right node, decisive bool) node {
	return node{typeBool, func(attrs *attribute.Attrs) (any, error) {
		value, err := left.evaluate(attrs)
		if err != nil {
			return nil, err
		}
		if value.(bool) == decisive {
			return decisive, nil
		}
		return right.evaluate(attrs)
	}}
}

func comparison(left, right node, wantEqual bool) node {
	return node{typeBool, func(attrs *attribute.Attrs) (any, error) {
		a, err := left.evaluate(attrs)
		if err != nil {
			return nil, err
		}
		b, err := right.evaluate(attrs)
		if err != nil {
			return nil, err
		}
		return (a == b) == wantEqual, nil
	}}
}
