// Command power differentiates A^k, the k-th power element by element, written both
// ways: as a Go loop, of which a prepared program is as long as the loop has steps,
// and with Scan, of which it is one instruction.
package main
