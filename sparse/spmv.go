// Products with vectors.

package sparse

// MulVec sets y = A x. It allocates nothing; y must not overlap x.
func (m *CSR[T]) MulVec(y, x []T) error {
	if err := checkProduct(len(y), m.Rows, len(x), m.Cols, len(m.Val), m.Nnz()); err != nil {
		return err
	}
	gatherProduct(m.Ptr, m.Idx, m.Val, y, x)
	return nil
}

// MulVecT sets y = Aᵀ x. It allocates nothing; y must not overlap x.
func (m *CSR[T]) MulVecT(y, x []T) error {
	if err := checkProduct(len(y), m.Cols, len(x), m.Rows, len(m.Val), m.Nnz()); err != nil {
		return err
	}
	scatterProduct(m.Ptr, m.Idx, m.Val, y, x)
	return nil
}

// MulVec sets y = A x. It allocates nothing; y must not overlap x.
func (m *CSC[T]) MulVec(y, x []T) error {
	if err := checkProduct(len(y), m.Rows, len(x), m.Cols, len(m.Val), len(m.Idx)); err != nil {
		return err
	}
	scatterProduct(m.Ptr, m.Idx, m.Val, y, x)
	return nil
}

// MulVecT sets y = Aᵀ x. It allocates nothing; y must not overlap x.
func (m *CSC[T]) MulVecT(y, x []T) error {
	if err := checkProduct(len(y), m.Cols, len(x), m.Rows, len(m.Val), len(m.Idx)); err != nil {
		return err
	}
	gatherProduct(m.Ptr, m.Idx, m.Val, y, x)
	return nil
}

func checkProduct(y, wantY, x, wantX, val, nnz int) error {
	switch {
	case x != wantX:
		return &SizeError{"product", "length of x", x, wantX}
	case y != wantY:
		return &SizeError{"product", "length of y", y, wantY}
	case val != nnz:
		return &SizeError{"product", "number of values", val, nnz}
	}
	return nil
}

// gatherProduct: y[i] is the sum over line i's entries k of val[k] x[idx[k]].
func gatherProduct[T Float](ptr []int, idx []int32, val, y, x []T) {
	for i := range y {
		lo, hi := ptr[i], ptr[i+1]
		ids, vs := idx[lo:hi], val[lo:hi]
		vs = vs[:len(ids)]
		var s T
		for k, j := range ids {
			s += vs[k] * x[j]
		}
		y[i] = s
	}
}

// scatterProduct: the transposed product over the same arrays.
func scatterProduct[T Float](ptr []int, idx []int32, val, y, x []T) {
	clear(y)
	for i, xi := range x {
		lo, hi := ptr[i], ptr[i+1]
		ids, vs := idx[lo:hi], val[lo:hi]
		vs = vs[:len(ids)]
		for k, j := range ids {
			y[j] += vs[k] * xi
		}
	}
}
