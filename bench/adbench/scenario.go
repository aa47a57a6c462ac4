// Scenarios of files.

package adbench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/jacobian"
)

// Open reads a file and returns its scenario. Its problem is told by the start of its
// name, as in gmm_d10_K50.txt; the model of a hand is in the folder model beside it.
// Errors are *NameError, *FormatError, *LimitError and those of the file system, the
// latter three with the file's name.
func Open(path string, l Limits) (bench.Scenario, error) {
	base := filepath.Base(path)
	for prefix, open := range map[string]func(*os.File, Limits) (bench.Scenario, error){
		"gmm": openMixture, "ba": openBundle, "lstm": openLSTM, "hand": openHand,
	} {
		if !strings.HasPrefix(base, prefix) {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return bench.Scenario{}, err
		}
		defer f.Close()
		s, err := open(f, l)
		if err != nil {
			return s, fmt.Errorf("%s: %w", path, err)
		}
		s.Suite, s.Name = "adbench", strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".txt")
		return s, nil
	}
	return bench.Scenario{}, &NameError{base}
}

func openMixture(f *os.File, l Limits) (s bench.Scenario, err error) {
	m, err := ReadMixture(f, l)
	return bench.Scenario{Doc: "mixture of normal distributions", New: func() bench.Instance {
		p, x := m.Problem()
		return bench.NewInstance(p.Objective, x)
	}}, err
}

func openLSTM(f *os.File, l Limits) (s bench.Scenario, err error) {
	m, err := ReadLSTM(f, l)
	return bench.Scenario{Doc: "recurrent network", New: func() bench.Instance {
		p, x := m.Problem()
		return bench.NewInstance(p.Objective, x)
	}}, err
}

func openBundle(f *os.File, l Limits) (s bench.Scenario, err error) {
	b, err := ReadBundle(f, l)
	return bench.Scenario{Doc: "bundle adjustment: residuals and their sparse Jacobian", New: func() bench.Instance {
		p, x, err := b.Problem()
		if err != nil {
			return bench.FailedInstance(err)
		}
		pattern, err := p.Pattern()
		if err != nil {
			return bench.FailedInstance(err)
		}
		return bench.NewSparse(p.Residuals, x, jacobian.WithPattern(pattern))
	}}, err
}

func openHand(f *os.File, l Limits) (s bench.Scenario, err error) {
	model, err := ReadHandModel(os.DirFS(filepath.Join(filepath.Dir(f.Name()), "model")), l)
	if err != nil {
		return s, fmt.Errorf("model: %w", err)
	}
	h, err := ReadHand(f, model, l)
	return bench.Scenario{Doc: "hand tracking: residuals and their dense Jacobian", New: func() bench.Instance {
		p, x, err := h.Problem()
		if err != nil {
			return bench.FailedInstance(err)
		}
		return bench.NewPair(p.Residuals, p.Jacobian, x)
	}}, err
}
