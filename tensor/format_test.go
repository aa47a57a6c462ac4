package tensor_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

var ints = tensor.WithDType(tensor.Int64)

// What NumPy (2.4) prints for the same arrays: str(x), and repr(x) with tensor for array.
var printed = []struct {
	name      string
	x         *tensor.Tensor
	str, repr string
}{
	{"one", tensor.Scalar(1), "1.0", "tensor(1.)"},
	{"large scalar", tensor.Scalar(1e16), "1e+16", "tensor(1.e+16)"},
	{"small scalar", tensor.Scalar(1e-5), "1e-05", "tensor(1.e-05)"},
	{"long scalar", tensor.Scalar(123456789.125), "123456789.125", "tensor(1.23456789e+08)"},
	{"float32 scalar", tensor.New(float32(0.1)), "0.1", "tensor(0.1, dtype=float32)"},
	{"NaN scalar", tensor.Scalar(math.NaN()), "nan", "tensor(nan)"},
	{"-Inf scalar", tensor.Scalar(math.Inf(-1)), "-inf", "tensor(-inf)"},
	{"int scalar", tensor.New(-7), "-7", "tensor(-7)"},
	{"bool scalar", tensor.New(true), "True", "tensor(True)"},
	{"whole", tensor.New([]float64{1, 2, 3}), "[1. 2. 3.]", "tensor([1., 2., 3.])"},
	{"fractions", tensor.New([]float64{1.5, -2.25, 3}), "[ 1.5  -2.25  3.  ]", "tensor([ 1.5 , -2.25,  3.  ])"},
	{"zeros", tensor.New([]float64{0, math.Copysign(0, -1)}), "[ 0. -0.]", "tensor([ 0., -0.])"},
	{"ratio", tensor.New([]float64{1e-5, 2.5}), "[1.0e-05 2.5e+00]", "tensor([1.0e-05, 2.5e+00])"},
	{"large", tensor.New([]float64{123456789.5, 1e6}), "[1.2345679e+08 1.0000000e+06]", "tensor([1.2345679e+08, 1.0000000e+06])"},
	{"eight digits", tensor.New([]float64{0.1234567891234, 1.0 / 3}), "[0.12345679 0.33333333]", "tensor([0.12345679, 0.33333333])"},
	{"rounded", tensor.New([]float64{1 + 1e-9, 2}), "[1. 2.]", "tensor([1., 2.])"},
	{"rounded exponents", tensor.New([]float64{1.0000000001e10, 1}), "[1.e+10 1.e+00]", "tensor([1.e+10, 1.e+00])"},
	{"specials", tensor.New([]float64{math.NaN(), 1, math.Inf(-1)}), "[ nan   1. -inf]", "tensor([ nan,   1., -inf])"},
	{"specials alone", tensor.New([]float64{math.NaN(), math.Inf(1)}), "[nan inf]", "tensor([nan, inf])"},
	{"specials and exponents", tensor.New([]float64{math.Inf(-1), 1e-10}), "[  -inf 1.e-10]", "tensor([  -inf, 1.e-10])"},
	{"three-digit exponents", tensor.New([]float64{5e-324, 1e308, 1}), "[5.e-324 1.e+308 1.e+000]", "tensor([5.e-324, 1.e+308, 1.e+000])"},
	{"negative exponents", tensor.New([]float64{-1e-10, 1}), "[-1.e-10  1.e+00]", "tensor([-1.e-10,  1.e+00])"},
	{"float32", tensor.New([]float32{0.1, 0.2, 16777216}), "[1.0000000e-01 2.0000000e-01 1.6777216e+07]", "tensor([1.0000000e-01, 2.0000000e-01, 1.6777216e+07], dtype=float32)"},
	{"just fixed", tensor.New([]float64{0.0001, 0.1}), "[0.0001 0.1   ]", "tensor([0.0001, 0.1   ])"},
	{"just not fixed", tensor.New([]float64{0.0001, 0.11}), "[1.0e-04 1.1e-01]", "tensor([1.0e-04, 1.1e-01])"},
	{"hundred million", tensor.New([]float64{1e8, 2e8}), "[1.e+08 2.e+08]", "tensor([1.e+08, 2.e+08])"},
	{"below hundred million", tensor.New([]float64{99999999, 1e7}), "[99999999. 10000000.]", "tensor([99999999., 10000000.])"},
	{"exact digits", tensor.New([]float64{5e-324, 0.1, 1.0 / 3}), "[4.94065646e-324 1.00000000e-001 3.33333333e-001]", "tensor([4.94065646e-324, 1.00000000e-001, 3.33333333e-001])"},
	{"a million in float32", tensor.New([]float32{2965318.8, 999999}), "[2.9653188e+06 9.9999900e+05]", "tensor([2.9653188e+06, 9.9999900e+05], dtype=float32)"},
	{"below a million in float32", tensor.New([]float32{999999, 1000}), "[999999.   1000.]", "tensor([999999.,   1000.], dtype=float32)"},
	{"a million, float32 scalar", tensor.New(float32(1e6)), "1e+06", "tensor(1.e+06, dtype=float32)"},
	{"true", tensor.New([]bool{true}), "[ True]", "tensor([ True])"},
	{"ints", tensor.New([]int{1, -10, 100}), "[  1 -10 100]", "tensor([  1, -10, 100])"},
	{"int32", tensor.New([]int32{1, -10, 100}), "[  1 -10 100]", "tensor([  1, -10, 100], dtype=int32)"},
	{"bools", tensor.New([]bool{true, false}), "[ True False]", "tensor([ True, False])"},
	{"matrix", tensor.New([][]int{{1, 2}, {3, 4}}), `[[1 2]
 [3 4]]`, `tensor([[1, 2],
        [3, 4]])`},
	{"transposed", tensor.New([][]int{{1, 2}, {3, 40}}).T(), `[[ 1  3]
 [ 2 40]]`, `tensor([[ 1,  3],
        [ 2, 40]])`},
	{"rank 3", tensor.Arange(0, 8, 1).Reshape(2, 2, 2), `[[[0. 1.]
  [2. 3.]]

 [[4. 5.]
  [6. 7.]]]`, `tensor([[[0., 1.],
         [2., 3.]],

        [[4., 5.],
         [6., 7.]]])`},
	{"rank 4", tensor.Arange(0, 12, 1, ints).Reshape(2, 1, 3, 2), `[[[[ 0  1]
   [ 2  3]
   [ 4  5]]]


 [[[ 6  7]
   [ 8  9]
   [10 11]]]]`, `tensor([[[[ 0,  1],
          [ 2,  3],
          [ 4,  5]]],


        [[[ 6,  7],
          [ 8,  9],
          [10, 11]]]])`},
	{"many ones", tensor.Ones(1, 1, 1, 1), "[[[[1.]]]]", "tensor([[[[1.]]]])"},
	{"two lines", tensor.Arange(0, 30, 1), `[ 0.  1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17.
 18. 19. 20. 21. 22. 23. 24. 25. 26. 27. 28. 29.]`, `tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12.,
        13., 14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25.,
        26., 27., 28., 29.])`},
	{"lines in a matrix", tensor.Arange(0, 50, 1).Reshape(2, 25), `[[ 0.  1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17.
  18. 19. 20. 21. 22. 23. 24.]
 [25. 26. 27. 28. 29. 30. 31. 32. 33. 34. 35. 36. 37. 38. 39. 40. 41. 42.
  43. 44. 45. 46. 47. 48. 49.]]`, `tensor([[ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12.,
         13., 14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24.],
        [25., 26., 27., 28., 29., 30., 31., 32., 33., 34., 35., 36., 37.,
         38., 39., 40., 41., 42., 43., 44., 45., 46., 47., 48., 49.]])`},
	{"linspace", tensor.Linspace(0, 1, 7), `[0.         0.16666667 0.33333333 0.5        0.66666667 0.83333333
 1.        ]`, `tensor([0.        , 0.16666667, 0.33333333, 0.5       , 0.66666667,
        0.83333333, 1.        ])`},
	{"lines that end in blanks", tensor.Full(0.3, []int{10}).Add(tensor.Arange(0, 10, 1).Eq(tensor.Scalar(9)).Cast(tensor.Float64).MulScalar(0.9297666)), `[0.3       0.3       0.3       0.3       0.3       0.3       0.3
 0.3       0.3       1.2297666]`, `tensor([0.3      , 0.3      , 0.3      , 0.3      , 0.3      , 0.3      ,
        0.3      , 0.3      , 0.3      , 1.2297666])`},
	{"wide ints", tensor.Arange(0, 400e9, 50e9, ints), `[           0  50000000000 100000000000 150000000000 200000000000
 250000000000 300000000000 350000000000]`, `tensor([           0,  50000000000, 100000000000, 150000000000,
        200000000000, 250000000000, 300000000000, 350000000000])`},
	{"just all", tensor.Arange(0, 1000, 1, ints).Reshape(100, 10).Index(tensor.Range(0, 3)), `[[ 0  1  2  3  4  5  6  7  8  9]
 [10 11 12 13 14 15 16 17 18 19]
 [20 21 22 23 24 25 26 27 28 29]]`, `tensor([[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9],
        [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
        [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]])`},
	{"summary", tensor.Arange(0, 1001, 1, ints), "[   0    1    2 ...  998  999 1000]", "tensor([   0,    1,    2, ...,  998,  999, 1000], shape=[1001])"},
	{"summary of rows", tensor.Arange(0, 2000, 1).Reshape(2, 1000), `[[0.000e+00 1.000e+00 2.000e+00 ... 9.970e+02 9.980e+02 9.990e+02]
 [1.000e+03 1.001e+03 1.002e+03 ... 1.997e+03 1.998e+03 1.999e+03]]`, `tensor([[0.000e+00, 1.000e+00, 2.000e+00, ..., 9.970e+02, 9.980e+02,
         9.990e+02],
        [1.000e+03, 1.001e+03, 1.002e+03, ..., 1.997e+03, 1.998e+03,
         1.999e+03]], shape=[2 1000])`},
	{"summary of columns", tensor.Arange(0, 2002, 1, ints).Reshape(1001, 2), `[[   0    1]
 [   2    3]
 [   4    5]
 ...
 [1996 1997]
 [1998 1999]
 [2000 2001]]`, `tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [1996, 1997],
        [1998, 1999],
        [2000, 2001]], shape=[1001 2])`},
	{"summary of rank 3", tensor.Arange(0, 1960, 1, ints).Reshape(7, 7, 40), `[[[   0    1    2 ...   37   38   39]
  [  40   41   42 ...   77   78   79]
  [  80   81   82 ...  117  118  119]
  ...
  [ 160  161  162 ...  197  198  199]
  [ 200  201  202 ...  237  238  239]
  [ 240  241  242 ...  277  278  279]]

 [[ 280  281  282 ...  317  318  319]
  [ 320  321  322 ...  357  358  359]
  [ 360  361  362 ...  397  398  399]
  ...
  [ 440  441  442 ...  477  478  479]
  [ 480  481  482 ...  517  518  519]
  [ 520  521  522 ...  557  558  559]]

 [[ 560  561  562 ...  597  598  599]
  [ 600  601  602 ...  637  638  639]
  [ 640  641  642 ...  677  678  679]
  ...
  [ 720  721  722 ...  757  758  759]
  [ 760  761  762 ...  797  798  799]
  [ 800  801  802 ...  837  838  839]]

 ...

 [[1120 1121 1122 ... 1157 1158 1159]
  [1160 1161 1162 ... 1197 1198 1199]
  [1200 1201 1202 ... 1237 1238 1239]
  ...
  [1280 1281 1282 ... 1317 1318 1319]
  [1320 1321 1322 ... 1357 1358 1359]
  [1360 1361 1362 ... 1397 1398 1399]]

 [[1400 1401 1402 ... 1437 1438 1439]
  [1440 1441 1442 ... 1477 1478 1479]
  [1480 1481 1482 ... 1517 1518 1519]
  ...
  [1560 1561 1562 ... 1597 1598 1599]
  [1600 1601 1602 ... 1637 1638 1639]
  [1640 1641 1642 ... 1677 1678 1679]]

 [[1680 1681 1682 ... 1717 1718 1719]
  [1720 1721 1722 ... 1757 1758 1759]
  [1760 1761 1762 ... 1797 1798 1799]
  ...
  [1840 1841 1842 ... 1877 1878 1879]
  [1880 1881 1882 ... 1917 1918 1919]
  [1920 1921 1922 ... 1957 1958 1959]]]`, `tensor([[[   0,    1,    2, ...,   37,   38,   39],
         [  40,   41,   42, ...,   77,   78,   79],
         [  80,   81,   82, ...,  117,  118,  119],
         ...,
         [ 160,  161,  162, ...,  197,  198,  199],
         [ 200,  201,  202, ...,  237,  238,  239],
         [ 240,  241,  242, ...,  277,  278,  279]],

        [[ 280,  281,  282, ...,  317,  318,  319],
         [ 320,  321,  322, ...,  357,  358,  359],
         [ 360,  361,  362, ...,  397,  398,  399],
         ...,
         [ 440,  441,  442, ...,  477,  478,  479],
         [ 480,  481,  482, ...,  517,  518,  519],
         [ 520,  521,  522, ...,  557,  558,  559]],

        [[ 560,  561,  562, ...,  597,  598,  599],
         [ 600,  601,  602, ...,  637,  638,  639],
         [ 640,  641,  642, ...,  677,  678,  679],
         ...,
         [ 720,  721,  722, ...,  757,  758,  759],
         [ 760,  761,  762, ...,  797,  798,  799],
         [ 800,  801,  802, ...,  837,  838,  839]],

        ...,

        [[1120, 1121, 1122, ..., 1157, 1158, 1159],
         [1160, 1161, 1162, ..., 1197, 1198, 1199],
         [1200, 1201, 1202, ..., 1237, 1238, 1239],
         ...,
         [1280, 1281, 1282, ..., 1317, 1318, 1319],
         [1320, 1321, 1322, ..., 1357, 1358, 1359],
         [1360, 1361, 1362, ..., 1397, 1398, 1399]],

        [[1400, 1401, 1402, ..., 1437, 1438, 1439],
         [1440, 1441, 1442, ..., 1477, 1478, 1479],
         [1480, 1481, 1482, ..., 1517, 1518, 1519],
         ...,
         [1560, 1561, 1562, ..., 1597, 1598, 1599],
         [1600, 1601, 1602, ..., 1637, 1638, 1639],
         [1640, 1641, 1642, ..., 1677, 1678, 1679]],

        [[1680, 1681, 1682, ..., 1717, 1718, 1719],
         [1720, 1721, 1722, ..., 1757, 1758, 1759],
         [1760, 1761, 1762, ..., 1797, 1798, 1799],
         ...,
         [1840, 1841, 1842, ..., 1877, 1878, 1879],
         [1880, 1881, 1882, ..., 1917, 1918, 1919],
         [1920, 1921, 1922, ..., 1957, 1958, 1959]]], shape=[7 7 40])`},
	{"empty", tensor.Zeros(0), "[]", "tensor([], shape=[0], dtype=float64)"},
	{"empty rows", tensor.Zeros(3, 0), "[]", "tensor([], shape=[3 0], dtype=float64)"},
	{"empty ints", tensor.Zeros(0, 3).Cast(tensor.Int64), "[]", "tensor([], shape=[0 3], dtype=int64)"},
}

func TestFormat(t *testing.T) {
	for _, c := range printed {
		t.Run(c.name, func(t *testing.T) {
			if got := c.x.String(); got != c.str {
				t.Errorf("String: got\n%s\nwant\n%s", got, c.str)
			}
			if got := fmt.Sprintf("%s", c.x); got != c.str {
				t.Errorf("%%s: got\n%s\nwant\n%s", got, c.str)
			}
			if got := fmt.Sprintf("%+v", c.x); got != c.repr {
				t.Errorf("%%+v: got\n%s\nwant\n%s", got, c.repr)
			}
		})
	}
}

func TestFormatPrecision(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{fmt.Sprintf("%.3v", tensor.New([]float64{1.0 / 3, 2})), "[0.333 2.   ]"},
		{fmt.Sprintf("%.2v", tensor.New([]float64{1.0 / 3, 2e9})), "[3.33e-01 2.00e+09]"},
		{fmt.Sprintf("%.2v", tensor.Scalar(1.0/3)), "0.33"},
		{fmt.Sprintf("%d", tensor.Scalar(1)), "%!d(*tensor.Tensor)"},
		{fmt.Sprintf("%.3f", tensor.Scalar(1.0/3)), "0.333"},
		{fmt.Sprintf("%8.3f|", tensor.Scalar(1.0/3)), "   0.333|"},
		{fmt.Sprintf("%g", tensor.New([]float32{0.1, 12})), "[0.1  12]"},
		{fmt.Sprintf("%+.1e", tensor.New([][]float64{{1, -20}, {0, 5e10}})), "[[+1.0e+00 -2.0e+01]\n [+0.0e+00 +5.0e+10]]"},
		{fmt.Sprintf("%.1f", tensor.New([]int{1, -20})), "[  1.0 -20.0]"},
		{fmt.Sprintf("%f", tensor.Zeros(0)), "[]"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestFormatOfErrors(t *testing.T) {
	var none *tensor.Tensor
	for name, c := range map[string]struct {
		x    *tensor.Tensor
		want string
	}{
		"error": {tensor.Zeros(-1), "tensor(error: "},
		"nil":   {none, "tensor(error: "},
	} {
		if got := fmt.Sprint(c.x); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
