// SPDX-License-Identifier: MIT
// y = value; T is an unsigned integer as wide as the element.
__kernel void fill(__global T *y, const ulong n, const T value) {
    EACH(i, n)
        y[i] = value;
}
