// SPDX-License-Identifier: MIT
// Which pipelines there are over devices of several classes.
#include "plan/search/uneven.h"

#include <algorithm>

namespace hwa::plan {

namespace {

constexpr size_t most_classes = 4;
constexpr uint64_t most_devices = 8; ///< of each class
constexpr size_t most_layers = 512;
constexpr uint64_t few_groups = 4;

/// Of as many groups as the replicas leave to each: all or none, and of few a power of two.
std::vector<uint32_t> stage_counts(uint64_t groups) {
    std::vector<uint32_t> made;
    for (uint64_t count = 1; count < groups && groups <= few_groups; count *= 2)
        made.push_back(static_cast<uint32_t>(count));
    if (groups > 0)
        made.push_back(static_cast<uint32_t>(groups));
    made.push_back(0);
    return made;
}

class Lister {
  public:
    Lister(const Task &task, std::span<const DeviceClass *const> classes)
        : task_(task), classes_(classes) {}

    std::vector<UnevenLayout> all() {
        uint32_t widest = 1;
        for (const DeviceClass *where : classes_)
            for (size_t i = 0; i + 1 < where->domains.size(); ++i)
                widest = std::max(widest, where->domains[i + 1] - where->domains[i]);
        const uint32_t heads = task_.model->heads;
        for (uint32_t tensor = 1; tensor <= widest; ++tensor)
            if (tensor == task_.run.tensor.value_or(tensor) &&
                (heads == 0 ? tensor == 1 : heads % tensor == 0)) {
                one_.layout.tensor = tensor;
                add_replicas();
            }
        std::stable_sort(made_.begin(), made_.end(), [](const auto &a, const auto &b) {
            return a.layout.devices() > b.layout.devices();
        });
        return std::move(made_);
    }

  private:
    void add_replicas() {
        const uint64_t batch = task_.run.global_batch.value_or(1);
        for (uint64_t data = 1; data <= std::min(batch, most_devices); ++data)
            if (batch % data == 0 && data == task_.run.data.value_or(static_cast<uint32_t>(data))) {
                one_.layout.data = static_cast<uint32_t>(data);
                counts_.assign(classes_.size(), 0);
                add_counts(0);
            }
    }

    void add_counts(size_t index) {
        if (index == classes_.size()) {
            add_orders();
            return;
        }
        const uint64_t groups = classes_[index]->groups(one_.layout.tensor) / one_.layout.data;
        for (const uint32_t count : stage_counts(groups)) {
            counts_[index] = count;
            add_counts(index + 1);
        }
    }

    void add_orders() {
        one_.blocks.clear();
        uint64_t stages = 0;
        for (size_t i = 0; i < classes_.size(); ++i)
            if (counts_[i] > 0) {
                one_.blocks.push_back({classes_[i], counts_[i]});
                stages += counts_[i];
            }
        if (one_.blocks.size() < 2 || stages > task_.model->layers.size() ||
            stages != task_.run.pipeline.value_or(static_cast<uint32_t>(stages)))
            return;
        one_.layout.pipeline = static_cast<uint32_t>(stages);
        if (one_.layout.devices() > task_.most_devices)
            return;
        const auto place = [&](const Block &block) {
            return std::find(classes_.begin(), classes_.end(), block.where) - classes_.begin();
        };
        do
            add_micro_batches();
        while (std::next_permutation(
            one_.blocks.begin(), one_.blocks.end(),
            [&](const Block &a, const Block &b) { return place(a) < place(b); }));
    }

    void add_micro_batches() {
        const uint64_t share = task_.run.global_batch.value_or(1) / one_.layout.data;
        for (uint64_t micro = 1; micro <= std::min(share, largest_micro_batch); ++micro)
            if (share % micro == 0 && (task_.micro_batch == 0 || micro == task_.micro_batch)) {
                one_.layout.micro_batch = micro;
                add_experts();
            }
    }

    void add_experts() {
        const uint64_t ranks = uint64_t{one_.layout.tensor} * one_.layout.data;
        const uint64_t experts = std::max(1U, task_.model->experts);
        for (uint32_t expert = 1; expert <= std::min(ranks, experts); ++expert)
            if (experts % expert == 0 && ranks % expert == 0 &&
                expert == task_.run.expert.value_or(expert)) {
                one_.layout.expert = expert;
                made_.push_back(one_);
            }
    }

    const Task &task_;
    std::span<const DeviceClass *const> classes_;
    UnevenLayout one_;
    std::vector<uint32_t> counts_;
    std::vector<UnevenLayout> made_;
};

} // namespace

std::vector<UnevenLayout> uneven_layouts(const Task &task,
                                         std::span<const DeviceClass *const> classes) {
    const Run &run = task.run;
    const bool pinned = run.context.value_or(1) > 1 || run.virtual_stages.value_or(1) > 1 ||
                        run.offload_optimizer.value_or(false) ||
                        run.offload_weights.value_or(false);
    if (pinned || classes.size() < 2 || task.model->layers.size() > most_layers)
        return {};
    return Lister(task, classes).all();
}

std::vector<const DeviceClass *> uneven_classes(const Candidates &found) {
    std::vector<const DeviceClass *> made;
    for (const DeviceClass &some : found.classes) {
        const bool known = some.kind != core::Kind::Cpu && !some.host_memory &&
                           some.rates.bytes_per_second > 0 && some.devices.size() <= most_devices;
        if (known &&
            (made.empty() || made[0]->devices[0]->vendor.value == some.devices[0]->vendor.value))
            made.push_back(&some);
    }
    const auto memory = [](const DeviceClass *one) {
        return static_cast<double>(one->room) * static_cast<double>(one->devices.size());
    };
    if (made.size() > most_classes) {
        std::stable_sort(made.begin(), made.end(),
                         [&](auto *a, auto *b) { return memory(a) > memory(b); });
        made.resize(most_classes);
    }
    return made;
}

std::vector<Slice> uneven_slices(const Layout &layout, std::span<const Block> blocks,
                                 std::span<const Slice> stages) {
    std::vector<Slice> made;
    for (uint32_t replica = 0; replica < layout.data; ++replica) {
        size_t stage = 0;
        for (const Block &block : blocks) {
            const std::vector<uint32_t> groups = block.where->group_starts(layout.tensor);
            for (uint32_t i = 0; i < block.stages; ++i, ++stage)
                for (uint32_t part = 0; part < layout.tensor; ++part) {
                    Slice &slice = made.emplace_back(stages[stage]);
                    slice.device = block.where->devices[groups[replica * block.stages + i] + part];
                    slice.tensor_rank = part;
                    slice.replica = replica;
                    slice.like = static_cast<int32_t>(stage * layout.tensor);
                    slice.expert_rank = static_cast<uint32_t>(
                        (uint64_t{replica} * layout.tensor + part) % layout.expert);
                }
        }
    }
    return made;
}

} // namespace hwa::plan
