//go:build cuda && cgo

package cuda_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	_ "github.com/cotangent-ad/cotangent/kernels/cuda"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
	"github.com/cotangent-ad/cotangent/kernels/spec"
)

// some are operations of every kind of kernel that there is.
var some = []string{
	"add", "where", "tanh", "digamma", "sum", "logsumexp", "max", "matmul", "take", "gather", "cumsum", "argmax",
	"index_set", "scatter_add", "sparse_matmul", "pad", "concat", "softmax",
}

var part = flag.String("part", "0/1", "which part of the operations TestSpec tests, of the sources TestCompileAhead compiles: 1/4 is the second of four")

// parts reads that.
func parts(t *testing.T) (i, n int) {
	t.Helper()
	if _, err := fmt.Sscanf(*part, "%d/%d", &i, &n); err != nil || i < 0 || i >= n {
		t.Fatalf("-part %q is no part", *part)
	}
	return i, n
}

// TestSpec is the conformance suite, of some operations only where time is short.
func TestSpec(t *testing.T) {
	o := spec.Options{Device: openDevice(t)}
	o.Part, o.Parts = parts(t)
	if testing.Short() {
		o.Ops = some
	}
	n := spec.Run(t, "cuda", o)
	filtered := strings.Contains(flag.Lookup("test.run").Value.String(), "/")
	if testing.Short() && !filtered && o.Parts == 1 && n.Ops != len(some) {
		t.Errorf("%d of %d operations tested", n.Ops, len(some))
	}
}
