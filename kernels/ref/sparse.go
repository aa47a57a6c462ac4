// Products with sparse matrices.

package ref

import "github.com/cotangent-ad/cotangent/kernels"

// sparseKernel adds up the entries of each row, for one column of the dense matrix after
// the other.
func sparseKernel(inst *kernels.Inst) kernels.Kernel {
	start, to, entry := kernels.SparseLists(inst)
	shape := inst.Out[0].Shape
	lead := len(shape) - 2
	return kernel(func(c *kernels.Call) error {
		values, x := c.In[0], c.In[1]
		entries, n := values.Shape[len(values.Shape)-1], x.Shape[len(x.Shape)-2]
		place := func(operand, at, size int) (int, error) {
			i := get[c.In[operand].DType](element(c.In[operand], at*c.In[operand].Stride(0))).i
			if i < -int64(size) || i >= int64(size) {
				return 0, &kernels.IndexError{Op: inst.Name, Index: i, Size: size}
			}
			if i < 0 {
				i += int64(size)
			}
			return int(i), nil
		}
		bound := func(at int) (int, error) {
			i := get[c.In[start].DType](element(c.In[start], at*c.In[start].Stride(0))).i
			if i < 0 || i > int64(entries) {
				return 0, &kernels.IndexError{Op: inst.Name, Index: i, Size: entries + 1}
			}
			return int(i), nil
		}
		out := 0
		return each(c, shape, func(index []int) error {
			row, column := index[lead], index[lead+1]
			lo, err := bound(row)
			if err != nil {
				return err
			}
			hi, err := bound(row + 1)
			if err != nil {
				return err
			}
			sum := newSums(1)
			for t := lo; t < hi; t++ {
				j, err := place(to, t, n)
				if err != nil {
					return err
				}
				e := t
				if entry >= 0 {
					if e, err = place(entry, t, entries); err != nil {
						return err
					}
				}
				v := at(values, aligned(values, append(append([]int{}, index[:lead]...), e)))
				w := at(x, aligned(x, append(append([]int{}, index[:lead]...), j, column)))
				sum.put(0, 0, scalar{f: v.f * w.f})
			}
			total, _ := sum.value(0)
			write(c, out, total)
			out++
			return nil
		})
	})
}
