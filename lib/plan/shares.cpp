// SPDX-License-Identifier: MIT
// How the ranks of a deployment divide a model and its sequences.
#include "plan/shares.h"

#include "base/units.h"

#include <algorithm>

namespace hwa::plan {

static uint32_t degree(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

uint64_t Shares::sequences(const Workload &workload) const {
    return base::divide_up(workload.batch, uint64_t{groups} * replicas);
}

uint64_t Shares::tokens(uint64_t context_tokens) const {
    return base::divide_up(context_tokens, uint64_t{context});
}

Shares shares_of(const Run &run) {
    Shares made;
    const uint32_t tensor = degree(run.tensor);
    made.groups = degree(run.attention_data);
    made.attention = std::max(1U, tensor / made.groups);
    made.experts = std::max(tensor, degree(run.expert));
    made.context = degree(run.context);
    made.replicas = degree(run.data);
    return made;
}

} // namespace hwa::plan
