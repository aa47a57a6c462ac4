// The protocol: messages, responses, and the loop of runs.

package gradbench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/cotangent-ad/cotangent/bench"
)

// Server answers the messages of one session.
type Server struct {
	How bench.Execution // how functions are evaluated
	Log *slog.Logger    // diagnostics; nil: none
}

// patience is how long the runs of a message wait for machine code. A program whose
// compiler takes longer, or that cannot be compiled, is run by kernels.
const patience = time.Minute

type message struct {
	ID       json.RawMessage `json:"id"`
	Kind     string          `json:"kind"`
	Module   string          `json:"module"`
	Function string          `json:"function"`
	Input    json.RawMessage `json:"input"`
	Of       json.RawMessage `json:"of"`
	Valid    *bool           `json:"valid"`
	Error    string          `json:"error"`
}

type response struct {
	ID      json.RawMessage `json:"id"`
	Tool    string          `json:"tool,omitempty"`
	Success *bool           `json:"success,omitempty"`
	Output  any             `json:"output,omitempty"`
	Timings []Timing        `json:"timings,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// Timing is one measured run, or what came before the runs ("prepare").
type Timing struct {
	Name        string `json:"name"`
	Nanoseconds int64  `json:"nanoseconds"`
}

// Serve answers messages until the end of r. A malformed message gets a
// response with an error. The error returned is one of reading, writing or the context.
func (s *Server) Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	in, out := bufio.NewReader(r), bufio.NewWriter(w)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := s.answer(ctx, line, out); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("gradbench: reading: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

func (s *Server) answer(ctx context.Context, line []byte, out *bufio.Writer) error {
	b, err := json.Marshal(s.Handle(ctx, line))
	if err == nil {
		_, err = out.Write(append(b, '\n'))
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("gradbench: writing: %w", err)
	}
	return nil
}

// Handle answers one message. What it returns marshals to the response's JSON.
func (s *Server) Handle(ctx context.Context, line []byte) any {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return s.failure(idOf(line), fmt.Errorf("malformed message: %w", err))
	}
	if m.ID == nil {
		m.ID = json.RawMessage("null")
	}
	ok := true
	switch m.Kind {
	case "start":
		return response{ID: m.ID, Tool: "cotangent"}
	case "define":
		if _, known := modules[m.Module]; !known {
			return s.failure(m.ID, fmt.Errorf("unknown module %q", m.Module))
		}
		return response{ID: m.ID, Success: &ok}
	case "evaluate":
		output, timings, err := s.evaluate(ctx, &m)
		if err != nil {
			return s.failure(m.ID, err)
		}
		return response{ID: m.ID, Success: &ok, Output: output, Timings: timings}
	case "analysis":
		if m.Valid != nil && !*m.Valid && s.Log != nil {
			s.Log.Warn("the answer was judged wrong", "of", string(m.Of), "error", m.Error)
		}
	}
	return response{ID: m.ID}
}

// idOf finds the id of a message that does not decode as a whole.
func idOf(line []byte) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(line, &m) == nil && m["id"] != nil {
		return m["id"]
	}
	return json.RawMessage("null")
}

func (s *Server) failure(id json.RawMessage, err error) response {
	if s.Log != nil {
		s.Log.Warn("a message failed", "id", string(id), "error", err)
	}
	no := false
	return response{ID: id, Success: &no, Error: err.Error()}
}

// compiled waits for machine code, within reason. The error is the context's.
func (s *Server) compiled(ctx context.Context, e *evaluation) error {
	if e.compiled == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := e.compiled(limited)
	if err != nil && ctx.Err() == nil && s.Log != nil {
		s.Log.Info("runs without machine code", "reason", err)
	}
	return ctx.Err()
}

// runs says how often to evaluate.
type runs struct {
	MinRuns    int     `json:"min_runs"`
	MinSeconds float64 `json:"min_seconds"`
}

// What a message may ask for at the most: more would hold the session for ever.
const (
	maxRuns    = 1_000_000
	maxSeconds = 24 * 60 * 60
)

// evaluate runs a module's function as often as the message asks for. To record the
// function, and to compile it, is the timing "prepare".
func (s *Server) evaluate(ctx context.Context, m *message) (output any, timings []Timing, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	mod, known := modules[m.Module]
	if !known {
		return nil, nil, fmt.Errorf("unknown module %q", m.Module)
	}
	f, known := mod[m.Function]
	if !known {
		return nil, nil, fmt.Errorf("module %s has no function %q", m.Module, m.Function)
	}
	var n runs
	if m.Module != "hello" {
		if err := json.Unmarshal(m.Input, &n); err != nil {
			return nil, nil, fmt.Errorf("input: %w", err)
		}
		if n.MinRuns < 0 || n.MinRuns > maxRuns || n.MinSeconds < 0 || n.MinSeconds > maxSeconds {
			return nil, nil, fmt.Errorf("input: min_runs %d and min_seconds %g cannot be negative, nor more than %d and %d", n.MinRuns, n.MinSeconds, maxRuns, maxSeconds)
		}
	}
	start := time.Now()
	e, err := f(m.Input, s.How)
	if err != nil {
		return nil, nil, err
	}
	if e.close != nil {
		defer e.close()
	}
	if err := s.compiled(ctx, e); err != nil {
		return nil, nil, err
	}
	timings = append(timings, Timing{"prepare", time.Since(start).Nanoseconds()})
	var out result
	var elapsed time.Duration
	for i := 0; i < max(n.MinRuns, 1) || elapsed.Seconds() < n.MinSeconds; i++ {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		start := time.Now()
		out = e.run(ctx)
		if err := out.wait(ctx); err != nil {
			return nil, nil, err
		}
		t := time.Since(start)
		elapsed += t
		timings = append(timings, Timing{"evaluate", t.Nanoseconds()})
	}
	output, err = out.json()
	return output, timings, err
}
