package spec

import (
	"testing"

	_ "github.com/cotangent-ad/cotangent/kernels/ref"
)

// TestRef holds ref against differences and values from elsewhere.
func TestRef(t *testing.T) {
	n := Run(t, "ref", Options{})
	if !t.Failed() && (n.Ops < 89 || n.Cases < 700 || n.SecondOrder < 500) {
		t.Errorf("only %+v tested", n)
	}
}
