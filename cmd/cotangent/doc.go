// Command cotangent tells about the machine, measures backends against each
// other, and serves the GradBench protocol.
package main
