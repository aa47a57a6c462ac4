package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/bench/adbench"
)

func benchCommand() *cobra.Command {
	var (
		asJSON   bool
		backends []string
		match    string
		suite    string
		minTime  time.Duration
		list     bool
		files    []string
		explain  bool
	)
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
			if suite == "sparse" {
				return benchSparse(cmd, match, backends, minTime, list, asJSON)
			}
			scenarios := bench.Scenarios()
			if suite != "" {
				scenarios = bench.All()
			}
			if len(files) > 0 {
				var err error
				if scenarios, err = openFiles(files); err != nil {
					return err
				}
			}
			scenarios = slices.DeleteFunc(scenarios, func(s bench.Scenario) bool {
				return suite != "" && s.Suite != suite || !strings.Contains(s.Name, match)
			})
			if len(scenarios) == 0 {
				return fmt.Errorf("no scenario matches; --list names them")
			}
			if list {
				for _, s := range scenarios {
					fmt.Fprintf(cmd.OutOrStdout(), "%-10s %-28s %s\n", s.Suite, s.Name, s.Doc)
				}
				return nil
			}
			if explain {
				return benchExplain(cmd, scenarios, minTime, asJSON)
			}
			o := bench.Options{MinTime: minTime, Progress: progress()}
			where, err := parseBackends(backends)
			if err != nil {
				return err
			}
			results, err := bench.Run(cmd.Context(), scenarios, where, o)
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprint(cmd.OutOrStdout(), bench.Table(results))
			} else if err := writeJSON(cmd, results); err != nil {
				return err
			}
			for _, r := range results {
				if r.Err != "" {
					return fmt.Errorf("%s on %s: %s", r.Scenario, r.Backend, r.Err)
				}
			}
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	f.StringSliceVar(&backends, "backends", nil, "backends to compare (default: ref, cpu:1, cpu, the latter two also with +tiles and +native)")
	f.StringVar(&match, "filter", "", "only scenarios whose name contains this")
	f.StringVar(&suite, "suite", "", "only scenarios of this suite: basic, gradbench, large or sparse (default: the first two)")
	f.StringSliceVar(&files, "adbench", nil, "measure the problems in these files of ADBench")
	f.DurationVar(&minTime, "time", 200*time.Millisecond, "how long to measure each figure")
	f.BoolVar(&list, "list", false, "list the scenarios")
	f.BoolVar(&explain, "explain", false, "tell what prepared gradients do, and their predicted and measured times")
	return c
}

func benchExplain(cmd *cobra.Command, scenarios []bench.Scenario, minTime time.Duration, asJSON bool) error {
	list, err := bench.Explain(cmd.Context(), scenarios, minTime)
	if err != nil {
		return err
	}
	if asJSON {
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

// benchSparse measures the suite of sparse derivatives, which are prepared on any
// backend.
func benchSparse(cmd *cobra.Command, match string, backends []string, minTime time.Duration, list, asJSON bool) error {
	scenarios := slices.DeleteFunc(bench.SparseScenarios(), func(s bench.SparseScenario) bool { return !strings.Contains(s.Name, match) })
	if len(scenarios) == 0 {
		return fmt.Errorf("no scenario matches; --list names them")
	}
	if list {
		for _, s := range scenarios {
			fmt.Fprintf(cmd.OutOrStdout(), "%-10s %-28s %s\n", "sparse", s.Name, s.Doc)
		}
		return nil
	}
	where, err := parseBackends(backends)
	if err != nil {
		return err
	}
	if len(backends) == 0 {
		where = slices.DeleteFunc(where, func(b bench.Backend) bool { return b.How == bench.Eager })
	}
	results, err := bench.RunSparse(cmd.Context(), scenarios, where, bench.Options{MinTime: minTime, Progress: progress()})
	if err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprint(cmd.OutOrStdout(), bench.SparseTable(results))
	} else if err := writeJSON(cmd, results); err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != "" {
			return fmt.Errorf("%s on %s: %s", r.Scenario, r.Backend, r.Err)
		}
	}
	return nil
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
