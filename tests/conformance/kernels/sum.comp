// SPDX-License-Identifier: MIT
// to[group] = the sum of 16 values, by way of scratch.
#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(constant_id = 3) const uint length = 1;
layout(std430, binding = 0) readonly buffer From { float from[]; };
layout(std430, binding = 1) writeonly buffer To { float to[]; };
shared float scratch[length];
void main() {
    const uint i = gl_LocalInvocationID.x;
    scratch[i] = from[gl_GlobalInvocationID.x];
    barrier();
    if (i == 0) {
        float total = 0;
        for (uint j = 0; j < 16; ++j)
            total += scratch[j];
        to[gl_WorkGroupID.x] = total;
    }
}
