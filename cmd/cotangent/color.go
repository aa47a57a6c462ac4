package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cotangent-ad/cotangent/sparse"
)

// problems are the colouring problems by their names on the command line.
var problems = map[string]sparse.Problem{
	"column": sparse.Columns, "row": sparse.Rows, "star": sparse.Star, "acyclic": sparse.Acyclic,
	"bicolor": sparse.StarBicoloring, "bicolor-acyclic": sparse.AcyclicBicoloring,
}

// colored is what color prints as JSON.
type colored struct {
	Problem string  `json:"problem"`
	Order   string  `json:"order"`
	Rows    int     `json:"rows"`
	Cols    int     `json:"cols"`
	Nnz     int     `json:"nnz"`
	Colors  int     `json:"colors"`
	Bound   int     `json:"bound"`
	Seconds float64 `json:"seconds"`
}

func colorCommand() *cobra.Command {
	var (
		problem, order, grid string
		asJSON               bool
	)
	c := &cobra.Command{
		Use:   "color FILE",
		Short: "Colour the pattern of a MatrixMarket file: how few products determine the matrix",
		Long: `Reads a MatrixMarket file (plain or gzip) and colours its pattern:

  column, row       columns, or rows, that share no row, or column (Jacobians)
  star, acyclic     symmetric matrices, recovered directly or by substitution (Hessians)
  bicolor,          columns and rows together, recovered directly or by
  bicolor-acyclic   substitution

The default order is the best that a portfolio finds: lattices on grids, greedy
colourings in several orders, and iterated greedy. Each result is verified.`,
		Example: `  cotangent color jacobian.mtx
  cotangent color --problem star hessian.mtx.gz`,
		Args: one("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, ok := problems[problem]
			if !ok {
				return fmt.Errorf("--problem %q is none of column, row, star, acyclic, bicolor, bicolor-acyclic", problem)
			}
			opts, err := colorOptions(order, grid)
			if err != nil {
				return err
			}
			p, err := readPattern(args[0])
			if err != nil {
				return err
			}
			done := waiting("colouring")
			col, err := sparse.ColorContext(cmd.Context(), p, kind, opts...)
			done()
			if err != nil {
				return err
			}
			if err := sparse.Verify(p, col); err != nil {
				return err
			}
			if !asJSON {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d x %d, %d entries\n%v\n", p.Rows, p.Cols, p.Nnz(), col)
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(colored{problem, order, p.Rows, p.Cols, p.Nnz(), col.Colors(), col.Bound, col.Seconds})
		},
	}
	f := c.Flags()
	f.StringVar(&problem, "problem", "column", "column, row, star, acyclic, bicolor or bicolor-acyclic")
	f.StringVar(&order, "order", "default", "default, natural, largest-first, smallest-last, incidence-degree, dynamic-largest-first or random")
	f.StringVar(&grid, "grid", "", `shape of the grid that columns are numbered along, as in "300x300"`)
	f.BoolVar(&asJSON, "json", false, "print one line of JSON")
	return c
}

// colorOptions returns what --order and --grid ask for.
func colorOptions(order, grid string) (opts []sparse.Option, err error) {
	if order != "default" {
		o, err := sparse.ParseOrder(order)
		if err != nil {
			return nil, fmt.Errorf("--order: %w", err)
		}
		opts = append(opts, sparse.WithOrder(o))
	}
	if grid == "" {
		return opts, nil
	}
	var shape []int
	for _, s := range strings.Split(grid, "x") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf(`--grid %q is no shape such as "300x300"`, grid)
		}
		shape = append(shape, n)
	}
	return append(opts, sparse.WithGrid(shape...)), nil
}

// readPattern reads the pattern of a MatrixMarket file.
func readPattern(path string) (*sparse.Pattern, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if info, err := f.Stat(); err == nil && onTerminal() {
		bar := newBar(info.Size(), `reading {{bar .}} {{percent .}}`)
		defer bar.Finish()
		r = bar.NewProxyReader(f)
	}
	m, err := sparse.ReadMatrixMarket(r, sparse.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m.Pattern()
}
