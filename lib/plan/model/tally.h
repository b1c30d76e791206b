// SPDX-License-Identifier: MIT
// Tally: collects tensors into a Model as a reader meets them.
#pragma once

#include "core/model.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>

namespace hwa::plan {

/// One tensor of a file.
struct NamedTensor {
    std::string_view name;
    std::string_view type; ///< name of its format
    core::Dtype dtype = core::Dtype::Unknown;
    uint64_t columns = 0; ///< 0 for scales and other by-products of packing
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint32_t rank = 0;
};

/// Matrices of one layer that have the same role and row length are kept as one tensor, so that a
/// model takes the same room whether its experts come one by one or together.
class Tally {
  public:
    explicit Tally(core::Model &model) : model_(model) {}
    /// False if the tensor claims a layer beyond what is taken seriously.
    bool add(const NamedTensor &tensor);
    /// Puts tensors and totals in order, sums them, and names the format that holds most bytes.
    void finish();
    /// What lies behind the first so many layers only predicts further tokens.
    void drafts_from(size_t layers);

  private:
    void add_type(const NamedTensor &tensor);
    core::Model &model_;
    std::map<std::tuple<int32_t, core::Role, uint64_t>, size_t> places_;
};

/// Fills the widths of FFNs and experts where they are not known, from the tensors.
void fill_widths(core::Model &model);

} // namespace hwa::plan
