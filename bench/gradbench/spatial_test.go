package gradbench

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// dual is a number with its derivative by one variable, for the plain references of
// this file.
type dual struct{ v, d float64 }

func (a dual) add(b dual) dual { return dual{a.v + b.v, a.d + b.d} }
func (a dual) sub(b dual) dual { return dual{a.v - b.v, a.d - b.d} }
func (a dual) mul(b dual) dual { return dual{a.v * b.v, a.d*b.v + a.v*b.d} }
func (a dual) div(b dual) dual { return dual{a.v / b.v, (a.d - a.v/b.v*b.d) / b.v} }
func (a dual) sin() dual       { return dual{math.Sin(a.v), math.Cos(a.v) * a.d} }
func (a dual) cos() dual       { return dual{math.Cos(a.v), -math.Sin(a.v) * a.d} }
func (a dual) sqrt() dual      { s := math.Sqrt(a.v); return dual{s, a.d / (2 * s)} }
func num(v float64) dual       { return dual{v: v} }

// duals returns numbers of which number i is the variable, none if i is negative.
func duals(v []float64, i int) []dual {
	out := make([]dual, len(v))
	for k := range v {
		out[k] = dual{v: v[k]}
		if k == i {
			out[k].d = 1
		}
	}
	return out
}

// reproject is the residual of one observation: x holds the camera's 11 numbers, the
// point's 3 and the weight.
func reproject(x []dual, feat []float64) [2]dual {
	cam, w := x[:11], x[14]
	var d, r [3]dual
	for k := range 3 {
		d[k], r[k] = x[11+k].sub(cam[3+k]), cam[k]
	}
	cross := func(a, b [3]dual) (c [3]dual) {
		for k := range 3 {
			i, j := (k+1)%3, (k+2)%3
			c[k] = a[i].mul(b[j]).sub(a[j].mul(b[i]))
		}
		return c
	}
	dot := func(a, b [3]dual) dual { return a[0].mul(b[0]).add(a[1].mul(b[1])).add(a[2].mul(b[2])) }
	var y [3]dual
	if sq := dot(r, r); sq.v != 0 {
		th := sq.sqrt()
		var a [3]dual
		for k := range 3 {
			a[k] = r[k].div(th)
		}
		c, ad := cross(a, d), dot(a, d).mul(num(1).sub(th.cos()))
		for k := range 3 {
			y[k] = d[k].mul(th.cos()).add(c[k].mul(th.sin())).add(a[k].mul(ad))
		}
	} else {
		c := cross(r, d)
		for k := range 3 {
			y[k] = d[k].add(c[k])
		}
	}
	u, v := y[0].div(y[2]), y[1].div(y[2])
	rsq := u.mul(u).add(v.mul(v))
	scale := cam[6].mul(num(1).add(cam[9].mul(rsq)).add(cam[10].mul(rsq).mul(rsq)))
	return [2]dual{
		w.mul(scale.mul(u).add(cam[7]).sub(num(feat[0]))),
		w.mul(scale.mul(v).add(cam[8]).sub(num(feat[1]))),
	}
}

func TestBA(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, turned := range []float64{1, 0} { // at 0 the rotation has its own derivative
		n, m, p := 4, 7, 12
		cam, x, w, feat := uniform(rng, 11), uniform(rng, 3), rng.Float64(), normal(rng, 2)
		for k := range 3 {
			cam[k] *= turned
		}
		input := map[string]any{"n": n, "m": m, "p": p, "cam": cam, "x": x, "w": w, "feat": feat}
		all := append(append(append([]float64{}, cam...), x...), w)
		at := reproject(duals(all, -1), feat)
		var vals []float64
		for k := range 2 {
			for i := range all {
				vals = append(vals, reproject(duals(all, i), feat)[k].d)
			}
		}
		vals = append(vals, -2*w)
		servers(t, func(t *testing.T, s *Server) {
			o := ask(t, s, "ba", "objective", input).(map[string]any)
			same(t, "errors", flat(o["reproj_error"], "elements", "repeated"), []float64{at[0].v, at[1].v, float64(p)}, 1e-13)
			same(t, "weights", flat(o["w_err"], "element", "repeated"), []float64{1 - w*w, float64(p)}, 1e-13)
			j := ask(t, s, "ba", "jacobian", input).(map[string]any)
			same(t, "vals", flat(j["vals"]), vals, 1e-12)
			var ptr, idx []float64
			for i := range shownRows {
				ptr = append(ptr, 15*float64(i))
			}
			for i := 2*p + 1; i < shownRows; i++ {
				ptr[i] = float64(30*p + i - 2*p)
			}
			for range 2 {
				for k := range 11 {
					idx = append(idx, float64(k))
				}
				for k := range 3 {
					idx = append(idx, float64(11*n+k))
				}
				idx = append(idx, float64(11*n+3*m))
			}
			same(t, "rows", flat(j["rows"]), append(ptr, float64(31*p)), 0)
			same(t, "cols", flat(j["cols"]), append(idx, float64(11*n+3*m+p-1)), 0)
		})
	}
}

// matrix4 is a matrix of 4 rows and columns.
type matrix4 [4][4]dual

func (a matrix4) times(b matrix4) (c matrix4) {
	for i := range 4 {
		for j := range 4 {
			for k := range 4 {
				c[i][j] = c[i][j].add(a[i][k].mul(b[k][j]))
			}
		}
	}
	return c
}

func numbers(a [][]float64) (m matrix4) {
	for i := range 4 {
		for j := range 4 {
			m[i][j] = num(a[i][j])
		}
	}
	return m
}

// rotation returns the matrix of a turn about coordinate axis k.
func rotation(k int, angle dual) (m matrix4) {
	i, j := (k+1)%3, (k+2)%3
	m[k][k], m[3][3] = num(1), num(1)
	m[i][i], m[j][j] = angle.cos(), angle.cos()
	m[j][i], m[i][j] = angle.sin(), num(0).sub(angle.sin())
	return m
}

type handInput struct {
	theta, weights    []float64
	parents           []int
	relative, inverse [][][]float64
	base, points, us  [][]float64
	triangles         [][]int
	corresponding     []int
	mirrored          bool
}

// residuals are those of hand tracking, in three rows for each point.
func (h *handInput) residuals(theta []dual, us [][]dual) (out []dual) {
	bones := len(h.parents)
	angle := make([][3]dual, bones)
	for finger := range 5 {
		k := 6 + 4*finger
		angle[4*finger+2][0], angle[4*finger+2][1] = theta[k], theta[k+1]
		angle[4*finger+3][0], angle[4*finger+4][0] = theta[k+2], theta[k+3]
	}
	absolute := make([]matrix4, bones)
	for b, parent := range h.parents {
		e := angle[b]
		absolute[b] = numbers(h.relative[b]).times(rotation(2, e[1])).times(rotation(1, e[2])).times(rotation(0, e[0]))
		if parent >= 0 {
			absolute[b] = absolute[parent].times(absolute[b])
		}
	}
	nu := theta[0].mul(theta[0]).add(theta[1].mul(theta[1])).add(theta[2].mul(theta[2])).sqrt()
	var g [3][3]dual
	for i := range 3 {
		g[i][i] = num(1)
	}
	if nu.v >= 1e-4 {
		var a [3]dual
		for k := range 3 {
			a[k] = theta[k].div(nu)
		}
		for i := range 3 {
			for j := range 3 {
				g[i][j] = a[i].mul(a[j]).mul(num(1).sub(nu.cos()))
				if i == j {
					g[i][j] = g[i][j].add(nu.cos())
				}
			}
		}
		for k := range 3 {
			i, j := (k+1)%3, (k+2)%3
			g[j][i] = g[j][i].add(a[k].mul(nu.sin()))
			g[i][j] = g[i][j].sub(a[k].mul(nu.sin()))
		}
	}
	pos := make([][3]dual, len(h.base))
	for v := range pos {
		var sum [3]dual
		for b := range bones {
			m := absolute[b].times(numbers(h.inverse[b]))
			for i := range 3 {
				for k := range 4 {
					sum[i] = sum[i].add(num(h.weights[v*bones+b] * h.base[v][k]).mul(m[i][k]))
				}
			}
		}
		if h.mirrored {
			sum[0] = num(0).sub(sum[0])
		}
		for i := range 3 {
			pos[v][i] = theta[3+i]
			for k := range 3 {
				pos[v][i] = pos[v][i].add(g[i][k].mul(sum[k]))
			}
		}
	}
	for i, c := range h.corresponding {
		for k := range 3 {
			var at dual
			if us == nil {
				at = pos[c][k]
			} else {
				tri, u := h.triangles[c], us[i]
				w := num(1).sub(u[0]).sub(u[1])
				at = u[0].mul(pos[tri[0]][k]).add(u[1].mul(pos[tri[1]][k])).add(w.mul(pos[tri[2]][k]))
			}
			out = append(out, num(h.points[i][k]).sub(at))
		}
	}
	return out
}

func TestHT(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, c := range map[string]struct {
		complicated, mirrored bool
		turn                  float64
	}{"simple": {turn: 1}, "complicated": {complicated: true, turn: 1}, "mirrored": {mirrored: true, turn: 1}, "not turned": {turn: 1e-6}} {
		t.Run(name, func(t *testing.T) {
			const bones, vertices, n = 22, 9, 6
			h := &handInput{theta: uniform(rng, 26), weights: uniform(rng, vertices*bones), mirrored: c.mirrored}
			for k := range 3 {
				h.theta[k] *= c.turn
			}
			for b := range bones {
				parent := b - 1
				if b%4 == 1 || b == 21 {
					parent = 0
				}
				h.parents = append(h.parents, parent)
				h.relative, h.inverse = append(h.relative, rows(uniform(rng, 16), 4)), append(h.inverse, rows(uniform(rng, 16), 4))
			}
			h.base, h.points = rows(uniform(rng, 4*vertices), vertices), rows(normal(rng, 3*n), n)
			most := vertices
			if c.complicated {
				h.triangles, most = [][]int{{0, 1, 2}, {3, 4, 5}, {8, 6, 7}, {8, 0, 4}}, 4
				h.us = rows(uniform(rng, 2*n), n)
			}
			for range n {
				h.corresponding = append(h.corresponding, rng.IntN(most))
			}
			input := map[string]any{"theta": h.theta, "us": h.us, "data": map[string]any{
				"correspondences": h.corresponding, "points": h.points, "model": map[string]any{
					"parents": h.parents, "base_relatives": h.relative, "inverse_base_absolutes": h.inverse, "base_positions": h.base,
					"weights": rows(h.weights, vertices), "triangles": h.triangles, "is_mirrored": h.mirrored,
				}}}
			var us [][]dual
			for _, u := range h.us {
				us = append(us, duals(u, -1))
			}
			var value []float64
			for _, r := range h.residuals(duals(h.theta, -1), us) {
				value = append(value, r.v)
			}
			var columns [][]float64
			column := func(r []dual) {
				var col []float64
				for _, x := range r {
					col = append(col, x.d)
				}
				columns = append(columns, col)
			}
			for k := 0; us != nil && k < 2; k++ { // a point's residuals depend on its own coordinates alone
				for i := range us {
					us[i][k].d = 1
				}
				column(h.residuals(duals(h.theta, -1), us))
				for i := range us {
					us[i][k].d = 0
				}
			}
			for k := range h.theta {
				column(h.residuals(duals(h.theta, k), us))
			}
			var jac []float64
			for i := range value {
				for _, col := range columns {
					jac = append(jac, col[i])
				}
			}
			servers(t, func(t *testing.T, s *Server) {
				same(t, "objective", flat(ask(t, s, "ht", "objective", input)), value, 1e-12)
				same(t, "jacobian", flat(ask(t, s, "ht", "jacobian", input)), jac, 1e-12)
			})
		})
	}
}

// TestClosed holds that prepared evaluations can be closed, and are of no use then.
func TestClosed(t *testing.T) {
	ba := []byte(`{"n":2,"m":2,"p":12,"cam":[0,0,0,0,0,0,1,0,0,0,0],"x":[1,2,3],"w":1,"feat":[0,0]}`)
	for name, f := range map[string]function{"ba jacobian": baJacobian, "ba objective": baObjective} {
		e, err := f(ba, bench.Tiles)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.run(t.Context()).wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.close()
		if err := e.run(t.Context()).wait(t.Context()); !errors.Is(err, graph.ErrClosed) {
			t.Errorf("%s: %v after it was closed", name, err)
		}
	}
}
