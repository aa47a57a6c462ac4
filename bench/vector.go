// Vectors in space, many at a time: one tensor a component, so that what is
// computed from them runs along the many.

package bench

import "github.com/cotangent-ad/cotangent/tensor"

type vector struct{ x, y, z *T }

// column returns column k of a [n m] tensor.
func column(t *T, k int) *T { return t.Index(tensor.All, tensor.At(k)) }

// vectorOf returns the vectors in three columns of t.
func vectorOf(t *T, k int) vector { return vector{column(t, k), column(t, k+1), column(t, k+2)} }

func (a vector) add(b vector) vector { return vector{a.x.Add(b.x), a.y.Add(b.y), a.z.Add(b.z)} }
func (a vector) sub(b vector) vector { return vector{a.x.Sub(b.x), a.y.Sub(b.y), a.z.Sub(b.z)} }
func (a vector) mul(s *T) vector     { return vector{a.x.Mul(s), a.y.Mul(s), a.z.Mul(s)} }
func (a vector) dot(b vector) *T     { return a.x.Mul(b.x).Add(a.y.Mul(b.y)).Add(a.z.Mul(b.z)) }

func (a vector) cross(b vector) vector {
	return vector{a.y.Mul(b.z).Sub(a.z.Mul(b.y)), a.z.Mul(b.x).Sub(a.x.Mul(b.z)), a.x.Mul(b.y).Sub(a.y.Mul(b.x))}
}

// rotated returns x rotated about the axis r by the angle |r| (Rodrigues' formula;
// with the derivative of its limit, x + r × x, where r is 0).
func rotated(r, x vector) vector {
	square := r.dot(r)
	turns := square.Gt(tensor.Scalar(0))
	// Where r is 0, what follows is computed of 1 instead and not used.
	angle := tensor.Where(turns, square, tensor.OnesLike(square)).Sqrt()
	axis := r.mul(angle.Reciprocal())
	cos, sin := angle.Cos(), angle.Sin()
	y := x.mul(cos).add(axis.cross(x).mul(sin)).add(axis.mul(axis.dot(x).Mul(cos.RSubScalar(1))))
	small := x.add(r.cross(x))
	return vector{tensor.Where(turns, y.x, small.x), tensor.Where(turns, y.y, small.y), tensor.Where(turns, y.z, small.z)}
}
