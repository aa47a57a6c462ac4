package gemm

// Right results: against sums of twice the precision, for every engine.

import (
	"math"
	"sync"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// sizes are m, n, k: round numbers and their neighbours, thin and long ones,
// more than one part of k, more than one block, and some for libraries.
var sizes = [][3]int{
	{1, 1, 1}, {1, 1, 2}, {2, 3, 4}, {4, 4, 4}, {4, 4, 5}, {5, 7, 3}, {8, 8, 8}, {7, 9, 11}, {13, 17, 19},
	{16, 16, 16}, {17, 23, 31}, {24, 25, 26}, {33, 47, 49}, {48, 96, 15}, {65, 63, 64},
	{1, 1, 700}, {1, 1, 5000}, {3, 1, 2100}, {1, 9, 600}, {9, 1, 600}, {40, 1, 33}, {1, 53, 40}, {70, 1, 300}, {1, 130, 270},
	{2, 100, 50}, {100, 2, 50}, {64, 10, 300}, {10, 64, 300}, {60, 50, 1}, {50, 60, 2}, {3, 5, 1000},
	{20, 30, 256}, {20, 30, 257}, {20, 30, 513}, {200, 40, 20}, {40, 1030, 9}, {195, 53, 40},
	{150, 300, 250}, {257, 260, 255}, {65, 4000, 68},
}

func TestProduct(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		for i, s := range sizes {
			eachLayout(func(ta, tb bool) {
				alpha, beta, pad := []float64{1, -0.5, 2}[i%3], []float64{0, 1, -1.5, 0.25}[i%4], i%3
				f := newFixture(ta, tb, 1, s[0], s[1], s[2], pad, alpha, beta)
				f.check(t, f.run(e), slack(s[2]))
				g := newFixture(ta, tb, 1, s[0], s[1], s[2], pad, float32(alpha), float32(beta))
				g.check(t, g.run(e), slack(s[2]))
			})
		}
	})
}

func TestRandomProducts(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		rapid.Check(t, func(r *rapid.T) {
			size := rapid.OneOf(rapid.IntRange(1, 4), rapid.IntRange(5, 40), rapid.IntRange(41, 110))
			m, n, k := size.Draw(r, "m"), size.Draw(r, "n"), rapid.OneOf(size, rapid.IntRange(1, 600)).Draw(r, "k")
			ta, tb, pad := rapid.Bool().Draw(r, "ta"), rapid.Bool().Draw(r, "tb"), rapid.IntRange(0, 9).Draw(r, "pad")
			count := rapid.IntRange(1, 3).Draw(r, "count")
			scalar := rapid.SampledFrom([]float64{1, 0, -1, 0.75})
			alpha, beta := scalar.Draw(r, "alpha"), scalar.Draw(r, "beta")
			f := newFixture(ta, tb, count, m, n, k, pad, alpha, beta)
			f.check(r, f.run(e), slack(k))
			g := newFixture(ta, tb, count, m, n, k, pad, float32(alpha), float32(beta))
			g.check(r, g.run(e), slack(k))
		})
	})
}

// C is not read where beta is 0, A and B are not where alpha or k is 0, and
// nothing happens where C is empty.
func TestNotRead(t *testing.T) {
	nan := math.NaN()
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		for _, s := range sizes {
			f := newFixture(false, false, 1, s[0], s[1], s[2], 0, 1.0, 0)
			clean := f.run(e)
			for i := range f.c {
				f.c[i] = nan
			}
			sameBits(t, "beta = 0 over NaN", f.run(e)[:s[0]*s[1]], clean[:s[0]*s[1]])
		}
		c := []float64{1, 2, 3, 4}
		at := unsafe.Pointer(&c[0])
		for _, w := range []struct {
			name        string
			m, n, k     int
			alpha, beta float64
			want        [4]float64
		}{
			{"alpha = 0", 2, 2, 5, 0, 3, [4]float64{3, 6, 9, 12}},
			{"k = 0", 2, 2, 0, 1, 3, [4]float64{3, 6, 9, 12}},
			{"alpha = beta = 0", 2, 2, 5, 0, 0, [4]float64{}},
			{"m = 0", 0, 2, 5, 1, 0, [4]float64{1, 2, 3, 4}},
			{"n = 0", 2, 0, 5, 1, 0, [4]float64{1, 2, 3, 4}},
		} {
			copy(c, []float64{1, 2, 3, 4})
			e.Gemm64(false, false, w.m, w.n, w.k, w.alpha, nil, w.k, nil, w.n, w.beta, at, 2)
			if [4]float64(c) != w.want {
				t.Errorf("%s: %v, want %v", w.name, c, w.want)
			}
		}
		copy(c, []float64{nan, nan, nan, nan})
		e.Gemm64(false, false, 2, 2, 0, 1, nil, 1, nil, 2, 0, at, 2)
		if [4]float64(c) != ([4]float64{}) {
			t.Errorf("k = 0, beta = 0 over NaN: %v, want zeros", c)
		}
		e.Batch64(0, 1, 1, 1, false, false, 2, 2, 2, 1, nil, 2, nil, 2, 0, nil, 2)
		e.Gemm32(true, true, 0, 0, 0, 1, nil, 0, nil, 0, 0, nil, 0)
	})
}

// NaN and Inf spread as products and sums spread them, zeros or not.
func TestSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		for _, s := range sizes {
			eachLayout(func(ta, tb bool) {
				f := newFixture(ta, tb, 1, s[0], s[1], s[2], 0, 1.0, 0)
				i, j, p := s[0]/2, s[1]/2, s[2]/2
				ai, ap := f.stepsA()
				bp, bj := f.stepsB()
				for _, v := range []struct{ a, b, want float64 }{
					{0, inf, nan}, {inf, 0, nan}, {0, nan, nan}, {nan, 0, nan}, {2, inf, inf}, {-inf, 3, -inf},
				} {
					f.a[i*ai+p*ap], f.b[p*bp+j*bj] = v.a, v.b
					got := f.run(e)[i*f.ldc+j]
					if got != v.want && !(math.IsNaN(got) && math.IsNaN(v.want)) {
						t.Fatalf("%v: %v * %v made %v, want %v", f, v.a, v.b, got, v.want)
					}
				}
			})
		}
	})
}

// Rows of zeros of B are left out where that changes no bit. That beta is not 0 keeps
// them: 0 is added to the same sums.
func TestZeros(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, c engineCase, e *Engine) {
		for _, s := range [][3]int{{64, 64, 64}, {30, 50, 300}, {300, 70, 600}, {1000, 24, 24}, {7, 9, 11}, {20, 1, 40}, {200, 300, 9}} {
			for name, zero := range map[string]func(p, j int) bool{
				"upper":      func(p, j int) bool { return p > j },
				"lower":      func(p, j int) bool { return p < j },
				"blocks":     func(p, j int) bool { return p/16 != j/16 },
				"all":        func(int, int) bool { return true },
				"last row":   func(p, _ int) bool { return p < s[2]-1 },
				"first part": func(p, _ int) bool { return p < 256 },
			} {
				eachLayout(func(ta, tb bool) {
					f := newFixture(ta, tb, 1, s[0], s[1], s[2], 1, 1.0, 0)
					clear(f.c)
					bp, bj := f.stepsB()
					for p := range f.k {
						for j := range f.n {
							if zero(p, j) {
								f.b[p*bp+j*bj] = math.Copysign(0, float64(p%2)-0.5)
							}
						}
					}
					compare := func(what string) []float64 {
						got := f.run(e)
						f.beta = 1
						want := f.run(e)
						f.beta = 0
						for i := range want {
							if math.Float64bits(got[i]) != math.Float64bits(want[i]) && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
								t.Fatalf("%v: %s, %s: element %d is %v, with zeros %v", f, name, what, i, got[i], want[i])
							}
						}
						return got
					}
					f.check(t, compare("finite"), slack(f.k))
					ai, ap := f.stepsA()
					f.a[ap] = math.SmallestNonzeroFloat64 // times something it is 0, or -0
					compare("tiny")
					for _, v := range []float64{math.Inf(1), math.NaN()} {
						i, p := f.m/2, f.k/3
						f.a[i*ai+p*ap] = v
						got := compare("not finite")
						for j := range f.n {
							if x := got[i*f.ldc+j]; !math.IsNaN(x) && zero(p, j) {
								t.Fatalf("%v: %s: %v * 0 was left out: %v", f, name, v, x)
							}
						}
					}
				})
			}
		}
	})
}

// Each product of a batch is what it is alone; a stride of 0 repeats an operand.
func TestBatch(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		for _, s := range []struct{ count, m, n, k int }{
			{40, 2, 3, 4}, {500, 4, 4, 4}, {9, 16, 16, 16}, {300, 10, 12, 14}, {3, 65, 1, 300}, {2, 150, 260, 500}, {5, 130, 129, 40},
		} {
			for _, same := range []string{"", "A", "B"} {
				f := newFixture(false, true, s.count, s.m, s.n, s.k, 1, -1, 0.5)
				switch same {
				case "A":
					f.sa = 0
				case "B":
					f.sb = 0
				}
				got := f.run(e)
				f.check(t, got, slack(s.k))
				for q := range s.count {
					one := &fixture[float64]{product: f.product, a: f.a[q*f.sa:], b: f.b[q*f.sb:], c: f.c[q*f.sc:]}
					one.count = 1
					sameBits(t, one.String(), got[q*f.sc:q*f.sc+(s.m-1)*f.ldc+s.n], one.run(e)[:(s.m-1)*f.ldc+s.n])
				}
			}
		}
	})
}

// The number of workers changes no bit.
func TestWorkers(t *testing.T) {
	for _, c := range engineCases() {
		t.Run(c.String(), func(t *testing.T) {
			one, two, seven := c.open(t, 1), c.open(t, 2), c.open(t, 7)
			byLibrary := 0
			for _, s := range []struct{ count, m, n, k int }{
				{1, 300, 310, 320}, {1, 64, 512, 784}, {1, 3000, 1, 400}, {1, 1, 2000, 500}, {7, 130, 140, 150}, {1, 70, 4100, 90}, {1, 1540, 2060, 17}, {50, 40, 41, 42}, {1, 1500, 1300, 1}, {200, 3, 4, 5},
			} {
				f := newFixture(s.m%2 == 0, s.k%2 == 1, s.count, s.m, s.n, s.k, 0, 1.0, 1)
				if one.library != nil && one.forLibrary(&f.product) {
					byLibrary++
				}
				want := f.run(one)
				sameBits(t, f.String()+", 2 workers", f.run(two), want)
				sameBits(t, f.String()+", 7 workers", f.run(seven), want)
				g := newFixture(s.m%2 == 1, s.k%2 == 0, s.count, s.m, s.n, s.k, 0, float32(1), 1)
				want32 := g.run(one)
				sameBits(t, g.String()+", 2 workers", g.run(two), want32)
				sameBits(t, g.String()+", 7 workers", g.run(seven), want32)
			}
			if one.library != nil && byLibrary == 0 {
				t.Error("no product here is one for the library")
			}
		})
	}
}

// Several goroutines may call one engine at once.
func TestConcurrent(t *testing.T) {
	eachEngine(t, 3, func(t *testing.T, _ engineCase, e *Engine) {
		var wg sync.WaitGroup
		for g := range 12 {
			f := newFixture(g%2 == 0, g%3 == 0, 1, 70+9*g, 90-g, 30+40*g, 0, 1.0, 0.5)
			want := f.run(e)
			wg.Go(func() {
				for range 3 {
					got := f.run(e)
					for i := range got {
						if got[i] != want[i] {
							t.Errorf("%v: another result beside other calls", f)
							return
						}
					}
				}
			})
		}
		wg.Wait()
	})
}

// Calls allocate nothing.
func TestAllocations(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, c engineCase, e *Engine) {
		if c.blas == "gonum" || !e.own {
			t.Skip("gonum allocates")
		}
		for _, s := range [][3]int{{4, 4, 4}, {16, 16, 16}, {100, 100, 100}, {300, 300, 300}, {1000, 1, 1000}} {
			f := newFixture(false, true, 1, s[0], s[1], s[2], 0, 1.0, 0)
			p := f.product
			p.a, p.b, p.c = unsafe.Pointer(&f.a[0]), unsafe.Pointer(&f.b[0]), unsafe.Pointer(&f.c[0])
			for range 3 {
				e.call64(&p)
			}
			if n := testing.AllocsPerRun(20, func() { e.call64(&p) }); n != 0 {
				t.Errorf("%v: %v allocations a call", f, n)
			}
		}
	})
}
