package adbench_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/bench/adbench"
	"github.com/cotangent-ad/cotangent/tensor"
)

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func elements(t *testing.T, x *tensor.Tensor) []float64 {
	t.Helper()
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= 1e-11*(1+math.Abs(want[i]))) {
			t.Errorf("%s[%d] = %.15g, want %.15g", what, i, got[i], want[i])
		}
	}
}

func TestMixture(t *testing.T) {
	m, err := adbench.ReadMixture(open(t, "gmm_d3_K2.txt"), adbench.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, x := m.Problem()
	near(t, "objective", elements(t, p.Objective(x)), []float64{mixture(words(t, "gmm_d3_K2.txt"))})
}

func TestBundle(t *testing.T) {
	b, err := adbench.ReadBundle(open(t, "ba_n2_m3_p12.txt"), adbench.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, x, err := b.Problem()
	if err != nil {
		t.Fatal(err)
	}
	r := p.Residuals(x)
	want := bundle(words(t, "ba_n2_m3_p12.txt"))
	for i := range 12 {
		near(t, "projection", elements(t, r.Projection.At(i)), want[:2])
		near(t, "weight", elements(t, r.Weight.At(i)), want[2:])
	}
}

// Of the file's cameras and points, each observation is where it says.
func TestLarge(t *testing.T) {
	b, err := adbench.ReadLarge(open(t, "bal_n3_m8.txt"), adbench.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, x, err := b.Problem()
	if err != nil {
		t.Fatal(err)
	}
	if p.Cameras != 3 || p.Points != 8 || x.Weights.Size() != 24 {
		t.Errorf("%d cameras, %d points, %d observations", p.Cameras, p.Points, x.Weights.Size())
	}
	for i, e := range elements(t, p.Residuals(x).Projection) {
		if math.Abs(e) > 1e-6 {
			t.Errorf("error %d is %g", i, e)
		}
	}
	for text, says := range map[string]string{"2 1 1\n2 0 1 1\n": "between 0 and 1", "1 1 1\n0 0 1 1\n1 2 3": "a camera's", "1 0 1": "points", "1 1 1000000000\n0 0 1 1": "a camera"} {
		var format *adbench.FormatError
		if _, err := adbench.ReadLarge(strings.NewReader(text), adbench.Limits{}); !errors.As(err, &format) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestLSTM(t *testing.T) {
	m, err := adbench.ReadLSTM(open(t, "lstm_l2_c5.txt"), adbench.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, x := m.Problem()
	near(t, "objective", elements(t, p.Objective(x)), []float64{network(words(t, "lstm_l2_c5.txt"))})
}

func TestHand(t *testing.T) {
	model, err := adbench.ReadHandModel(os.DirFS("testdata/model"), adbench.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hand_simple_c5.txt", "hand_complicated_c5.txt"} {
		h, err := adbench.ReadHand(open(t, name), model, adbench.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		p, x, err := h.Problem()
		if err != nil {
			t.Fatal(err)
		}
		near(t, name, elements(t, p.Residuals(x)), hand(t, words(t, name)))
	}
}

// Every file opens by its name, compressed or not, and runs on each backend.
func TestOpen(t *testing.T) {
	var list []bench.Scenario
	for _, name := range []string{"gmm_d3_K2.txt", "ba_n2_m3_p12.txt", "lstm_l2_c5.txt", "hand_simple_c5.txt", "hand_complicated_c5.txt"} {
		s, err := adbench.Open(filepath.Join("testdata", name), adbench.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Name+".txt" != name || s.Suite != "adbench" || s.Doc == "" {
			t.Errorf("%+v", s)
		}
		list = append(list, s)
	}
	packed := filepath.Join(t.TempDir(), "ba1.txt.gz")
	raw, err := os.ReadFile("testdata/ba_n2_m3_p12.txt")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packed, zipped(t, raw), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := adbench.Open(packed, adbench.Limits{})
	if err != nil || s.Name != "ba1" {
		t.Fatalf("%+v %v", s, err)
	}
	results, err := bench.Run(context.Background(), append(list, s), []bench.Backend{{Device: "ref"}, {Device: "cpu:1"}, {Device: "cpu:1", How: bench.Tiles}}, bench.Options{})
	if err != nil || len(results) != 3*(len(list)+1) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Err != "" || !(r.Diff <= 1e-11) || r.Gradient <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

func zipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is wrong with a file is told, with its line.
func TestFormatErrors(t *testing.T) {
	const gmm, ba = "2 1 1\n0\n1 2\n3 4 5\n6 7\n1 0\n", "1 1 1\n1 2 3 4 5 6 7 8 9 10 11\n1 2 3\n1\n1 2\n"
	read := map[string]func(s string) error{
		"gmm": func(s string) error {
			_, err := adbench.ReadMixture(strings.NewReader(s), adbench.Limits{})
			return err
		},
		"ba":   func(s string) error { _, err := adbench.ReadBundle(strings.NewReader(s), adbench.Limits{}); return err },
		"lstm": func(s string) error { _, err := adbench.ReadLSTM(strings.NewReader(s), adbench.Limits{}); return err },
	}
	for name, good := range map[string]string{"gmm": gmm, "ba": ba} {
		if err := read[name](good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		file, text string
		line       int
		says       string
	}{
		{"gmm", "", 1, "d"},
		{"gmm", "2 1", 1, "should have n"},
		{"gmm", "0 1 1\n", 1, "between"},
		{"gmm", "2 1 99999999999999999999\n", 1, "for n"},
		{"gmm", "2 1 1.5\n", 1, `"1.5" for n`},
		{"gmm", strings.Replace(gmm, "1 2\n", "1\n2 x\n", 1), 4, `"x"`},
		{"gmm", strings.Replace(gmm, "3 4", "NaN 4", 1), 4, "NaN"},
		{"gmm", strings.Replace(gmm, "3 4", "1e400 4", 1), 4, "1e400"},
		{"gmm", gmm + "1\n", 7, `"1" after`},
		{"gmm", gmm[:len(gmm)-4], 6, "gamma"},
		{"gmm", "32769 1 1\n", 1, "between"},
		{"ba", strings.Replace(ba, "\n1 2\n", "\n1\n", 1), 6, "the feature"},
		{"ba", "1 -1 1\n", 1, "for m"},
		{"lstm", "1 1 3\n", 1, "for c"},
		{"lstm", "1 1000000000 1000000000\n1 2 3\n", 3, "main parameter"},
		{"lstm", strings.Repeat("1", 600), 1, "512"},
		{"lstm", "\x1f\x8bno", 1, "gzip"},
	} {
		err := read[c.file](c.text)
		var format *adbench.FormatError
		if !errors.As(err, &format) || format.Line != c.line || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %.40q: %v, want line %d and %q", c.file, c.text, err, c.line, c.says)
		}
	}
	if err := read["gmm"](string(zipped(t, []byte(gmm))[:30])); err == nil {
		t.Error("half a gzip file is no error")
	}
}

func TestHandErrors(t *testing.T) {
	bone := "b:-1" + strings.Repeat(":1", 32) + "\n"
	vertex := "1:2:3:0:0:0:0:0:1:0:1.0\n"
	good := map[string]string{"bones.txt": bone, "vertices.txt": vertex, "triangles.txt": "0:0:0\n"}
	model := func(file, text string) (*adbench.HandModel, error) {
		dir := fstest.MapFS{}
		for name, s := range good {
			if name == file {
				s = text
			}
			dir[name] = &fstest.MapFile{Data: []byte(s)}
		}
		return adbench.ReadHandModel(dir, adbench.Limits{})
	}
	m, err := model("", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, text string
		line       int
		says       string
	}{
		{"bones.txt", "", 1, "no bones"},
		{"bones.txt", "\n\nb:0" + strings.Repeat(":1", 32), 3, "parent"},
		{"bones.txt", bone + "c:0:1:2\n", 2, "4 fields"},
		{"bones.txt", strings.Repeat(":", 5000), 1, "4096"},
		{"vertices.txt", "\n", 2, "no vertices"},
		{"vertices.txt", "1:2:3:0:0:0:0:0:2:0:1.0\n", 1, "number of bones"},
		{"vertices.txt", "1:2:3:0:0:0:0:0:1:1:1.0\n", 1, "a bone"},
		{"vertices.txt", "1:2:inf:0:0:0:0:0:1:0:1.0\n", 1, "inf"},
		{"triangles.txt", "0:0:0\n0:0:1\n", 2, "a vertex"},
	} {
		_, err := model(c.file, c.text)
		var format *adbench.FormatError
		if !errors.As(err, &format) || format.Line != c.line || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), c.file) {
			t.Errorf("%s %.40q: %v, want line %d and %q", c.file, c.text, err, c.line, c.says)
		}
	}
	delete(good, "triangles.txt")
	if _, err := model("", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want a missing file", err)
	}
	theta := strings.Repeat("0 ", bench.HandPose)
	for text, says := range map[string]string{
		"1 25\n0 1 2 3\n" + theta:           "between 26 and 26",
		"1 26\n0 1 2 3\n" + theta + "1":     "27 numbers",
		"1 26\n7 1 2 3\n" + theta:           "7 among 1",
		"1 26\n0 1 2\n":                     "a point",
		"1 26\n1 1 2 3\n0.5 0.5\n" + theta:  "1 among 1",
		"1 26\n0 1 2 3\n0.5 half\n" + theta: "half",
		"1000000000 26\n0 1 2 3\n":          "end",
	} {
		var format *adbench.FormatError
		if _, err := adbench.ReadHand(strings.NewReader(text), m, adbench.Limits{}); !errors.As(err, &format) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
}

// Small files that stand for much are refused before memory is taken.
func TestLimits(t *testing.T) {
	var limit *adbench.LimitError
	huge := "1 1 1000000000\n1 2 3 4 5 6 7 8 9 10 11\n1 2 3\n1\n1 2\n"
	if _, err := adbench.ReadBundle(strings.NewReader(huge), adbench.Limits{}); !errors.As(err, &limit) || limit.What != "observations" {
		t.Errorf("%v, want a LimitError", err)
	}
	bomb := zipped(t, []byte("1 1 1\n"+strings.Repeat(" ", 1<<20)))
	if _, err := adbench.ReadBundle(bytes.NewReader(bomb), adbench.Limits{Bytes: 1000}); !errors.As(err, &limit) || limit.Limit != 1000 {
		t.Errorf("%v, want a LimitError", err)
	}
	dir := fstest.MapFS{
		"bones.txt":    {Data: []byte(strings.Repeat("b:-1"+strings.Repeat(":1", 32)+"\n", 100))},
		"vertices.txt": {Data: []byte(strings.Repeat("1:2:3:0:0:0:0:0:0\n", 100))},
	}
	if _, err := adbench.ReadHandModel(dir, adbench.Limits{Elements: 5000}); !errors.As(err, &limit) || limit.Got != 51 {
		t.Errorf("%v, want a LimitError", err)
	}
	var name *adbench.NameError
	if _, err := adbench.Open("testdata/model/bones.txt", adbench.Limits{}); !errors.As(err, &name) {
		t.Errorf("%v, want a NameError", err)
	}
	if _, err := adbench.Open("/nowhere/ba.txt", adbench.Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want a missing file", err)
	}
}

// TestPublicFiles opens ADBench's own files, in the folder that the environment
// variable COTANGENT_ADBENCH names, and evaluates each once.
func TestPublicFiles(t *testing.T) {
	dir := os.Getenv("COTANGENT_ADBENCH")
	if dir == "" {
		t.Skip("COTANGENT_ADBENCH does not name a folder")
	}
	read := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) == "model" {
			return err
		}
		s, err := adbench.Open(path, adbench.Limits{})
		var name *adbench.NameError
		if errors.As(err, &name) {
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		read++
		for _, v := range s.New().Value() {
			for i, e := range elements(t, v) {
				if math.IsNaN(e) || math.IsInf(e, 0) {
					t.Errorf("%s: element %d is %g", path, i, e)
					break
				}
			}
		}
		return nil
	})
	if err != nil || read == 0 {
		t.Errorf("%d files read: %v", read, err)
	}
	t.Logf("%d files", read)
}
