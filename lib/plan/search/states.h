// SPDX-License-Identifier: MIT
// States: what of a training run is split over replicas, computed twice, and kept on the host.
#pragma once

#include "plan/case.h"
#include "plan/search/layouts.h"

#include <vector>

namespace hwa::plan {

struct States {
    uint32_t zero = 1; ///< ZeRO's stage plus 1
    Recompute recompute = Recompute::None;
    bool optimizer_away = false; ///< on the host
    bool weights_away = false;

    bool away() const { return optimizer_away || weights_away; }
    void put(Case &one) const;
};

/// What is open for an engine: of the workload, the pins and whether hosts have room. Each list
/// begins with the fastest.
class OpenStates {
  public:
    OpenStates(const Workload &workload, const Run &run, Engine engine, bool hosts);

    /// Stages of ZeRO, plus 1. One replica has nothing to split; a pipeline fetches no weights in
    /// Megatron.
    const std::vector<uint32_t> &zeros(const Layout &layout) const;
    const std::vector<Recompute> &recomputes() const { return recomputes_; }
    /// Those that keep something here, and then those that move more and more away.
    const std::vector<States> &moves(const Layout &layout, uint32_t zero) const;
    uint64_t count(const Layout &layout) const;

  private:
    std::vector<uint32_t> alone_, spread_, piped_;
    std::vector<Recompute> recomputes_;
    std::vector<States> moves_, moves_of_split_;
};

} // namespace hwa::plan
