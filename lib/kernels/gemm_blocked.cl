// SPDX-License-Identifier: MIT
// C = alpha A B + beta C for processors, where a barrier costs a loop over all threads of the group:
// one thread computes 6 rows and 16 columns in registers. VEC is a vector of 16 T.
__kernel void gemm(__global const T *a, __global const T *b, __global T *c, const uint m,
                   const uint n, const uint k, const uint a_row, const uint a_column,
                   const uint b_row, const uint b_column, const uint ldc, const T alpha,
                   const T beta) {
    const uint across = (n + 15) / 16;
    const ulong down = GROUP_NUMBER / across;
    if (down * 6 >= m)
        return;
    const uint i = down * 6, j = GROUP_NUMBER % across * 16;
    // Rows past the end are the last one again.
    const uint rows = min(m - i, (uint)6);
    __global const T *a0 = a + (ulong)i * a_row;
    __global const T *a1 = a0 + min((uint)1, rows - 1) * (ulong)a_row;
    __global const T *a2 = a0 + min((uint)2, rows - 1) * (ulong)a_row;
    __global const T *a3 = a0 + min((uint)3, rows - 1) * (ulong)a_row;
    __global const T *a4 = a0 + min((uint)4, rows - 1) * (ulong)a_row;
    __global const T *a5 = a0 + min((uint)5, rows - 1) * (ulong)a_row;
    VEC s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0;
    T tail[16];
    for (uint p = 0; p < k; ++p) {
        VEC right;
        if (b_column == 1 && j + 16 <= n) {
            right = vload16(0, b + (ulong)p * b_row + j);
        } else {
            for (uint q = 0; q < 16; ++q)
                tail[q] = b[(ulong)p * b_row + (ulong)min(j + q, n - 1) * b_column];
            right = vload16(0, tail);
        }
        const ulong at = (ulong)p * a_column;
        s0 += a0[at] * right;
        s1 += a1[at] * right;
        s2 += a2[at] * right;
        s3 += a3[at] * right;
        s4 += a4[at] * right;
        s5 += a5[at] * right;
    }
    T out[96];
    vstore16(s0, 0, out);
    vstore16(s1, 1, out);
    vstore16(s2, 2, out);
    vstore16(s3, 3, out);
    vstore16(s4, 4, out);
    vstore16(s5, 5, out);
    for (uint r = 0; r < rows; ++r)
        for (uint q = 0; q < 16 && j + q < n; ++q) {
            const ulong at = (ulong)(i + r) * ldc + j + q;
            const T got = alpha * out[r * 16 + q];
            c[at] = beta == 0 ? got : got + beta * c[at];
        }
}
