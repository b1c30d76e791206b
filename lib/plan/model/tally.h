// SPDX-License-Identifier: MIT
// Tally: adds up tensors into a Model as a reader meets them.
#pragma once

#include "core/model.h"

#include <cstdint>
#include <string_view>

namespace hwa::plan {

/// Where a tensor belongs, told by its name in the ways of llama.cpp and of Hugging Face.
struct Place {
    enum class Part { Embedding, Output, Layer, Other } part = Part::Other;
    uint32_t layer = 0;
    bool expert = false; ///< of the routed kind
    bool plain = false;  ///< stays unpacked whatever the format: norms, biases, routers, positions
};

Place place_of(std::string_view tensor);

/// One tensor in numbers.
struct Tensor {
    std::string_view name;
    std::string_view type; ///< name of its format
    core::Dtype dtype = core::Dtype::Unknown;
    uint64_t parameters = 0; ///< 0 for scales and other by-products of packing
    uint64_t bytes = 0;
    uint32_t rank = 0;
};

/// The layer weights lie in a vector that grows with the highest layer met.
class Tally {
  public:
    explicit Tally(core::Model &model) : model_(model) {}
    /// False if the tensor claims a layer beyond what is taken seriously.
    bool add(const Tensor &tensor);
    /// Puts the totals in order and names the format that holds most bytes.
    void finish();

  private:
    void add_type(const Tensor &tensor);
    core::Model &model_;
};

} // namespace hwa::plan
