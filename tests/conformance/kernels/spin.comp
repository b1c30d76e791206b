// SPDX-License-Identifier: MIT
// Turns so many times; then the first group does counter[0] += 1.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(std430, binding = 0) buffer Counter { uint counter[]; };
layout(push_constant) uniform Values { uint64_t turns; };
void main() {
    uint state = 1;
    for (uint64_t i = 0; i < turns; ++i)
        state = state * 1664525u + 1013904223u;
    if (gl_WorkGroupID.x == 0 || state == 0xdeadbeefu)
        ++counter[0];
}
