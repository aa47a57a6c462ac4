package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// graphForms are the forms that a graph is written in, by the file's ending.
var graphForms = map[string]func(*graph.Graph, io.Writer) error{
	".svg":  (*graph.Graph).WriteSVG,
	".dot":  (*graph.Graph).WriteDOT,
	".json": (*graph.Graph).WriteJSON,
	".txt":  (*graph.Graph).WriteText,
}

func graphCommand() *cobra.Command {
	var (
		out, dev string
		threads  int
		minTime  time.Duration
	)
	c := &cobra.Command{
		Use:   "graph SCENARIO",
		Short: "Draw the program of a scenario's gradient, with shapes, bytes and time per node",
		Long: `Prepares the gradient of one of the scenarios that "cotangent bench --list"
names, measures each of its operations, and writes its graph: as a picture (.svg),
in Graphviz's language (.dot), as JSON (.json), or as text (.txt, or "-" for
standard output).`,
		Example: `  cotangent graph normal-pdf
  cotangent graph gmm --out gmm.svg`,
		Args: one("SCENARIO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := graphForms[filepath.Ext(out)]
			if out == "-" {
				write, ok = (*graph.Graph).WriteText, true
			}
			if !ok {
				return fmt.Errorf("--out %q ends in none of .svg, .dot, .json, .txt", out)
			}
			s, err := scenarioNamed(args[0])
			if err != nil {
				return err
			}
			if err := useDevice(dev, threads); err != nil {
				return err
			}
			g, err := s.New().Profile(cmd.Context(), minTime)
			if err != nil {
				return err
			}
			if out == "-" {
				return write(g, cmd.OutOrStdout())
			}
			return writeFile(out, func(w io.Writer) error { return write(g, w) })
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "-", "file to write")
	f.StringVar(&dev, "device", "", "device to run on (default: COTANGENT_DEVICE, else cpu)")
	f.IntVar(&threads, "threads", 0, "workers of the CPU device (default: all cores)")
	f.DurationVar(&minTime, "time", 200*time.Millisecond, "how long to measure")
	return c
}

// scenarioNamed returns the scenario of that name, or the only one whose name contains it:
// of those that are measured by default or, if there is none, of all.
func scenarioNamed(name string) (bench.Scenario, error) {
	var found []string
	for _, list := range [][]bench.Scenario{bench.Scenarios(), bench.All()} {
		found = nil
		var last bench.Scenario
		for _, s := range list {
			if s.Name == name {
				return s, nil
			}
			if strings.Contains(s.Name, name) {
				found, last = append(found, s.Name), s
			}
		}
		if len(found) == 1 {
			return last, nil
		}
	}
	if len(found) == 0 {
		return bench.Scenario{}, fmt.Errorf("no scenario's name contains %q; \"cotangent bench --list\" names them", name)
	}
	return bench.Scenario{}, fmt.Errorf("%q may be any of %s", name, strings.Join(found, ", "))
}

// useDevice makes a device the default one.
func useDevice(name string, threads int) error {
	name, err := deviceName(name, threads)
	if err != nil {
		return err
	}
	d, err := openDevice(name)
	if err != nil {
		return err
	}
	return tensor.SetDefaultDevice(d)
}

// writeFile makes a file of what write writes; after an error there is none.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
