//go:build cuda && cgo

package main

import (
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels/cuda"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func init() { describePlaces = func() []string { return placesOf(cuda.Places()) } }

// placesOf tells where a GPU's operations are carried out, a line for each place.
func placesOf(places []cuda.Place) (lines []string) {
	of := func(what string, is func(cuda.Place) bool) {
		var names []string
		for _, p := range places {
			if is(p) {
				names = append(names, p.String())
			}
		}
		list := "none"
		if len(names) > 0 {
			list = strings.Join(names, ", ")
		}
		lines = append(lines, fmt.Sprintf("%s (%d): %s", what, len(names), list))
	}
	of("kernels printed from loops", func(p cuda.Place) bool { return p.Printed })
	of("kernels of its own", func(p cuda.Place) bool { return p.Library })
	of("made of other operations", func(p cuda.Place) bool { return len(p.Body) > 0 })
	of("left to the host", func(p cuda.Place) bool { return p.Host })
	lines = append(lines, "left to the host, whatever the operation: loops of more than 20 axes or 2000 operations")
	var forms []string
	for f := graph.Cond; f <= graph.Call; f++ {
		forms = append(forms, f.String())
	}
	return append(lines, fmt.Sprintf("control flow (%s): bodies of these, of which the host reads the conditions", strings.Join(forms, ", ")))
}
