//go:build cgo && linux

package cc

// What stands in Compile's way: each ends in a clear error, or in code all the
// same, and leaves nothing behind.

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// How package cache names entries and the directories in which they are made, and how
// old the latter may get.
const (
	suffix = ".so"
	prefix = "aside-"
	stale  = 24 * time.Hour
)

// names returns what the cache holds.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// entry returns the path of the only entry of the cache.
func entry(t *testing.T, dir string) string {
	t.Helper()
	list := names(t, dir)
	if len(list) != 1 || !strings.HasSuffix(list[0], suffix) {
		t.Fatalf("the cache holds %q", list)
	}
	return filepath.Join(dir, list[0])
}

// fails compiles and returns the error, which must be of a step.
func fails(t *testing.T, src Source, step Step) *Error {
	t.Helper()
	lib, err := Compile(context.Background(), src, Options{})
	if err == nil {
		lib.Close()
		t.Fatal("it compiled")
	}
	e := (*Error)(nil)
	if !errors.As(err, &e) || e.Step != step {
		t.Fatalf("error %T of step %q, not %q: %v", err, e.Step, step, err)
	}
	return e
}

func TestNoCompiler(t *testing.T) {
	useCache(t)
	for _, cc := range []string{"/nowhere/cc", "no-such-compiler", t.TempDir()} {
		t.Setenv("CC", cc)
		fails(t, constant(1), Find)
	}
	t.Setenv("CC", "")
	t.Setenv("PATH", t.TempDir())
	if e := fails(t, constant(1), Find); !errors.Is(e, exec.ErrNotFound) {
		t.Errorf("with nothing in PATH: %v", e)
	}
}

func TestCompilerFails(t *testing.T) {
	dir := useCache(t)
	e := fails(t, Source{Name: "wrong", Code: "#error this will not do\n"}, Build)
	if !strings.Contains(e.Output, "this will not do") || !strings.Contains(e.Error(), "wrong") {
		t.Errorf("error %q", e)
	}
	if list := names(t, dir); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
	for name, script := range map[string]string{
		"no version":          "echo broken >&2; exit 3",
		"much to say":         `[ "$1" = --version ] && exit; yes complaint | head -c 10000000 >&2; exit 1`,
		"crashes":             `[ "$1" = --version ] && exit; kill -SEGV $$`,
		"makes nothing":       `exit 0`,
		"makes no object":     `[ "$1" = --version ] && exit; echo text > product.so`,
		"makes an empty file": `[ "$1" = --version ] && exit; : > product.so`,
		"makes a link":        `[ "$1" = --version ] && exit; ln -s /etc/passwd product.so`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := useCache(t)
			useCompiler(t, script)
			_, err := Compile(context.Background(), constant(1), Options{})
			if e := (*Error)(nil); !errors.As(err, &e) || len(e.Output) > 16<<10 {
				t.Fatalf("error %T: %v", err, err)
			}
			if name == "no version" {
				return // the cache was not even opened
			}
			for _, left := range names(t, dir) {
				if strings.HasPrefix(left, prefix) {
					t.Errorf("left behind: %s", left)
				}
			}
		})
	}
}

// An undefined symbol is found when loading, and the entry does no harm later.
func TestCodeThatDoesNotLoad(t *testing.T) {
	useCache(t)
	src := Source{Name: "undefined", Code: "void nowhere(void); void f(void) { nowhere(); }"}
	for range 2 {
		if e := fails(t, src, Load); !strings.Contains(e.Error(), "nowhere") {
			t.Errorf("error %q", e)
		}
	}
}

// What happens to a file after it was loaded does not touch the code.
func TestLoadedCodeIsApart(t *testing.T) {
	dir := useCache(t)
	lib := mustCompile(t, constant(5), Options{})
	if err := os.Truncate(entry(t, dir), 0); err != nil {
		t.Fatal(err)
	}
	if answer(t, lib) != 5 {
		t.Error("the code went with the file")
	}
}

func TestCancel(t *testing.T) {
	dir := useCache(t)
	pids := filepath.Join(t.TempDir(), "pids")
	useCompiler(t, `[ "$1" = --version ] && exit
		sleep 1000 & echo $! >> '`+pids+`'; echo $$ >> '`+pids+`'; touch leftover; wait`)
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 2)
	for range 2 { // the second waits for the first, and ends as well
		go func() {
			_, err := Compile(ctx, constant(1), Options{})
			done <- err
		}()
	}
	var started []string
	for len(started) < 2 {
		time.Sleep(time.Millisecond)
		data, _ := os.ReadFile(pids)
		started = strings.Fields(string(data))
	}
	reason := errors.New("changed my mind")
	cancel(reason)
	for range 2 {
		select {
		case err := <-done:
			if !errors.Is(err, reason) {
				t.Errorf("error %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
	}
	if list := names(t, dir); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
	for _, text := range started {
		pid, _ := strconv.Atoi(text)
		if alive(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	if lib := mustCompileWith(t, "cc"); answer(t, lib) != 1 {
		t.Error("wrong answer after a cancelled call")
	}
}

// alive tells whether a process runs, or is ours and not waited for. One that
// was killed may need a moment.
func alive(pid int) bool {
	for range 200 {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return false
		}
		_, after, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(after) // state, parent, ...
		if fields[0] == "Z" && fields[1] != strconv.Itoa(os.Getpid()) {
			return false // whoever inherited it has yet to notice
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
}

func mustCompileWith(t *testing.T, cc string) *Library {
	t.Helper()
	t.Setenv("CC", cc)
	return mustCompile(t, constant(1), Options{})
}

func TestCancelledBefore(t *testing.T) {
	useCache(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Compile(ctx, constant(1), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Processes that share a cache, with one that damages it all the while.
func TestProcesses(t *testing.T) {
	const env = "COTANGENT_TEST_CC_CHILD"
	if os.Getenv(env) != "" {
		for round := range 3 {
			for i := range 4 {
				lib := mustCompile(t, constant(float64(i)), Options{})
				if got := answer(t, lib); got != float64(i) {
					t.Errorf("round %d: %v answers %v", round, i, got)
				}
				lib.Close()
			}
		}
		return
	}
	dir := useCache(t)
	mustCompile(t, constant(0), Options{}).Close()
	var children []*exec.Cmd
	var said []*strings.Builder
	for range 3 {
		out := new(strings.Builder)
		c := exec.Command(os.Args[0], "-test.run=^TestProcesses$", "-test.v")
		c.Env, c.Stdout, c.Stderr = append(os.Environ(), env+"=1"), out, out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children, said = append(children, c), append(said, out)
	}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			list, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
			if len(list) > 0 {
				if f, err := os.OpenFile(list[n%len(list)], os.O_WRONLY, 0); err == nil {
					f.WriteAt([]byte{byte(n)}, int64(n*997%8000))
					f.Close()
				}
			}
		}
	}()
	for i, c := range children {
		if err := c.Wait(); err != nil || !strings.Contains(said[i].String(), "--- PASS") {
			t.Errorf("child %d: %v\n%s", i, err, said[i])
		}
	}
	close(stop)
	<-stopped
	for _, n := range names(t, dir) {
		if strings.HasPrefix(n, prefix) {
			t.Errorf("left behind: %s", n)
		}
	}
}
