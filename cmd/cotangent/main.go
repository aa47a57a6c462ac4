package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"

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
		Version:       version(),
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; \"%s --help\" tells which there are", err, c.CommandPath())
	})
	c.AddCommand(infoCommand(), benchCommand(), colorCommand(), sparsityCommand(), graphCommand(), gradbenchCommand())
	return c
}

// version tells from what the binary was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " (" + info.GoVersion + ")"
}

// one takes a single argument, which the command's usage names so.
func one(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one %s, got %d; \"%s --help\" tells more", c.Name(), name, len(args), c.CommandPath())
	}
}

// none takes no arguments; hint says what may have been meant.
func none(hint string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return fmt.Errorf("%s takes no arguments, got %q%s; \"%s --help\" tells more", c.Name(), args, hint, c.CommandPath())
	}
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
