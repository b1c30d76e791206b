// SPDX-License-Identifier: MIT
// z = alpha x + beta y; z may be x or y. At a beta of 0 (NO_Y), y is not read.
extern "C" __global__ void axpby(const T *x, const T *y, T *z, const index_t n,
                                 const T alpha, const T beta) {
    EACH(i, n)
#if NO_Y
        z[i] = alpha * x[i];
#else
        z[i] = alpha * x[i] + beta * y[i];
#endif
}
