// Package sim is a fake accelerator over host memory.
package sim
