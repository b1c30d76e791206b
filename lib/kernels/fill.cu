// SPDX-License-Identifier: MIT
// y = value; T is an unsigned integer as wide as the element.
extern "C" __global__ void fill(T *y, const index_t n, const T value) {
    EACH(i, n)
        y[i] = value;
}
