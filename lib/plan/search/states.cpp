// SPDX-License-Identifier: MIT
// What of a training run is split over replicas, computed twice, and kept on the host.
#include "plan/search/states.h"

namespace hwa::plan {

namespace {

bool agrees(const Choice<bool> &pinned, bool value) {
    return pinned.value_or(value) == value;
}

std::vector<States> moves_of(const Run &run, bool hosts, bool weights) {
    std::vector<States> made;
    for (const auto &[optimizer, all] : {std::pair(false, false), {true, false}, {true, true}}) {
        const bool there = (hosts || !optimizer) && (weights || !all);
        if (there && agrees(run.offload_optimizer, optimizer) && agrees(run.offload_weights, all))
            made.push_back({1, Recompute::None, optimizer, all});
    }
    return made;
}

} // namespace

void States::put(Case &one) const {
    one.workload.zero_stage = zero;
    one.workload.recompute = recompute;
    one.run.offload_optimizer = optimizer_away;
    one.run.offload_weights = weights_away;
}

OpenStates::OpenStates(const Workload &workload, const Run &run, Engine engine, bool hosts)
    : alone_{1}, spread_{1, 2, 3, 4}, piped_{spread_}, recomputes_{Recompute::None,
                                                                   Recompute::Selective,
                                                                   Recompute::Full} {
    const bool megatron = engine == Engine::Megatron;
    if (megatron)
        piped_ = {1, 2};
    if (workload.zero_stage != 0)
        alone_ = spread_ = piped_ = {workload.zero_stage};
    if (workload.recompute != Recompute::Choose)
        recomputes_ = {workload.recompute};
    moves_ = moves_of(run, hosts, false);
    moves_of_split_ = moves_of(run, hosts, !megatron);
}

const std::vector<uint32_t> &OpenStates::zeros(const Layout &layout) const {
    return layout.data * layout.context == 1 ? alone_ : layout.pipeline > 1 ? piped_ : spread_;
}

const std::vector<States> &OpenStates::moves(const Layout &layout, uint32_t zero) const {
    // Weights are fetched where they are split, or where there is nobody to split them with.
    return zero == 4 || layout.data * layout.context == 1 ? moves_of_split_ : moves_;
}

uint64_t OpenStates::count(const Layout &layout) const {
    uint64_t made = 0;
    for (const uint32_t zero : zeros(layout))
        made += recomputes_.size() * moves(layout, zero).size();
    return made;
}

} // namespace hwa::plan
