// Package npy reads and writes tensors as NumPy's files: .npy, one array, and
// .npz, a zip archive of them.
//
// The five dtypes of tensors are read in either byte order and in C or Fortran
// order, and written little-endian in C order. Files are not trusted: a header
// is bounded and parsed strictly, and memory is taken in proportion to the
// bytes that are there, not to the sizes that a header claims.
//
// Start reading at read.go; header.go has the format. Anything that a pickle
// would be needed for (object arrays) is refused. Formats of other libraries,
// and the tensors themselves, live elsewhere.
package npy
