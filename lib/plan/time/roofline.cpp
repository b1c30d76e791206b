// SPDX-License-Identifier: MIT
// Seconds from bytes and operations; docs/plan.md tells what the constants were fitted to.
#include "plan/time/roofline.h"

#include <algorithm>

namespace hwa::plan {

using core::Dtype;
using core::Kind;

namespace {

/// Shares of the peaks that engines reach, by kind of device.
struct Efficiency {
    Kind kind;
    double memory;
    double compute;
    double layer_seconds;
    double error_factor;
};

// GPU: fitted to 187 published llama.cpp decode rates on 16 GPUs, 1 to 8 at a time: median error
// 6 %, 9 of 10 within a factor of 1.4, on the rows they were chosen on. Prompts: the median of
// published llama.cpp runs on CUDA. The others have not been fitted and say so by a wider factor.
constexpr Efficiency gpu = {Kind::Gpu, 0.90, 0.33, 120e-6, 1.4};
constexpr Efficiency cpu = {Kind::Cpu, 0.70, 0.40, 20e-6, 2.0};
constexpr Efficiency rest = {Kind::Unknown, 0.80, 0.30, 120e-6, 2.0};

/// What one core of a processor gets through reads that miss its caches: the lines it can have on
/// their way at once over the time a line takes, some 20 to 40 times 64 bytes in 100 ns. A few
/// cores cannot draw all that the channels of a server carry.
constexpr double core_bytes_per_second = 20e9;

const Efficiency &efficiency_of(Kind kind) {
    return kind == Kind::Gpu ? gpu : kind == Kind::Cpu ? cpu : rest;
}

/// Peak in the formats that matrices are multiplied in, whatever format they are kept in.
double peak_ops(const core::Device &device) {
    double best = 0;
    for (const Dtype dtype : {Dtype::F16, Dtype::Bf16, Dtype::F32})
        if (const core::Compute *compute = device.find_compute(dtype))
            if (compute->support == core::Support::Native)
                best = std::max(best, compute->ops_per_second);
    return best;
}

/// Bytes per second a device gets out of its main memory; 0 if not known.
double reached_bandwidth(const core::Device &device, double share) {
    const double reached = share * static_cast<double>(device.bytes_per_second());
    const double cores = device.compute_units.value;
    return device.kind == Kind::Cpu && cores > 0 ? std::min(reached, cores * core_bytes_per_second)
                                                 : reached;
}

} // namespace

Rates rates_of(const core::Device &device) {
    const Efficiency &share = efficiency_of(device.kind);
    Rates made;
    made.bytes_per_second = reached_bandwidth(device, share.memory);
    made.peak_ops_per_second = peak_ops(device);
    made.ops_per_second = share.compute * made.peak_ops_per_second;
    made.layer_seconds = share.layer_seconds;
    made.error_factor = share.error_factor;
    return made;
}

StageTime time_of(const core::Model &model, const Sized &sized, const Workload &workload,
                  uint64_t from, uint64_t count, const Rates &rates) {
    const bool is_last = from + count == sized.layers();
    const double batch = static_cast<double>(workload.batch);
    const double filled = std::min(1.0, (static_cast<double>(workload.prompt_tokens) +
                                         static_cast<double>(workload.output_tokens) / 2) /
                                            static_cast<double>(workload.context_tokens));
    const double reads =
        static_cast<double>(sized.reads[from + count] - sized.reads[from]) +
        static_cast<double>(is_last ? sized.last_reads : 0) +
        filled * static_cast<double>(sized.cache[from + count] - sized.cache[from]);
    // A multiply-add is two operations; looking a token up in the embedding is none.
    const double table = static_cast<double>(model.tied() ? 0 : model.embedding.matrix);
    const double used = std::max(0.0, static_cast<double>(model.active_parameters) - table);
    const double share = static_cast<double>(count) / static_cast<double>(sized.layers());
    const double operations = 2 * used * share;

    StageTime made;
    made.start = rates.layer_seconds * static_cast<double>(count);
    if (rates.bytes_per_second > 0)
        made.memory = reads / rates.bytes_per_second;
    if (rates.ops_per_second > 0) {
        made.compute = operations * batch / rates.ops_per_second;
        made.prompt = operations * batch * static_cast<double>(workload.prompt_tokens) /
                          rates.ops_per_second +
                      made.start;
    }
    return made;
}

} // namespace hwa::plan
