//go:build cuda && cgo

package cuda

import (
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Every operation has a place, of its body or of its own, and operations that others are
// made of are in the list themselves.
func TestPlaces(t *testing.T) {
	places := Places()
	if len(places) != len(kernels.Ops()) {
		t.Fatalf("%d places of %d operations", len(places), len(kernels.Ops()))
	}
	for i, op := range kernels.Ops() {
		p := places[i]
		own := p.Printed || p.Library || p.Host
		if p.Op != op.Name || own == (op.Kind == kernels.Composite) || own == (len(p.Body) > 0) {
			t.Errorf("%s, of kind %d: %+v", op.Name, op.Kind, p)
		}
		for _, name := range p.Body {
			if kernels.Lookup(name) == nil {
				t.Errorf("%s is made of %s, which is no operation", op.Name, name)
			}
		}
	}
}

// Where kernels are taken away, operations are found to be the host's.
func TestPlaceWithoutKernels(t *testing.T) {
	for _, op := range []*kernels.Op{kernels.CumSum, kernels.ArgMax} {
		factory := library[op]
		delete(library, op)
		p := place(op)
		library[op] = factory
		if q := place(op); !p.Host || p.Library || q.Host || !q.Library {
			t.Errorf("without kernels %+v, with them %+v", p, q)
		}
	}
	planted := *kernels.CumSum
	planted.Cases = func() []kernels.Case { return nil }
	if p := place(&planted); p.Printed || p.Library || p.Host || len(p.Body) > 0 {
		t.Errorf("without cases: %+v", p)
	}
}
