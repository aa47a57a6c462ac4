// The kernels for Advanced SIMD of arm64: tiles of 8 rows by 3 vectors, in 24 of
// 32 registers.

#include "gemm.h"

#include <arm_neon.h>

#define MR 8
#define NV 3
#define LARGE (32 << 10)
#define USES_A 96
#define USES_B 16

INLINE void flip_f64(float64x2_t x[2]) {
    float64x2_t a = x[0], b = x[1];
    x[0] = vzip1q_f64(a, b);
    x[1] = vzip2q_f64(a, b);
}

INLINE void flip_f32(float32x4_t x[4]) {
    float32x4_t a = vzip1q_f32(x[0], x[2]), b = vzip2q_f32(x[0], x[2]);
    float32x4_t c = vzip1q_f32(x[1], x[3]), d = vzip2q_f32(x[1], x[3]);
    x[0] = vzip1q_f32(a, c);
    x[1] = vzip2q_f32(a, c);
    x[2] = vzip1q_f32(b, d);
    x[3] = vzip2q_f32(b, d);
}

#define T double
#define FN(name) name##_f64
#define V float64x2_t
#define VL 2
#define vload vld1q_f64
#define vstore vst1q_f64
#define vset1 vdupq_n_f64
#define vmul vmulq_f64
#define vfma(a, b, c) vfmaq_f64(c, a, b)
#define sfma __builtin_fma
#define vflip flip_f64
#include "kernel.h"

#define T float
#define FN(name) name##_f32
#define V float32x4_t
#define VL 4
#define vload vld1q_f32
#define vstore vst1q_f32
#define vset1 vdupq_n_f32
#define vmul vmulq_f32
#define vfma(a, b, c) vfmaq_f32(c, a, b)
#define sfma __builtin_fmaf
#define vflip flip_f32
#include "kernel.h"

const gemm_kernels cotangent_gemm_neon = {gemm_f64, gemm_f32};
