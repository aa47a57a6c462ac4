package devicetest

// Child: tests in processes of their own.

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const envChild = "DEVICETEST_CHILD"

// Child runs a test of this very binary in a process of its own, with more environment,
// and returns what that printed: a driver is opened once a process, a lost device stays
// lost. It fails t unless the test has passed within some minutes. EMULATOR in the
// environment is the command that runs the binary, where the processor cannot.
func Child(t *testing.T, name string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := append(strings.Fields(os.Getenv("EMULATOR")), os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(append(os.Environ(), envChild+"="+name), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Errorf("%s with %q: %v\n%s", name, env, err, out)
	}
	return string(out)
}

// InChild skips what is no test of its own, but one that another hands to Child.
func InChild(t *testing.T) {
	t.Helper()
	if os.Getenv(envChild) != t.Name() {
		t.Skip("runs in another test's process")
	}
}
