package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/bench/adbench"
)

// benchFlags are what to measure and how to tell.
type benchFlags struct {
	asJSON, list, explain bool
	backends, files       []string
	match, suite          string
	minTime               time.Duration
}

func benchCommand() *cobra.Command {
	var b benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure objectives and their gradients on each backend, on data made here",
		Long: `Measures each scenario on each backend: the objective, its gradient (the
objective included), their ratio, the speedup over ref (plain Go loops), memory,
and how far the gradient is from the first backend's.

A backend is a device as COTANGENT_DEVICE names it (ref, cpu, cpu:1, ...): alone
it evaluates eagerly, operation by operation; with "+tiles" it runs prepared
programs, with "+native" those compiled to machine code by the C compiler, where
there is one.

With --explain it tells what each prepared gradient does instead, and what was
predicted of its time beside what is measured with one worker.

With --adbench it measures the problems in files of ADBench instead, plain or gzip:
gmm, ba, lstm and hand by their names' beginnings, a hand's model in the folder
"model" beside it. Of ba and hand the function is the residuals, the gradient their
Jacobian (of ba a sparse one, always prepared).

With --suite sparse it measures sparse Jacobians and Hessians: of each its entries,
the colours that determine it (in parentheses where entries are computed directly
instead), the time to detect where entries are, to colour them, from nothing to the
first values, to compile, and to compute all values again, also divided by the
entries, and by the time of the function. "cotangent sparsity" draws them.`,
		Example: `  cotangent bench --filter gmm --backends cpu:1,cpu:1+native
  cotangent bench --list
  cotangent bench --explain --filter normal`,
		Args: none(" (--filter chooses scenarios)"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.suite == "sparse" {
				return b.sparse(cmd)
			}
			return b.dense(cmd)
		},
	}
	f := c.Flags()
	f.BoolVar(&b.asJSON, "json", false, "print JSON instead of a table")
	f.StringSliceVar(&b.backends, "backends", nil, "backends to compare (default: ref, cpu:1, cpu, the latter two also with +tiles and +native)")
	f.StringVar(&b.match, "filter", "", "only scenarios whose name contains this")
	f.StringVar(&b.suite, "suite", "", "only scenarios of this suite: basic, gradbench, large or sparse (default: the first two)")
	f.StringSliceVar(&b.files, "adbench", nil, "measure the problems in these files of ADBench")
	f.DurationVar(&b.minTime, "time", 200*time.Millisecond, "how long to measure each figure")
	f.BoolVar(&b.list, "list", false, "list the scenarios")
	f.BoolVar(&b.explain, "explain", false, "tell what prepared gradients do, and their predicted and measured times")
	return c
}

// dense measures objectives and their gradients, or lists or explains them.
func (b *benchFlags) dense(cmd *cobra.Command) (err error) {
	scenarios := bench.Scenarios()
	if b.suite != "" {
		scenarios = bench.All()
	}
	if len(b.files) > 0 {
		if scenarios, err = openFiles(b.files); err != nil {
			return err
		}
	}
	scenarios = slices.DeleteFunc(scenarios, func(s bench.Scenario) bool {
		return b.suite != "" && s.Suite != b.suite || !strings.Contains(s.Name, b.match)
	})
	if len(scenarios) == 0 {
		return errNoScenario
	}
	if b.list {
		for _, s := range scenarios {
			listScenario(cmd, s.Suite, s.Name, s.Doc)
		}
		return nil
	}
	if b.explain {
		return b.explained(cmd, scenarios)
	}
	where, err := parseBackends(b.backends)
	if err != nil {
		return err
	}
	results, err := bench.Run(cmd.Context(), scenarios, where, b.options())
	if err != nil {
		return err
	}
	return printResults(cmd, results, b.asJSON, bench.Table)
}

var errNoScenario = errors.New("no scenario matches; --list names them")

func listScenario(cmd *cobra.Command, suite, name, doc string) {
	fmt.Fprintf(cmd.OutOrStdout(), "%-10s %-28s %s\n", suite, name, doc)
}

func (b *benchFlags) options() bench.Options {
	return bench.Options{MinTime: b.minTime, Progress: progress()}
}

// printResults prints a table or JSON, and returns the error of the first that failed.
func printResults[R interface{ Failed() error }](cmd *cobra.Command, results []R, asJSON bool, table func([]R) string) error {
	if !asJSON {
		fmt.Fprint(cmd.OutOrStdout(), table(results))
	} else if err := writeJSON(cmd, results); err != nil {
		return err
	}
	for _, r := range results {
		if err := r.Failed(); err != nil {
			return err
		}
	}
	return nil
}

func (b *benchFlags) explained(cmd *cobra.Command, scenarios []bench.Scenario) error {
	list, err := bench.Explain(cmd.Context(), scenarios, b.minTime)
	if err != nil {
		return err
	}
	if b.asJSON {
		return writeJSON(cmd, list)
	}
	for i, e := range list {
		if i > 0 {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		fmt.Fprint(cmd.OutOrStdout(), e)
	}
	return nil
}

func writeJSON(cmd *cobra.Command, results any) error {
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(results)
}

// sparse measures the suite of sparse derivatives, which are prepared on any backend.
func (b *benchFlags) sparse(cmd *cobra.Command) error {
	scenarios := slices.DeleteFunc(bench.SparseScenarios(), func(s bench.SparseScenario) bool { return !strings.Contains(s.Name, b.match) })
	if len(scenarios) == 0 {
		return errNoScenario
	}
	if b.list {
		for _, s := range scenarios {
			listScenario(cmd, "sparse", s.Name, s.Doc)
		}
		return nil
	}
	where, err := parseBackends(b.backends)
	if err != nil {
		return err
	}
	if len(b.backends) == 0 {
		where = slices.DeleteFunc(where, func(b bench.Backend) bool { return b.How == bench.Eager })
	}
	results, err := bench.RunSparse(cmd.Context(), scenarios, where, b.options())
	if err != nil {
		return err
	}
	return printResults(cmd, results, b.asJSON, bench.SparseTable)
}

func openFiles(paths []string) (list []bench.Scenario, err error) {
	for _, path := range paths {
		s, err := adbench.Open(path, adbench.Limits{})
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func parseBackends(names []string) ([]bench.Backend, error) {
	if len(names) == 0 {
		return bench.Backends(), nil
	}
	var out []bench.Backend
	for _, n := range names {
		b, err := bench.ParseBackend(n)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
