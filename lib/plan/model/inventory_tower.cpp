// SPDX-License-Identifier: MIT
// Towers that turn images into tokens, after their modelling code in Hugging Face transformers.
#include "plan/model/inventory.h"

namespace hwa::plan {

using base::JsonValue;
using core::Role;

namespace {

/// Numbers of a vision_config, 0 where it is silent.
struct TowerNumbers {
    uint64_t depth = 0, width = 0, ffn = 0, patch = 0, positions = 0, out = 0, merge = 2;
    uint64_t frames = 1; ///< that one patch spans
    uint64_t taps = 0;   ///< layers whose state is merged in besides the last
    uint64_t text = 0;   ///< width of the decoder
};

uint64_t number(const JsonValue &root, std::initializer_list<const char *> names) {
    for (const char *name : names)
        if (const auto value = root.find(name); value && value->is_number())
            if (const auto found = value->u64(); found && *found <= core::width_limit)
                return *found;
    return 0;
}

class Tower {
  public:
    Tower(const TowerNumbers &numbers, Inventory &inventory) : n(numbers), in_(inventory) {}

    void linear(Count columns, Count rows, bool bias = true) {
        in_.add(Role::Tower, columns, rows);
        if (bias)
            in_.add(Role::Tower, rows);
    }
    void norm(Count width, bool bias = true) { in_.add(Role::Tower, width * (bias ? 2 : 1)); }
    void patches(bool bias) { linear(Count(3) * n.frames * n.patch * n.patch, n.width, bias); }
    void positions() { in_.add(Role::Tower, n.width, n.positions); }

    /// Attention and an FFN of two or three matrices, behind norms.
    void block(bool bias, bool gated, uint64_t norms, bool norm_bias) {
        for (int i = 0; i < 4; ++i)
            linear(n.width, n.width, bias);
        for (int i = 0; i < (gated ? 2 : 1); ++i)
            linear(n.width, n.ffn, bias);
        linear(n.ffn, n.width, bias);
        for (uint64_t i = 0; i < norms; ++i)
            norm(n.width, norm_bias);
    }

    /// What joins patches and leads to the decoder.
    void merger(bool wide_norm, bool norm_bias) {
        const Count joined = Count(n.width) * n.merge * n.merge;
        norm(wide_norm ? joined : Count(n.width), norm_bias);
        linear(joined, joined);
        linear(joined, n.out);
    }

    const TowerNumbers &n;

  private:
    Inventory &in_;
};

void qwen3(Tower &tower) {
    tower.patches(true);
    tower.positions();
    for (uint64_t i = 0; i < tower.n.depth; ++i)
        tower.block(true, false, 2, true);
    tower.merger(false, true);
    for (uint64_t i = 0; i < tower.n.taps; ++i)
        tower.merger(true, true);
}

void qwen2(Tower &tower, bool second) {
    tower.patches(false);
    for (uint64_t i = 0; i < tower.n.depth; ++i)
        tower.block(true, second, 2, !second);
    tower.merger(false, !second);
}

void siglip(Tower &tower) {
    tower.patches(true);
    tower.positions();
    for (uint64_t i = 0; i < tower.n.depth; ++i)
        tower.block(true, false, 2, true);
    tower.norm(tower.n.width);
    tower.linear(tower.n.width, tower.n.text, false);
    tower.norm(tower.n.width, false);
}

void gemma4(Tower &tower, uint64_t head) {
    tower.patches(false);
    tower.positions(); // of rows and of columns
    tower.positions();
    for (uint64_t i = 0; i < tower.n.depth; ++i) {
        tower.block(false, true, 4, false);
        tower.norm(head); // of queries and keys
    }
    tower.linear(tower.n.width, tower.n.text, false);
}

TowerNumbers read(const JsonValue &root, uint64_t text) {
    TowerNumbers n;
    n.depth = number(root, {"depth", "num_hidden_layers"});
    n.width = number(root, {"embed_dim", "hidden_size"});
    n.ffn = number(root, {"intermediate_size"});
    n.patch = number(root, {"patch_size", "spatial_patch_size"});
    n.positions = number(root, {"num_position_embeddings", "position_embedding_size"});
    n.out = number(root, {"out_hidden_size"});
    n.text = text;
    if (const uint64_t merge = number(root, {"spatial_merge_size"}); merge != 0)
        n.merge = merge;
    if (const uint64_t frames = number(root, {"temporal_patch_size"}); frames != 0)
        n.frames = frames;
    if (const auto taps = root.find("deepstack_visual_indexes"))
        n.taps = taps->children().size();
    const uint64_t side = n.patch != 0 ? number(root, {"image_size"}) / n.patch : 0;
    if (n.positions == 0)
        n.positions = (Count(side) * side).value;
    return n;
}

} // namespace

bool add_tower(const JsonValue &root, uint64_t text, Inventory &inventory) {
    const auto type = root.find("model_type");
    const std::string kind = type && type->is_text() ? *type->text() : std::string();
    TowerNumbers n = read(root, text);
    if (n.depth == 0 || n.width == 0 || n.depth > core::layer_limit)
        return false;
    if (kind == "qwen2_vl") {
        n.out = number(root, {"hidden_size"});
        n.ffn = 4 * n.width;
        n.frames = 2;
    }
    if (kind == "qwen2_5_vl")
        n.frames = 2;
    Tower tower(n, inventory);
    if (kind.starts_with("qwen3"))
        qwen3(tower);
    else if (kind == "qwen2_vl" || kind == "qwen2_5_vl")
        qwen2(tower, kind == "qwen2_5_vl");
    else if (kind == "siglip_vision_model")
        siglip(tower);
    else if (kind == "gemma4_vision")
        gemma4(tower, number(root, {"head_dim"}) != 0 ? number(root, {"head_dim"}) : 72);
    else
        return false;
    return true;
}

} // namespace hwa::plan
