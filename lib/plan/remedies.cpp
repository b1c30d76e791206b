// SPDX-License-Identifier: MIT
// What would have to change.
#include "plan/remedies.h"

#include "base/text.h"
#include "base/units.h"
#include "plan/notes.h"
#include "plan/search/search.h"

#include <algorithm>
#include <tuple>

namespace hwa::plan {

using core::Device;
using core::Kind;
using core::System;
using ull = unsigned long long;

namespace {

// What is tried again, some fifty times: half a millisecond each at this size.
constexpr uint64_t most_cells = 16384; ///< devices by layers
// Where each trial is a plan with its times, and how often all of them together may ask whether to
// go on: for each format, and for every 64 layouts of training.
constexpr size_t most_timed_devices = 8;
constexpr int32_t most_turns = 256;
constexpr int32_t most_training_turns = 14;
constexpr uint64_t least_context = 256;
constexpr uint64_t most_added = 64;

/// The smallest number in [1, most] that passes, which all larger ones do too; 0: none does.
template <class Passes> uint64_t smallest(uint64_t most, Passes &&passes) {
    uint64_t low = 0, high = 1;
    while (high <= most && !passes(high)) {
        low = high;
        high *= 2;
    }
    if (high > most)
        return 0;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        (passes(middle) ? high : low) = middle;
    }
    return high;
}

/// Whether only a whole plan tells if something would do.
bool needs_times(const Options &options, const Workload &workload) {
    return workload.trains() || options.min_tokens_per_second > 0;
}

class Trials {
  public:
    Trials(const System &system, const core::Model &model, const Options &options,
           const Workload &workload)
        : model_(model), options_(options), workload_(workload) {
        options_.explains = false;
        if (!needs_times(options, workload))
            options_.workload = workload;
        options_.headroom = options.headroom > 0 ? options.headroom : default_headroom;
        if (workload.trains() && options.min_tokens_per_second <= 0) {
            // Whatever fits in some way does in this one, which needs least.
            if (options_.workload.micro_batch == 0)
                options_.workload.micro_batch = 1;
            options_.run.virtual_stages = options_.run.virtual_stages.value_or(1);
        }
        turns_ = workload.trains() ? most_training_turns : most_turns;
        options_.cancelled = [](void *turns) {
            return static_cast<int32_t>(--*static_cast<int32_t *>(turns) < 0);
        };
        options_.cancelled_user = &turns_;
        for (const Device &device : system.devices)
            if (options.devices.empty() || std::find(options.devices.begin(), options.devices.end(),
                                                     &device) != options.devices.end())
                system_.devices.push_back(device);
        system_.links = system.links;
        system_.flags = system.flags;
        named_ = !options.devices.empty();
        // Whatever the order of devices, of equal ones the first by its id.
        // A processor only where there is nothing else.
        const auto rank = [](const Device &one) {
            return std::tuple(one.kind == Kind::Cpu, ~one.memory_bytes(), std::string_view(one.id));
        };
        for (const Device &device : system_.devices)
            if (roomiest_ == nullptr || rank(device) < rank(*roomiest_))
                roomiest_ = &device;
    }

    std::vector<std::string> all() {
        std::vector<std::string> made;
        const auto add = [&](std::string text) {
            if (!text.empty() && turns_ >= 0) // else it was not tried to the end
                made.push_back(std::move(text));
        };
        add(shorter());
        add(smaller_format());
        if (roomiest_ != nullptr && roomiest_->memory_bytes() != 0) {
            add(more_devices());
            add(more_memory());
        }
        return made;
    }

  private:
    bool fits(const System &system, Options options) const {
        name_devices(system, options);
        return needs_times(options, workload_)
                   ? bool(make_plan(system, model_, options))
                   : !fitting_format(system, model_, options, options.workload, Fit::Smallest)
                          .empty();
    }

    void name_devices(const System &system, Options &options) const {
        options.devices.clear();
        if (named_)
            for (const Device &device : system.devices)
                options.devices.push_back(&device);
    }

    std::string shorter() const {
        const bool trains = workload_.trains();
        const uint64_t now = trains ? workload_.sequence_tokens : workload_.context_tokens;
        const auto holds = [&](uint64_t tokens) {
            Options options = options_;
            options.workload.sequence_tokens = options.workload.context_tokens = tokens;
            options.workload.output_tokens = std::min(workload_.output_tokens, tokens / 4);
            options.workload.prompt_tokens =
                std::min(workload_.prompt_tokens, tokens - options.workload.output_tokens);
            return fits(system_, options);
        };
        if (now <= least_context || !holds(least_context))
            return {};
        uint64_t low = least_context / 256, high = (now + 255) / 256;
        while (high - low > 1) {
            const uint64_t middle = low + (high - low) / 2;
            (holds(middle * 256) ? low : high) = middle;
        }
        return base::format(trains ? "sequences of %llu tokens" : "a context of %llu tokens",
                            static_cast<ull>(low * 256));
    }

    std::string smaller_format() const {
        // Devices that were named are none of the copy that is tried.
        if (named_ || workload_.trains() ||
            (workload_.weight_dtype == core::Dtype::Unknown && workload_.recipe.empty() &&
             options_.min_weight_bits <= 0))
            return {};
        Options options = options_;
        options.workload.weight_dtype = core::Dtype::Unknown;
        options.workload.recipe.clear();
        options.min_weight_bits = 0;
        if (!needs_times(options, workload_)) {
            const std::string name =
                fitting_format(system_, model_, options, options.workload, Fit::Finest);
            return name.empty() ? name : "weights in " + name;
        }
        const auto plan = make_plan(system_, model_, options);
        return plan ? "weights in " + plan->format.name : std::string();
    }

    std::string name() const { return list_devices({{roomiest_}}); }

    std::string more_devices() const {
        const uint64_t count = smallest(most_added, [&](uint64_t more) {
            System larger = system_;
            for (uint64_t i = 0; i < more; ++i)
                add_twin(larger,
                         base::format("%s+%llu", roomiest_->id.c_str(), static_cast<ull>(i)));
            Options options = options_;
            if (options.max_devices != 0)
                options.max_devices += static_cast<uint32_t>(more);
            return fits(larger, options);
        });
        return count != 0 ? base::format("%llu more of %s", static_cast<ull>(count), name().c_str())
                          : std::string();
    }

    /// One more of the roomiest device, with links like its own.
    void add_twin(System &system, const std::string &id) const {
        Device twin = *roomiest_;
        twin.id = id;
        // To the one it was copied from as by its fastest link, whatever their order.
        const auto rank = [](const core::Link &one) {
            return std::tuple(~one.bytes_per_second, one.kind, std::string_view(one.a),
                              std::string_view(one.b));
        };
        const core::Link *own = nullptr;
        for (const core::Link &link : system_.links)
            if (link.a == roomiest_->id || link.b == roomiest_->id) {
                if (own == nullptr || rank(link) < rank(*own))
                    own = &link;
                core::Link copy = link;
                (copy.a == roomiest_->id ? copy.a : copy.b) = id;
                system.links.push_back(std::move(copy));
            }
        if (own != nullptr) {
            core::Link copy = *own;
            copy.a = roomiest_->id;
            copy.b = id;
            system.links.push_back(std::move(copy));
        }
        system.devices.push_back(std::move(twin));
    }

    std::string more_memory() const {
        const uint64_t size = roomiest_->memory_bytes();
        size_t alike = 0;
        const uint64_t more = smallest(4 * size / base::GiB + 64, [&](uint64_t gib) {
            System larger = system_;
            alike = 0;
            for (Device &device : larger.devices)
                if (device.memory_bytes() == size && device.kind == roomiest_->kind) {
                    core::Memory &main = device.memories[0];
                    main.size_bytes.value += gib * base::GiB;
                    main.usable_bytes += main.usable_bytes != 0 ? gib * base::GiB : 0;
                    ++alike;
                }
            return fits(larger, options_);
        });
        return more != 0 ? base::format("%llu GiB more on %s%s", static_cast<ull>(more),
                                        alike > 1 ? "each " : "", name().c_str())
                         : std::string();
    }

    System system_; ///< what may be used of it
    const core::Model &model_;
    Options options_;
    const Workload &workload_;
    bool named_ = false;
    int32_t turns_ = 0; ///< left; below 0: trials are cut short
    const Device *roomiest_ = nullptr;
};

} // namespace

std::string remedies_text(const System &system, const core::Model &model, const Options &options,
                          const Workload &workload) {
    const uint64_t devices = system.devices.size();
    if (devices * model.layers.size() > most_cells ||
        (needs_times(options, workload) && devices > most_timed_devices))
        return {};
    const std::vector<std::string> ways = Trials(system, model, options, workload).all();
    std::string text;
    for (size_t i = 0; i < ways.size(); ++i)
        text += (i == 0 ? "; " : i + 1 == ways.size() ? " or " : ", ") + ways[i];
    return ways.empty() ? text : text + " would do";
}

} // namespace hwa::plan
