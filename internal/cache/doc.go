// Package cache keeps what was compiled in a directory on disk, for later processes.
//
//   - The directory must be the user's own, of mode 0700 and no symbolic link: who
//     can write there can run code as the user.
//   - An entry is named by all that its code depends on and ends in a checksum over
//     code and name: one that fails its check is as if it were not there.
//   - Entries are written aside and renamed: any number of processes may share the
//     directory. The least recently used go when it grows too large.
//
// Start reading at cache.go.
package cache
