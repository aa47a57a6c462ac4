// Messages with their outputs, as GradBench's evals send and expect them.

package gradbench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/bench"
)

// TestMessages answers the messages of the .jsonl files in a directory, which the
// environment variable COTANGENT_GRADBENCH_MESSAGES names, in all modes. A line is
// {"message": ..., "output": ..., "tolerance": ...}. Without the variable it reads
// testdata.
func TestMessages(t *testing.T) {
	dir := os.Getenv("COTANGENT_GRADBENCH_MESSAGES")
	if dir == "" {
		dir = "testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in %s: %v", dir, err)
	}
	test := func(t *testing.T, s *Server) {
		for _, file := range files {
			module := strings.TrimSuffix(filepath.Base(file), ".jsonl")
			t.Run(module, func(t *testing.T) {
				if !slices.Contains(Modules(), module) {
					t.Skip("there is no such module")
				}
				answerFile(t, s, file)
			})
		}
	}
	servers(t, test)
	t.Run("native", func(t *testing.T) { test(t, &Server{How: bench.Native}) })
}

func answerFile(t *testing.T, s *Server, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var line struct {
			Message   json.RawMessage
			Output    any
			Tolerance float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		var m message
		if err := json.Unmarshal(line.Message, &m); err != nil {
			t.Fatal(err)
		}
		if testing.Short() && s.How == bench.Eager && (m.Module == "particle" || m.Module == "saddle") && m.Kind == "evaluate" && m.Function != "rr" {
			continue // of simulations a step at a time, one of four ways
		}
		start := time.Now()
		b, err := json.Marshal(s.Handle(t.Context(), line.Message))
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Success bool
			Output  any
			Error   string
		}
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		if m.Kind != "start" && m.Kind != "analysis" && !r.Success {
			t.Errorf("%s %s: %s", m.Kind, m.Function, r.Error)
			continue
		}
		if line.Output != nil {
			if err := alike(m.Function, r.Output, line.Output, line.Tolerance); err != nil {
				t.Error(err)
			}
			t.Logf("%s: %v", m.Function, time.Since(start).Round(time.Millisecond))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// alike compares as GradBench does: the same types, keys and lengths, and numbers
// that differ by at most tol relative to the larger of 1 and their sum.
func alike(path string, got, want any, tol float64) error {
	switch want := want.(type) {
	case float64:
		g, ok := got.(float64)
		if !ok || !(math.Abs(g-want) <= tol*max(1, math.Abs(g)+math.Abs(want))) {
			return fmt.Errorf("%s: %v instead of %v", path, got, want)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return fmt.Errorf("%s: %d elements of %T instead of %d", path, len(g), got, len(want))
		}
		for i := range want {
			if err := alike(fmt.Sprintf("%s[%d]", path, i), g[i], want[i], tol); err != nil {
				return err
			}
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(want) {
			return fmt.Errorf("%s: %d fields of %T instead of %d", path, len(g), got, len(want))
		}
		for k := range want {
			if err := alike(path+"."+k, g[k], want[k], tol); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s: %T is expected", path, want)
	}
	return nil
}
