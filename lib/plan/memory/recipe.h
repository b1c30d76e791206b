// SPDX-License-Identifier: MIT
// Recipe: what training keeps of each parameter, in which format, and split over how many devices.
#pragma once

#include "plan/case.h"

namespace hwa::plan {

/// Bytes of each parameter that is trained.
struct Recipe {
    double weight = 0;
    double gradient = 0;
    double master = 0;  ///< the weight in f32 beside that in 16 bits
    double moments = 0; ///< of the optimizer
    double copy = 0;    ///< of the gradient, kept from one step to the next but not while computing
    double element = 2; ///< of activations

    double optimizer() const { return master + moments; }
};

/// ZeRO's stages: what is split over replicas.
struct Sharding {
    bool optimizer = false;
    bool gradients = false;
    bool weights = false;
};

Recipe recipe_of(const Case &one);
Sharding sharding_of(const Case &one);

} // namespace hwa::plan
