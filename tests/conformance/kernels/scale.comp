// SPDX-License-Identifier: MIT
// x[i] = x[i] * f + d for n values; the values lie where C puts them.
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(std430, binding = 0) buffer X { float x[]; };
layout(push_constant, std430) uniform Values { uint8_t n; double d; float f; };
void main() {
    for (uint i = 0; i < uint(n); ++i)
        x[i] = x[i] * f + float(d);
}
