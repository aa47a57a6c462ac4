package oracle

import (
	"compress/gzip"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path"
	"strings"
	"sync"
)

//go:embed testdata/*.gz
var files embed.FS

// Row is one argument list of a function and its value, Hi + Lo.
type Row struct {
	Args   []float64
	Hi, Lo float64 // the value rounded to float64, and what that left out (0 where it would underflow)
	frac   float64 // what it left out in units of the last place of Hi
}

var cache sync.Map // name -> []Row

// Functions lists the tables there are.
func Functions() []string {
	entries, err := files.ReadDir("testdata")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".gz"))
	}
	return names
}

// Table returns the rows of a function, nil if there is no such table. The rows are shared: do not change them.
func Table(fn string) []Row {
	if rows, ok := cache.Load(fn); ok {
		return rows.([]Row)
	}
	rows, err := read(fn)
	if err != nil {
		return nil
	}
	kept, _ := cache.LoadOrStore(fn, rows)
	return kept.([]Row)
}

// read decodes the format of make_tables.py.
func read(fn string) ([]Row, error) {
	f, err := files.Open(path.Join("testdata", fn+".gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	const head = 9
	if len(b) < head || string(b[:4]) != "CTO1" {
		return nil, fmt.Errorf("oracle: %s: not a table", fn)
	}
	nargs, n := int(b[4]), int(binary.LittleEndian.Uint32(b[5:]))
	if len(b) != head+n*(8*(nargs+1)+2) {
		return nil, fmt.Errorf("oracle: %s: %d bytes for %d rows of %d arguments", fn, len(b), n, nargs)
	}
	column := func(k, i int) float64 {
		return math.Float64frombits(binary.LittleEndian.Uint64(b[head+8*(k*n+i):]))
	}
	rows, args := make([]Row, n), make([]float64, n*nargs)
	fracs := b[head+8*(nargs+1)*n:]
	for i := range rows {
		r := &rows[i]
		r.Args = args[i*nargs : (i+1)*nargs : (i+1)*nargs]
		for k := range nargs {
			r.Args[k] = column(k, i)
		}
		r.Hi = column(nargs, i)
		r.frac = float64(int16(binary.LittleEndian.Uint16(fracs[2*i:]))) / 65534
		if !math.IsInf(r.Hi, 0) && !math.IsNaN(r.Hi) {
			r.Lo = r.frac * ulp(r.Hi, 53, -1022)
		}
	}
	return rows, nil
}

// ulp is the unit in the last place of x in a format of so many bits and that least normal exponent.
func ulp(x float64, bits, least int) float64 {
	_, e := math.Frexp(x)
	if x == 0 || e-1 < least {
		e = least + 1
	}
	return math.Ldexp(1, e-bits)
}

// Single reports whether all arguments are float32 values.
func (r *Row) Single() bool {
	for _, a := range r.Args {
		if a == a && float64(float32(a)) != a {
			return false
		}
	}
	return true
}

// ULP64 returns by how many float64 units in the last place got is away from the value: 0.5 at most for the nearest.
// It is +Inf for a wrong NaN, infinity or sign of zero.
func (r *Row) ULP64(got float64) float64 {
	if e, done := r.exact(got); done {
		return e
	}
	u := ulp(r.Hi, 53, -1022)
	if math.IsInf(got, 0) { // as if it were 2^1024
		return math.Abs((math.Copysign(0x1p1023, got)-r.Hi/2)/(u/2) - r.frac)
	}
	return math.Abs((got-r.Hi)/u - r.frac)
}

// ULP32 is ULP64 for a float32 result.
func (r *Row) ULP32(got float32) float64 {
	g := float64(got)
	if math.Abs(r.Hi) >= 0x1.ffffffp127 && !math.IsNaN(r.Hi) && math.IsInf(g, 0) && math.Signbit(g) == math.Signbit(r.Hi) {
		return 0
	}
	if e, done := r.exact(g); done && (math.IsInf(r.Hi, 0) || math.IsNaN(r.Hi) || math.IsNaN(g) || r.Hi == 0) {
		return e
	}
	if got == 0 && math.Signbit(g) != math.Signbit(r.Hi) {
		return math.Inf(1)
	}
	if math.IsInf(g, 0) {
		g = math.Copysign(0x1p128, g)
	}
	u := ulp(min(max(r.Hi, -math.MaxFloat32), math.MaxFloat32), 24, -126)
	return math.Abs((g-r.Hi)/u - r.Lo/u)
}

// exact settles the cases in which there is no distance to measure.
func (r *Row) exact(got float64) (float64, bool) {
	wrong := math.Inf(1)
	switch {
	case math.IsNaN(r.Hi) || math.IsNaN(got):
		if math.IsNaN(r.Hi) && math.IsNaN(got) {
			return 0, true
		}
		return wrong, true
	case math.IsInf(r.Hi, 0):
		if got == r.Hi {
			return 0, true
		}
		return wrong, true
	case got == 0 && math.Signbit(got) != math.Signbit(r.Hi):
		return wrong, true
	case math.IsInf(got, 0) && math.Signbit(got) != math.Signbit(r.Hi):
		return wrong, true
	}
	return 0, false
}
