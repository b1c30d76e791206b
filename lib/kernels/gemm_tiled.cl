// SPDX-License-Identifier: MIT
// C = alpha A B + beta C for GPUs: 256 threads compute 64 by 64 elements, each 4 by 4, over 16 of k
// at a time in local memory. A transposed operand has its two strides the other way round.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void
gemm(__global const T *a, __global const T *b, __global T *c, const uint m, const uint n,
     const uint k, const uint a_row, const uint a_column, const uint b_row, const uint b_column,
     const uint ldc, const T alpha, const T beta) {
    __local T left[16][65];
    __local T right[16][65];
    const uint x = get_local_id(0), y = get_local_id(1), me = y * 16 + x;
    const uint across = (n + 63) / 64;
    const ulong down = GROUP_NUMBER / across;
    if (down * 64 >= m)
        return;
    const uint i = down * 64, j = GROUP_NUMBER % across * 64;
    T sum[4][4];
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q)
            sum[r][q] = 0;
    for (uint from = 0; from < k; from += 16) {
        // Neighbours read what lies side by side.
        for (uint e = me; e < 1024; e += 256) {
            const uint ap = a_column == 1 ? e % 16 : e / 64, ai = a_column == 1 ? e / 16 : e % 64;
            const uint bp = b_column == 1 ? e / 64 : e % 16, bj = b_column == 1 ? e % 64 : e / 16;
            left[ap][ai] = i + ai < m && from + ap < k
                               ? a[(ulong)(i + ai) * a_row + (ulong)(from + ap) * a_column]
                               : 0;
            right[bp][bj] = j + bj < n && from + bp < k
                                ? b[(ulong)(from + bp) * b_row + (ulong)(j + bj) * b_column]
                                : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint p = 0; p < 16; ++p)
            for (uint r = 0; r < 4; ++r)
                for (uint q = 0; q < 4; ++q)
                    sum[r][q] += left[p][y + 16 * r] * right[p][x + 16 * q];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q) {
            const uint row = i + y + 16 * r, column = j + x + 16 * q;
            if (row < m && column < n) {
                const ulong at = (ulong)row * ldc + column;
                c[at] = beta == 0 ? alpha * sum[r][q] : alpha * sum[r][q] + beta * c[at];
            }
        }
}
