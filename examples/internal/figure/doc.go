// Package figure draws what the examples found: how iterations converge, and fields on
// grids, side by side in one picture.
package figure
