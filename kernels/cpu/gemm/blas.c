//go:build unix

// Loading a BLAS library, and calling it on one thread.

#include "blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112, BY_OPENMP = 2 };

// find puts the function of that name into *to, a pointer to a function, by way
// of memory: C has no cast from an object's address to a function's.
static int find(void *h, const char *name, void *to) {
    void *f = dlsym(h, name);
    memcpy(to, &f, sizeof f);
    return f != 0;
}

// The functions that tell of a library are tried in turn. Each returns whether
// it is that one.

static int openblas(void *h, cotangent_blas *lib) {
    char *(*config)(void);
    int (*parallel)(void);
    int long_names = !find(h, "openblas_get_config", &config);
    if (long_names && !find(h, "openblas_get_config64_", &config)) return 0;
    const char *text = config(), *space = strchr(text, ' '); // "OpenBLAS 0.3.21 DYNAMIC_ARCH ..."
    snprintf(lib->title, sizeof lib->title, "OpenBLAS");
    char *(*core)(void); // for which processor it has chosen its kernels
    if (!find(h, long_names ? "openblas_get_corename64_" : "openblas_get_corename", &core)) core = 0;
    if (space)
        snprintf(lib->version, sizeof lib->version, "%.*s%s%s", (int)strcspn(space + 1, " "), space + 1,
                 core ? " " : "", core ? core() : "");
    if (strstr(text, "USE64BITINT")) lib->wide = 1;
    // By OpenMP, a thread whose number is 1 calculates alone.
    if (find(h, long_names ? "openblas_get_parallel64_" : "openblas_get_parallel", &parallel) &&
        parallel() == BY_OPENMP && find(h, "omp_get_max_threads", &lib->get_omp) &&
        find(h, "omp_set_num_threads", &lib->set_omp))
        return 1;
    if (!find(h, long_names ? "openblas_get_num_threads64_" : "openblas_get_num_threads", &lib->get_openblas) ||
        !find(h, long_names ? "openblas_set_num_threads64_" : "openblas_set_num_threads", &lib->set_openblas))
        lib->set_openblas = 0;
    return 1;
}

static int blis(void *h, cotangent_blas *lib) {
    const char *(*version)(void);
    int64_t (*bits)(void);
    if (!find(h, "bli_info_get_version_str", &version)) return 0;
    snprintf(lib->title, sizeof lib->title, "BLIS");
    snprintf(lib->version, sizeof lib->version, "%s", version());
    if (find(h, "bli_info_get_blas_int_type_size", &bits) && bits() == 64) lib->wide = 1;
    if (!find(h, "bli_thread_get_num_threads", &lib->get_blis) ||
        !find(h, "bli_thread_set_num_threads", &lib->set_blis))
        lib->set_blis = 0;
    return 1;
}

static int mkl(void *h, cotangent_blas *lib) {
    void (*version)(char *, int);
    char text[256] = "";
    if (!find(h, "MKL_Get_Version_String", &version)) return 0;
    version(text, sizeof text - 1); // "... Math Kernel Library Version 2024.0-Product Build ..."
    const char *number = strstr(text, "Version ");
    snprintf(lib->title, sizeof lib->title, "MKL");
    if (number) snprintf(lib->version, sizeof lib->version, "%.*s", (int)strcspn(number + 8, "- "), number + 8);
    find(h, "MKL_Set_Num_Threads_Local", &lib->swap_mkl);
    return 1;
}

// The names of the products. Those that say so take 64-bit integers; they come
// first, for of the plain ones MKL's may take either.
static const struct { const char *d, *s; int wide; } names[] = {
    {"cblas_dgemm_64", "cblas_sgemm_64", 1},
    {"cblas_dgemm64_", "cblas_sgemm64_", 1},
    {"cblas_dgemm", "cblas_sgemm", 0},
};

int cotangent_blas_open(const char *name, cotangent_blas *lib) {
    memset(lib, 0, sizeof *lib);
    void *h = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!h) {
        const char *why = dlerror();
        snprintf(lib->version, sizeof lib->version, "%s", why ? why : "");
        return BLAS_NOT_LOADED;
    }
    snprintf(lib->title, sizeof lib->title, "BLAS");
    int known = openblas(h, lib) || blis(h, lib) || mkl(h, lib);
    (void)known; // another library is called as it is
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (find(h, names[i].d, &lib->dgemm) && find(h, names[i].s, &lib->sgemm)) {
            lib->wide = lib->wide || names[i].wide;
            return 0;
        }
    dlclose(h);
    return BLAS_NO_CBLAS;
}

// alone sees to it that products on this thread stay on it, and returns what
// restore needs.
static int alone(const cotangent_blas *lib) {
    int was = 0;
    if (lib->set_openblas && lib->get_openblas() != 1) lib->set_openblas(1);
    if (lib->set_blis && lib->get_blis() != 1) lib->set_blis(1);
    if (lib->swap_mkl) was = lib->swap_mkl(1);
    if (lib->set_omp) {
        was = lib->get_omp();
        lib->set_omp(1);
    }
    return was;
}

static void restore(const cotangent_blas *lib, int was) {
    if (lib->swap_mkl) lib->swap_mkl(was);
    if (lib->set_omp) lib->set_omp(was);
}

// CALL is one product by f, whose integers are of type I.
#define CALL(I, T, f)                                                                             \
    ((void (*)(int, int, int, I, I, I, T, const T *, I, const T *, I, T, T *, I))(f))(            \
        ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, m, n, k, alpha, a + q * sa, lda, \
        b + q * sb, ldb, beta, c + q * sc, ldc)

void cotangent_blas_f64(const cotangent_blas *lib, GEMM_ARGS(double)) {
    int was = alone(lib);
    for (int64_t q = 0; q < count; q++)
        if (lib->wide) CALL(int64_t, double, lib->dgemm);
        else CALL(int, double, lib->dgemm);
    restore(lib, was);
}

void cotangent_blas_f32(const cotangent_blas *lib, GEMM_ARGS(float)) {
    int was = alone(lib);
    for (int64_t q = 0; q < count; q++)
        if (lib->wide) CALL(int64_t, float, lib->sgemm);
        else CALL(int, float, lib->sgemm);
    restore(lib, was);
}
