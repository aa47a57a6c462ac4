// The ops that are not loops.

package ref

import (
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// library holds the factories of kernels by op.
var library = map[*kernels.Op]func(inst *kernels.Inst) kernels.Kernel{
	kernels.Reshape:      func(*kernels.Inst) kernels.Kernel { return kernel(reshape) },
	kernels.Join:         joinKernel,
	kernels.CumSum:       cumSumKernel,
	kernels.ArgMax:       argKernel(func(a, best float64) bool { return a > best }, func(a, best int64) bool { return a > best }),
	kernels.ArgMin:       argKernel(func(a, best float64) bool { return a < best }, func(a, best int64) bool { return a < best }),
	kernels.IndexSet:     indexSetKernel,
	kernels.SparseMatmul: sparseKernel,
}

// kernel is a function that sets its result, as a kernels.Kernel.
type kernel func(c *kernels.Call) error

func (k kernel) Run(c *kernels.Call) error {
	if !c.Add {
		return k(c)
	}
	fresh := &kernels.Array{Aval: c.Out[0].Aval}
	memory := make([]uint64, (fresh.Size()*fresh.DType.Size()+7)/8+1)
	fresh.Ptr = unsafe.Pointer(&memory[0])
	if err := k(&kernels.Call{In: c.In, Out: []*kernels.Array{fresh}, Cancel: c.Cancel}); err != nil {
		return err
	}
	for i := range fresh.Size() {
		p := element(c.Out[0], i)
		v := get[fresh.DType](p)
		v.f += get[fresh.DType](element(fresh, i)).f
		set[fresh.DType](p, v)
	}
	return nil
}

// each calls f with every index of a shape, in row-major order, until f returns
// an error or the call is cancelled.
func each(c *kernels.Call, shape []int, f func(index []int) error) error {
	if (kernels.Aval{Shape: shape}).Size() == 0 {
		return nil
	}
	index := make([]int, len(shape))
	for count := 1; ; count++ {
		if count%1024 == 0 && c.Cancel != nil && c.Cancel.Load() {
			return kernels.ErrCancelled
		}
		if err := f(index); err != nil {
			return err
		}
		if !next(index, func(d int) int { return shape[d] }) {
			return nil
		}
	}
}

// at returns the element of an array at an index.
func at(a *kernels.Array, index []int) scalar { return get[a.DType](element(a, offset(a, index))) }

func offset(a *kernels.Array, index []int) int {
	n := 0
	for d, i := range index {
		n += i * a.Stride(d)
	}
	return n
}

// write sets an element of the result.
func write(c *kernels.Call, offset int, v scalar) { set[c.Out[0].DType](element(c.Out[0], offset), v) }

// reshape copies the operand's elements in row-major order.
func reshape(c *kernels.Call) error {
	n := 0
	return each(c, c.In[0].Shape, func(index []int) error {
		write(c, n, at(c.In[0], index))
		n++
		return nil
	})
}

func joinKernel(inst *kernels.Inst) kernels.Kernel {
	ax, _, _ := inst.Out[0].Along(inst.Attr.(kernels.Axes).List()[0])
	return kernel(func(c *kernels.Call) error {
		start := 0 // of the operand in the result
		for _, a := range c.In {
			err := each(c, a.Shape, func(index []int) error {
				write(c, offset(c.Out[0], index)+start*c.Out[0].Stride(ax), convert(c.Out[0].DType, a.DType, at(a, index)))
				return nil
			})
			if err != nil {
				return err
			}
			start += a.Shape[ax]
		}
		return nil
	})
}

func cumSumKernel(inst *kernels.Inst) kernels.Kernel {
	s := inst.Attr.(kernels.Scan)
	ax, n, _ := inst.In[0].Along(int(s.Axis))
	return kernel(func(c *kernels.Call) error {
		x, out := c.In[0], c.Out[0]
		return each(c, without(x.Shape, ax), func(index []int) error {
			floats, total := newSums(1), int64(0)
			for k := range n {
				i := k
				if s.Reverse {
					i = n - 1 - k
				}
				v := at(x, with(index, ax, i))
				floats.put(0, 0, v)
				total += v.i
				y, _ := floats.value(0)
				y.i = total
				write(c, offset(out, with(index, ax, i)), y)
			}
			return nil
		})
	})
}

// without returns a shape or an index with one entry left out, with one with an
// entry put in.
func without(list []int, at int) []int {
	return append(append([]int{}, list[:at]...), list[at+1:]...)
}

func with(list []int, at, v int) []int {
	return append(append(append([]int{}, list[:at]...), v), list[at:]...)
}

// argKernel finds the first element that betters all before it; the first NaN
// betters all.
func argKernel(better func(a, best float64) bool, betterInt func(a, best int64) bool) func(inst *kernels.Inst) kernels.Kernel {
	return func(inst *kernels.Inst) kernels.Kernel {
		a, shape := inst.Attr.(kernels.Axes), inst.In[0].Shape
		beats := func(v, best scalar) bool {
			if inst.In[0].DType.IsFloat() {
				return better(v.f, best.f) || math.IsNaN(v.f) && !math.IsNaN(best.f)
			}
			return betterInt(v.i, best.i)
		}
		if a.N == 0 {
			return kernel(func(c *kernels.Call) error {
				n, found, best := int64(0), int64(0), scalar{}
				err := each(c, shape, func(index []int) error {
					if v := at(c.In[0], index); n == 0 || beats(v, best) {
						found, best = n, v
					}
					n++
					return nil
				})
				write(c, 0, scalar{i: found})
				return err
			})
		}
		ax, _, _ := inst.In[0].Along(a.List()[0])
		return kernel(func(c *kernels.Call) error {
			n := 0
			return each(c, without(shape, ax), func(index []int) error {
				found, best := 0, at(c.In[0], with(index, ax, 0))
				for i := 1; i < shape[ax]; i++ {
					if v := at(c.In[0], with(index, ax, i)); beats(v, best) {
						found, best = i, v
					}
				}
				write(c, n, scalar{i: int64(found)})
				n++
				return nil
			})
		})
	}
}

// indexSetKernel copies the operand, then sets values in their order.
func indexSetKernel(inst *kernels.Inst) kernels.Kernel {
	shape, k := inst.In[0].Shape, len(inst.In)-2
	picked, err := kernels.Index.Inst(nil, append([]kernels.Aval{inst.In[0]}, inst.In[2:]...)...)
	if err != nil {
		return nil // its operands were checked
	}
	over := picked.Out[0].Shape // the positions, and a slice
	lead := len(over) - len(shape[k:])
	return kernel(func(c *kernels.Call) error {
		out := c.Out[0]
		if err := reshape(c); err != nil {
			return err
		}
		return each(c, over, func(index []int) error {
			place := 0
			for d, a := range c.In[2:] {
				i := at(a, aligned(a, index[:lead])).i
				if i < -int64(shape[d]) || i >= int64(shape[d]) {
					return &kernels.IndexError{Op: inst.Name, Index: i, Size: shape[d]}
				}
				if i < 0 {
					i += int64(shape[d])
				}
				place += int(i) * out.Stride(d)
			}
			for d, i := range index[lead:] {
				place += i * out.Stride(k+d)
			}
			v := c.In[1]
			set[out.DType](element(out, place), convert(out.DType, v.DType, at(v, aligned(v, index))))
			return nil
		})
	})
}

// aligned returns the index of an operand that broadcasts, at an index of the whole.
func aligned(a *kernels.Array, index []int) []int {
	own := append([]int{}, index[len(index)-len(a.Shape):]...)
	for d, n := range a.Shape {
		if n == 1 {
			own[d] = 0
		}
	}
	return own
}
