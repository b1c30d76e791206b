// SPDX-License-Identifier: MIT
// Products on an OpenCL device: a kernel without barriers for processors, where a barrier costs a
// loop over all threads of the group, and one with tiles in local memory for all others.
#include "base/text.h"
#include "base/units.h"
#include "launch/gemm.h"
#include "launch/opencl.h"

namespace hwa::launch {
namespace {

/// Both kernels take A, B, C and then the values that values_of() lists. T is the element, VEC a
/// vector of 16 of them; TA and TB say which operand is transposed.
constexpr char common[] = R"(
#if NEEDS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#define A_AT(i, p) a[TA ? (ulong)(p) * lda + (i) : (ulong)(i) * lda + (p)]
#define B_AT(p, j) b[TB ? (ulong)(j) * ldb + (p) : (ulong)(p) * ldb + (j)]
#define STORE(i, j, sum) do { \
    const ulong at = (ulong)(i) * ldc + (j); \
    c[at] = beta == 0 ? alpha * (sum) : alpha * (sum) + beta * c[at]; } while (0)
#define PARAMETERS __global const T *a, __global const T *b, __global T *c, \
    const uint m, const uint n, const uint k, const uint lda, const uint ldb, const uint ldc, \
    const T alpha, const T beta
)";

/// One thread computes 6 rows and 16 columns, in registers.
constexpr char without_barriers[] = R"(
__kernel void gemm(PARAMETERS) {
    const uint j = get_global_id(0) * 16;
    const uint i = get_global_id(1) * 6;
    if (i >= m || j >= n)
        return;
    const uint rows = min(m - i, (uint)6);
    const uint r1 = i + min((uint)1, rows - 1), r2 = i + min((uint)2, rows - 1);
    const uint r3 = i + min((uint)3, rows - 1), r4 = i + min((uint)4, rows - 1);
    const uint r5 = i + min((uint)5, rows - 1);
    VEC s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0;
    T tail[16];
    for (uint p = 0; p < k; ++p) {
        VEC right;
        if (!TB && j + 16 <= n) {
            right = vload16(0, b + (ulong)p * ldb + j);
        } else {
            for (uint q = 0; q < 16; ++q)
                tail[q] = B_AT(p, min(j + q, n - 1));
            right = vload16(0, tail);
        }
        s0 += A_AT(i, p) * right;
        s1 += A_AT(r1, p) * right;
        s2 += A_AT(r2, p) * right;
        s3 += A_AT(r3, p) * right;
        s4 += A_AT(r4, p) * right;
        s5 += A_AT(r5, p) * right;
    }
    T out[96];
    vstore16(s0, 0, out);
    vstore16(s1, 1, out);
    vstore16(s2, 2, out);
    vstore16(s3, 3, out);
    vstore16(s4, 4, out);
    vstore16(s5, 5, out);
    for (uint r = 0; r < rows; ++r)
        for (uint q = 0; q < 16 && j + q < n; ++q)
            STORE(i + r, j + q, out[r * 16 + q]);
}
)";

/// 256 threads compute 64 by 64 elements, each 4 by 4, over 16 of k at a time.
constexpr char with_tiles[] = R"(
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void gemm(PARAMETERS) {
    __local T left[16][64];
    __local T right[16][64];
    const uint x = get_local_id(0), y = get_local_id(1), me = y * 16 + x;
    const uint i = get_group_id(1) * 64, j = get_group_id(0) * 64;
    T sum[4][4];
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q)
            sum[r][q] = 0;
    for (uint from = 0; from < k; from += 16) {
        for (uint e = me; e < 1024; e += 256) {
            const uint ap = TA ? e / 64 : e % 16, ai = TA ? e % 64 : e / 16;
            const uint bp = TB ? e % 16 : e / 64, bj = TB ? e / 16 : e % 64;
            left[ap][ai] = i + ai < m && from + ap < k ? A_AT(i + ai, from + ap) : 0;
            right[bp][bj] = j + bj < n && from + bp < k ? B_AT(from + bp, j + bj) : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint p = 0; p < 16; ++p)
            for (uint r = 0; r < 4; ++r)
                for (uint q = 0; q < 4; ++q)
                    sum[r][q] += left[p][y + 16 * r] * right[p][x + 16 * q];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint r = 0; r < 4; ++r)
        for (uint q = 0; q < 4; ++q)
            if (i + y + 16 * r < m && j + x + 16 * q < n)
                STORE(i + y + 16 * r, j + x + 16 * q, sum[r][q]);
}
)";

template <class T> std::vector<std::byte> bytes_of(T value) {
    const auto *first = reinterpret_cast<const std::byte *>(&value);
    return {first, first + sizeof value};
}

std::vector<std::vector<std::byte>> values_of(const Gemm &gemm) {
    std::vector<std::vector<std::byte>> values;
    for (const uint64_t value : {gemm.m, gemm.n, gemm.k, gemm.lda, gemm.ldb, gemm.ldc})
        values.push_back(bytes_of(static_cast<uint32_t>(value)));
    for (const double value : {gemm.alpha, gemm.beta})
        values.push_back(gemm.dtype == core::Dtype::F64 ? bytes_of(value)
                                                        : bytes_of(static_cast<float>(value)));
    return values;
}

uint32_t blocks(uint64_t extent, uint64_t block) {
    return static_cast<uint32_t>(base::divide_up(extent, block));
}

Shape shape_of(const Gemm &gemm, bool processor) {
    Shape shape;
    if (processor) {
        shape.grid = {blocks(gemm.n, 16), blocks(gemm.m, 6), 1};
    } else {
        shape.grid = {blocks(gemm.n, 64), blocks(gemm.m, 64), 1};
        shape.group = {16, 16, 1};
    }
    return shape;
}

} // namespace

base::Result<Operation> gemm_opencl(const OpRequest &request) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    const bool f64 = gemm.dtype == core::Dtype::F64;
    if (f64 && request.device->find_compute(core::Dtype::F64) == nullptr)
        return base::error(base::Status::Unsupported, "this OpenCL device has no f64");
    const bool processor = request.device->kind == core::Kind::Cpu;
    const std::string source = std::string(common) + (processor ? without_barriers : with_tiles);
    CodeRequest code;
    code.kind = core::Code::OpenClC;
    code.code = source;
    code.entry = "gemm";
    code.options =
        base::format("-DT=%s -DVEC=%s16 -DTA=%d -DTB=%d -DNEEDS_F64=%d", f64 ? "double" : "float",
                     f64 ? "double" : "float", gemm.transpose_a, gemm.transpose_b, f64);
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    made.provider = "builtin opencl";
    made.shape = shape_of(gemm, processor);
    made.values = values_of(gemm);
    return made;
}

} // namespace hwa::launch
