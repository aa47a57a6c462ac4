// Package npy reads and writes tensors as NumPy's files: .npy, one array, and
// .npz, a zip archive of them.
//
// The five dtypes of tensors are read in either byte order and in C or Fortran
// order, and written little-endian in C order. Files are not trusted: a header
// is bounded and checked, and memory is taken in proportion to the bytes that
// are there, not to the sizes that a header claims.
//
// github.com/sbinet/npyio decodes, behind a front (header.go) that keeps from it
// what it panics at, takes memory for unseen, or reads as zeros; TestFront lists
// such files. Its writer takes shapes from Go's types, where a tensor's do not
// occur, so that write.go writes the header itself.
//
// Start reading at read.go. Anything that a pickle
// would be needed for (object arrays) is refused. Formats of other libraries,
// and the tensors themselves, live elsewhere.
package npy
