// SPDX-License-Identifier: MIT
// y = x; T is an unsigned integer as wide as the element.
__kernel void copy(__global const T *x, __global T *y, const ulong n) {
    EACH(i, n)
        y[i] = x[i];
}
