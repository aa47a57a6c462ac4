// Package tile is the executor of tile code in C, compiled once an instruction set.
//
// What lives here: the layout of tile code as C reads it (tile.h) and the machine that
// runs it (body.h, with ops.h, move.h and reduce.h). What does not: how a loop becomes
// tile code, which executor runs it, and the twin in Go, all of which are package cpu's.
// It is a package of its own because its files take longest to compile of all: it waits
// for no other package, so that they are compiled beside others. Start reading at tile.h.
package tile
