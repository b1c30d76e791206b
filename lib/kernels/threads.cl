// SPDX-License-Identifier: MIT
// Comes before every kernel in OpenCL C: which elements of n are this thread's.
//
// With STRIDED, neighbours take neighbouring elements, as the memory of a GPU likes it and the lanes
// of llvmpipe too. Else each thread takes a run of its own: then its loop is what a compiler for
// processors turns into vectors.
#if NEEDS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
typedef ELEMENT T;
#if STRIDED
#define EACH(i, n)                                                                                 \
    for (ulong i = get_global_id(0), step_ = get_global_size(0); i < (n); i += step_)
#else
#define RUN_OF(n) (((n) + get_global_size(0) - 1) / get_global_size(0))
#define EACH(i, n)                                                                                 \
    for (ulong i = get_global_id(0) * RUN_OF(n), end_ = min(i + RUN_OF(n), (ulong)(n)); i < end_;  \
         ++i)
#endif
// Groups one after the other, however they lie in the grid.
#define GROUP_NUMBER                                                                               \
    (get_group_id(0) +                                                                             \
     get_num_groups(0) * (get_group_id(1) + get_num_groups(1) * get_group_id(2)))
