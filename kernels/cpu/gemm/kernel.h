// The matrix product for one element type and one instruction set.
//
// A file of one instruction set includes this once for each element type,
// after it has defined
//
//   T, FN(name)                 the element type; name made unique to type and set
//   V, VL                       a vector, and its lanes
//   MR, NV                      a tile of C is MR rows of NV vectors
//   vload, vstore, vset1, vmul  on vectors; vfma(a, b, c) is a*b + c
//   vflip(x)                    transposes the VL vectors x[0] to x[VL-1]
//   sfma                        vfma of single elements
//   M, vmask, vloadm, vstorem   where masks are cheap: the first n lanes
//   LARGE, USES_A, USES_B       A is packed if it has more bytes than LARGE and meets
//                               USES_A columns of B; B likewise, with rows of A
//
// What an element of C is, whatever way it is come by: k is cut into parts of
// equal length, GEMM_KC at most, a multiple of 16 (the last may be shorter). In
// each, s = fma(a[p], b[p], s) from s = 0 upwards. Then c = fma(alpha, s, z) with
// z = beta*c for the first part (0 where beta is 0), z = c for the others. So
// the sum depends on k alone, and sets that fuse give the same bits. Products that
// are zero may be left out where that changes no bit; see kernel_zeros.h.

#include <stddef.h>

#define NR (NV * VL)
#define PA (MR > VL ? MR : VL) // rows of a panel of A: whole tiles, whole vectors
#ifdef M
#define MASKS 1
#else
#define MASKS 0
#endif
#define VIEW FN(view)
#define DEST FN(dest)
#define ROWS FN(used)

// A matrix: element (i, j) is p[i*rs + j*cs].
typedef struct { const T *p; int64_t rs, cs; } VIEW;
// A part of C, and how sums enter it.
typedef struct { T *p; int64_t rs, cs; T alpha, beta; } DEST;

static inline int64_t FN(min)(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t FN(up)(int64_t a, int64_t b) { return (a + b - 1) / b * b; }

// part is the length of the parts that k is cut into.
static inline int64_t FN(part)(int64_t k) {
    int64_t parts = (k + GEMM_KC - 1) / GEMM_KC;
    return FN(up)((k + parts - 1) / parts, 16);
}

static inline VIEW FN(sub)(VIEW v, int64_t i, int64_t j) {
    return (VIEW){v.p + i * v.rs + j * v.cs, v.rs, v.cs};
}

static inline VIEW FN(turn)(VIEW v) { return (VIEW){v.p, v.cs, v.rs}; }

#include "kernel_tile.h"
#include "kernel_pack.h"
#include "kernel_dots.h"
#include "kernel_zeros.h"

// sweep lets c take the product of mm rows of a by nn columns of b, kk deep.
// packedA and packedB say which of them are panels; where b is not, edge has room
// for the panel that ends within a vector. Of each strip of b the rows given are
// used. Columns of b that the first-level cache holds are used for some rows of a
// before the next rows come.
static void FN(sweep)(int64_t mm, int64_t nn, int64_t kk, VIEW a, int packedA, VIEW b, int packedB,
                      const ROWS *used, DEST c, T *edge) {
    const int64_t last = (nn - 1) / NR * NR, cached = (16 << 10) / (int)sizeof(T) / kk / NR * NR;
    const int64_t wide = cached > NR ? cached : NR;
    const int pack = !MASKS && !packedB && nn % VL != 0;
    if (pack) FN(pack)(edge, FN(up)(nn - last, VL), nn - last, kk, FN(turn)(FN(sub)(b, 0, last)));
    for (int64_t from = 0; from < nn; from += wide) {
        int t = 0;
        for (int64_t i = 0; i < mm; i += FN(tiles)[t].rows) {
            while (FN(tiles)[t].rows > mm - i) t++;
            VIEW ai = packedA ? (VIEW){a.p + i / PA * PA * kk + i % PA, 1, PA} : FN(sub)(a, i, 0);
            for (int64_t j = from; j < FN(min)(from + wide, nn); j += NR) {
                int64_t w = FN(min)(NR, nn - j), nv = (w + VL - 1) / VL;
                const T *bj = packedB ? b.p + j * kk : pack && j == last ? edge : b.p + j;
                int64_t ldb = packedB || (pack && j == last) ? nv * VL : b.rs;
                ROWS r = used[j / NR];
                VIEW aj = FN(sub)(ai, 0, r.from);
                DEST d = {c.p + i * c.rs + j * c.cs, c.rs, c.cs, c.alpha, c.beta};
                FN(tiles)[t].of[nv - 1](w, r.to - r.from, &aj, bj + r.from * ldb, ldb, &d);
            }
        }
    }
}

// blocks is the scheme of BLIS (Van Zee and van de Geijn, ACM TOMS 41(3), 2015):
// a block of B and a block of A are copied to panels that the tile kernel reads
// in order. Where the copy would not be repaid it reads the matrix itself.
static void FN(blocks)(int64_t m, int64_t n, int64_t k, VIEW a, VIEW b, DEST c, T *work) {
    const int64_t kb = FN(part)(k), large = LARGE / sizeof(T);
    const int packA = n >= USES_A && m * k > large;
    const int packB = b.cs != 1 || (m >= USES_B && n * k > large);
    T *pb = work, *pa = work + GEMM_KC * GEMM_NC;
    ROWS all[GEMM_NC / NR + 1], some[GEMM_NC / NR + 1]; // of each strip of B
    for (int64_t j = 0; j < n; j += GEMM_NC) {
        int64_t nn = FN(min)(GEMM_NC, n - j);
        for (int64_t p = 0; p < k; p += kb) {
            int64_t kk = FN(min)(kb, k - p);
            VIEW bp = FN(sub)(b, p, j);
            if (packB) bp = FN(panels)(pb, NR, VL, nn, kk, FN(turn)(bp));
            int sparse = FN(nonzero)(nn, kk, bp, packB, all, some) && c.alpha == 1 && c.beta == 0;
            for (int64_t i = 0; i < m; i += GEMM_MC) {
                int64_t mm = FN(min)(GEMM_MC, m - i);
                VIEW ap = FN(sub)(a, i, p);
                if (packA) ap = FN(panels)(pa, PA, PA, mm, kk, ap);
                DEST d = {c.p + i * c.rs + j * c.cs, c.rs, c.cs, c.alpha, p == 0 ? c.beta : 1};
                const ROWS *used = sparse && FN(finite)(mm, kk, ap, packA) ? some : all;
                FN(sweep)(mm, nn, kk, ap, packA, bp, packB, used, d, pb);
            }
        }
    }
}

// product chooses the way for one product.
static void FN(product)(int64_t m, int64_t n, int64_t k, VIEW a, VIEW b, DEST c, T *work) {
    // A narrow C is turned, that the vectors run along its longer side.
    if (n < NR && FN(up)(n, VL) * m > FN(up)(m, VL) * n) {
        int64_t t = m;
        m = n, n = t;
        VIEW v = a;
        a = FN(turn)(b), b = FN(turn)(v);
        c = (DEST){c.p, c.cs, c.rs, c.alpha, c.beta};
    }
    if (m == 1 && (b.rs == 1 || n == 1))
        FN(dots)(n, k, FN(turn)(b), a.p, a.cs, c, work);
    else
        FN(blocks)(m, n, k, a, b, c, work);
}

static void FN(gemm)(GEMM_ARGS(T), void *work) {
    T small[GEMM_SMALL] __attribute__((aligned(64)));
    for (int64_t q = 0; q < count; q++, a += sa, b += sb, c += sc) {
        VIEW va = {a, ta ? 1 : lda, ta ? lda : 1}, vb = {b, tb ? 1 : ldb, tb ? ldb : 1};
        FN(product)(m, n, k, va, vb, (DEST){c, ldc, 1, alpha, beta}, work ? work : small);
    }
}

// The next inclusion is for another type.
#undef NR
#undef PA
#undef VIEW
#undef DEST
#undef ROWS
#undef MASKS
#undef T
#undef FN
#undef V
#undef VL
#undef vload
#undef vstore
#undef vset1
#undef vmul
#undef vfma
#undef sfma
#undef vflip
#undef vloadm
#undef vstorem
