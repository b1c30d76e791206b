#version 450
// SPDX-License-Identifier: MIT
// Adds two arrays, one element for each thread.
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) writeonly buffer C { float c[]; };

void main() {
    const uint row = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    const uint i = gl_GlobalInvocationID.y * row + gl_GlobalInvocationID.x;
    c[i] = a[i] + b[i];
}
