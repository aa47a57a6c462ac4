package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
)

// run carries out the command line and returns what it printed.
func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// What is wrong with a command line is said, with where to look.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"nonsense"}, `unknown command "nonsense"`},
		{[]string{"bench", "gmm"}, "--filter"},
		{[]string{"bench", "--nonsense"}, `"cotangent bench --help"`},
		{[]string{"graph"}, "one SCENARIO, got 0"},
		{[]string{"color", "a", "b"}, "one FILE, got 2"},
		{[]string{"color", "no/such/file"}, "open no/such/file"},
		{[]string{"info", "cuda"}, "--device"},
	} {
		if _, err := run(t, "", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
	if out, err := run(t, "", "--version"); err != nil || !strings.Contains(out, "go1.") {
		t.Errorf("--version: %v %q", err, out)
	}
}

func TestInfo(t *testing.T) {
	for _, args := range [][]string{{"info"}, {"info", "--device", "ref"}, {"info", "--device", "cpu:2"}, {"info", "--device", "sim"}} {
		out, err := run(t, "", args...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"device", "instruction set", "matrix products", "memory limit", "ops"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not tell %q:\n%s", args, want, out)
			}
		}
	}
	if _, err := run(t, "", "info", "--device", "abacus"); err == nil || !strings.Contains(err.Error(), "abacus") {
		t.Errorf("an unknown device: %v", err)
	}
}

func TestBenchExplain(t *testing.T) {
	out, err := run(t, "", "bench", "--explain", "--filter", "normal", "--time", "1ms", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var list []bench.Explained
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v:\n%s", err, out)
	}
	if e := list[0]; e.Predicted <= 0 || e.Tiles <= 0 || (e.Native > 0) == (e.Without != "") || e.Program.Cost.Functions == 0 || len(e.Slowest) == 0 {
		t.Errorf("%+v", e)
	}
	text, err := run(t, "", "bench", "--explain", "--filter", "normal", "--time", "1ms")
	for _, part := range []string{"normal-pdf", "passes over", "predicted", "by kernels"} {
		if err != nil || !strings.Contains(text, part) || strings.Contains(text, "being compiled") {
			t.Errorf("%v: %q is not in\n%s", err, part, text)
		}
	}
}

func TestBench(t *testing.T) {
	out, err := run(t, "", "bench", "--filter", "normal", "--backends", "ref,cpu:1,cpu:1+tiles", "--time", "1ms", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var results []bench.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if len(results) != 3 || results[2].Backend != "cpu:1 tiles" || results[1].Speedup <= 0 {
		t.Errorf("%+v", results)
	}
	table, err := run(t, "", "bench", "--filter", "normal", "--backends", "cpu:1", "--time", "1ms")
	if err != nil || !strings.Contains(table, "grad/f") || !strings.Contains(table, "normal-pdf") {
		t.Errorf("%v:\n%s", err, table)
	}
	list, err := run(t, "", "bench", "--list")
	if err != nil || strings.Count(list, "\n") != len(bench.Scenarios()) {
		t.Errorf("%v:\n%s", err, list)
	}
	if _, err := run(t, "", "bench", "--filter", "nothing like it"); err == nil {
		t.Error("no scenario matched, and no error")
	}
	for _, name := range []string{"abacus", "cpu+magic"} {
		if _, err := run(t, "", "bench", "--filter", "normal", "--backends", name); err == nil {
			t.Errorf("backend %q is no error", name)
		}
	}
	basic, err := run(t, "", "bench", "--list", "--suite", "basic")
	if n := strings.Count(basic, "\n"); err != nil || n == 0 || n >= len(bench.Scenarios()) || strings.Contains(basic, "gmm") {
		t.Errorf("%v:\n%s", err, basic)
	}
}

// Files of ADBench are measured like scenarios.
func TestBenchFiles(t *testing.T) {
	const dir = "../../bench/adbench/testdata/"
	args := []string{"bench", "--backends", "cpu:1,cpu:1+tiles", "--time", "1ms", "--adbench"}
	out, err := run(t, "", append(args, dir+"gmm_d3_K2.txt,"+dir+"ba_n2_m3_p12.txt,"+dir+"hand_complicated_c5.txt")...)
	if err != nil || strings.Count(out, "\n") != 7 || !strings.Contains(out, "hand_complicated_c5") || strings.Contains(out, "failed") {
		t.Errorf("%v:\n%s", err, out)
	}
	for _, file := range []string{"/nowhere/ba.txt", dir + "model/bones.txt"} {
		if _, err := run(t, "", append(args, file)...); err == nil {
			t.Errorf("%s is no error", file)
		}
	}
}

// Machine code has a row, or, where there is no compiler, none.
func TestBenchNative(t *testing.T) {
	t.Setenv("COTANGENT_CACHE", filepath.Join(t.TempDir(), "cache"))
	args := []string{"bench", "--filter", "normal", "--backends", "cpu:1,cpu:1+native", "--time", "1ms"}
	out, err := run(t, "", args...)
	if err != nil || !strings.Contains(out, "cpu:1 eager") {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Setenv("CC", "/nowhere/cc")
	if out, err := run(t, "", args...); err != nil || strings.Contains(out, "native") {
		t.Errorf("without a compiler: %v:\n%s", err, out)
	}
	t.Setenv("CC", "false")
	if out, err := run(t, "", args...); err != nil || strings.Contains(out, "native") {
		t.Errorf("with one that does not work: %v:\n%s", err, out)
	}
}

func TestGradbench(t *testing.T) {
	in := `{"id":1,"kind":"evaluate","module":"hello","function":"double","input":2.5}` + "\n"
	for _, args := range [][]string{{}, {"--mode", "prepared"}, {"--threads", "1"}, {"--device", "ref"}} {
		out, err := run(t, in, append([]string{"gradbench"}, args...)...)
		if err != nil || !strings.Contains(out, `"output":5`) {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	for _, args := range [][]string{{"--mode", "lazy"}, {"--threads", "-1"}, {"--device", "ref", "--threads", "2"}, {"--device", "abacus"}, {"more"}} {
		if _, err := run(t, "", append([]string{"gradbench"}, args...)...); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
}

func TestGraph(t *testing.T) {
	for ending, want := range map[string]string{".svg": "<svg", ".dot": "digraph", ".json": `"nodes"`, ".txt": "param 0"} {
		path := filepath.Join(t.TempDir(), "g"+ending)
		if _, err := run(t, "", "graph", "normal-pdf", "--out", path, "--time", "1ms"); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v:\n%s", ending, err, data)
		}
	}
	if out, err := run(t, "", "graph", "normal"); err != nil || !strings.Contains(out, "return") || !strings.Contains(out, "ns") {
		t.Errorf("%v:\n%s", err, out)
	}
	if s, err := scenarioNamed("gmm"); err != nil || s.Suite != "gradbench" {
		t.Errorf("gmm is %+v, %v: there is one but for those that are not measured by default", s, err)
	}
	for _, args := range [][]string{{}, {"no such scenario"}, {"m"}, {"normal-pdf", "--out", "g.png"}, {"normal-pdf", "--out", "/nowhere/g.svg"}, {"normal-pdf", "--threads", "-1"}} {
		if _, err := run(t, "", append([]string{"graph"}, args...)...); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
}
