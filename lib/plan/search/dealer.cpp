// SPDX-License-Identifier: MIT
// How layers are dealt out to the stages of an uneven pipeline.
#include "plan/search/uneven.h"

#include "plan/memory/training.h"
#include "plan/time/step.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace hwa::plan {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

bool alike(const core::Layer &a, const core::Layer &b) {
    const auto facts = [](const core::Layer &one) {
        return std::tuple(one.mixer, one.heads, one.kv_heads, one.key_size, one.value_size,
                          one.window, one.ffn, one.experts, one.expert_ffn, one.shared_ffn,
                          one.gated, one.weights.matrix, one.weights.plain, one.weights.expert);
    };
    return facts(a) == facts(b);
}

} // namespace

Dealer::Dealer(Case &one, const UnevenLayout &layout, std::span<const Fabric *const> fabrics,
               std::span<ProductMemo *const> products)
    : one_(one), part_(one), fabrics_(fabrics), products_(products) {
    for (uint32_t block = 0; block < layout.blocks.size(); ++block) {
        block_.insert(block_.end(), layout.blocks[block].stages, block);
        where_.insert(where_.end(), layout.blocks[block].stages, layout.blocks[block].where);
    }
    // Stages in the middle of a block are alike in time.
    for (uint32_t stage = 0; stage < block_.size(); ++stage) {
        const bool alike =
            stage > 1 && stage + 1 < block_.size() && block_[stage - 1] == block_[stage];
        like_.push_back(alike ? like_[stage - 1] : stage);
    }
    const auto &model_layers = one.model->layers;
    uniform_ = std::all_of(model_layers.begin(), model_layers.end(),
                           [&](const core::Layer &layer) { return alike(layer, model_layers[0]); });
    if (uniform_)
        entries_.resize(block_.size() * (size_t{layers()} + 1));
    part_.slices.resize(1);
}

Slice Dealer::slice(uint32_t stage, uint32_t first, uint32_t count) const {
    Slice made;
    made.device = where_[stage]->devices[0];
    made.first_layer = first;
    made.layer_count = count;
    made.stage = stage;
    made.embedding = stage == 0;
    made.output = stage + 1 == block_.size();
    return made;
}

double Dealer::seconds(uint32_t stage, uint32_t first, uint32_t count) {
    double *known =
        uniform_ ? &entries_[like_[stage] * (size_t{layers()} + 1) + count].seconds : nullptr;
    if (known != nullptr && *known >= 0)
        return *known;
    part_.slices[0] = slice(stage, first, count);
    part_.fabric = fabrics_[block_[stage]];
    part_.products = products_[block_[stage]];
    const auto time = training_time(part_);
    const double made = time && time->step > 0 ? time->step : never;
    if (known != nullptr)
        *known = made;
    return made;
}

bool Dealer::fits(uint32_t stage, uint32_t first, uint32_t count) {
    int8_t *known = uniform_ ? &entries_[stage * (size_t{layers()} + 1) + count].fits : nullptr;
    if (known != nullptr && *known >= 0)
        return *known == 1;
    part_.slices[0] = slice(stage, first, count);
    const auto bytes = training_bytes(part_, part_.slices[0]);
    const bool made = bytes && bytes->total() <= where_[stage]->room;
    if (known != nullptr)
        *known = made ? 1 : 0;
    return made;
}

uint32_t Dealer::most_layers(uint32_t stage, double most) {
    uint32_t low = 0, high = layers() + 1;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        (seconds(stage, 0, middle) < most ? low : high) = middle;
    }
    return low;
}

bool Dealer::may_beat(double most) {
    if (!uniform_ || most >= 1e300)
        return true;
    uint64_t sum = 0;
    uint32_t count = 0;
    for (uint32_t stage = 0; stage < block_.size(); ++stage) {
        if (like_[stage] == stage)
            count = most_layers(stage, most);
        if (count == 0)
            return false;
        sum += count;
    }
    return sum >= layers();
}

/// The most layers that each stage holds, added up.
bool Dealer::may_fit() {
    uint64_t sum = 0;
    for (uint32_t stage = 0; uniform_ && stage < block_.size(); ++stage) {
        uint32_t low = 0, high = layers() + 1;
        while (high - low > 1) {
            const uint32_t middle = low + (high - low) / 2;
            (fits(stage, 0, middle) ? low : high) = middle;
        }
        if (low == 0)
            return false;
        sum += low;
    }
    return !uniform_ || sum >= layers();
}

Dealt Dealer::deal(double most) {
    if (!may_beat(most))
        return {Dealt::Slow, 0};
    if (!may_fit())
        return {Dealt::NoRoom, 0};
    const auto stages = static_cast<uint32_t>(block_.size());
    const uint32_t end = layers(), width = end + 1;
    std::vector<double> best(size_t{stages} * width, never);
    std::vector<uint32_t> from(size_t{stages} * width, 0);
    for (uint32_t count = 1; count + stages <= end + 1; ++count) {
        const double took = seconds(0, 0, count);
        if (took >= most || !fits(0, 0, count))
            break;
        best[count] = took;
    }
    for (uint32_t stage = 1; stage < stages; ++stage) {
        const double *before = &best[size_t{stage - 1} * width];
        double *here = &best[size_t{stage} * width];
        for (uint32_t to = stage + 1 == stages ? end : stage + 1; to + (stages - stage) <= end + 1;
             ++to)
            // The more layers a stage has, the longer it takes and the more it needs.
            for (uint32_t first = to - 1; first >= stage; --first) {
                const double took = seconds(stage, first, to - first);
                if (took >= std::min(most, here[to]) || !fits(stage, first, to - first))
                    break;
                const double slower = std::max(before[first], took);
                if (slower < here[to]) {
                    here[to] = slower;
                    from[size_t{stage} * width + to] = first;
                }
            }
    }
    const double least = best[size_t{stages - 1} * width + end];
    if (least == never)
        return {Dealt::NoRoom, 0};
    one_.slices.resize(stages);
    for (uint32_t stage = stages, to = end; stage-- > 0;) {
        const uint32_t first = from[size_t{stage} * width + to];
        one_.slices[stage] = slice(stage, first, to - first);
        to = first;
    }
    return {Dealt::Done, least};
}

} // namespace hwa::plan
