//go:build cuda && cgo

// The command with CUDA built in: on the stand-in for a driver, and without a driver.

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/kernels"
)

// onStandIn skips what looks for the stand-in's name.
func onStandIn(t *testing.T) {
	t.Helper()
	if !strings.Contains(os.Getenv("COTANGENT_LIBCUDA"), "standin") {
		t.Skip("there is no stand-in")
	}
}

func TestInfoOfStandIn(t *testing.T) {
	onStandIn(t)
	out, err := run(t, "", "info", "--device", "cuda")
	for _, part := range []string{"device             cuda (", "driver for CUDA 13.0", "cuda:0 is a stand-in, not a GPU", "NVRTC 0.1", "loops of more than 20 axes", "control flow (cond, scan, while, call)"} {
		if err != nil || !strings.Contains(out, part) {
			t.Errorf("%v: %q is not in\n%s", err, part, out)
		}
	}
	// Every operation is in one of the lines that tell where operations are carried out.
	told := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +[a-z ]+ \(\d+\): (.*)$`).FindAllStringSubmatch(out, -1) {
		for _, name := range strings.Split(regexp.MustCompile(` \(.*?\)`).ReplaceAllString(m[1], ""), ", ") {
			told[name] = true
		}
	}
	delete(told, "none")
	for _, op := range kernels.Ops() {
		if !told[op.Name] {
			t.Errorf("%s is not told of in\n%s", op.Name, out)
		}
		delete(told, op.Name)
	}
	if len(told) > 0 {
		t.Errorf("told of, but in no registry: %v", told)
	}
}

// What stands for a GPU is named so, and has no times.
func TestBenchOfStandIn(t *testing.T) {
	onStandIn(t)
	table, err := run(t, "", "bench", "--filter", "normal", "--time", "1ns")
	for _, row := range []string{`cpu:1 tiles +[0-9]`, `cuda eager \(a stand-in, not a GPU\) +- +- +- +- +- +- `, `cuda tiles \(a stand-in, not a GPU\) +- +- +- +- +- +- `} {
		if err != nil || !regexp.MustCompile(row).MatchString(table) {
			t.Errorf("%v: %s is not in\n%s", err, row, table)
		}
	}
	out, err := run(t, "", "bench", "--filter", "normal", "--backends", "cpu:1,cuda,cuda+tiles", "--time", "1ns", "--json")
	var results []bench.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != 3 {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, r := range results {
		timed := r.Function > 0 && r.Gradient > 0
		if standIn := strings.Contains(r.Backend, "a stand-in, not a GPU"); timed == standIn || r.Err != "" || !(r.Diff < 1e-12) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// Without a driver the command works on the CPU, and tells what is missing. The
// driver is opened once a process, so in a process of its own.
func TestNoDriver(t *testing.T) {
	devicetest.Child(t, "TestNoDriverChild", "COTANGENT_DEVICE=", "COTANGENT_LIBCUDA=/nonexistent/libcuda.so.1")
}

func TestNoDriverChild(t *testing.T) {
	devicetest.InChild(t)
	const missing = "there is no NVIDIA driver (/nonexistent/libcuda.so.1: cannot open"
	if out, err := run(t, "", "info"); err != nil || !strings.Contains(out, missing) {
		t.Errorf("info: %v\n%s", err, out)
	}
	if _, err := run(t, "", "info", "--device", "cuda"); err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "install one") {
		t.Errorf("info of the GPU: %v", err)
	}
	out, err := run(t, "", "bench", "--filter", "normal", "--time", "1ms")
	if err != nil || !strings.Contains(out, "cpu:1 tiles") || strings.Contains(out, "cuda") {
		t.Errorf("bench: %v\n%s", err, out)
	}
	if out, err = run(t, "", "bench", "--filter", "normal", "--time", "1ms", "--backends", "cpu,cuda"); err == nil || !strings.Contains(out, "cpu eager") || !strings.Contains(err.Error(), missing) {
		t.Errorf("bench of the GPU: %v\n%s", err, out)
	}
}
