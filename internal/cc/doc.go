// Package cc turns C source into code of this process: the machine's compiler
// makes a shared object of it, which is kept in a cache on disk and loaded with
// dlopen.
//
//   - The compiler is the command in CC, else cc.
//   - The cache (package cache) is the directory COTANGENT_CACHE, else cotangent in
//     the user's cache directory.
//   - An entry is named by all that its code depends on: the source, the compiler's
//     path and version, the flags, the instruction set. What is loaded is a sealed
//     copy in memory of the very bytes that were checked, so that nothing that happens
//     to the file afterwards matters. An entry that fails its check is compiled again.
//
// Whatever stands in the way (no compiler, one that fails, a full or read-only
// disk, a directory of someone else, a build without cgo) is an *Error; callers
// have another way to run their program, and go it.
package cc
