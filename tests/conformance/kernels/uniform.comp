// SPDX-License-Identifier: MIT
// x[i] = f[i] with f in a buffer that is read only.
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer To { float x[]; };
layout(set = 0, binding = 1, std140) uniform From { vec4 f; };
void main() {
    x[gl_GlobalInvocationID.x] = f[gl_GlobalInvocationID.x];
}
