package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/gemm"
)

// describePlaces tells where a GPU's operations are carried out, where CUDA is built in.
var describePlaces func() []string

func infoCommand() *cobra.Command {
	var dev string
	c := &cobra.Command{
		Use:   "info",
		Short: "Tell the device, the instruction set, the BLAS found and the limits",
		Args:  none(" (--device names one)"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openDevice(dev)
			if err != nil {
				return err
			}
			isa, err := cpu.Select()
			if err != nil {
				return err
			}
			line := func(name, format string, args ...any) {
				fmt.Fprintf(cmd.OutOrStdout(), "%-18s %s\n", name, fmt.Sprintf(format, args...))
			}
			line("device", "%s (%d workers, memory limit %s)", d.Name(), d.Workers().N(), device.FormatBytes(d.Limit()))
			line("kinds of device", "%v", device.Kinds())
			line("instruction set", "%v (available: %v; COTANGENT_ISA forces one)", isa, cpu.Available())
			engine, err := gemm.New(isa, d.Workers())
			if err != nil {
				return err
			}
			line("matrix products", "%s (COTANGENT_BLAS forces one)", engine.Name())
			for _, choice := range gemm.Available(isa) {
				line("", "COTANGENT_BLAS=%s: %s", choice.BLAS, choice.Name)
			}
			for i, text := range cuda.Describe() {
				line(map[bool]string{true: "CUDA"}[i == 0], "%s", text)
			}
			if describePlaces != nil {
				for _, text := range describePlaces() {
					line("", "%s", text)
				}
			}
			line("backends", "%v", kernels.BackendNames())
			line("ops", "%d", len(kernels.Ops()))
			line("Go", "%s %s/%s, %d processors", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
			return nil
		},
	}
	c.Flags().StringVar(&dev, "device", "", "device to tell about (default: COTANGENT_DEVICE, else cpu)")
	return c
}
