// Examples by topic. Those of single methods stand beside their tests.

package tensor_test

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A tensor is an array that no operation changes; operations are methods, and read
// from left to right.
func Example() {
	x := tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}})
	mean := x.Mean(0)              // of each column
	spread := x.Sub(mean).Square() // [2 3] less [3]: rows broadcast
	fmt.Println(x.Shape(), x.DType())
	fmt.Println(mean)
	fmt.Println(spread.Sum().Sqrt().DivScalar(2))
	fmt.Printf("%.2f\n", x.DivScalar(3))
	// Output:
	// [2 3] float64
	// [2.5 3.5 4.5]
	// 1.8371173070873836
	// [[0.33 0.67 1.00]
	//  [1.33 1.67 2.00]]
}

// From numbers, from a slice and a shape, and from patterns.
func Example_creation() {
	fmt.Println(tensor.New([][]float64{{1, 2}, {3, 4}}))       // nested slices: copied
	fmt.Println(tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2)) // a flat slice, row-major
	fmt.Println(tensor.Scalar(2.5), tensor.New([]int{1, 2}).DType())
	fmt.Println(tensor.Zeros(3), tensor.Ones(2))
	fmt.Println(tensor.Full(0, []int{2}, tensor.WithDType(tensor.Float32)).DType()) // zeros of another dtype
	fmt.Println(tensor.Arange(0, 10, 3), tensor.Linspace(0, 1, 5))
	fmt.Println(tensor.Arange(0, 3, 1, tensor.WithDType(tensor.Int64)))
	fmt.Println(tensor.Eye(2))
	// Output:
	// [[1. 2.]
	//  [3. 4.]]
	// [[1. 2.]
	//  [3. 4.]]
	// 2.5 int64
	// [0. 0. 0.] [1. 1.]
	// float32
	// [0. 3. 6. 9.] [0.   0.25 0.5  0.75 1.  ]
	// [0 1 2]
	// [[1. 0.]
	//  [0. 1.]]
}

// Random numbers come from math/rand/v2 or any other source: results are then the
// program's own to repeat.
func Example_random() {
	rng := rand.New(rand.NewPCG(1, 2))
	weights := make([]float64, 2*3)
	for i := range weights {
		weights[i] = 0.1 * rng.NormFloat64()
	}
	w := tensor.FromSlice(weights, 2, 3)
	fmt.Println(w.Shape(), w.Abs().Max().Float() < 1)
	// Output: [2 3] true
}

// Shapes are aligned at their last dimensions; sizes of 1 and missing dimensions are
// repeated, without a copy.
func Example_broadcasting() {
	column := tensor.New([]float64{10, 20}).Unsqueeze(1) // [2 1]
	row := tensor.New([]float64{1, 2, 3})                // [3]
	fmt.Println(column.Add(row))                         // [2 3]
	fmt.Println(row.Add(tensor.Scalar(0.5)), row.AddScalar(0.5))
	fmt.Println(row.BroadcastTo(2, 3))
	fmt.Println(row.Add(tensor.New([]float64{1, 2})).Err() != nil)
	// Output:
	// [[11. 12. 13.]
	//  [21. 22. 23.]]
	// [1.5 2.5 3.5] [1.5 2.5 3.5]
	// [[1. 2. 3.]
	//  [1. 2. 3.]]
	// true
}

// Without axes everything is reduced; negative axes count from the end; a Keep leaves
// size 1, so that the result broadcasts against what was reduced.
func Example_reductions() {
	x := tensor.New([][]float64{{1, 5, 3}, {4, 2, 6}})
	fmt.Println(x.Sum(), x.Sum(0), x.Sum(-1))
	fmt.Println(x.Mean(0, 1), x.Max(1), x.ArgMax(1), x.Min())
	fmt.Println(x.Div(x.SumKeep(1)).Sum(1))
	fmt.Println(x.MulScalar(1000).LogSumExp(1)) // without overflow
	fmt.Println(x.CumSum(1))
	// Output:
	// 21.0 [5. 7. 9.] [ 9. 12.]
	// 3.5 [5. 6.] [1 2] 1.0
	// [1. 1.]
	// [5000. 6000.]
	// [[ 1.  6.  9.]
	//  [ 4.  6. 12.]]
}

// Shapes change without a copy wherever strides can tell it.
func Example_shapes() {
	x := tensor.Arange(0, 6, 1)
	m := x.Reshape(2, -1)
	fmt.Println(m.Shape(), m.T().Shape(), m.Unsqueeze(0).Shape(), m.Flatten().Shape())
	images := tensor.Zeros(8, 3, 32, 32) // batch, channels, height, width
	fmt.Println(images.Transpose(0, 2, 3, 1).Shape(), images.MoveAxis(1, -1).Shape())
	fmt.Println(tensor.Concat(0, m, m).Shape(), tensor.Stack(0, m, m).Shape())
	fmt.Println(x.Pad([]int{1}, []int{2}), x.Flip(), x.Roll([]int{2}, []int{0}))
	// Output:
	// [2 3] [3 2] [1 2 3] [6]
	// [8 32 32 3] [8 32 32 3]
	// [4 3] [2 2 3]
	// [0. 0. 1. 2. 3. 4. 5. 0. 0.] [5. 4. 3. 2. 1. 0.] [4. 5. 0. 1. 2. 3.]
}

// Tensors are cut along an axis, and repeated along others.
func Example_parts() {
	x := tensor.Arange(0, 6, 1).Reshape(2, 3)
	parts := x.Split(1, 1, 2) // of these sizes along axis 1; Concat joins them again
	fmt.Println(parts[0].Shape(), parts[1].Shape(), tensor.Concat(1, parts...).Shape())
	for i, c := range tensor.Arange(0, 7, 1).Chunk(0, 3) { // three parts
		fmt.Println(i, c)
	}
	row := tensor.New([]float64{1, 2})
	fmt.Println(row.Tile(3), row.Repeat(0, 3))
	grid := tensor.Meshgrid(row, tensor.New([]float64{10, 20, 30}))
	fmt.Println(grid[0].Add(grid[1]))
	// Output:
	// [2 1] [2 2] [2 3]
	// 0 [0. 1. 2.]
	// 1 [3. 4.]
	// 2 [5. 6.]
	// [1. 2. 1. 2. 1. 2.] [1. 1. 1. 2. 2. 2.]
	// [[11. 21. 31.]
	//  [12. 22. 32.]]
}

// Numbers are compared with by methods of their own; bools are counted, and asked
// whether all or any of them are true.
func Example_comparisons() {
	x := tensor.New([][]float64{{1, -5, 3}, {4, 2, 6}})
	fmt.Println(x.GtScalar(0))
	fmt.Println(x.GtScalar(0).All(1), x.LtScalar(0).Any(), x.GeScalar(3).CountNonZero())
	fmt.Println(x.LtScalar(5).Mean()) // their share
	fmt.Println(tensor.Where(x.LtScalar(0), tensor.Scalar(0), x).Sum(1))
	// Output:
	// [[ True False  True]
	//  [ True  True  True]]
	// [False  True] True 3
	// 0.8333333333333334
	// [ 4. 12.]
}

// The variance divides by n, as NumPy's does; a correction of 1 divides by n-1, as PyTorch's.
func Example_statistics() {
	x := tensor.New([][]float64{{1, 5, 3}, {4, 2, 6}})
	fmt.Println(x.Mean(0), x.Var(0), x.Std(0))
	fmt.Println(x.VarCorrected(1, 1), x.StdCorrected(1, 1))
	scaled := x.Sub(x.MeanKeep(1)).Div(x.StdKeep(1)) // each row of mean 0 and deviation 1
	fmt.Printf("%.3f\n", scaled)
	fmt.Println(tensor.New([]float64{3, 4}).Norm())
	fmt.Printf("%.3g\n", tensor.New([]float64{3e200, 4e200}).Norm()) // without overflow
	// Output:
	// [2.5 3.5 4.5] [2.25 2.25 2.25] [1.5 1.5 1.5]
	// [4. 4.] [2. 2.]
	// [[-1.225  1.225  0.000]
	//  [ 0.000 -1.225  1.225]]
	// 5.0
	// 5e+200
}

// What layers of networks pass their sums through.
func Example_activations() {
	x := tensor.New([]float64{-2, 0, 2})
	fmt.Printf("%.3f %.3f\n", x.Relu(), x.LeakyRelu(0.1))
	fmt.Printf("%.3f %.3f\n", x.Gelu(), x.GeluTanh())
	fmt.Printf("%.3f %.3f\n", x.Silu(), x.Elu(1))
	fmt.Printf("%.3f %.3f\n", x.Tanh(), x.LogSigmoid())
	// Output:
	// [0.000 0.000 2.000] [-0.200  0.000  2.000]
	// [-0.046  0.000  1.954] [-0.045  0.000  1.955]
	// [-0.238  0.000  1.762] [-0.865  0.000  2.000]
	// [-0.964  0.000  0.964] [-2.127 -0.693 -0.127]
}

// Slices are views. Nothing is assigned to: IndexPut and IndexAdd return what an
// assignment would have made.
func Example_indexing() {
	x := tensor.Arange(0, 12, 1).Reshape(3, 4)
	fmt.Println(x.At(1, 2), x.At(1))                                   // x[1, 2], x[1]
	fmt.Println(x.Index(tensor.All, tensor.Range(1, 3)))               // x[:, 1:3]
	fmt.Println(x.Index(tensor.At(-1), tensor.Step(0, tensor.End, 2))) // x[-1, ::2]
	fmt.Println(x.Index(tensor.Ellipsis, tensor.At(0)))                // x[..., 0]
	fmt.Println(x.Index(x.GtScalar(8)))                                // x[x > 8]
	fmt.Println(x.IndexPut(tensor.Scalar(-1), tensor.At(0)).Index(tensor.Range(0, 2)))
	// Output:
	// 6.0 [4. 5. 6. 7.]
	// [[ 1.  2.]
	//  [ 5.  6.]
	//  [ 9. 10.]]
	// [ 8. 10.]
	// [0. 4. 8.]
	// [ 9. 10. 11.]
	// [[-1. -1. -1. -1.]
	//  [ 4.  5.  6.  7.]]
}

// Take looks rows up, as an embedding does; Gather takes one element a row, as the
// loss of a classifier does; ScatterAdd is the way back.
func Example_gathering() {
	table := tensor.New([][]float64{{1, 2}, {3, 4}, {5, 6}})
	words := tensor.New([]int{2, 0, 2})
	fmt.Println(table.Take(0, words))

	logits := tensor.New([][]float64{{2, 1, 0}, {0, 3, 0}})
	labels := tensor.New([]int{0, 1})
	fmt.Printf("%.3f\n", logits.LogSoftmax(-1).Gather(-1, labels.Unsqueeze(-1)).Mean().Neg())

	fmt.Println(tensor.Zeros(3).ScatterAdd(0, words, tensor.New([]float64{1, 10, 100})))
	fmt.Println(labels.OneHot(3))
	// Output:
	// [[5. 6.]
	//  [1. 2.]
	//  [5. 6.]]
	// 0.251
	// [ 10.   0. 101.]
	// [[1. 0. 0.]
	//  [0. 1. 0.]]
}

// Products of matrices, vectors and batches of them. What has no method is an Einsum.
func Example_linearAlgebra() {
	a := tensor.New([][]float64{{1, 2}, {3, 4}})
	v := tensor.New([]float64{1, -1})
	fmt.Println(a.MatMul(a))
	fmt.Println(a.MatMul(v), v.MatMul(a), v.Dot(v), a.Diag(0))
	fmt.Println(v.Outer(v))
	batch := tensor.Ones(5, 3, 2)
	fmt.Println(batch.MatMul(a).Shape(), batch.MatMul(batch.T()).Shape())
	fmt.Println(tensor.Einsum("i,ij,j", v, a, v)) // a bilinear form
	fmt.Println(a.Tril(0))
	// Output:
	// [[ 7. 10.]
	//  [15. 22.]]
	// [-1. -1.] [-2. -2.] 2.0 [1. 4.]
	// [[ 1. -1.]
	//  [-1.  1.]]
	// [5 3 2] [5 3 3]
	// 0.0
	// [[1. 0.]
	//  [3. 4.]]
}

// An operation on two dtypes is carried out in the later one of bool, int32, int64,
// float32, float64; a Go number takes the tensor's. WithDType makes tensors of one.
func Example_dtypes() {
	f32 := tensor.New([]float64{1, 2}, tensor.WithDType(tensor.Float32))
	fmt.Println(tensor.ZerosLike(f32).DType(), tensor.FullLike(0.5, f32).DType(), tensor.Zeros(2).Cast(tensor.Int32).DType())
	fmt.Println(f32.Add(tensor.New([]int{1, 1})).DType())
	fmt.Println(f32.MulScalar(0.5).DType(), f32.Mul(tensor.Scalar(0.5)).DType())
	fmt.Println(tensor.New([]int{3, 4}).Div(tensor.New([]int{2, 2})))
	fmt.Println(tensor.New([]float64{1.9, -1.9}).Cast(tensor.Int64))
	fmt.Printf("%+v\n", f32.GtScalar(1))
	// Output:
	// float32 float32 int32
	// float32
	// float32 float64
	// [1.5 2. ]
	// [ 1 -1]
	// tensor([False,  True])
}

// Out of tensors: single numbers, slices, and text.
func Example_reading() {
	x := tensor.New([][]float32{{1, 2}, {3, 4}})
	sum, err := x.Sum().Item()
	fmt.Println(sum, err)
	values, err := tensor.Data[float32](x) // a copy, of the dtype's own Go type
	fmt.Println(values, err)
	fmt.Println(x.Cast(tensor.Int64).Float64s()) // of any dtype
	fmt.Println(x.At(1, 0).Float() > 2)          // in a Go if
	fmt.Printf("%v %+v %.1f\n", x.At(0), x.At(0), x.At(0))
	// Output:
	// 10 <nil>
	// [1 2 3 4] <nil>
	// [1 2 3 4] <nil>
	// true
	// [1. 2.] tensor([1., 2.], dtype=float32) [1.0 2.0]
}

// No operation panics: the first error of a chain sticks to all that is made of it, and
// every reader returns it. Ask once, at the end.
func Example_errors() {
	x, w := tensor.Ones(4, 3), tensor.Ones(2, 5)
	loss := x.MatMul(w).Tanh().Square().Mean() // 3 and 2 do not fit
	_, err := loss.Item()

	var shape *tensor.ShapeError
	var op *tensor.OpError // with the operands, and the file and line of the MatMul
	fmt.Println(errors.As(err, &shape), errors.As(err, &op))
	fmt.Println(shape)
	fmt.Println(op.Op, op.In, loss.Err() == err)
	// Output:
	// true true
	// matmul: inner sizes 3 and 2 differ (shapes [4 3], [2 5])
	// matmul [float64[4 3] float64[2 5]] true
}

// A device of two workers, and one of plain Go loops; what is computed stays where its
// operands are. A name opens the same device for all who ask, so it is not closed here.
func Example_devices() {
	two, err := device.Open("cpu:2")
	if err != nil {
		fmt.Println(err)
		return
	}
	plain, err := device.Open("ref")
	if err != nil {
		fmt.Println(err)
		return
	}
	x := tensor.New([]float64{1, 2, 3}, tensor.On(two))
	y := x.Exp().Sum()
	fmt.Println(y.Device().Name(), tensor.Scalar(1).Add(y).Device().Name())
	// Tensors of two devices do not meet by themselves.
	z := tensor.New([]float64{1, 2, 3}, tensor.On(plain))
	fmt.Println(x.Add(z).Err() != nil, x.Add(z.To(two)).Err())
	// Output:
	// cpu:2 cpu:2
	// true <nil>
}

// Wrap borrows a slice, FromSlice copies it: large data need not be there twice, but must
// not be written to while it is used. Only the host's devices can borrow: Wrap copies to
// others.
func ExampleWrap() {
	host, err := device.Open("cpu")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tensor.SetDefaultDevice(tensor.Zeros().Device())
	tensor.SetDefaultDevice(host)
	data := []float64{1, 2, 3, 4}
	borrowed, copied := tensor.Wrap(data, 2, 2), tensor.FromSlice(data, 2, 2)
	columns := tensor.WrapStrided(data, []int{2, 2}, []int{1, 2}) // as Fortran has it
	fmt.Println(columns.Sum(0))
	data[0] = 10
	fmt.Println(borrowed.Sum(), copied.Sum())
	// Output:
	// [3. 7.]
	// 19.0 10.0
}

// Elements of one place add up: how often each word occurs, and what stands beside it.
func ExampleTensor_ScatterAdd() {
	words := tensor.New([]int{2, 0, 2})
	fmt.Println(tensor.Zeros(3).ScatterAdd(0, words, tensor.Ones(3)))
	fmt.Println(tensor.Zeros(3).ScatterAdd(0, words, tensor.New([]float64{1, 10, 100})))
	// Output:
	// [1. 0. 2.]
	// [ 10.   0. 101.]
}

// A structure, made once, and products of matrices that have it with vectors, with
// several at once, and transposed.
func ExampleSparse() {
	// [. 2 3]
	// [. . .]
	// [5 . .]
	a, err := tensor.NewSparse(3, 3, []int{0, 2, 2, 3}, []int{1, 2, 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	values := tensor.New([]float64{2, 3, 5})
	x := tensor.New([]float64{10, 20, 30})
	fmt.Println(a.MatMul(values, x), a.T().MatMul(values, x))

	two := tensor.New([][]float64{{10, 1}, {20, 2}, {30, 3}})
	fmt.Println(a.MatMul(values, two))
	fmt.Println(a.MatMul(values.MulScalar(2), x)) // another matrix of the same structure
	// Output:
	// [130.   0.  50.] [150.  20.  30.]
	// [[130.  13.]
	//  [  0.   0.]
	//  [ 50.   5.]]
	// [260.   0. 100.]
}

// What is wrong with a structure is told where it is made, and what does not fit it
// where it is multiplied.
func ExampleNewSparse() {
	_, err := tensor.NewSparse(2, 3, []int{0, 1, 2}, []int32{0, 3})
	var index *tensor.IndexError
	fmt.Println(errors.As(err, &index), index)

	a, err := tensor.NewSparse(2, 3, []int{0, 1, 2}, []int32{0, 2})
	fmt.Println(a.Rows(), a.Cols(), a.Entries(), err)
	var shape *tensor.ShapeError
	fmt.Println(errors.As(a.MatMul(tensor.Ones(2), tensor.Ones(2)).Err(), &shape), shape)
	// Output:
	// true new_sparse: index 3 out of range for a dimension of size 3
	// 2 3 2 <nil>
	// true sparse_matmul: a matrix of 3 columns times a vector of 2 (shapes [2], [2])
}

// Inner products only where a matrix has entries.
func ExampleSparse_SampledMatMul() {
	a, err := tensor.NewSparse(2, 2, []int{0, 1, 2}, []int32{1, 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, q := tensor.New([][]float64{{1, 2}, {3, 4}}), tensor.New([][]float64{{5, 6}, {7, 8}})
	fmt.Println(a.SampledMatMul(p, q))
	fmt.Println(p.MatMul(q.T())) // of which these are
	// Output:
	// [23. 39.]
	// [[17. 23.]
	//  [39. 53.]]
}

func ExampleTensor_IndexAdd() {
	x := tensor.Zeros(2, 3)
	fmt.Println(x.IndexAdd(tensor.Scalar(5), tensor.At(1), tensor.Range(1, 3)))
	fmt.Println(tensor.Zeros(3).ScatterAdd(0, tensor.New([]int64{0, 2, 0}), tensor.New([]float64{1, 2, 3})))
	// Output:
	// [[0. 0. 0.]
	//  [0. 5. 5.]]
	// [4. 0. 2.]
}
