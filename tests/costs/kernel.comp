#version 450
// SPDX-License-Identifier: MIT
// a[0] = b[0] * f
layout(local_size_x = 1) in;
layout(std430, binding = 0) buffer A { float a[]; };
layout(std430, binding = 1) buffer B { float b[]; };
layout(push_constant) uniform Values { float f; uint n; };

void main() {
    if (n == 1)
        a[0] = b[0] * f;
}
