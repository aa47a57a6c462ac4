package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/bench/gradbench"
)

func gradbenchCommand() *cobra.Command {
	var (
		dev     string
		threads int
		mode    string
		native  bool
	)
	c := &cobra.Command{
		Use:   "gradbench",
		Short: "Serve the GradBench protocol on standard input and output",
		Long: `Serve the GradBench protocol on standard input and output.

Functions are recorded and compiled to machine code before their first run, which
the timing "prepare" of a response counts; where there is no compiler, or it takes
more than a minute, the kernels run them.`,
		Args: none(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if mode != "eager" && mode != "prepared" {
				return fmt.Errorf("--mode %q is neither eager nor prepared", mode)
			}
			if err := useDevice(dev, threads); err != nil {
				return err
			}
			how := bench.Eager
			if mode == "prepared" {
				if how = bench.Tiles; native {
					how = bench.Native
				}
			}
			s := gradbench.Server{How: how, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
			return s.Serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&dev, "device", "", "device to run on (default: COTANGENT_DEVICE, else cpu)")
	c.Flags().IntVar(&threads, "threads", 0, "workers of the CPU device (default: all cores)")
	c.Flags().StringVar(&mode, "mode", "prepared", "prepared (recorded once, then run) or eager")
	c.Flags().BoolVar(&native, "native", true, "compile prepared functions to machine code")
	return c
}
