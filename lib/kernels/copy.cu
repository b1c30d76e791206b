// SPDX-License-Identifier: MIT
// y = x; T is an unsigned integer as wide as the element. Where both start at 16 bytes, they are
// copied 16 at a time, and what is left over as elements.
extern "C" __global__ void copy(const T *x, T *y, const index_t n) {
    const index_t of_vector = sizeof(uint4) / sizeof(T);
    const bool aligned = ((index_t)x % sizeof(uint4) | (index_t)y % sizeof(uint4)) == 0;
    const index_t vectors = aligned ? n / of_vector : 0;
    EACH(i, vectors)
        ((uint4 *)y)[i] = ((const uint4 *)x)[i];
    const index_t done = vectors * of_vector;
    EACH(j, n - done)
        y[done + j] = x[done + j];
}
