package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/device"
	_ "github.com/cotangent-ad/cotangent/device/sim"
	_ "github.com/cotangent-ad/cotangent/tensor" // links in the other devices, and the kernels of all
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "cotangent:", err)
		}
		os.Exit(1)
	}
}

func command() *cobra.Command {
	c := &cobra.Command{
		Use:           "cotangent",
		Short:         "Automatic differentiation of tensor programs: measure, inspect, serve",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	c.AddCommand(infoCommand(), benchCommand(), colorCommand(), sparsityCommand(), graphCommand(), gradbenchCommand())
	return c
}

// deviceName makes the name of a device from the --device and --threads flags.
func deviceName(name string, threads int) (string, error) {
	if threads < 0 {
		return "", fmt.Errorf("--threads %d is negative", threads)
	}
	if threads == 0 {
		return name, nil
	}
	if name == "" {
		name = "cpu"
	}
	if name != "cpu" {
		return "", fmt.Errorf("--threads applies to --device cpu, not %s", name)
	}
	return fmt.Sprintf("cpu:%d", threads), nil
}

// openDevice opens a device by name; the empty name is the default one.
func openDevice(name string) (device.Device, error) {
	if name == "" {
		return device.Default()
	}
	return device.Open(name)
}
