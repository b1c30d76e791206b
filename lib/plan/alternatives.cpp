// SPDX-License-Identifier: MIT
// Plans that lost.
#include "plan/alternatives.h"

#include "plan/search/formats.h"
#include "plan/words.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace hwa::plan {

using core::Device;

namespace {

double seconds_of(Objective objective, const Plan &plan) {
    // Steps are of unequal length, and replicas step side by side.
    if (objective != Objective::Latency && plan.tokens_per_second > 0)
        return 1 / plan.tokens_per_second;
    const double tokens = static_cast<double>(plan.workload.output_tokens);
    return objective == Objective::Latency ? plan.first_token_seconds + tokens * plan.token_seconds
                                           : plan.token_seconds;
}

/// In hundredths: ranks of one format differ by what does not divide.
double bits_of(const Plan &plan) {
    return std::round(100 * plan.weight_bits);
}

std::string why(Objective objective, const Plan &best, const Plan &other) {
    if (bits_of(other) < bits_of(best) && other.format.name != best.format.name &&
        !best.workload.trains())
        return fixed(other.weight_bits, 2) + " bits for a weight, not " +
               fixed(best.weight_bits, 2);
    const double mine = seconds_of(objective, best), its = seconds_of(objective, other);
    if (mine <= 0 || its <= 0)
        return its <= 0 ? "its speed is not known" : "it was not preferred";
    if (its > 1.0005 * mine)
        return fixed(its / mine, its < 10 * mine ? 2 : 0) + " times slower";
    if (other.stages.size() > best.stages.size())
        return "no faster, on more devices";
    return "no faster";
}

/// A plan on the one is no other plan than on the other.
bool are_twins(const Device &a, const Device &b) {
    return &a == &b ||
           (a.kind == b.kind && a.name.value == b.name.value && a.name.value != "" &&
            a.memory_bytes() == b.memory_bytes() && a.bytes_per_second() == b.bytes_per_second());
}

bool same(const Plan &a, const Plan &b) {
    const auto equal = [](const Stage &x, const Stage &y) {
        return are_twins(*x.device, *y.device) && x.first_layer == y.first_layer &&
               x.layer_count == y.layer_count;
    };
    return a.format.name == b.format.name && a.workload.recompute == b.workload.recompute &&
           a.workload.zero_stage == b.workload.zero_stage &&
           a.workload.micro_batch == b.workload.micro_batch &&
           std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(), equal);
}

class Lister {
  public:
    Lister(const core::System &system, const core::Model &model, const Options &options,
           const Plan &best)
        : system_(system), model_(model), options_(options), best_(best) {
        options_.explains = false;
        options_.cancelled = nullptr;
    }

    static constexpr uint32_t most = 4;

    std::vector<Alternative> all() {
        smaller_format();
        fewer_devices();
        other_devices();
        other_objective();
        std::stable_sort(made_.begin(), made_.end(), [&](const auto &a, const auto &b) {
            if (!best_.workload.trains() && bits_of(a.plan) != bits_of(b.plan))
                return bits_of(a.plan) > bits_of(b.plan);
            return seconds_of(options_.objective, a.plan) < seconds_of(options_.objective, b.plan);
        });
        return std::move(made_);
    }

  private:
    void add(const Options &options) {
        auto plan = make_plan(system_, model_, options);
        if (!plan || same(*plan, best_))
            return;
        for (const Alternative &other : made_)
            if (same(*plan, other.plan))
                return;
        std::string reason = why(options_.objective, best_, *plan);
        made_.push_back({std::move(*plan), std::move(reason)});
    }

    void smaller_format() {
        if (best_.workload.trains())
            return;
        const std::vector<Format> formats = formats_for(model_, options_.workload, {});
        const auto next = std::find_if(formats.begin(), formats.end(), [&](const Format &one) {
            return !one.own && (best_.format.own ||
                                core::dtype_bits(one.dtype) < core::dtype_bits(best_.format.dtype));
        });
        if (next == formats.end())
            return;
        Options options = options_;
        options.workload.weight_dtype = next->dtype;
        add(options);
    }

    void fewer_devices() {
        const size_t used = best_.stages.size();
        if (used < 2)
            return;
        Options options = options_;
        options.max_devices = static_cast<uint32_t>(best_.workload.trains() ? used / 2 : used - 1);
        add(options);
    }

    void other_devices() {
        std::unordered_set<const Device *> used;
        for (const Stage &stage : best_.stages)
            used.insert(stage.device);
        Options options = options_;
        options.devices.clear();
        if (options_.devices.empty()) {
            // What is left out by default stays out.
            for (const Device &device : system_.devices)
                if (!used.contains(&device) && (device.flags & core::DeviceSoftware) == 0 &&
                    (device.kind == core::Kind::Cpu || device.kind == core::Kind::Gpu) &&
                    ((system_.flags & core::SystemLive) == 0 ||
                     (device.flags & core::DeviceUsable) != 0))
                    options.devices.push_back(&device);
        } else {
            for (const Device *device : options_.devices)
                if (!used.contains(device))
                    options.devices.push_back(device);
        }
        if (!options.devices.empty())
            add(options);
    }

    void other_objective() {
        Options options = options_;
        options.objective =
            options_.objective == Objective::Latency ? Objective::Throughput : Objective::Latency;
        add(options);
    }

    const core::System &system_;
    const core::Model &model_;
    Options options_;
    const Plan &best_;
    std::vector<Alternative> made_;
};

} // namespace

uint32_t most_alternatives(const Options &options) {
    return options.run.engine ? 0 : Lister::most;
}

std::vector<Alternative> alternatives_of(const core::System &system, const core::Model &model,
                                         const Options &options, const Plan &best) {
    if (options.run.engine)
        return {};
    return Lister(system, model, options, best).all();
}

} // namespace hwa::plan
