// The kernels for what every processor of an architecture has: vectors of 16
// bytes in the compiler's own terms, products and sums rounded one by one.

#include "gemm.h"

#include <string.h>

#define MR 4
#define NV 2
#define LARGE (32 << 10)
#define USES_A 96
#define USES_B 16

typedef double v_f64 __attribute__((vector_size(16)));
INLINE v_f64 load_f64(const double *p) {
    v_f64 v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store_f64(double *p, v_f64 v) { memcpy(p, &v, sizeof v); }
INLINE v_f64 set1_f64(double x) { return (v_f64){x, x}; }
INLINE void flip_f64(v_f64 x[2]) {
    v_f64 a = x[0], b = x[1];
    x[0] = (v_f64){a[0], b[0]};
    x[1] = (v_f64){a[1], b[1]};
}

typedef float v_f32 __attribute__((vector_size(16)));
INLINE v_f32 load_f32(const float *p) {
    v_f32 v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void store_f32(float *p, v_f32 v) { memcpy(p, &v, sizeof v); }
INLINE v_f32 set1_f32(float x) { return (v_f32){x, x, x, x}; }
INLINE v_f32 ziplo_f32(v_f32 a, v_f32 b) { return (v_f32){a[0], b[0], a[1], b[1]}; }
INLINE v_f32 ziphi_f32(v_f32 a, v_f32 b) { return (v_f32){a[2], b[2], a[3], b[3]}; }
INLINE void flip_f32(v_f32 x[4]) {
    v_f32 a = ziplo_f32(x[0], x[2]), b = ziphi_f32(x[0], x[2]);
    v_f32 c = ziplo_f32(x[1], x[3]), d = ziphi_f32(x[1], x[3]);
    x[0] = ziplo_f32(a, c);
    x[1] = ziphi_f32(a, c);
    x[2] = ziplo_f32(b, d);
    x[3] = ziphi_f32(b, d);
}

#define T double
#define FN(name) name##_f64
#define V v_f64
#define VL 2
#define vload load_f64
#define vstore store_f64
#define vset1 set1_f64
#define vmul(a, b) ((a) * (b))
#define vfma(a, b, c) ((a) * (b) + (c))
#define sfma(a, b, c) ((a) * (b) + (c))
#define vflip flip_f64
#include "kernel.h"

#define T float
#define FN(name) name##_f32
#define V v_f32
#define VL 4
#define vload load_f32
#define vstore store_f32
#define vset1 set1_f32
#define vmul(a, b) ((a) * (b))
#define vfma(a, b, c) ((a) * (b) + (c))
#define sfma(a, b, c) ((a) * (b) + (c))
#define vflip flip_f32
#include "kernel.h"

const gemm_kernels cotangent_gemm_baseline = {gemm_f64, gemm_f32};
