// SPDX-License-Identifier: MIT
// What a tensor is, told by its name in the ways of llama.cpp and of Hugging Face.
#pragma once

#include "core/model.h"

#include <cstdint>
#include <string_view>

namespace hwa::plan {

struct Place {
    core::Role role = core::Role::Other;
    int64_t layer = -1; ///< -1: outside of the layers
};

/// `rank` is the number of dimensions.
Place place_of(std::string_view tensor, uint32_t rank);

} // namespace hwa::plan
