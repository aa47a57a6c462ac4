// Package layout checks the rules of the source tree: imports go down the list
// of packages only, the library stays free of what only the commands need, and
// every package says what it is for.
package layout
