// SPDX-License-Identifier: MIT
// Comes before every kernel in CUDA C: which elements of n are this thread's. There are no headers
// where NVRTC runs, so what they would define is here; and its own text has a T of its own.
typedef ELEMENT T;
typedef unsigned long long index_t;
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#define EACH(i, n)                                                                                 \
    for (index_t i = index_t(blockIdx.x) * blockDim.x + threadIdx.x,                               \
                 step_ = index_t(gridDim.x) * blockDim.x;                                          \
         i < (n); i += step_)
