// SPDX-License-Identifier: MIT
// Operations on vectors by kernels in the language of the runtime.
#include "base/text.h"
#include "base/units.h"
#include "launch/kernels.h"
#include "launch/vector.h"

#include <algorithm>
#include <bit>

namespace hwa::launch {

using base::Status;
using core::Dtype;

namespace {

/// Threads of a group that has more than one.
constexpr uint32_t group_threads = 256;
/// Elements that a thread takes before there are more groups, and when threads are to be few.
constexpr uint64_t strided_elements = 4;
constexpr uint64_t run_elements = 32768;
constexpr uint64_t most_groups = 65535;
/// A reduction ends in one group, which takes the parts of all others.
constexpr uint64_t reduce_elements = 16;
constexpr uint64_t most_parts = 1024;

/// An unsigned type as wide as the element: what moves it need not know more.
Dtype word_of(uint32_t bytes) {
    switch (bytes) {
    case 1:
        return Dtype::U8;
    case 2:
        return Dtype::U16;
    case 4:
        return Dtype::U32;
    default:
        return Dtype::U64;
    }
}

/// SPIR-V has types of less than 4 bytes in memory only.
std::vector<std::byte> word_bytes(std::string_view runtime, uint32_t bytes, uint64_t value) {
    std::vector<std::byte> made = bytes_of(value);
    made.resize(runtime == "vulkan" ? std::max(bytes, 4u) : bytes);
    return made;
}

/// One of these operations on the way to its kernel.
struct Plan {
    const OpRequest &request;
    Vector vector;
    Dtype element; ///< as the kernel sees it
    KernelChoice choice;
    Style style;

    bool strided() const { return style != Style::Runs; }
    uint32_t threads() const { return strided() ? group_threads : 1; }

    /// So many groups that each thread has `elements`, or one run for each.
    uint64_t groups(uint64_t elements, uint64_t most) const {
        const uint32_t limit = request.queue->limits().grid[0];
        const uint64_t share = strided() ? elements * group_threads : run_elements;
        const uint64_t wanted = std::min(base::divide_up(vector.n, share), most);
        return limit == 0 ? wanted : std::min<uint64_t>(wanted, limit);
    }
};

/// SPIR-V counts in 32 bits, by steps of at most as many threads as there are in all groups.
constexpr uint64_t vulkan_reach = UINT32_MAX - most_groups * group_threads;

base::Done check_reach(const OpRequest &request, const Vector &vector, const char *op) {
    if (request.runtime == "vulkan" && vector.n > vulkan_reach)
        return base::error(Status::Unsupported,
                           "%s: a kernel for Vulkan counts to %llu elements only", op,
                           static_cast<unsigned long long>(vulkan_reach));
    const bool computes = std::string_view(op) == "axpby" || std::string_view(op) == "reduce";
    if (computes && vector.dtype == Dtype::F64 &&
        request.device->find_compute(Dtype::F64) == nullptr)
        return base::error(Status::Unsupported, "%s: this device has no f64", op);
    return {};
}

Plan plan(const OpRequest &request, const char *op, const Vector &vector, Dtype element) {
    Plan made{request, vector, element, {}, style_of(request)};
    made.choice.file = made.choice.entry = op;
    made.choice.variant = base::format("-%s", core::dtype_name(element));
    const std::string_view type = type_name(request.runtime, element);
    const char *quote = type.find(' ') == type.npos ? "" : "\"";
    made.choice.options = base::format("-DELEMENT=%s%s%s -DSTRIDED=%d -DNEEDS_F64=%d", quote,
                                       type.data(), quote, made.strided(), element == Dtype::F64);
    return made;
}

/// The number of elements as the runtime's kernels take it.
std::vector<std::byte> count_bytes(const Plan &plan) {
    return plan.request.runtime == "vulkan" ? bytes_of(static_cast<uint32_t>(plan.vector.n))
                                            : bytes_of(plan.vector.n);
}

/// For groups of that many threads.
base::Result<std::shared_ptr<Program>> build_for(const Plan &plan, uint32_t threads) {
    KernelChoice choice = plan.choice;
    choice.options += base::format(" -DGROUP=%u", threads);
    return build_kernel(plan.request, choice);
}

base::Result<Operation> finish(const Plan &plan, std::vector<Binding> bindings, uint64_t groups) {
    Operation made;
    uint32_t threads = plan.threads();
    HWA_TRY(made.program, build_for(plan, threads));
    // A driver may allow a kernel fewer than the device has; they add up in pairs.
    if (const uint32_t most = made.program->threads_per_group; most != 0 && most < threads) {
        threads = std::bit_floor(most);
        HWA_TRY(made.program, build_for(plan, threads));
    }
    made.provider = "builtin " + std::string(plan.request.runtime);
    made.bindings = std::move(bindings);
    made.shape.grid[0] = static_cast<uint32_t>(groups);
    made.shape.group[0] = threads;
    made.values.push_back(count_bytes(plan));
    return made;
}

/// How a reduction is told to a kernel.
struct ReductionRow {
    Reduction how;
    const char *name;
    const char *define;
};
constexpr ReductionRow reductions[] = {{Reduction::Sum, "sum", "SUM"},
                                       {Reduction::Min, "min", "LEAST"},
                                       {Reduction::Max, "max", "MOST"}};

/// What a reduction of nothing gives, as text that OpenCL C and CUDA C read alike.
const char *identity_of(Dtype dtype, Reduction how) {
    if (how == Reduction::Sum)
        return "0";
    const bool least = how == Reduction::Min;
    switch (dtype) {
    case Dtype::I32:
        return least ? "2147483647" : "(-2147483647-1)";
    case Dtype::U32:
        return least ? "4294967295u" : "0";
    case Dtype::I64:
        return least ? "9223372036854775807" : "(-9223372036854775807-1)";
    case Dtype::U64:
        return least ? "18446744073709551615ul" : "0";
    default:
        return least ? "INFINITY" : "-INFINITY";
    }
}

} // namespace

base::Result<Operation> fill_kernel(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_fill(request.attrs));
    HWA_CHECK(check_reach(request, vector, "fill"));
    Plan made = plan(request, "fill", vector, word_of(vector.element_bytes));
    HWA_TRY(Operation operation,
            finish(made, fill_bindings(vector), made.groups(strided_elements, most_groups)));
    operation.values.push_back(word_bytes(request.runtime, vector.element_bytes, vector.value));
    return operation;
}

base::Result<Operation> copy_kernel(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_copy(request.attrs));
    HWA_CHECK(check_reach(request, vector, "copy"));
    Plan made = plan(request, "copy", vector, word_of(vector.element_bytes));
    return finish(made, copy_bindings(vector), made.groups(strided_elements, most_groups));
}

base::Result<Operation> axpby_kernel(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_axpby(request.attrs));
    HWA_CHECK(check_reach(request, vector, "axpby"));
    Plan made = plan(request, "axpby", vector, vector.dtype);
    made.choice.options += base::format(" -DNO_Y=%d", vector.beta == 0);
    HWA_TRY(Operation operation,
            finish(made, axpby_bindings(vector), made.groups(strided_elements, most_groups)));
    operation.values.push_back(real_bytes(vector.dtype, vector.alpha));
    operation.values.push_back(real_bytes(vector.dtype, vector.beta));
    return operation;
}

base::Result<Operation> reduce_kernel(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_reduce(request.attrs));
    HWA_CHECK(check_reach(request, vector, "reduce"));
    // A sum of integers is the same without signs, and then it is modulo a power of two everywhere.
    const bool whole = vector.dtype != Dtype::F32 && vector.dtype != Dtype::F64;
    const Dtype element =
        whole && vector.how == Reduction::Sum ? word_of(vector.element_bytes) : vector.dtype;
    Plan made = plan(request, "reduce", vector, element);
    made.choice.options +=
        base::format(" -DREAL=%d -DIDENTITY=%s", !whole, identity_of(vector.dtype, vector.how));
    for (const ReductionRow &row : reductions) {
        made.choice.options += base::format(" -D%s=%d", row.define, row.how == vector.how);
        if (row.how == vector.how)
            made.choice.variant = base::format("-%s%s", row.name, made.choice.variant.c_str());
    }
    const uint64_t groups = made.groups(reduce_elements, most_parts);
    HWA_TRY(Operation operation, finish(made, reduce_bindings(vector), groups));
    // Four words in front, then a sum and its error for each group.
    HWA_CHECK(give_scratch(request, 16 + groups * 2 * vector.element_bytes, operation));
    return operation;
}

} // namespace hwa::launch
