package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/bench/gradbench"
)

func gradbenchCommand() *cobra.Command {
	var (
		dev     string
		threads int
		mode    string
	)
	c := &cobra.Command{
		Use:   "gradbench",
		Short: "Serve the GradBench protocol on standard input and output",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if mode != "eager" && mode != "prepared" {
				return fmt.Errorf("--mode %q is neither eager nor prepared", mode)
			}
			if err := useDevice(dev, threads); err != nil {
				return err
			}
			s := gradbench.Server{Prepared: mode == "prepared", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
			return s.Serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&dev, "device", "", "device to run on (default: COTANGENT_DEVICE, else cpu)")
	c.Flags().IntVar(&threads, "threads", 0, "workers of the CPU device (default: all cores)")
	c.Flags().StringVar(&mode, "mode", "prepared", "prepared (recorded once, then run) or eager")
	return c
}
