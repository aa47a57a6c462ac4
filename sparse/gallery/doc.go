// Package gallery makes the patterns that colourings are tried on: stencils on
// grids, the Brusselator's Jacobian, arrowheads, bands, dense lines, and random
// ones. Tests, benchmarks and the command share it; nothing here colours anything.
package gallery
