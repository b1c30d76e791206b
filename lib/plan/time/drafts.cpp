// SPDX-License-Identifier: MIT
// What a run drafts.
#include "plan/time/drafts.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using base::Status;

namespace {

bool drafts_with_own_layers(Engine engine) {
    return engine == Engine::Vllm || engine == Engine::Sglang || engine == Engine::TensorRtLlm;
}

} // namespace

double Drafts::tokens() const {
    double sum = 1, chance = 1;
    for (uint32_t i = 0; i < count; ++i)
        sum += chance *= acceptance;
    return sum;
}

Drafts drafts_of(const Run &run) {
    return {std::min(drafts_limit, run.drafts.value_or(0)),
            run.draft_acceptance.value_or(usual_acceptance)};
}

base::Done check_drafts(const Case &one) {
    const uint32_t count = one.run.drafts.value_or(0);
    if (count == 0)
        return {};
    const Engine engine = one.run.engine.value_or(Engine::Any);
    if (one.workload.trains() || !drafts_with_own_layers(engine))
        return base::error(Status::Unsupported, "pins: drafts: how %s drafts tokens is not known",
                           engine_name(engine));
    if (count > drafts_limit)
        return base::error(Status::Invalid, "pins: drafts is %u, and a step checks %u at most",
                           count, drafts_limit);
    const auto &tensors = one.model->tensors;
    if (std::none_of(tensors.begin(), tensors.end(),
                     [](const core::Tensor &tensor) { return tensor.role == core::Role::Draft; }))
        return base::error(
            Status::Unsupported,
            "pins: drafts: %s has no layers of its own that predict further tokens, and others "
            "are not known",
            one.model->name.empty() ? "the model" : base::sanitise(one.model->name, 64).c_str());
    return {};
}

} // namespace hwa::plan
