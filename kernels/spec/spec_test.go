package spec

import (
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
)

// TestRef holds ref against differences and values from elsewhere.
func TestRef(t *testing.T) {
	n := Run(t, "ref", Options{})
	whole := n.Ops == len(kernels.Ops()) // unless -run names some
	if whole && !t.Failed() && (n.Ops < 89 || n.Cases < 1000 || n.Compared < 25000 || n.SecondOrder < 800) {
		t.Errorf("only %+v tested", n)
	}
}
