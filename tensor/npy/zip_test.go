package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"

	"github.com/cotangent-ad/cotangent/tensor"
)

func TestZipRoundTrip(t *testing.T) {
	for name, compress := range map[string]bool{"stored": false, "deflated": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.npz")
			if err := WriteZipFile(path, samples(), compress); err != nil {
				t.Fatal(err)
			}
			got, err := ReadZipFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(samples()) {
				t.Errorf("%d arrays", len(got))
			}
			for name, x := range samples() {
				if got[name] == nil || !same(x, got[name]) {
					t.Errorf("%s: wrote %+v, read %+v", name, x, got[name])
				}
			}
		})
	}
}

func TestZipIsDeterministic(t *testing.T) {
	var a, b bytes.Buffer
	if err := errors.Join(WriteZip(&a, samples(), true), WriteZip(&b, samples(), true)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two archives of the same tensors differ")
	}
}

func TestZipAgainstNpyio(t *testing.T) {
	var b bytes.Buffer
	if err := WriteZip(&b, map[string]*tensor.Tensor{"x": tensor.New([]float64{1, 2})}, true); err != nil {
		t.Fatal(err)
	}
	var got []float64
	if err := npz.Read(bytes.NewReader(b.Bytes()), "x.npy", &got); err != nil || len(got) != 2 || got[1] != 2 {
		t.Errorf("npyio reads %v (%v)", got, err)
	}
}

// archive returns a zip archive with one entry.
func archive(name string, data []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestReadZipRefuses(t *testing.T) {
	good := file(1, dict("<f8", "(1,)"), le(1.0)...)
	corrupt := archive("x.npy", bytes.Repeat(good, 1))
	i := bytes.Index(corrupt, []byte("NUMPY"))
	if i < 0 { // deflated: the array is there in other bytes
		i = 40
	}
	corrupt[i] ^= 1
	twice := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for range 2 {
			f, _ := w.Create("x.npy")
			_, _ = f.Write(good)
		}
		_ = w.Close()
		return b.Bytes()
	}()
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"no archive", "not an .npz archive", good},
		{"no array", "not an .npy file", archive("x.npy", []byte("something else"))},
		{"claims terabytes", "cut short", archive("x.npy", file(1, dict("<f8", "(1000000000000,)"), le(1.0)...))},
		{"bytes behind", "bytes behind the array", archive("x.npy", append(bytes.Clone(good), 1))},
		{"corrupt", "x.npy", corrupt},
		{"a name twice", "twice", twice},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadZip(bytes.NewReader(c.file), int64(len(c.file)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if all, err := ReadZip(bytes.NewReader(archive("readme.txt", good)), int64(len(archive("readme.txt", good)))); err != nil || len(all) != 0 {
		t.Errorf("an entry that is no array: %v (%v)", all, err)
	}
}

func FuzzReadZip(f *testing.F) {
	var b bytes.Buffer
	if err := WriteZip(&b, samples(), true); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(archive("x.npy", file(1, dict("<f8", "(1,)"), le(1.0)...)))
	f.Add(archive("x.npy", []byte("?")))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ReadZip(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for name, x := range all {
			if x == nil || x.Err() != nil {
				t.Errorf("%s: %v", name, x)
			}
		}
	})
}
