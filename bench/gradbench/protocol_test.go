package gradbench

// Messages, right and wrong ones.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestHello(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		same(t, "square", flat(ask(t, s, "hello", "square", 3.5)), []float64{12.25}, 0)
		same(t, "double", flat(ask(t, s, "hello", "double", 3.5)), []float64{7}, 0)
	})
}

func TestProtocol(t *testing.T) {
	session := strings.Join([]string{
		`{"id":0,"kind":"start","eval":"hello"}`,
		`{"id":1,"kind":"define","module":"hello"}`,
		`{"id":2,"kind":"define","module":"nothing"}`,
		`{"id":3,"kind":"evaluate","module":"hello","function":"square","input":2}`,
		`{"id":4,"kind":"analysis","of":3,"valid":true}`,
		`{"id":5,"kind":"evaluate","module":"hello","function":"cube","input":2}`,
		`{"id":6,"kind":"evaluate","module":"lse","function":"primal","input":{"x":"no","min_runs":1,"min_seconds":0}}`,
		`not json`,
		`{"id":8,"kind":7}`,
		``,
		`{"id":9,"kind":"unheard of"}`,
		`{"id":10,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[0.5],"min_runs":3,"min_seconds":0}}`,
	}, "\n")
	var out bytes.Buffer
	if err := new(Server).Serve(context.Background(), strings.NewReader(session), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		`"id":0,"tool":"cotangent"`, `"id":1,"success":true`, `"id":2,"success":false`, `"id":3,"success":true,"output":4`, `{"id":4}`,
		`"id":5,"success":false`, `"id":6,"success":false`, `"id":null,"success":false`, `"id":8,"success":false`, `{"id":9}`, `"id":10,"success":true,"output":0.5`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d responses, want %d:\n%s", len(lines), len(want), out.String())
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) {
			t.Errorf("response %d is %s, want it to contain %s", i, lines[i], w)
		}
	}
	if n := strings.Count(lines[10], "evaluate"); n != 3 {
		t.Errorf("min_runs of 3 gave %d timings: %s", n, lines[10])
	}
}

func TestBadInputs(t *testing.T) {
	for _, c := range []struct{ module, function, input, err string }{
		{"llsq", "primal", `{"x":[1],"n":1}`, "n = 1"},
		{"llsq", "primal", `{"x":[1],"n":1000000000000}`, "at most"},
		{"lse", "gradient", `{"x":[]}`, "empty"},
		{"det", "primal", `{"A":[1,2,3],"ell":2}`, "3 entries"},
		{"det", "primal", `{"A":[1],"ell":100}`, "ell"},
		{"ode", "primal", `{"x":[1],"s":0}`, "s = 0"},
		{"ode", "gradient", `{"x":[1],"s":99999999999999}`, "at most"},
		{"kmeans", "cost", `{"points":[[1,2],[3]],"centroids":[[1,2]]}`, "row 1"},
		{"kmeans", "cost", `{"points":[],"centroids":[[1,2]]}`, "empty"},
		{"gmm", "objective", `{"d":2,"k":1,"n":1,"m":0,"gamma":1,"x":[[1]],"alpha":[1],"mu":[[1,2]],"q":[[1,2]],"l":[[1]]}`, "x: row 0"},
		{"lstm", "objective", `{"main_params":[[1]],"extra_params":[],"state":[],"sequence":[[1],[1]]}`, "pairs"},
		{"saddle", "rr", `{"start":[1]}`, "start"},
		{"lse", "primal", `{"x":[1e308,1e308],"min_runs":-1}`, "negative"},
		{"lse", "primal", `{"x":[1],"min_seconds":1e300}`, "more than"},
		{"lse", "primal", `{"x":[1],"min_runs":9000000000}`, "more than"},
	} {
		line := fmt.Sprintf(`{"id":1,"kind":"evaluate","module":%q,"function":%q,"input":%s}`, c.module, c.function, c.input)
		b, err := json.Marshal(new(Server).Handle(context.Background(), []byte(line)))
		if err != nil || !strings.Contains(string(b), `"success":false`) || !strings.Contains(string(b), c.err) {
			t.Errorf("%s %s %s: %s, want an error with %q", c.module, c.function, c.input, b, c.err)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add([]byte(`{"id":3,"kind":"evaluate","module":"hello","function":"square","input":2}`))
	f.Add([]byte(`{"id":1,"kind":"evaluate","module":"gmm","function":"objective","input":{"d":1,"k":1,"n":1,"m":0,"gamma":1,"x":[[1]],"alpha":[1],"mu":[[1]],"q":[[1]],"l":[[]]}}`))
	f.Add([]byte(`{"id":1,"kind":"evaluate","module":"det","function":"gradient","input":{"A":[1,2,3,4],"ell":2}}`))
	f.Add([]byte(`{"id":{},"kind":"define","module":[]}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, line []byte) {
		// Descents may run for ever and repeated runs for long: they are not what is under test.
		for _, word := range []string{"particle", "saddle", "min_", `"s"`, "\\u"} {
			if bytes.Contains(bytes.ToLower(line), []byte(word)) {
				return
			}
		}
		b, err := json.Marshal(new(Server).Handle(context.Background(), line))
		if err != nil || !json.Valid(b) || !bytes.Contains(b, []byte(`"id":`)) {
			t.Errorf("%q: %s, %v", line, b, err)
		}
	})
}
