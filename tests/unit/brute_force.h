// SPDX-License-Identifier: MIT
// The best plan, by going through every case there is.
#pragma once

#include "check.h"
#include "plan/evaluate.h"
#include "plan/model/mix.h"
#include "plan/plan.h"
#include "plan/search/formats.h"
#include "plan/search/search.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace hwa::test {

class BruteForce {
  public:
    BruteForce(const core::System &system, const core::Model &model, const plan::Options &options)
        : system_(system), model_(model), options_(options), links_(system),
          workload_(*plan::settle(options.workload)) {
        for (const core::Device &device : system.devices)
            order_.push_back(&device);
        // Processors first, then the roomiest, which is the order that data passes.
        std::sort(order_.begin(), order_.end(), [](const auto *a, const auto *b) {
            const auto rank = [](const core::Device &one) {
                return std::tuple(one.kind != core::Kind::Cpu, ~one.memory_bytes(),
                                  ~one.bytes_per_second(), one.id);
            };
            return rank(*a) < rank(*b);
        });
    }

    std::optional<plan::Plan> best() {
        using Tiers = std::vector<std::vector<bool>>;
        const bool quality = options_.objective == plan::Objective::Quality;
        const Tiers outer = quality ? Tiers{{false, true}} : Tiers{{false}, {true}};
        const plan::Run &run = options_.run;
        const auto is_one = [](const auto &pin) { return pin.value_or(1) <= 1; };
        const bool single = is_one(run.tensor) && is_one(run.data) && is_one(run.context) &&
                            is_one(run.expert) && is_one(run.attention_data);
        for (const std::vector<bool> &tiers : outer)
            for (const std::vector<plan::Format> &rung : rungs(quality))
                for (const bool processor : tiers) {
                    best_.reset();
                    for (const plan::Format &format : rung)
                        consider(format, single, processor);
                    if (best_)
                        return best_;
                }
        return std::nullopt;
    }
    uint64_t evaluated() const { return evaluated_; }

  private:
    using Group = std::vector<const core::Device *>;

    /// Formats as good as each other, from the best down.
    std::vector<std::vector<plan::Format>> rungs(bool quality) const {
        std::vector<std::vector<plan::Format>> made;
        for (const plan::Format &format : formats_for(model_, workload_, {})) {
            made.push_back({format});
            const auto other = format.own                          ? core::Dtype::Unknown
                               : format.dtype == core::Dtype::Q8_0 ? core::Dtype::F8E4M3
                               : format.dtype == core::Dtype::Q4_K ? core::Dtype::I4G128
                                                                   : core::Dtype::Unknown;
            if (other == core::Dtype::Unknown)
                continue;
            if (quality)
                made.emplace_back();
            made.back().push_back(
                {other, false, core::dtype_name(other), plan::mix_of(other), true});
        }
        return made;
    }

    void consider(const plan::Format &format, bool single, bool processor) {
        const auto sized = size_up(model_, format, workload_);
        if (sized->bits + 1e-9 < options_.min_weight_bits)
            return;
        format_ = format;
        if (single && !format.beside)
            choose(0, {}, processor);
        if (!processor && (format.own || format.beside))
            serve();
    }

    /// Every choice of devices, and every split of the layers over it.
    void choose(size_t next, std::vector<const core::Device *> taken, bool processor) {
        if (next == order_.size()) {
            const auto in_host = [](const core::Device *one) {
                return one->kind == core::Kind::Cpu || (one->flags & core::DeviceIntegrated) != 0;
            };
            const auto is_processor = [](const core::Device *one) {
                return one->kind == core::Kind::Cpu;
            };
            const bool has = std::any_of(taken.begin(), taken.end(), is_processor);
            if (!taken.empty() && has == processor &&
                std::count_if(taken.begin(), taken.end(), in_host) <= 1)
                split(taken, {});
            return;
        }
        choose(next + 1, taken, processor);
        taken.push_back(order_[next]);
        choose(next + 1, taken, processor);
    }

    void split(const std::vector<const core::Device *> &taken, std::vector<uint32_t> counts) {
        uint32_t placed = 0;
        for (const uint32_t count : counts)
            placed += count;
        const auto left = static_cast<uint32_t>(model_.layers.size()) - placed;
        if (counts.size() + 1 == taken.size()) {
            if (left > 0) {
                counts.push_back(left);
                weigh(taken, counts);
            }
            return;
        }
        for (uint32_t count = 1; count < left; ++count) {
            counts.push_back(count);
            split(taken, counts);
            counts.pop_back();
        }
    }

    void weigh(const std::vector<const core::Device *> &taken,
               const std::vector<uint32_t> &counts) {
        const size_t stages = taken.size();
        if ((options_.max_devices != 0 && stages > options_.max_devices) ||
            stages != options_.run.pipeline.value_or(static_cast<uint32_t>(stages)))
            return;
        plan::Case one;
        one.system = &system_;
        one.model = &model_;
        one.format = format_;
        one.workload = workload_;
        one.links = &links_;
        uint32_t from = 0;
        for (size_t i = 0; i < stages; ++i) {
            plan::Slice slice;
            slice.device = taken[i];
            slice.first_layer = from;
            slice.layer_count = counts[i];
            slice.stage = static_cast<uint32_t>(i);
            slice.embedding = i == 0;
            slice.output = i + 1 == stages;
            one.slices.push_back(slice);
            from += counts[i];
        }
        one.run.pipeline = static_cast<uint32_t>(stages);
        auto plan = evaluate(one);
        assert_true(bool(plan));
        for (const plan::Stage &stage : plan->stages)
            if (static_cast<double>(stage.footprint.total()) >
                0.9 * static_cast<double>(stage.device->memory_bytes()))
                plan->stages.clear();
        if (!plan->stages.empty())
            take(std::move(*plan));
    }

    /// Every deployment over cards of one kind that can be pinned, by machine in their order.
    void serve() {
        std::map<std::tuple<std::string, uint64_t>, std::map<std::string, Group>> kinds;
        for (const core::Device &device : system_.devices)
            if ((device.vendor.value == "nvidia" || device.vendor.value == "amd") &&
                (format_.dtype != core::Dtype::F8E4M3 || device.find_compute(format_.dtype)))
                kinds[{device.vendor.value, device.memory_bytes()}]
                     [device.find_attr("host.name")->s]
                         .push_back(&device);
        for (const auto &[kind, hosts] : kinds) {
            std::vector<Group> domains;
            for (const auto &[host, devices] : hosts)
                domains.push_back(devices);
            std::stable_sort(domains.begin(), domains.end(),
                             [](const Group &a, const Group &b) { return a.size() > b.size(); });
            for (uint32_t tensor = 1; tensor <= 8; ++tensor)
                for (uint32_t context = 1; context <= 8 / tensor; ++context)
                    serve_on(tensor, context, groups_of(domains, tensor * context));
        }
    }

    static std::vector<Group> groups_of(const std::vector<Group> &domains, size_t size) {
        std::vector<Group> made;
        for (const Group &domain : domains)
            for (size_t at = 0; at + size <= domain.size(); at += size)
                made.emplace_back(domain.begin() + static_cast<std::ptrdiff_t>(at),
                                  domain.begin() + static_cast<std::ptrdiff_t>(at + size));
        return made;
    }

    /// What engines refuse, or would gain nothing by.
    bool is_sound(const plan::Run &run) const {
        const uint32_t tensor = *run.tensor, groups = *run.attention_data, context = *run.context;
        const uint64_t shares = uint64_t{groups} * *run.data;
        if (tensor % groups != 0 || model_.heads % (tensor / groups) != 0 ||
            workload_.batch % shares != 0 || (context & (context - 1)) != 0 ||
            (context > 1 && workload_.context_tokens / context < 2048))
            return false;
        if (*run.expert == 1)
            return groups == 1 &&
                   (model_.experts == 0 || model_.layers[0].expert_ffn % tensor == 0);
        return model_.experts != 0 && model_.experts % *run.expert == 0 &&
               *run.expert == tensor * context;
    }

    void serve_on(uint32_t tensor, uint32_t context, const std::vector<Group> &groups) {
        for (uint32_t shares = 1; shares <= tensor; ++shares)
            for (const uint32_t expert : {1U, tensor * context}) // twice where both are 1
                for (uint32_t data = 1; data <= groups.size(); ++data)
                    for (uint32_t stages = 1; stages * data <= groups.size(); ++stages) {
                        plan::Run run = options_.run;
                        run.engine = plan::Engine::Vllm;
                        run.tensor = tensor;
                        run.attention_data = shares;
                        run.context = context;
                        run.expert = expert;
                        run.data = data;
                        run.pipeline = stages;
                        if (is_sound(run) && agrees(run) && tensor * context * data > 1 &&
                            stages <= model_.layers.size())
                            pin(run, groups);
                    }
    }

    bool agrees(const plan::Run &run) const {
        const auto same = [](const auto &asked, const auto &one) { return !asked || asked == one; };
        const plan::Run &asked = options_.run;
        return same(asked.tensor, run.tensor) && same(asked.data, run.data) &&
               same(asked.context, run.context) && same(asked.expert, run.expert) &&
               same(asked.attention_data, run.attention_data) && same(asked.pipeline, run.pipeline);
    }

    void pin(const plan::Run &run, const std::vector<Group> &groups) {
        plan::Options options = options_;
        options.run = run;
        options.workload.weight_dtype = format_.own ? core::Dtype::Unknown : format_.dtype;
        const size_t count = size_t{*run.data} * *run.pipeline;
        for (size_t i = 0; i < count; ++i)
            options.devices.insert(options.devices.end(), groups[i].begin(), groups[i].end());
        if (options_.max_devices != 0 && options.devices.size() > options_.max_devices)
            return;
        auto plan = make_plan(system_, model_, options);
        assert_true(bool(plan) || plan.error().status == base::Status::NoFit);
        if (plan)
            take(std::move(*plan));
    }

    void take(plan::Plan plan) {
        ++evaluated_;
        if (plan.tokens_per_second >= options_.min_tokens_per_second &&
            (!best_ || better(options_.objective, plan, *best_)))
            best_ = std::move(plan);
    }

    const core::System &system_;
    const core::Model &model_;
    const plan::Options &options_;
    plan::Links links_;
    plan::Workload workload_;
    std::vector<const core::Device *> order_;
    plan::Format format_;
    std::optional<plan::Plan> best_;
    uint64_t evaluated_ = 0;
};

} // namespace hwa::test
