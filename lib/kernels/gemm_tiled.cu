// SPDX-License-Identifier: MIT
// C = alpha A B + beta C for GPUs: 256 threads compute 64 by 64 elements, each 4 by 4, over 16 of k
// at a time in shared memory. A transposed operand has its two strides the other way round.
extern "C" __global__ void __launch_bounds__(256)
gemm(const T *a, const T *b, T *c, const unsigned m, const unsigned n, const unsigned k,
     const unsigned a_row, const unsigned a_column, const unsigned b_row, const unsigned b_column,
     const unsigned ldc, const T alpha, const T beta) {
    __shared__ T left[16][65];
    __shared__ T right[16][65];
    const unsigned x = threadIdx.x, y = threadIdx.y, me = y * 16 + x;
    const index_t group = blockIdx.x + (index_t)gridDim.x * (blockIdx.y + (index_t)gridDim.y * blockIdx.z);
    const unsigned across = (n + 63) / 64;
    if (group / across * 64 >= m)
        return;
    const unsigned i = group / across * 64, j = group % across * 64;
    T sum[4][4];
    for (unsigned r = 0; r < 4; ++r)
        for (unsigned q = 0; q < 4; ++q)
            sum[r][q] = 0;
    for (unsigned from = 0; from < k; from += 16) {
        // Neighbours read what lies side by side.
        for (unsigned e = me; e < 1024; e += 256) {
            const bool along_a = a_column == 1, along_b = b_column == 1;
            const unsigned ap = along_a ? e % 16 : e / 64, ai = along_a ? e / 16 : e % 64;
            const unsigned bp = along_b ? e / 64 : e % 16, bj = along_b ? e % 64 : e / 16;
            left[ap][ai] = i + ai < m && from + ap < k
                               ? a[(index_t)(i + ai) * a_row + (index_t)(from + ap) * a_column]
                               : 0;
            right[bp][bj] = j + bj < n && from + bp < k
                                ? b[(index_t)(from + bp) * b_row + (index_t)(j + bj) * b_column]
                                : 0;
        }
        __syncthreads();
        for (unsigned p = 0; p < 16; ++p)
            for (unsigned r = 0; r < 4; ++r)
                for (unsigned q = 0; q < 4; ++q)
                    sum[r][q] += left[p][y + 16 * r] * right[p][x + 16 * q];
        __syncthreads();
    }
    for (unsigned r = 0; r < 4; ++r)
        for (unsigned q = 0; q < 4; ++q) {
            const unsigned row = i + y + 16 * r, column = j + x + 16 * q;
            if (row < m && column < n) {
                const index_t at = (index_t)row * ldc + column;
                c[at] = beta == 0 ? alpha * sum[r][q] : alpha * sum[r][q] + beta * c[at];
            }
        }
}
