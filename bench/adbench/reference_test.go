// The objectives once more, in plain loops over the words of the files.

package adbench_test

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// queue hands numbers out one after the other.
type queue struct{ v []float64 }

func words(t *testing.T, name string) *queue {
	t.Helper()
	raw, err := io.ReadAll(open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return numbersOf(t, strings.Fields(string(raw)))
}

func numbersOf(t *testing.T, list []string) *queue {
	t.Helper()
	q := new(queue)
	for _, w := range list {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			t.Fatal(err)
		}
		q.v = append(q.v, v)
	}
	return q
}

func (q *queue) one() float64 { return q.take(1)[0] }
func (q *queue) int() int     { return int(q.one()) }

func (q *queue) take(n int) []float64 {
	v := q.v[:n]
	q.v = q.v[n:]
	return v
}

func (q *queue) rows(n, m int) [][]float64 {
	v := make([][]float64, n)
	for i := range v {
		v[i] = q.take(m)
	}
	return v
}

// mixture is the logarithm of ∏ᵢ Σₖ wₖ N(xᵢ; μₖ, (QₖᵀQₖ)⁻¹) times the Wishart prior.
func mixture(q *queue) float64 {
	d, k, n := q.int(), q.int(), q.int()
	alpha, mu, icf, x := q.take(k), q.rows(k, d), q.rows(k, d*(d+1)/2), q.rows(n, d)
	gamma, m := q.one(), q.one()
	sumW := 0.0
	for _, a := range alpha {
		sumW += math.Exp(a)
	}
	total := 0.0
	for i := range n {
		p := 0.0
		for c := range k {
			square, det := 0.0, 1.0
			next := d
			y := make([]float64, d)
			for col := range d {
				diff := x[i][col] - mu[c][col]
				y[col] += math.Exp(icf[c][col]) * diff
				det *= math.Exp(icf[c][col])
				for row := col + 1; row < d; row++ {
					y[row] += icf[c][next] * diff
					next++
				}
			}
			for _, v := range y {
				square += v * v
			}
			p += math.Exp(alpha[c]) / sumW * det * math.Exp(-square/2) / math.Pow(2*math.Pi, float64(d)/2)
		}
		total += math.Log(p)
	}
	dof := float64(d) + m + 1
	for c := range k {
		frobenius, logs := 0.0, 0.0
		for j, v := range icf[c] {
			if j < d {
				logs += v
				v = math.Exp(v)
			}
			frobenius += v * v
		}
		logGamma := float64(d*(d-1)) / 4 * math.Log(math.Pi)
		for j := range d {
			l, _ := math.Lgamma((dof - float64(j)) / 2)
			logGamma += l
		}
		total += dof*float64(d)*math.Log(gamma/math.Sqrt2) - logGamma - gamma*gamma/2*frobenius + m*logs
	}
	return total
}

// bundle is the residuals of one observation. Points are turned by a quaternion.
func bundle(q *queue) []float64 {
	q.take(3)
	cam, x, w, feat := q.take(11), q.take(3), q.one(), q.take(2)
	angle := math.Sqrt(cam[0]*cam[0] + cam[1]*cam[1] + cam[2]*cam[2])
	s, c := math.Sincos(angle / 2)
	i, j, k := s*cam[0]/angle, s*cam[1]/angle, s*cam[2]/angle
	v := []float64{x[0] - cam[3], x[1] - cam[4], x[2] - cam[5]}
	y := []float64{
		(1-2*(j*j+k*k))*v[0] + 2*(i*j-k*c)*v[1] + 2*(i*k+j*c)*v[2],
		2*(i*j+k*c)*v[0] + (1-2*(i*i+k*k))*v[1] + 2*(j*k-i*c)*v[2],
		2*(i*k-j*c)*v[0] + 2*(j*k+i*c)*v[1] + (1-2*(i*i+j*j))*v[2],
	}
	px, py := y[0]/y[2], y[1]/y[2]
	r := px*px + py*py
	f := cam[6] * (1 + cam[9]*r + cam[10]*r*r)
	return []float64{w * (f*px + cam[7] - feat[0]), w * (f*py + cam[8] - feat[1]), 1 - w*w}
}

// network is the mean negative log-likelihood of a bit.
func network(q *queue) float64 {
	l, c, b := q.int(), q.int(), q.int()
	main, extra, state, seq := q.rows(2*l, 4*b), q.rows(3, b), q.rows(2*l, b), q.rows(c, b)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	total := 0.0
	for t := range c - 1 {
		v := make([]float64, b)
		for j := range v {
			v[j] = seq[t][j] * extra[0][j]
		}
		for i := range l {
			w, bias, h, cell := main[2*i], main[2*i+1], state[2*i], state[2*i+1]
			for j := range v {
				forget := sigmoid(v[j]*w[j] + bias[j])
				in := sigmoid(h[j]*w[b+j] + bias[b+j])
				out := sigmoid(v[j]*w[2*b+j] + bias[2*b+j])
				change := math.Tanh(h[j]*w[3*b+j] + bias[3*b+j])
				cell[j] = cell[j]*forget + in*change
				h[j] = out * math.Tanh(cell[j])
				v[j] = h[j]
			}
		}
		sum := 2.0
		for j := range v {
			v[j] = v[j]*extra[1][j] + extra[2][j]
			sum += math.Exp(v[j])
		}
		for j := range v {
			total += seq[t+1][j] * (v[j] - math.Log(sum))
		}
	}
	return -total / float64(b*(c-1))
}

// table reads a file of the hand's model.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata/model", name))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		out = append(out, strings.Split(line, ":"))
	}
	return out
}

type matrix [4][4]float64

func (a matrix) times(b matrix) (c matrix) {
	for i := range c {
		for j := range c {
			for k := range c {
				c[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return c
}

func matrixOf(q *queue) (m matrix) {
	for i := range m {
		copy(m[i][:], q.take(4))
	}
	return m
}

// about turns about an axis: 0, 1, 2.
func about(axis int, angle float64) matrix {
	m := matrix{{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}}
	j, k := (axis+1)%3, (axis+2)%3
	m[j][j], m[k][k] = math.Cos(angle), math.Cos(angle)
	m[j][k], m[k][j] = -math.Sin(angle), math.Sin(angle)
	return m
}

// hand is the residuals, vertex by vertex and bone by bone.
func hand(t *testing.T, q *queue) []float64 {
	n := q.int()
	q.one()
	data := q.rows(n, 4)
	var u [][]float64
	if len(q.v) > 26 {
		u = q.rows(n, 2)
	}
	theta := q.take(26)
	var transforms, absolute []matrix
	for bone, f := range table(t, "bones.txt") {
		parent, _ := strconv.Atoi(f[1])
		m := numbersOf(t, f[2:34])
		own, inverse := matrixOf(m), matrixOf(m)
		if finger, joint := (bone-1)/4, (bone-1)%4; bone > 0 && finger < 5 && joint > 0 {
			at := theta[6+4*finger:]
			switch joint {
			case 1:
				own = own.times(about(2, at[1])).times(about(0, at[0]))
			default:
				own = own.times(about(0, at[joint]))
			}
		}
		if parent >= 0 {
			own = absolute[parent].times(own)
		}
		absolute = append(absolute, own)
		transforms = append(transforms, own.times(inverse))
	}
	angle := math.Sqrt(theta[0]*theta[0] + theta[1]*theta[1] + theta[2]*theta[2])
	a := []float64{theta[0] / angle, theta[1] / angle, theta[2] / angle}
	s, c := math.Sincos(angle)
	var places [][3]float64
	for _, f := range table(t, "vertices.txt") {
		v := numbersOf(t, f)
		x := [4]float64{v.v[0], v.v[1], v.v[2], 1}
		v.take(8)
		var p [3]float64
		for range v.int() {
			m, w := transforms[v.int()], v.one()
			for i := range p {
				for k := range x {
					p[i] += w * m[i][k] * x[k]
				}
			}
		}
		along := a[0]*p[0] + a[1]*p[1] + a[2]*p[2]
		var turned [3]float64
		for i := range turned {
			j, k := (i+1)%3, (i+2)%3
			turned[i] = p[i]*c + (a[j]*p[k]-a[k]*p[j])*s + a[i]*along*(1-c) + theta[3+i]
		}
		places = append(places, turned)
	}
	triangles := table(t, "triangles.txt")
	var out []float64
	for i, d := range data {
		for k := range 3 {
			at := 0.0
			if u == nil {
				at = places[int(d[0])][k]
			} else {
				corners := numbersOf(t, triangles[int(d[0])])
				for _, w := range []float64{u[i][0], u[i][1], 1 - u[i][0] - u[i][1]} {
					at += w * places[corners.int()][k]
				}
			}
			out = append(out, d[1+k]-at)
		}
	}
	return out
}
