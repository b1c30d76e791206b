// SPDX-License-Identifier: MIT
// at[linear id] = x + 100 y + 10000 z.
#version 450
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(std430, binding = 0) writeonly buffer At { uint at[]; };
void main() {
    const uvec3 i = gl_GlobalInvocationID;
    const uvec3 n = gl_NumWorkGroups * gl_WorkGroupSize;
    at[(i.z * n.y + i.y) * n.x + i.x] = i.x + 100 * i.y + 10000 * i.z;
}
