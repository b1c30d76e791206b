// SPDX-License-Identifier: MIT
// Operations on vectors as functions of this process: a group for each run of elements, and loops
// that the compiler turns into vectors.
#include "base/units.h"
#include "launch/vector.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace hwa::launch {
namespace {

/// Elements of a group: enough to be worth a thread's while, and a part of them fits every cache.
constexpr uint64_t run_elements = 32768;
constexpr uint64_t most_groups = 4096;

/// What a kernel is told.
struct State {
    Vector vector;
    uint64_t run; ///< elements of a group
};

struct Range {
    uint64_t from, to;
    Range(const State &state, const HostCall &call)
        : from(call.group[0] * state.run), to(std::min(from + state.run, state.vector.n)) {}
    uint64_t count() const { return to - from; }
};

const State &state_of(const void *opaque) {
    return *static_cast<const State *>(opaque);
}

template <class T> T *at(const HostCall &call, size_t argument) {
    return static_cast<T *>(call.args[argument]);
}

template <class T> int32_t fill(const void *opaque, const HostCall &call) {
    const State &state = state_of(opaque);
    const Range range(state, call);
    std::fill_n(at<T>(call, 0) + range.from, range.count(), static_cast<T>(state.vector.value));
    return 0;
}

int32_t copy(const void *opaque, const HostCall &call) {
    const State &state = state_of(opaque);
    const Range range(state, call);
    const uint64_t bytes = state.vector.element_bytes;
    std::memcpy(at<char>(call, 1) + range.from * bytes, at<char>(call, 0) + range.from * bytes,
                range.count() * bytes);
    return 0;
}

template <class T> int32_t axpby(const void *opaque, const HostCall &call) {
    const State &state = state_of(opaque);
    const Range range(state, call);
    const T alpha = static_cast<T>(state.vector.alpha);
    const T beta = static_cast<T>(state.vector.beta);
    const T *x = at<T>(call, 0);
    const T *y = at<T>(call, 1);
    T *z = at<T>(call, 2);
    if (beta == T(0))
        for (uint64_t i = range.from; i < range.to; ++i)
            z[i] = alpha * x[i];
    else
        for (uint64_t i = range.from; i < range.to; ++i)
            z[i] = alpha * x[i] + beta * y[i];
    return 0;
}

/// A sum of reals and, apart, what rounding takes from it (Knuth, The Art of Computer Programming
/// 2, 4.2.2, theorem B); or one of integers, modulo 2^bits.
template <class T> struct Sum {
    T sum = 0;
    T error = 0;
    void take(T x) {
        if constexpr (std::is_floating_point_v<T>) {
            const T next = sum + x;
            const T part = next - sum;
            error += (sum - (next - part)) + (x - part);
            sum = next;
        } else {
            using Bits = std::make_unsigned_t<T>;
            sum = static_cast<T>(static_cast<Bits>(sum) + static_cast<Bits>(x));
        }
    }
    void join(const Sum &other) {
        take(other.sum);
        error += other.error;
    }
    /// Of a sum that is infinite the error is no number and does not count.
    T result() const { return error == error ? static_cast<T>(sum + error) : sum; }
};

/// The least or largest; one that is no number is all there is.
template <class T, bool Least> struct Extreme {
    using Bound = std::numeric_limits<T>;
    T best = Least                 ? Bound::has_infinity ? Bound::infinity() : Bound::max()
                             : Bound::has_infinity ? -Bound::infinity()
                                   : Bound::lowest();
    void take(T x) { best = (Least ? x < best : x > best) || x != x ? x : best; }
    void join(const Extreme &other) { take(other.best); }
    T result() const { return best; }
};

/// Lies before the parts of a reduction, one part for each group.
struct alignas(64) Tally {
    std::atomic<uint64_t> ended;
};

template <class T, class Part> Part reduce_run(const T *x, uint64_t count) {
    constexpr uint64_t lanes = 32;
    Part side[lanes];
    uint64_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (uint64_t lane = 0; lane < lanes; ++lane)
            side[lane].take(x[i + lane]);
    for (uint64_t lane = 1; lane < lanes; ++lane)
        side[0].join(side[lane]);
    for (; i < count; ++i)
        side[0].take(x[i]);
    return side[0];
}

/// The last group to end joins the parts of all, in their order.
template <class T, class Part> int32_t reduce(const void *opaque, const HostCall &call) {
    const Range range(state_of(opaque), call);
    auto *const tally = at<Tally>(call, 2);
    auto *const parts = reinterpret_cast<Part *>(tally + 1);
    parts[call.group[0]] = reduce_run<T, Part>(at<T>(call, 0) + range.from, range.count());
    if (tally->ended.fetch_add(1, std::memory_order_acq_rel) + 1 != call.grid[0])
        return 0;
    Part all = parts[0];
    for (uint32_t i = 1; i < call.grid[0]; ++i)
        all.join(parts[i]);
    *at<T>(call, 1) = all.result();
    tally->ended.store(0, std::memory_order_relaxed);
    return 0;
}

template <class T> HostKernel reduce_as(Reduction how) {
    switch (how) {
    case Reduction::Min:
        return reduce<T, Extreme<T, true>>;
    case Reduction::Max:
        return reduce<T, Extreme<T, false>>;
    default:
        return reduce<T, Sum<T>>;
    }
}

HostKernel reduce_kernel(const Vector &vector) {
    switch (vector.dtype) {
    case core::Dtype::F64:
        return reduce_as<double>(vector.how);
    case core::Dtype::I32:
        return reduce_as<int32_t>(vector.how);
    case core::Dtype::U32:
        return reduce_as<uint32_t>(vector.how);
    case core::Dtype::I64:
        return reduce_as<int64_t>(vector.how);
    case core::Dtype::U64:
        return reduce_as<uint64_t>(vector.how);
    default:
        return reduce_as<float>(vector.how);
    }
}

HostKernel fill_kernel(const Vector &vector) {
    switch (vector.element_bytes) {
    case 1:
        return fill<uint8_t>;
    case 2:
        return fill<uint16_t>;
    case 4:
        return fill<uint32_t>;
    default:
        return fill<uint64_t>;
    }
}

base::Result<Operation> make(const OpRequest &request, const Vector &vector, HostKernel kernel,
                             std::vector<Binding> bindings) {
    const uint64_t run = std::max(run_elements, base::divide_up(vector.n, most_groups));
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = kernel;
    code.state = std::make_shared<State>(State{vector, run});
    Operation made;
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    made.provider = "builtin";
    made.bindings = std::move(bindings);
    made.shape.grid[0] = static_cast<uint32_t>(base::divide_up(vector.n, run));
    return made;
}

} // namespace

base::Result<Operation> fill_cpu(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_fill(request.attrs));
    return make(request, vector, fill_kernel(vector), fill_bindings(vector));
}

base::Result<Operation> copy_cpu(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_copy(request.attrs));
    return make(request, vector, copy, copy_bindings(vector));
}

base::Result<Operation> axpby_cpu(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_axpby(request.attrs));
    const bool wide = vector.dtype == core::Dtype::F64;
    return make(request, vector, wide ? axpby<double> : axpby<float>, axpby_bindings(vector));
}

base::Result<Operation> reduce_cpu(const OpRequest &request) {
    HWA_TRY(const Vector vector, read_reduce(request.attrs));
    HWA_TRY(Operation made, make(request, vector, reduce_kernel(vector), reduce_bindings(vector)));
    // A part is at most a sum and its error.
    HWA_CHECK(give_scratch(
        request, sizeof(Tally) + made.shape.grid[0] * uint64_t{2} * sizeof(double), made));
    return made;
}

} // namespace hwa::launch
