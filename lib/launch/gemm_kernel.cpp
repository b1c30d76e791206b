// SPDX-License-Identifier: MIT
// Products by a kernel: with tiles in shared memory for GPUs, and in registers alone for
// processors, where a barrier costs a loop over all threads of the group.
#include "base/text.h"
#include "base/units.h"
#include "launch/gemm.h"
#include "launch/kernels.h"

namespace hwa::launch {
namespace {

/// A kernel of lib/kernels, and how much of C a group of it computes.
struct Blocking {
    const char *file;
    uint32_t rows;
    uint32_t columns;
    std::array<uint32_t, 3> group;
};
constexpr Blocking tiled = {"gemm_tiled", 64, 64, {16, 16, 1}};
constexpr Blocking blocked = {"gemm_blocked", 6, 16, {1, 1, 1}};
/// The same in GLSL, whose groups are the lanes of a vector.
constexpr Blocking blocked_lanes = {"gemm_blocked", 16, 64, {8, 1, 1}};

std::vector<std::vector<std::byte>> values_of(const Gemm &gemm) {
    // A transposed operand has its strides the other way round.
    const uint64_t strides[] = {gemm.transpose_a ? 1 : gemm.lda, gemm.transpose_a ? gemm.lda : 1,
                                gemm.transpose_b ? 1 : gemm.ldb, gemm.transpose_b ? gemm.ldb : 1};
    std::vector<std::vector<std::byte>> values;
    for (const uint64_t value :
         {gemm.m, gemm.n, gemm.depth(), strides[0], strides[1], strides[2], strides[3], gemm.ldc})
        values.push_back(bytes_of(static_cast<uint32_t>(value)));
    values.push_back(real_bytes(gemm.dtype, gemm.alpha));
    values.push_back(real_bytes(gemm.dtype, gemm.beta));
    return values;
}

/// So many groups, and a few more, in as many directions as it takes. The kernels number them.
base::Result<std::array<uint32_t, 3>> spread(uint64_t groups, const Limits &limits,
                                             uint32_t threads) {
    std::array<uint32_t, 3> grid = {1, 1, 1};
    for (size_t i = 0; i < 3; ++i) {
        uint64_t most = limits.grid[i] == 0 ? UINT32_MAX : limits.grid[i];
        if (i == 0)
            most = std::min(most, limits.index_limit / threads);
        if (groups <= most) {
            grid[i] = static_cast<uint32_t>(groups);
            return grid;
        }
        grid[i] = static_cast<uint32_t>(most);
        groups = base::divide_up(groups, most);
    }
    return base::error(base::Status::Unsupported, "C needs more groups than this device takes");
}

} // namespace

base::Result<Operation> gemm_kernel(const OpRequest &request) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    HWA_CHECK(check_wide(gemm));
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    const bool f64 = gemm.dtype == core::Dtype::F64;
    if (f64 && request.device->find_compute(core::Dtype::F64) == nullptr)
        return base::error(base::Status::Unsupported, "this device has no f64");
    const Blocking &how = style_of(request) == Style::Groups ? tiled
                          : request.runtime == "vulkan"      ? blocked_lanes
                                                             : blocked;
    KernelChoice choice;
    choice.file = how.file;
    choice.entry = "gemm";
    choice.variant = f64 ? "-f64" : "-f32";
    const char *type = f64 ? "double" : "float";
    choice.options =
        base::format("-DELEMENT=%s -DVEC=%s16 -DNEEDS_F64=%d -DSTRIDED=1", type, type, f64);
    HWA_TRY(made.program, build_kernel(request, choice));
    made.provider = "builtin " + std::string(request.runtime);
    const uint64_t groups =
        base::divide_up(gemm.n, how.columns) * base::divide_up(gemm.m, how.rows);
    HWA_TRY(made.shape.grid, spread(groups, request.queue->limits(), how.group[0]));
    made.shape.group = how.group;
    made.values = values_of(gemm);
    return made;
}

} // namespace hwa::launch
