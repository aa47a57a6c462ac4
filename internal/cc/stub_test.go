//go:build !cgo || !linux

package cc

import (
	"context"
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	_, err := Compile(context.Background(), Source{Name: "any"}, Options{})
	if e := (*Error)(nil); !errors.As(err, &e) || !errors.Is(err, ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}
