// What callers of Prepare can ask for.

package jacobian

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/sparse"
)

// Mode says how entries are computed.
type Mode uint8

// The modes.
const (
	Auto    Mode = iota // the one that is predicted, or measured, to cost least
	Forward             // Jacobian-vector products of column colours
	Reverse             // vector-Jacobian products of row colours
	Mixed               // both: a bicolouring
	Direct              // partial derivatives one by one, without colours
)

// String returns the mode's name.
func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m]
	}
	return fmt.Sprintf("mode %d", m)
}

var modes = []string{"auto", "forward", "reverse", "mixed", "direct"}

// An Option changes how derivatives are prepared.
type Option func(*options)

type options struct {
	mode     Mode
	recovery *sparse.Recovery
	pattern  *sparse.Pattern
	local    bool
	byColumn bool
	triangle sparse.Triangle
	memory   int64
	color    []sparse.Option
	grad     []grad.Option
}

// gather returns what the options ask for, an *OptionError if that is nothing there is.
func gather(opts []Option) (*options, error) {
	o := &options{memory: 1 << 30}
	for _, set := range opts {
		if set != nil {
			set(o)
		}
	}
	switch {
	case o.mode > Direct:
		return nil, &OptionError{fmt.Sprintf("unknown %v", o.mode)}
	case o.recovery != nil && *o.recovery > sparse.Substitution:
		return nil, &OptionError{fmt.Sprintf("unknown recovery %d", *o.recovery)}
	case o.triangle > sparse.Upper:
		return nil, &OptionError{fmt.Sprintf("unknown triangle %d", o.triangle)}
	case o.memory < 1:
		return nil, &OptionError{fmt.Sprintf("%d bytes of memory", o.memory)}
	}
	return o, nil
}

// WithMode asks for a mode. A Hessian has Forward (forward over reverse) and Direct.
// Direct is for programs in which every element depends on few elements of the
// argument: stencils, batches of small blocks; elsewhere it is a *pattern.DirectError.
func WithMode(m Mode) Option { return func(o *options) { o.mode = m } }

// WithRecovery asks for direct recovery of entries from products, or for
// substitution (fewer colours, more arithmetic an entry). By default what is
// predicted to cost less is taken. It concerns Hessians and Mixed.
func WithRecovery(r sparse.Recovery) Option { return func(o *options) { o.recovery = &r } }

// WithPattern gives the structure instead of having it found. Entries that it
// lacks come out wrong, and make others wrong: see [Prepared.Check].
func WithPattern(p *sparse.Pattern) Option { return func(o *options) { o.pattern = p } }

// AtPoint has the structure found near the argument that Prepare is given, with
// choices (Where, Maximum, computed indices) made as there, instead of at every
// argument.
func AtPoint() Option { return func(o *options) { o.local = true } }

// ByColumn orders values by compressed columns instead of rows.
func ByColumn() Option { return func(o *options) { o.byColumn = true } }

// WithTriangle stores one triangle of a Hessian, with its diagonal; of a Jacobian it is an
// *OptionError.
func WithTriangle(t sparse.Triangle) Option { return func(o *options) { o.triangle = t } }

// WithMemory bounds the bytes that one sweep's products and seeds take, roughly;
// colours beyond are swept one chunk after the other. It is 1 GiB otherwise.
func WithMemory(bytes int64) Option { return func(o *options) { o.memory = bytes } }

// WithColoring passes options to sparse.Color.
func WithColoring(opts ...sparse.Option) Option {
	return func(o *options) { o.color = append(o.color, opts...) }
}

// WithGrad passes options to the transformations and programs of package grad.
func WithGrad(opts ...grad.Option) Option {
	return func(o *options) { o.grad = append(o.grad, opts...) }
}

// An OptionError says why an option makes no sense for a function.
type OptionError struct{ Reason string }

func (e *OptionError) Error() string { return "jacobian: " + e.Reason }

// A PatternError says that a given pattern does not fit the function: it is for a
// Jacobian of Got rows and columns where the function's has Want.
type PatternError struct{ Got, Want [2]int }

func (e *PatternError) Error() string {
	return fmt.Sprintf("jacobian: the given pattern is %d x %d, the function's Jacobian %d x %d", e.Got[0], e.Got[1], e.Want[0], e.Want[1])
}
