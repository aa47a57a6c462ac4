// Package layered places the nodes of an acyclic graph in layers, so that edges
// run down and cross seldom: the method of Sugiyama, Tagawa and Toda (Methods for
// visual understanding of hierarchical system structures, 1981). Layers come from
// longest paths; the order within them from sweeps of barycentres; positions from
// least squares, in which nodes keep their distance and edges are drawn straight.
//
// The edges that leave a node share one line for as long as they go the same way,
// as the value that they carry is the same.
package layered
