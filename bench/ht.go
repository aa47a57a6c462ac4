// GradBench's ht: hand tracking (J. Taylor et al., User-Specific Hand Modeling
// from Monocular Depth Sequences, 2014, as in ADBench).

package bench

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/tensor"
)

// HandModel is a hand: bones, each placed relative to its parent, and the vertices
// of its surface, which follow the bones by weights.
type HandModel struct {
	Parents       []int   // of each bone, -1 for the root; a parent comes before its children
	Relatives     *T      // [b 4 4]: at rest, from the bone to its parent
	Inverses      *T      // [b 4 4]: at rest, from the world to the bone
	BasePositions *T      // [v 4]: the vertices at rest
	Weights       *T      // [v b]
	Triangles     []int64 // three vertices each
	Mirrored      bool
}

// Hand is the fit of a hand to points, each of which corresponds to a vertex or, with
// coordinates U, to a place on a triangle.
type Hand struct {
	Points *T // [n 3]

	model  HandModel
	angles *T // [3b] int64: where in (theta, 0) each bone's angles are
	levels []handLevel
	back   *T    // [b] int64: where each bone is in the levels one after the other
	skin   *T    // [4b u]: each vertex at rest, times the bones' weights, of the u that are corners
	corner [3]*T // [n] int64 each: the vertices of each correspondence, all the same for a vertex
}

// handLevel is bones that are as far from the root.
type handLevel struct {
	bones   *T // [k] int64
	parents *T // [k] int64: in the level before
}

// HandParams are the variables: Theta [26], the rotation vector, translation and
// fingers' angles; and, where correspondences are places on triangles, their
// coordinates U [n 2]; nil otherwise.
type HandParams struct{ Theta, U *T }

// HandPose is the number of parameters in Theta.
const HandPose = 26

// NewHand makes the problem. Correspondences are vertices, or triangles if onTriangles.
func NewHand(m HandModel, correspondences []int64, points *T, onTriangles bool) (*Hand, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	bones, vertices := len(m.Parents), m.BasePositions.Dim(0)
	n, most := len(correspondences), vertices
	if onTriangles {
		most = len(m.Triangles) / 3
	}
	if points.Rank() != 2 || points.Dim(0) != n || points.Dim(1) != 3 {
		return nil, fmt.Errorf("bench: %d correspondences and points of shape %v", n, points.Shape())
	}
	var corner [3][]int64
	for i, c := range correspondences {
		if c < 0 || c >= int64(most) {
			return nil, fmt.Errorf("bench: correspondence %d is %d among %d", i, c, most)
		}
		for k := range corner {
			v := c
			if onTriangles {
				v = m.Triangles[3*c+int64(k)]
			}
			corner[k] = append(corner[k], v)
		}
	}
	h := &Hand{Points: points, model: m, angles: tensor.FromSlice(handAngles(bones), 3*bones)}
	h.layers()
	used := renumber(corner[:])
	for k := range corner {
		h.corner[k] = tensor.FromSlice(corner[k], n)
	}
	of := tensor.FromSlice(used, len(used))
	weights, positions := m.Weights.Take(0, of), m.BasePositions.Take(0, of)
	h.skin = weights.Unsqueeze(2).Mul(positions.Unsqueeze(1)).Reshape(len(used), 4*bones).T().Clone()
	return h, h.skin.Err()
}

// renumber replaces numbers by their places among the distinct ones in ascending
// order, which it returns.
func renumber(lists [][]int64) []int64 {
	used := slices.Concat(lists...)
	slices.Sort(used)
	used = slices.Compact(used)
	for _, list := range lists {
		for i, v := range list {
			at, _ := slices.BinarySearch(used, v)
			list[i] = int64(at)
		}
	}
	return used
}

// check returns an error unless the model's parts fit each other.
func (m *HandModel) check() error {
	bones := len(m.Parents)
	for b, p := range m.Parents {
		if p < -1 || p >= b {
			return fmt.Errorf("bench: bone %d has parent %d, which is not before it", b, p)
		}
	}
	vertices := -1
	if m.BasePositions.Rank() == 2 {
		vertices = m.BasePositions.Dim(0)
	}
	for name, x := range map[string]struct {
		t     *T
		shape []int
	}{
		"base relatives":         {m.Relatives, []int{bones, 4, 4}},
		"inverse base absolutes": {m.Inverses, []int{bones, 4, 4}},
		"base positions":         {m.BasePositions, []int{vertices, 4}},
		"weights":                {m.Weights, []int{vertices, bones}},
	} {
		if err := x.t.Err(); err != nil {
			return err
		}
		if !slices.Equal(x.t.Shape(), x.shape) {
			return fmt.Errorf("bench: %s of shape %v for %d bones and %d vertices", name, x.t.Shape(), bones, vertices)
		}
	}
	for _, v := range m.Triangles {
		if v < 0 || v >= int64(vertices) {
			return fmt.Errorf("bench: a triangle has vertex %d among %d", v, vertices)
		}
	}
	return nil
}

// handAngles returns where in (theta, 0) the three angles of each bone are: the
// fingers' bones from the second on are bent, and the second is spread as well.
func handAngles(bones int) []int64 {
	at := make([]int64, 3*bones)
	for i := range at {
		at[i] = HandPose // the 0
	}
	set := func(bone, angle, theta int) {
		if bone < bones {
			at[3*bone+angle] = int64(theta)
		}
	}
	for finger := range 5 {
		theta := 6 + 4*finger
		set(4*finger+2, 0, theta)
		set(4*finger+2, 1, theta+1)
		set(4*finger+3, 0, theta+2)
		set(4*finger+4, 0, theta+3)
	}
	return at
}

// layers sorts the bones by their distance from the root, so that those of a level
// are placed at once.
func (h *Hand) layers() {
	depth := make([]int, len(h.model.Parents))
	place := make([]int64, len(depth)) // in its level
	var levels [][]int64
	for b, p := range h.model.Parents {
		if p >= 0 {
			depth[b] = depth[p] + 1
		}
		if depth[b] == len(levels) {
			levels = append(levels, nil)
		}
		place[b] = int64(len(levels[depth[b]]))
		levels[depth[b]] = append(levels[depth[b]], int64(b))
	}
	back := make([]int64, len(depth))
	before := int64(0)
	for _, bones := range levels {
		var parents []int64
		for i, b := range bones {
			back[b] = before + int64(i)
			if p := h.model.Parents[b]; p >= 0 {
				parents = append(parents, place[p])
			}
		}
		l := handLevel{bones: tensor.FromSlice(bones, len(bones))}
		if len(parents) > 0 {
			l.parents = tensor.FromSlice(parents, len(parents))
		}
		h.levels = append(h.levels, l)
		before += int64(len(bones))
	}
	h.back = tensor.FromSlice(back, len(back))
}

// Residuals are the points minus what they correspond to [n 3].
func (h *Hand) Residuals(v HandParams) *T {
	return h.Points.Sub(h.corresponding(h.surface(v.Theta).T(), v.U))
}

// corresponding returns what the points correspond to [n ...] of what is given at the
// vertices [u ...]: a linear function of that.
func (h *Hand) corresponding(at, u *T) *T {
	a := at.Take(0, h.corner[0])
	if u == nil {
		return a
	}
	shape := slices.Repeat([]int{1}, at.Rank())
	shape[0] = u.Dim(0)
	u0, u1 := column(u, 0).Reshape(shape...), column(u, 1).Reshape(shape...)
	b, c := at.Take(0, h.corner[1]), at.Take(0, h.corner[2])
	return u0.Mul(a).Add(u1.Mul(b)).Add(u0.Add(u1).RSubScalar(1).Mul(c))
}

// surface returns the vertices [3 u] that correspond to points, of the hand in a pose.
func (h *Hand) surface(theta *T) *T {
	bones := len(h.model.Parents)
	e := tensor.Concat(0, theta, tensor.Zeros(1)).Take(0, h.angles).Reshape(bones, 3)
	turn := eulerAngles(column(e, 0), column(e, 1), column(e, 2)) // [b 3 3]
	corner := tensor.FromSlice([]float64{15: 1}, 4, 4)
	relative := h.model.Relatives.MatMul(turn.Pad([]int{0, 0, 0}, []int{0, 1, 1}).Add(corner))
	var levels []*T
	var last *T
	for _, l := range h.levels {
		own := relative.Take(0, l.bones)
		if l.parents != nil {
			own = last.Take(0, l.parents).MatMul(own)
		}
		levels, last = append(levels, own), own
	}
	absolute := tensor.Concat(0, levels...).Take(0, h.back)
	moved := absolute.MatMul(h.model.Inverses) // [b 4 4]
	placed := moved.Index(tensor.All, tensor.Range(0, 3)).SwapAxes(0, 1).Reshape(3, 4*bones)
	if h.model.Mirrored {
		placed = placed.Mul(tensor.FromSlice([]float64{-1, 1, 1}, 3, 1))
	}
	// The hand is turned before the vertices are put on, of which there are more than
	// bones: of each the sum over bones b and coordinates k of turned[i, bk] skin[bk, u].
	turned := globalRotation(theta.Index(tensor.Range(0, 3))).MatMul(placed)
	return turned.MatMul(h.skin).Add(theta.Index(tensor.Range(3, 6)).Unsqueeze(1))
}

// eulerAngles returns the rotations Rz(b) Ry(c) Rx(a) for vectors of angles [n].
func eulerAngles(a, b, c *T) *T {
	ca, sa, cb, sb, cc, sc := a.Cos(), a.Sin(), b.Cos(), b.Sin(), c.Cos(), c.Sin()
	x, y := sc.Mul(sa), sc.Mul(ca)
	return tensor.Stack(1,
		cb.Mul(cc), cb.Mul(x).Sub(sb.Mul(ca)), cb.Mul(y).Add(sb.Mul(sa)),
		sb.Mul(cc), sb.Mul(x).Add(cb.Mul(ca)), sb.Mul(y).Sub(cb.Mul(sa)),
		sc.Neg(), cc.Mul(sa), cc.Mul(ca),
	).Reshape(-1, 3, 3)
}

// smallestTurn is the angle below which GradBench takes a rotation for none.
const smallestTurn = 1e-4

// globalRotation returns the matrix of a rotation vector [3]; below smallestTurn it
// is the identity, and its derivative zero.
func globalRotation(r *T) *T {
	square := r.Square().Sum()
	turns := square.Ge(tensor.Scalar(smallestTurn * smallestTurn))
	angle := tensor.Where(turns, square, tensor.Scalar(1)).Sqrt()
	axis := r.Div(angle)
	// The cross product by axis as a matrix: picked from (axis, -axis, 0).
	picked := tensor.Concat(0, axis, axis.Neg(), tensor.Zeros(1)).Take(0, tensor.FromSlice([]int64{6, 5, 1, 2, 6, 3, 4, 0, 6}, 9)).Reshape(3, 3)
	eye := tensor.Eye(3)
	cos := angle.Cos()
	g := eye.Mul(cos).Add(picked.Mul(angle.Sin())).Add(axis.Outer(axis).Mul(cos.RSubScalar(1)))
	return tensor.Where(turns, g, eye)
}

// Jacobian is the derivative of the residuals as GradBench has it: a row for each of
// the 3n, and columns for Theta, before which are two for U where it is there, each
// row's derivative by the coordinates of its own correspondence. The vertices, which
// are few, are differentiated by Theta; what points correspond to is linear in them.
func (h *Hand) Jacobian(v HandParams) *T {
	n, vertices := h.Points.Dim(0), h.skin.Dim(1)
	columns := HandPose
	if v.U != nil {
		columns += 2
	}
	// wide puts something with axes (coordinates, vertices, m) into the columns from k
	// on of rows for each vertex.
	wide := func(x *T, k int) *T {
		return x.SwapAxes(0, 1).Pad([]int{0, 0, k}, []int{0, 0, columns - k - x.Dim(2)}).Reshape(vertices, 3*columns)
	}
	byTheta := jacobian.Dense(h.surface, v.Theta).Neg().Reshape(3, vertices, HandPose)
	rows := h.corresponding(wide(byTheta, columns-HandPose), v.U)
	if v.U != nil {
		at := h.surface(v.Theta).Unsqueeze(2)
		for k := range 2 {
			// No two coordinates with the same place in their pairs meet in a row: they
			// have one product together.
			dir := make([]float64, 2)
			dir[k] = -1
			_, own := grad.JVP(func(u *T) *T { return h.corresponding(wide(at, k), u) }, v.U, tensor.FromSlice(dir, 2).BroadcastTo(n, 2))
			rows = rows.Add(own)
		}
	}
	return rows.Reshape(3*n, columns)
}
