package adbench_test

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device/devicetest"
)

func TestMain(m *testing.M) { devicetest.Main(m) }
