// SPDX-License-Identifier: MIT
// For every kernel in GLSL on vectors: extensions that the element T wants, and which elements of n
// are this thread's. BYTES is the size of T.
#extension GL_EXT_control_flow_attributes : enable
#if BYTES == 1
#extension GL_EXT_shader_8bit_storage : require
#elif BYTES == 2
#extension GL_EXT_shader_16bit_storage : require
#endif
#ifdef WIDE_INTEGER
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
layout(local_size_x = 256) in;

// n is so far below 2^32 that no step goes past it.
#define EACH(i, n)                                                                                 \
    for (uint i = gl_GlobalInvocationID.x, step_ = gl_NumWorkGroups.x * gl_WorkGroupSize.x;        \
         i < (n); i += step_)
