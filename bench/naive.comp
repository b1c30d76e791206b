// SPDX-License-Identifier: MIT
// The product of square matrices as anybody writes it first: a thread for each element of C.
#version 450
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) readonly buffer A {
    float a[];
};
layout(std430, binding = 1) readonly buffer B {
    float b[];
};
layout(std430, binding = 2) writeonly buffer C {
    float c[];
};
layout(push_constant) uniform Values {
    uint n;
};

void main() {
    const uint j = gl_GlobalInvocationID.x, i = gl_GlobalInvocationID.y;
    if (i >= n || j >= n)
        return;
    float sum = 0;
    for (uint p = 0; p < n; ++p)
        sum += a[i * n + p] * b[p * n + j];
    c[i * n + j] = sum;
}
