/* SPDX-License-Identifier: MIT */
/* The kernels of the suite in CUDA C. Scratch is an array of the kernel's own, no argument. */
#ifndef HWA_TESTS_CUDA_SOURCE_H
#define HWA_TESTS_CUDA_SOURCE_H

static const char cuda_source[] =
    "extern \"C\" __global__ void add(const float *a, const float *b, float *c, unsigned n) {\n"
    "    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < n) c[i] = a[i] + b[i];\n"
    "}\n"
    "extern \"C\" __global__ void scale(float *x, unsigned char n, double d, float f) {\n"
    "    for (unsigned i = 0; i < n; ++i) x[i] = x[i] * f + (float)d;\n"
    "}\n"
    "extern \"C\" __global__ void where(unsigned *at) {\n"
    "    const unsigned x = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    const unsigned y = blockIdx.y * blockDim.y + threadIdx.y;\n"
    "    const unsigned z = blockIdx.z * blockDim.z + threadIdx.z;\n"
    "    const unsigned wide = gridDim.x * blockDim.x, high = gridDim.y * blockDim.y;\n"
    "    at[(z * high + y) * wide + x] = x + 100 * y + 10000 * z;\n"
    "}\n"
    "extern \"C\" __global__ void sum(const float *from, float *to) {\n"
    "    extern __shared__ float scratch[];\n"
    "    scratch[threadIdx.x] = from[blockIdx.x * blockDim.x + threadIdx.x];\n"
    "    __syncthreads();\n"
    "    if (threadIdx.x == 0) {\n"
    "        float total = 0;\n"
    "        for (unsigned j = 0; j < 16; ++j) total += scratch[j];\n"
    "        to[blockIdx.x] = total;\n"
    "    }\n"
    "}\n"
    "extern \"C\" __global__ void spin(unsigned *counter, unsigned long long turns) {\n"
    "    unsigned state = 1;\n"
    "    for (unsigned long long i = 0; i < turns; ++i) state = state * 1664525u + 1013904223u;\n"
    "    counter[0] += state == 0xdeadbeef ? 2 : 1;\n"
    "}\n"
    "extern \"C\" __global__ void empty() {}\n";

#endif
