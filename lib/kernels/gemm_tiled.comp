// SPDX-License-Identifier: MIT
// C = alpha A B + beta C for GPUs: 256 threads compute 64 by 64 elements, each 4 by 4, over 16 of k
// at a time in shared memory. A transposed operand has its two strides the other way round.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;
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
shared T left[16][65];
shared T right[16][65];

void main() {
    const uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y, me = y * 16 + x;
    const uint group = gl_WorkGroupID.x + gl_NumWorkGroups.x *
                       (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);
    const uint across = (n + 63) / 64;
    const uint i = group / across * 64, j = group % across * 64;
    if (i >= m)
        return;
    T sum[4][4];
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q)
            sum[r][q] = T(0);
    for (uint from = 0; from < k; from += 16) {
        // Neighbours read what lies side by side.
        for (uint e = me; e < 1024; e += 256) {
            const uint ap = a_column == 1 ? e % 16 : e / 64, ai = a_column == 1 ? e / 16 : e % 64;
            const uint bp = b_column == 1 ? e / 64 : e % 16, bj = b_column == 1 ? e % 64 : e / 16;
            left[ap][ai] = T(0);
            right[bp][bj] = T(0);
            if (i + ai < m && from + ap < k)
                left[ap][ai] = a[(i + ai) * a_row + (from + ap) * a_column];
            if (j + bj < n && from + bp < k)
                right[bp][bj] = b[(from + bp) * b_row + (j + bj) * b_column];
        }
        barrier();
        for (uint p = 0; p < 16; ++p)
            for (uint r = 0; r < 4; ++r)
                for (uint q = 0; q < 4; ++q)
                    sum[r][q] += left[p][y + 16 * r] * right[p][x + 16 * q];
        barrier();
    }
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q) {
            const uint row = i + y + 16 * r, column = j + x + 16 * q;
            if (row < m && column < n) {
                const uint at = row * ldc + column;
                const T got = alpha * sum[r][q];
                c[at] = beta == T(0) ? got : got + beta * c[at];
            }
        }
}
