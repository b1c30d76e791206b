// SPDX-License-Identifier: MIT
// Costs: bytes and seconds of the stages of a case, as the search asks for them.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"
#include "plan/search/candidates.h"
#include "plan/search/ladder.h"

namespace hwa::plan {

/// Of inference on devices of one class. The case has its degrees of parallelism and no slices.
class InferenceCosts final : public StageCosts {
  public:
    InferenceCosts(const Case &one, const DeviceClass &where, Objective objective);

    uint32_t layers() const override { return static_cast<uint32_t>(one_.model->layers.size()); }
    bool uniform() const override { return uniform_; }
    uint64_t bytes(uint32_t from, uint32_t count) const override;
    double layer(uint32_t index) const override;
    double enter() const override { return 0; }
    double first() const override { return 0; }
    double last() const override { return 0; }
    bool known() const override { return where_.rates.bytes_per_second > 0; }

  private:
    const Case &one_;
    const DeviceClass &where_;
    Objective objective_;
    bool uniform_;
};

/// Of the way between two stages: what the objective counts, 0 where its speed is not known.
double hop_cost(const Case &one, const Way &way, Objective objective);

} // namespace hwa::plan
