//go:build cgo && linux

package cc

// The machine's compiler: finding it, telling it from others, running it.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// compiler is a command that compiles C.
type compiler struct {
	path     string
	args     []string // what CC says after the command
	identity string   // tells it from every other compiler
}

// failure is a compiler that failed, and what it said.
type failure struct {
	output string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// findCompiler returns the compiler that CC names, else cc.
func findCompiler(ctx context.Context) (*compiler, error) {
	words := strings.Fields(cmp.Or(os.Getenv("CC"), "cc"))
	if len(words) == 0 {
		words = []string{"cc"}
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	c := &compiler{path: path, args: words[1:]}
	version, err := c.version(ctx)
	if err != nil {
		return nil, err
	}
	c.identity = strings.Join(append([]string{path, version}, c.args...), "\x00")
	return c, nil
}

// versions remembers what compilers say of themselves, by the file and the
// arguments they were asked with.
var versions sync.Map // of versionKey to string

type versionKey struct {
	path, args string
	size       int64
	modified   time.Time
}

// version returns what the compiler prints of itself.
func (c *compiler) version(ctx context.Context) (string, error) {
	info, err := os.Stat(c.path)
	if err != nil {
		return "", err
	}
	key := versionKey{c.path, strings.Join(c.args, "\x00"), info.Size(), info.ModTime()}
	if v, ok := versions.Load(key); ok {
		return v.(string), nil
	}
	var out head
	if err := c.run(ctx, "", nil, &out, []string{"--version"}); err != nil {
		return "", err
	}
	versions.Store(key, out.String())
	return out.String(), nil
}

// compile makes something of the C source on stdin. Files, temporary ones too,
// are made in dir.
func (c *compiler) compile(ctx context.Context, dir string, source io.Reader, args []string) error {
	return c.run(ctx, dir, source, io.Discard, args)
}

// run runs the command in dir and waits for it. When ctx ends, so do the
// command and all that it started.
func (c *compiler) run(ctx context.Context, dir string, stdin io.Reader, stdout io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, c.path, slices.Concat(c.args, args)...)
	var said head
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, stdin, stdout, &said
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if dir != "" {
		cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for pipes that someone else holds open
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, new(*exec.ExitError)):
		err = fmt.Errorf("%s: %w", c.path, err)
	}
	return &failure{output: said.String(), err: err}
}

// head keeps the first 16 KiB of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	const most = 16 << 10
	h.kept = append(h.kept, p[:min(len(p), most-len(h.kept))]...)
	return len(p), nil
}

func (h *head) String() string { return string(h.kept) }
