package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/sparse"
)

// sparsityForms are the forms that a picture is written in, by the file's ending.
var sparsityForms = map[string]func(p *sparse.Pattern, w io.Writer, size int, c *sparse.Coloring) error{
	".png": (*sparse.Pattern).WritePNG,
	".svg": (*sparse.Pattern).WriteSVG,
}

func sparsityCommand() *cobra.Command {
	var (
		out  string
		size int
	)
	c := &cobra.Command{
		Use:   "sparsity SCENARIO|FILE",
		Short: "Draw where a scenario's sparse Jacobian or Hessian has its entries",
		Long: `Finds the structure of the derivative of one of the scenarios that "cotangent bench
--suite sparse --list" names, of any size (bratu/n=12), or reads that of a
MatrixMarket file (.mtx, .mtx.gz), and draws it: as a picture (--out p.png or p.svg),
else in braille characters, as wide as the terminal.

Small pictures show each entry, in the colour of the product that it is read off;
larger ones a dot for each block, darker the more entries it holds.`,
		Example: `  cotangent sparsity bratu/n=12
  cotangent sparsity arrowhead/n=40 --out arrowhead.svg
  cotangent sparsity jacobian.mtx`,
		Args: one("SCENARIO or FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			write := sparsityForms[filepath.Ext(out)]
			if out != "" && write == nil {
				return fmt.Errorf("--out %q ends in neither .png nor .svg", out)
			}
			if size < 1 {
				return fmt.Errorf("--size %d is no size", size)
			}
			p, c, err := structureOf(cmd, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d x %d, %d entries; %v\n", args[0], p.Rows, p.Cols, p.Nnz(), c)
			if write != nil {
				return writeFile(out, func(w io.Writer) error { return write(p, w, size, c) })
			}
			_, err = io.WriteString(cmd.OutOrStdout(), p.Text(terminalWidth()))
			return err
		},
	}
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", "picture to write (.png or .svg)")
	f.IntVar(&size, "size", 800, "how high and wide the picture is at most, in pixels")
	return c
}

// structureOf returns the pattern of a scenario or file, and its colouring.
func structureOf(cmd *cobra.Command, name string) (*sparse.Pattern, *sparse.Coloring, error) {
	ctx := cmd.Context()
	if ending := filepath.Ext(name); ending == ".mtx" || ending == ".gz" {
		p, err := readPattern(name)
		if err != nil {
			return nil, nil, err
		}
		c, err := sparse.ColorContext(ctx, p, sparse.Columns)
		return p, c, err
	}
	s, err := bench.SparseNamed(name)
	if err != nil {
		return nil, nil, err
	}
	in, err := s.New()
	if err != nil {
		return nil, nil, err
	}
	done := waiting("finding the structure")
	defer done()
	p, err := in.Detect(ctx)
	if err != nil {
		return nil, nil, err
	}
	if in.Problem == sparse.Star {
		if p, err = p.Symmetrize(); err != nil {
			return nil, nil, err
		}
	}
	c, err := sparse.ColorContext(ctx, p, in.Problem)
	return p, c, err
}

// terminalWidth returns the characters on a line, 80 where there is no terminal.
func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		return min(w-1, 200)
	}
	return 80
}
