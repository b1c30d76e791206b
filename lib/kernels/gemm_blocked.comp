// SPDX-License-Identifier: MIT
// C = alpha A B + beta C for processors that run threads as lanes of a vector (llvmpipe), where each
// load from memory costs many additions and a barrier costs more: a thread computes 16 by 8 elements
// in registers, and its neighbours those beside them. Groups that follow each other share columns
// of B, which stay in the cache.
#version 450
layout(local_size_x = 8) in;
layout(std430, binding = 0) readonly buffer A {
    T a[];
};
layout(std430, binding = 1) readonly buffer B {
    T b[];
};
layout(std430, binding = 2) buffer C {
    T c[];
};
layout(push_constant) uniform Values {
    uint m, n, k, a_row, a_column, b_row, b_column, ldc;
    T alpha, beta;
};

const uint rows = 16, columns = 8, lanes = 8;

void main() {
    const uint group = gl_WorkGroupID.x + gl_NumWorkGroups.x *
                       (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);
    const uint down = (m + rows - 1) / rows;
    const uint i = group % down * rows;
    const uint j = group / down * columns * lanes + gl_LocalInvocationID.x;
    // Rows and columns past the end are the last one again.
    uint at_a[rows], at_b[columns];
    T sum[rows][columns];
    for (uint r = 0; r < rows; ++r)
        at_a[r] = min(i + r, m - 1) * a_row;
    for (uint q = 0; q < columns; ++q)
        at_b[q] = min(j + q * lanes, n - 1) * b_column;
    for (uint r = 0; r < rows; ++r)
        for (uint q = 0; q < columns; ++q)
            sum[r][q] = T(0);
    for (uint p = 0; p < k; ++p) {
        T right[columns];
        for (uint q = 0; q < columns; ++q)
            right[q] = b[at_b[q] + p * b_row];
        for (uint r = 0; r < rows; ++r) {
            const T left = a[at_a[r] + p * a_column];
            for (uint q = 0; q < columns; ++q)
                sum[r][q] += left * right[q];
        }
    }
    for (uint r = 0; r < rows; ++r)
        for (uint q = 0; q < columns; ++q) {
            const uint row = i + r, column = j + q * lanes;
            if (row < m && column < n) {
                const uint at = row * ldc + column;
                const T got = alpha * sum[r][q];
                c[at] = beta == T(0) ? got : got + beta * c[at];
            }
        }
}
