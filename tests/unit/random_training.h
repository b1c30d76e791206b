// SPDX-License-Identifier: MIT
// What searches for training are compared on: random models, and a plan beside the expected one.
#pragma once

#include "check.h"
#include "dice.h"
#include "plan/plan.h"

#include <utility>

namespace hwa::test {

inline core::Model random_model(Random &random) {
    core::ModelNumbers numbers;
    numbers.parameters = 100000000 + up_to(random, 8000000000);
    numbers.layers = static_cast<uint32_t>(1 + up_to(random, 5));
    numbers.hidden_size = 2048;
    numbers.heads = 16;
    numbers.head_size = 128;
    numbers.vocabulary = 32000;
    numbers.context_limit = 4096;
    auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    return std::move(*model);
}

/// The steps are as long, and every device has room.
inline void check_same(const plan::Plan &plan, const plan::Plan &expected, uint64_t seed) {
    const double a = plan.step_seconds, b = expected.step_seconds;
    if (a > 1.000002 * b || b > 1.000002 * a)
        fail_msg("seed %llu: %g s on %zu devices, not %g s on %zu",
                 static_cast<unsigned long long>(seed), a, plan.stages.size(), b,
                 expected.stages.size());
    for (const plan::Stage &stage : plan.stages)
        assert_true(static_cast<double>(stage.footprint.total()) <=
                    0.9 * static_cast<double>(stage.device->memory_bytes()));
}

} // namespace hwa::test
