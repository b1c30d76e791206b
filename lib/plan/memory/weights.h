// SPDX-License-Identifier: MIT
// Bytes of a model's weights in a format: of each part, and of what tensors are for.
#pragma once

#include "core/model.h"
#include "plan/memory/footprint.h"
#include "plan/memory/held.h"

#include <array>
#include <cstdint>
#include <vector>

namespace hwa::plan {

/// Bytes of each of a model's tensors, in their order.
std::vector<uint64_t> tensor_bytes(const core::Model &model, const Format &format);

/// A model in a format.
HeldWeights hold(const core::Model &model, const Format &format);

/// Bytes and parameters by what tensors are for, in part of a model.
struct RoleWeights {
    std::array<uint64_t, core::role_count> bytes{};
    std::array<uint64_t, core::role_count> parameters{};

    uint64_t of(core::Role role) const { return bytes[static_cast<size_t>(role)]; }
    uint64_t total() const;
};

/// Of `count` layers from `first` on; `outside` adds what lies outside of the layers.
RoleWeights hold_roles(const core::Model &model, const Format &format, uint64_t first,
                       uint64_t count, bool outside);

/// The format that a workload asks for: a mix by name, a number format, or the published one.
base::Result<Format> format_of(const core::Model &model, const Workload &workload);

} // namespace hwa::plan
