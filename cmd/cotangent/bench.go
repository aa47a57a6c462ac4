package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotangent-ad/cotangent/bench"
)

func benchCommand() *cobra.Command {
	var (
		asJSON   bool
		backends []string
		match    string
		minTime  time.Duration
		list     bool
	)
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure objectives and their gradients on each backend, on data made here",
		Long: `Measures each scenario on each backend: the objective, its gradient (the
objective included), their ratio, the speedup over ref (plain Go loops), memory,
and how far the gradient is from the first backend's.

A backend is a device as COTANGENT_DEVICE names it (ref, cpu, cpu:1, ...), with
"+prepared" for prepared programs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scenarios := matching(match)
			if len(scenarios) == 0 {
				return fmt.Errorf("no scenario's name contains %q; --list names them", match)
			}
			if list {
				for _, s := range scenarios {
					fmt.Fprintf(cmd.OutOrStdout(), "%-28s %s\n", s.Name, s.Doc)
				}
				return nil
			}
			o := bench.Options{MinTime: minTime, Progress: progress()}
			results, err := bench.Run(cmd.Context(), scenarios, parseBackends(backends), o)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(results)
			}
			fmt.Fprint(cmd.OutOrStdout(), bench.Table(results))
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
	f.StringSliceVar(&backends, "backends", nil, "backends to compare (default: ref, cpu:1, cpu, prepared ones too)")
	f.StringVar(&match, "scenario", "", "only scenarios whose name contains this")
	f.DurationVar(&minTime, "time", 200*time.Millisecond, "how long to measure each figure")
	f.BoolVar(&list, "list", false, "list the scenarios")
	return c
}

func matching(part string) []bench.Scenario {
	var out []bench.Scenario
	for _, s := range bench.Scenarios() {
		if strings.Contains(s.Name, part) {
			out = append(out, s)
		}
	}
	return out
}

func parseBackends(names []string) []bench.Backend {
	if len(names) == 0 {
		return bench.Backends()
	}
	out := make([]bench.Backend, len(names))
	for i, n := range names {
		out[i].Device, out[i].Prepared = strings.CutSuffix(n, "+prepared")
	}
	return out
}

// progress draws a bar on a terminal, else nothing.
func progress() func(done, total int, what string) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int, what string) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(20), progressbar.OptionClearOnFinish())
		}
		bar.Describe(fmt.Sprintf("%-45s", what))
		_ = bar.Set(done)
	}
}
