// SPDX-License-Identifier: MIT
// Inventory: the tensors of a network by its numbers and its family.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "core/model.h"
#include "plan/model/config_numbers.h"
#include "plan/model/family.h"

#include <cstdint>
#include <vector>

namespace hwa::plan {

/// A count that sticks at its highest value in place of wrapping around.
struct Count {
    uint64_t value = 0;

    Count() = default;
    Count(uint64_t given) : value(given) {}
    friend Count operator+(Count a, Count b) {
        uint64_t sum = 0;
        return __builtin_add_overflow(a.value, b.value, &sum) ? UINT64_MAX : sum;
    }
    friend Count operator*(Count a, Count b) {
        uint64_t product = 0;
        return __builtin_mul_overflow(a.value, b.value, &product) ? UINT64_MAX : product;
    }
};

/// How a layer is made.
struct LayerForm {
    bool attention = true;
    bool recurrent = false;
    bool dense = true;
    bool mixture = false;
    bool window = false;
};

/// Writes the tensors and the widths of layers into a model.
class Inventory {
  public:
    Inventory(const ConfigNumbers &numbers, const Family &kind, core::Model &made)
        : n(numbers), family(kind), model(made) {}

    bool has(uint64_t trait) const { return (family.traits & trait) != 0; }
    /// Puts a matrix of that many rows, or as many of them as have so many rows together, into
    /// the current layer.
    void add(core::Role role, Count columns, Count rows);
    /// A vector.
    void add(core::Role role, Count length) { add(role, length, 1); }
    void norm(uint64_t count = 1);

    /// Of both sides.
    uint64_t layers() const;
    LayerForm form(uint64_t index) const;
    void layer(uint64_t index, core::Layer &made);
    void outside();
    void drafts();
    bool overflow() const { return overflow_; }

    const ConfigNumbers &n;
    const Family &family;
    core::Model &model;
    int32_t current = -1; ///< the layer that tensors go to

  private:
    void attention(const LayerForm &form, uint64_t index, core::Layer &made);
    void cross(const LayerForm &form, uint64_t index, core::Layer &made);
    void latent(core::Layer &made);
    void compressed(uint64_t index, core::Layer &made);
    void compressor(uint64_t ratio, Count width);
    void head_norms(const core::Layer &layer);
    void dense(uint64_t index, core::Layer &made);
    void mixture(uint64_t index, core::Layer &made);
    void gated(core::Role gate, Count width, Count copies, Count columns);
    bool has_gate() const;
    void second_side();
    bool decodes(uint64_t index) const { return !has(TwoSided) || index >= n.layers; }
    void norms(const LayerForm &form, uint64_t index);
    void beside();
    void beside_all();

    bool overflow_ = false;
};

/// The tensors of a layer that keeps a state, by the family's recurrence.
void add_recurrence(Inventory &inventory, core::Layer &made);

/// What a file says of a tower, and what its family has where the file is silent, or NULL.
struct TowerConfig {
    const base::JsonValue &top;
    const base::JsonValue &vision;
    const base::JsonValue *usual_top;
    const base::JsonValue *usual_vision;
};

/// The tower in front of a decoder. False if it is of a kind not known, and nothing was added.
bool add_tower(const TowerConfig &config, Inventory &inventory);
/// The same for an audio_config.
bool add_ears(const base::JsonValue &audio, Inventory &inventory);

/// Fills the shape, the layers, the tensors and the counts of `model`. False if the family is not
/// known and plain decoder layers were assumed. Fails where the counts overflow. Tensors that are
/// in the model already are kept.
base::Result<bool> fill_family(const ConfigNumbers &numbers, core::Model &model);

} // namespace hwa::plan
