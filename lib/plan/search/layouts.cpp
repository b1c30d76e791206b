// SPDX-License-Identifier: MIT
// The ways to share training out.
#include "plan/search/layouts.h"

#include <algorithm>
#include <bit>

namespace hwa::plan {

namespace {

constexpr uint64_t least_context = 2048; ///< tokens of one rank
constexpr uint32_t most_turns = 8;
constexpr uint32_t most_context = 64;

using Counts = std::vector<uint32_t>;

/// A pinned degree, or those from 1 to `most` that pass.
template <class Passes>
Counts choices(const Choice<uint32_t> &pinned, uint64_t most, Passes &&passes) {
    Counts made;
    if (pinned) {
        made.push_back(std::max(1U, *pinned));
        return made;
    }
    for (uint32_t value = 1; value <= most; ++value)
        if (passes(value))
            made.push_back(value);
    return made;
}

class Lister {
  public:
    explicit Lister(const Task &task) : task_(task) {}

    std::vector<Layout> all() {
        const core::Model &model = *task_.model;
        uint32_t widest = 1;
        const auto &domains = task_.where->domains;
        for (size_t i = 0; i + 1 < domains.size(); ++i)
            widest = std::max(widest, domains[i + 1] - domains[i]);
        if (task_.where->host_memory)
            widest = 1;
        const auto splits = [&](uint32_t value) {
            return model.heads == 0 ? value == 1 : model.heads % value == 0;
        };
        for (const uint32_t tensor : choices(task_.run.tensor, widest, splits)) {
            layout_ = {};
            layout_.tensor = tensor;
            groups_ = std::min(task_.where->groups(tensor), task_.most_devices / tensor);
            if (groups_ != 0)
                add_contexts();
        }
        std::stable_sort(made_.begin(), made_.end(), [](const Layout &a, const Layout &b) {
            return a.devices() > b.devices();
        });
        return std::move(made_);
    }

  private:
    void add_contexts() {
        const uint64_t most =
            std::min<uint64_t>({groups_, task_.sequence / least_context, most_context});
        const auto fits = [&](uint32_t value) {
            return std::has_single_bit(value) && task_.sequence % value == 0;
        };
        for (const uint32_t context :
             choices(task_.run.context, std::max<uint64_t>(1, most), fits)) {
            layout_.context = context;
            add_pipelines();
        }
    }

    void add_pipelines() {
        const uint64_t layers = task_.model->layers.size();
        const uint64_t most = std::min(layers, groups_ / layout_.context);
        const auto fits = [&](uint32_t value) {
            return layers % value == 0 || std::has_single_bit(value);
        };
        for (const uint32_t pipeline : choices(task_.run.pipeline, most, fits)) {
            layout_.pipeline = pipeline;
            if (pipeline <= most)
                add_replicas();
        }
    }

    void add_replicas() {
        const uint64_t batch = task_.run.global_batch.value_or(1);
        const uint64_t most = groups_ / layout_.context / layout_.pipeline;
        for (const uint64_t data : divisors(batch, most)) {
            if (data != task_.run.data.value_or(static_cast<uint32_t>(data)))
                continue;
            layout_.data = static_cast<uint32_t>(data);
            for (const uint64_t micro : divisors(batch / data, largest_micro_batch))
                if (task_.micro_batch == 0 || micro == task_.micro_batch) {
                    layout_.micro_batch = micro;
                    add_experts();
                }
        }
    }

    void add_experts() {
        const uint64_t ranks = uint64_t{layout_.tensor} * layout_.context * layout_.data;
        const uint64_t experts = std::max(1U, task_.model->experts);
        const auto fits = [&](uint32_t value) {
            return experts % value == 0 && ranks % value == 0;
        };
        for (const uint32_t expert : choices(task_.run.expert, std::min(ranks, experts), fits)) {
            layout_.expert = expert;
            add_turns();
        }
    }

    /// Layers of a rank in so many parts, which Megatron alone takes turns with.
    void add_turns() {
        const uint64_t layers = task_.model->layers.size();
        const bool open = task_.run.engine == Engine::Megatron && layout_.pipeline > 1;
        const auto fits = [&](uint32_t value) {
            return layers % (uint64_t{layout_.pipeline} * value) == 0;
        };
        const uint64_t most = open ? most_turns : 1;
        for (const uint32_t turns : choices(task_.run.virtual_stages, most, [&](uint32_t value) {
                 return value == 1 || fits(value);
             })) {
            layout_.turns = turns;
            made_.push_back(layout_);
        }
    }

    const Task &task_;
    Layout layout_;
    uint64_t groups_ = 0;
    std::vector<Layout> made_;
};

} // namespace

std::vector<uint64_t> divisors(uint64_t count, uint64_t most) {
    std::vector<uint64_t> made;
    for (uint64_t value = 1; value <= most && value * value <= count; ++value) {
        if (count % value != 0)
            continue;
        made.push_back(value);
        if (count / value != value && count / value <= most)
            made.push_back(count / value);
    }
    std::sort(made.begin(), made.end());
    return made;
}

std::vector<Layout> layouts_of(const Task &task) {
    return Lister(task).all();
}

} // namespace hwa::plan
