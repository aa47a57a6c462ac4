// Command bundle reconstructs a scene from pictures: where cameras stood and points are,
// from where the points are in the pictures. That is a sum of squares with a sparse
// Jacobian, minimised by the method of Levenberg and Marquardt.
//
// It makes the scene, with noise and some observations that are of something else, or
// reads one (-adbench, -bal). Then it lets each observation have a weight, which costs
// something if it is not 1 and takes those that do not fit out of the sum (C. Zach:
// Robust bundle adjustment revisited, ECCV 2014), and tells how many those are.
package main
