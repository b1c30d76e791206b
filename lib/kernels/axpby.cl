// SPDX-License-Identifier: MIT
// z = alpha x + beta y; z may be x or y. At a beta of 0 (NO_Y), y is not read.
__kernel void axpby(__global const T *x, __global const T *y, __global T *z, const ulong n,
                    const T alpha, const T beta) {
    EACH(i, n)
#if NO_Y
        z[i] = alpha * x[i];
#else
        z[i] = alpha * x[i] + beta * y[i];
#endif
}
