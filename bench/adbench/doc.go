// Package adbench reads the input files of ADBench (github.com/microsoft/ADBench), the
// benchmark that GradBench's problems gmm, ba, lstm and ht come from, and makes the
// problems of package bench of them.
//
// All files are text, possibly compressed by gzip: numbers between white space, sizes
// first. (Only those of the hand's model have lines and colons.) Files are not
// trusted: memory grows with the numbers that are really there, sizes that stand for
// more than the file holds are compared with [Limits], and what does not fit is a
// [*FormatError] with the line.
//
// A file is read into plain numbers; its method Problem makes tensors of them, on the
// default device. Start reading in scenario.go, which does that by the file's name.
package adbench
