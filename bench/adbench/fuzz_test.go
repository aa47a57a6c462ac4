package adbench_test

import (
	"bytes"
	"os"
	"testing"
	"testing/fstest"

	"github.com/cotangent-ad/cotangent/bench/adbench"
)

// small bounds what a fuzzed file may make the readers allocate.
var small = adbench.Limits{Bytes: 1 << 16, Elements: 1 << 16}

func seeds(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("1 1 1"))
}

func FuzzReadMixture(f *testing.F) {
	seeds(f, "gmm_d3_K2.txt")
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := adbench.ReadMixture(bytes.NewReader(raw), small)
		if err != nil {
			return
		}
		if len(m.Alpha) != m.K || len(m.Mu) != m.K*m.D || len(m.Q) != m.K*m.D || len(m.L) != m.K*m.D*(m.D-1)/2 || len(m.X) != m.N*m.D {
			t.Errorf("%d %d %d", m.D, m.K, m.N)
		}
		if _, x := m.Problem(); x.L.Err() != nil || x.Q.Err() != nil {
			t.Error(x.L.Err(), x.Q.Err())
		}
	})
}

func FuzzReadBundle(f *testing.F) {
	seeds(f, "ba_n2_m3_p12.txt")
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := adbench.ReadBundle(bytes.NewReader(raw), small)
		if err != nil {
			return
		}
		if p, _, err := b.Problem(); err != nil || p.Cameras != b.N || p.Points != b.M || p.Camera.Dim(0) != b.P {
			t.Errorf("%+v: %v", b, err)
		}
	})
}

func FuzzReadLarge(f *testing.F) {
	seeds(f, "bal_n3_m8.txt")
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := adbench.ReadLarge(bytes.NewReader(raw), small)
		if err != nil {
			return
		}
		if p, x, err := b.Problem(); err != nil || p.Cameras != b.N || p.Points != b.M || x.Cameras.Err() != nil || x.Points.Err() != nil {
			t.Errorf("%d %d: %v", b.N, b.M, err)
		}
	})
}

func FuzzReadLSTM(f *testing.F) {
	seeds(f, "lstm_l2_c5.txt")
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := adbench.ReadLSTM(bytes.NewReader(raw), small)
		if err != nil {
			return
		}
		if p, x := m.Problem(); x.Main.Err() != nil || x.Extra.Err() != nil || p.State.Err() != nil || p.Sequence.Err() != nil {
			t.Errorf("%d %d %d", m.L, m.C, m.B)
		}
	})
}

func FuzzReadHandModel(f *testing.F) {
	for _, name := range []string{"bones.txt", "vertices.txt", "triangles.txt"} {
		raw, err := os.ReadFile("testdata/model/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, raw)
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		dir := fstest.MapFS{name: {Data: raw}}
		for _, other := range []string{"bones.txt", "vertices.txt", "triangles.txt"} {
			if _, is := dir[other]; !is {
				data, err := os.ReadFile("testdata/model/" + other)
				if err != nil {
					t.Fatal(err)
				}
				dir[other] = &fstest.MapFile{Data: data}
			}
		}
		m, err := adbench.ReadHandModel(dir, small)
		if err != nil {
			return
		}
		bones, vertices := len(m.Parents), len(m.Positions)/4
		if len(m.Names) != bones || len(m.Relatives) != 16*bones || len(m.Inverses) != 16*bones || len(m.Weights) != bones*vertices || len(m.Triangles)%3 != 0 {
			t.Errorf("%d bones, %d vertices", bones, vertices)
		}
		h := adbench.Hand{Model: m, Correspondences: []int64{0}, Points: []float64{1, 2, 3}, Theta: make([]float64, 26)}
		if _, _, err := h.Problem(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzReadHand(f *testing.F) {
	seeds(f, "hand_simple_c5.txt", "hand_complicated_c5.txt")
	model, err := adbench.ReadHandModel(os.DirFS("testdata/model"), small)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := adbench.ReadHand(bytes.NewReader(raw), model, small)
		if err != nil {
			return
		}
		if _, _, err := h.Problem(); err != nil {
			t.Error(err)
		}
	})
}
