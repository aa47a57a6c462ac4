package tensor_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// elsewhere tells under which name an operation is found that is no method of
// its own name, or why it is not found.
var elsewhere = map[string]string{
	"full": "Full, Zeros, Ones", "arange": "Arange", "linspace": "Linspace", "eye": "Eye", "where": "Where", "concat": "Concat",
	"stack": "Stack", "einsum": "Einsum", "slice": "Index", "index_set": "IndexPut", "scatter_nd": "IndexAdd",
	"logical_and": "And", "logical_or": "Or", "logical_not": "Not", "matmul": "MatMul", "logsumexp": "LogSumExp",
	"argmax": "ArgMax", "argmin": "ArgMin", "cumsum": "CumSum",
	"smul":          "a product of derivatives' rules",
	"join":          "Concat of few",
	"contract":      "Einsum of few",
	"scatter":       "ScatterAdd to zeros",
	"sparse_matmul": "Sparse.MatMul", "sampled_matmul": "Sparse.SampledMatMul",
}

// Every operation of the registry can be called by users of tensors.
func TestEveryOperationHasMethod(t *testing.T) {
	typ := reflect.TypeFor[*tensor.Tensor]()
	seen := map[string]bool{}
	for _, op := range kernels.Ops() {
		seen[op.Name] = true
		name := ""
		for _, word := range strings.Split(op.Name, "_") {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
		_, ok := typ.MethodByName(name)
		if _, told := elsewhere[op.Name]; ok == told {
			t.Errorf("%s: a method %s: %v, told to be elsewhere: %v", op.Name, name, ok, told)
		}
	}
	for name := range elsewhere {
		if !seen[name] {
			t.Errorf("%s is no operation", name)
		}
	}
}
