// SPDX-License-Identifier: MIT
// The order and the sizes of what llama.cpp computes, after llama-graph.cpp of 2026-08. An
// operation that always writes over its argument takes no room and is left out.
#include "plan/memory/llamacpp_graph.h"

#include "plan/memory/cache.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace hwa::plan {

using core::Layer;
using core::Mixer;
using core::Model;
using core::Role;
using core::Tensor;

namespace {

constexpr uint64_t number = 4; ///< bytes: everything computed is in f32
constexpr uint64_t index = 8;

struct FamilyTraits {
    std::string_view name;
    GraphTraits traits;
};

constexpr GraphTraits scaled{true, false, false, false, false};
constexpr GraphTraits late{false, true, false, false, false};
constexpr GraphTraits biased{false, false, true, false, false};

/// By the name in config.json, and in GGUF files where it differs.
constexpr FamilyTraits families[] = {
    {"deepseek_v3", biased}, {"deepseek32", biased}, {"gemma", scaled},
    {"gemma2", scaled},      {"gemma3", scaled},     {"gemma3_text", scaled},
    {"glm4_moe", biased},    {"glm4moe", biased},    {"gpt-oss", late},
    {"gpt_oss", late},       {"granite", scaled},    {"granitemoe", scaled},
    {"kimi_k2", biased},     {"minicpm", scaled},    {"minimax-m2", biased},
    {"minimax_m2", biased},
};

bool has_role(const Model &model, Role role) {
    return std::any_of(model.tensors.begin(), model.tensors.end(),
                       [&](const Tensor &tensor) { return tensor.role == role; });
}

/// Elements of the square matrix that rotates rows of heads of that width: the widest power of two
/// from 64 up that divides it.
uint64_t rotation(uint64_t width) {
    uint64_t size = 64;
    while (width != 0 && width % (2 * size) == 0)
        size *= 2;
    return size * size;
}

class Builder {
  public:
    Builder(const Model &model, const GraphTraits &traits, const LlamacppStep &step,
            const GraphPart &part)
        : model_(model), traits_(traits), step_(step), part_(part), hidden_(row(model.hidden_size)),
          unpacked_(latent_widths(model)) {}

    Graph build();

  private:
    using Id = Graph::Id;
    /// What the layers of one pool of the cache read besides their input.
    struct Pool {
        Id keys = Graph::none, values = Graph::none, mask = Graph::none;
        Id key_rotation = Graph::none, value_rotation = Graph::none;
        uint64_t cells = 0;
    };

    uint64_t row(uint64_t width) const { return number * step_.tokens * width; }
    Id product(uint64_t width, Id from) { return graph_.tensor(row(width), {from}); }
    Id norm(Id from) { return graph_.in_place(hidden_, {from}); }

    void inputs();
    Pool pool(bool window);
    bool windowed(const Layer &layer) const { return step_.windows && layer.window != 0; }
    const Layer &first_of(bool window) const;
    /// Of a device with the output alone, the last one.
    const Layer &first_layer() const {
        return model_.layers[std::min<size_t>(part_.first, model_.layers.size() - 1)];
    }

    Id head(Id from, uint64_t width, Id rotation, bool turns);
    Id rotated(Id from, uint64_t bytes, Id rotation);
    Id attention(const Layer &layer, Id normed, const Pool &pool);
    Id fused_attention(const Layer &layer, Id normed, const Pool &pool);
    Id latent(const Layer &layer, Id normed, const Pool &pool);
    Id mix(const Layer &layer, Id query, const Pool &pool, uint64_t width, uint64_t decompressed);
    Id ffn(Id normed, uint64_t width, bool gated);
    Id experts(const Layer &layer, Id normed);
    Id layer(const Layer &layer, Id from, bool answers);

    const Model &model_;
    const GraphTraits &traits_;
    const LlamacppStep &step_;
    const GraphPart &part_;
    uint64_t hidden_;
    LatentWidths unpacked_;
    Graph graph_;
    Id start_ = Graph::none;
    Id normed_ = Graph::none;
    Id positions_ = Graph::none;
    Id answers_ = Graph::none;
    Pool all_, window_;
};

Builder::Pool Builder::pool(bool window) {
    const Layer &layer = first_of(window);
    Pool made;
    made.cells = window ? step_.window_cells : step_.cells;
    const bool is_latent = layer.mixer == Mixer::Latent;
    if (step_.packed_cache && !is_latent) {
        made.key_rotation = graph_.input(number * rotation(layer.key_size));
        made.value_rotation = graph_.input(number * rotation(64));
    }
    made.keys = graph_.input(index * step_.tokens);
    // Without flash attention values lie transposed, and each number has a place of its own.
    if (!is_latent)
        made.values = graph_.input(index * step_.tokens * (step_.flash ? 1 : step_.value_width));
    made.mask = graph_.input((step_.flash ? 2 : 4) * step_.tokens * made.cells);
    return made;
}

const Layer &Builder::first_of(bool window) const {
    for (uint64_t i = 0; i < part_.count; ++i)
        if (const Layer &layer = model_.layers[part_.first + i];
            layer.kv_heads != 0 && windowed(layer) == window)
            return layer;
    return first_layer();
}

/// In the order in which the layers ask for them.
void Builder::inputs() {
    if (part_.is_host) {
        start_ = graph_.input(number * step_.tokens);
        graph_.input(hidden_); // for callers that bring embeddings: held, and never read
    } else {
        start_ = graph_.input(hidden_);
        if (!part_.is_first)
            normed_ = graph_.input(hidden_); // the first norm still runs on the device before
    }
    positions_ = graph_.input(number * step_.tokens);
    const bool near_first = windowed(first_layer());
    if (near_first)
        window_ = pool(true);
    all_ = pool(false);
    if (step_.windows && !near_first)
        window_ = pool(true);
    if (part_.is_last)
        answers_ = graph_.input(number * step_.tokens);
    if (part_.is_host)
        start_ = graph_.tensor(hidden_, {start_});
}

Builder::Id Builder::rotated(Id from, uint64_t bytes, Id rotation) {
    if (rotation == Graph::none)
        return from;
    return graph_.view(graph_.tensor(bytes, {rotation, graph_.view(from)}));
}

/// Queries, keys or values of all heads; `turns`: by their position.
Builder::Id Builder::head(Id from, uint64_t width, Id rotation, bool turns) {
    Id made = graph_.view(product(width, from));
    if (turns)
        made = graph_.tensor(row(width), {made, positions_});
    return rotated(made, row(width), rotation);
}

/// `width`: of one head's value as it is kept; `decompressed`: as it is used, 0 where it is the
/// same.
Builder::Id Builder::mix(const Layer &layer, Id query, const Pool &pool, uint64_t width,
                         uint64_t decompressed) {
    const Id asked = graph_.view(graph_.view(query));
    const uint64_t heads = layer.heads;
    if (step_.flash) {
        Id made = graph_.tensor(row(heads * width), {asked, pool.mask});
        if (decompressed != 0) {
            made = graph_.tensor(row(heads * decompressed), {graph_.view(made)});
            made = graph_.tensor(row(heads * decompressed), {graph_.view(made)});
        }
        return graph_.view(made);
    }
    const uint64_t scores = row(heads * pool.cells);
    Id weights = graph_.tensor(scores, {asked});
    weights = graph_.in_place(scores, {weights, pool.mask});
    Id made = Graph::none;
    if (decompressed != 0) {
        const Id turned = graph_.tensor(2 * pool.cells * step_.streams * width, {});
        made = graph_.tensor(row(heads * width), {turned, weights});
        made = graph_.tensor(row(heads * decompressed), {made});
    } else {
        made = graph_.tensor(row(heads * width), {weights});
    }
    const uint64_t last = row(heads * (decompressed != 0 ? decompressed : width));
    return graph_.tensor(last, {graph_.view(made)});
}

Builder::Id Builder::attention(const Layer &layer, Id normed, const Pool &pool) {
    const uint64_t keys = uint64_t{layer.kv_heads} * layer.key_size;
    const uint64_t values = uint64_t{layer.kv_heads} * layer.value_size;
    const Id query = head(normed, uint64_t{layer.heads} * layer.key_size, pool.key_rotation, true);
    Id key = Graph::none, value = Graph::none;
    if (step_.windows)
        key = head(normed, keys, pool.key_rotation, true);
    value = head(normed, values, pool.value_rotation, false);
    if (!step_.windows)
        key = head(normed, keys, pool.key_rotation, true);
    graph_.reads({graph_.view(key), pool.keys});
    graph_.reads({graph_.view(value), pool.values});
    const Id made = mix(layer, query, pool, layer.value_size, 0);
    return rotated(made, row(uint64_t{layer.heads} * layer.value_size), pool.value_rotation);
}

/// As above, all three looking at one product.
Builder::Id Builder::fused_attention(const Layer &layer, Id normed, const Pool &pool) {
    const uint64_t queries = uint64_t{layer.heads} * layer.key_size;
    const uint64_t keys = uint64_t{layer.kv_heads} * layer.key_size;
    const uint64_t values = uint64_t{layer.kv_heads} * layer.value_size;
    const Id all = product(queries + keys + values, normed);
    const Id query = graph_.tensor(row(queries), {graph_.view(all), positions_});
    const Id value = graph_.view(all);
    const Id key = graph_.tensor(row(keys), {graph_.view(all), positions_});
    graph_.reads({graph_.view(key), pool.keys});
    const Id stored = step_.flash ? value : graph_.tensor(row(values), {value});
    graph_.reads({graph_.view(stored), pool.values});
    return mix(layer, query, pool, layer.value_size, 0);
}

/// Multi-head latent attention: one compressed row for all heads, never unpacked for the keys.
Builder::Id Builder::latent(const Layer &layer, Id normed, const Pool &pool) {
    const uint64_t heads = layer.heads;
    const uint64_t kept = layer.latent_size, turned = layer.position_size;
    Id query = normed;
    if (layer.query_rank != 0)
        query = product(layer.query_rank, query);
    query = product(unpacked_.queries, query);
    const Id absorbed = graph_.tensor(row(heads * kept), {graph_.view(graph_.view(query))});
    const Id asked = graph_.view(absorbed);
    const Id placed = graph_.tensor(row(heads * turned), {graph_.view(query), positions_});
    query = graph_.tensor(row(heads * (kept + turned)), {asked, placed});
    const Id both = product(kept + turned, normed);
    const Id row_of = graph_.view(graph_.tensor(row(kept), {graph_.view(both)}));
    const Id place = graph_.tensor(row(turned), {graph_.view(both), positions_});
    const Id key = graph_.tensor(row(kept + turned), {row_of, place});
    graph_.reads({graph_.view(key), pool.keys});
    return mix(layer, query, pool, kept, unpacked_.values / std::max<uint64_t>(1, heads));
}

Builder::Id Builder::ffn(Id normed, uint64_t width, bool gated) {
    if (!gated)
        return product(model_.hidden_size, product(width, normed));
    if (traits_.fused_gate)
        return product(model_.hidden_size, product(width, product(2 * width, normed)));
    const Id gate = product(width, normed);
    const Id up = product(width, normed);
    return product(model_.hidden_size, graph_.tensor(row(width), {gate, up}));
}

Builder::Id Builder::experts(const Layer &layer, Id normed) {
    const uint64_t count = layer.experts, awake = layer.experts_per_token;
    const Id scores = product(count, normed);
    const Id weighed = graph_.view(scores);
    const Id ranked = traits_.biased_router ? graph_.tensor(row(count), {scores}) : scores;
    const Id chosen = graph_.view(graph_.tensor(row(count), {ranked}));
    Id weights = graph_.view(graph_.tensor(row(awake), {weighed, chosen}));
    const Id sum = graph_.tensor(row(1), {graph_.tensor(row(1), {weights})});
    weights = graph_.view(graph_.tensor(row(awake), {weights, sum}));
    const Id seen = graph_.view(normed);
    const uint64_t wide = row(awake * layer.expert_ffn);
    Id made = Graph::none;
    const Id gate = graph_.tensor(wide, {seen, chosen});
    if (layer.gated) {
        const Id up = graph_.tensor(wide, {seen, chosen});
        made = graph_.tensor(wide, {gate, up});
    } else {
        made = gate;
    }
    made = graph_.tensor(awake * hidden_, {made, chosen});
    made = graph_.in_place(awake * hidden_, {made, weights});
    std::vector<Id> parts(awake);
    for (Id &part : parts)
        part = graph_.view(made);
    Id sum_of = parts.empty() ? made : parts[0];
    for (size_t i = 1; i < parts.size(); ++i)
        sum_of = graph_.in_place(hidden_, {sum_of, parts[i]});
    return parts.size() == 1 ? graph_.tensor(hidden_, {sum_of}) : sum_of;
}

Builder::Id Builder::layer(const Layer &layer, Id from, bool answers) {
    const Pool &pool = windowed(layer) ? window_ : all_;
    Id made = norm(normed_ != Graph::none ? std::exchange(normed_, Graph::none) : from);
    if (layer.heads == 0)
        made = product(model_.hidden_size, made);
    else if (layer.mixer == Mixer::Latent)
        made = product(model_.hidden_size, latent(layer, made, pool));
    else if (traits_.fused_attention)
        made = product(model_.hidden_size, fused_attention(layer, made, pool));
    else
        made = product(model_.hidden_size, attention(layer, made, pool));
    Id rest = from;
    if (answers) {
        made = graph_.tensor(hidden_, {made, answers_});
        rest = graph_.tensor(hidden_, {from, answers_});
    }
    const Id inside = graph_.in_place(hidden_, {made, rest});
    const Id normed = norm(inside);
    if (layer.experts == 0) {
        made = ffn(normed, layer.ffn, layer.gated);
    } else {
        made = experts(layer, normed);
        if (layer.shared_ffn != 0)
            made = graph_.in_place(hidden_, {made, ffn(normed, layer.shared_ffn, layer.gated)});
    }
    return graph_.in_place(hidden_, {made, inside});
}

/// Layers repeat, and with them what is taken and given back. Of each pair of neighbours of the
/// same kinds the first three are kept, and the last two layers.
std::vector<const Layer *> distinct(const Model &model, const GraphPart &part) {
    std::vector<const Layer *> kept;
    struct Pair {
        bool windows[2];
        bool experts[2];
        int seen;
    };
    std::vector<Pair> pairs;
    for (uint64_t i = 0; i < part.count; ++i) {
        const Layer &now = model.layers[part.first + i];
        const Layer &before = model.layers[part.first + (i == 0 ? 0 : i - 1)];
        const bool windows[2] = {before.window != 0, now.window != 0};
        const bool mixtures[2] = {before.experts != 0, now.experts != 0};
        auto pair = std::find_if(pairs.begin(), pairs.end(), [&](const Pair &known) {
            return std::equal(windows, windows + 2, known.windows) &&
                   std::equal(mixtures, mixtures + 2, known.experts);
        });
        if (pair == pairs.end())
            pair = pairs.insert(pair, {{windows[0], windows[1]}, {mixtures[0], mixtures[1]}, 0});
        if (++pair->seen <= 3 || i + 2 >= part.count)
            kept.push_back(&now);
    }
    return kept;
}

Graph Builder::build() {
    inputs();
    Id at = start_;
    if (traits_.scaled_embedding && part_.is_first)
        at = graph_.in_place(hidden_, {at});
    const std::vector<const Layer *> layers = distinct(model_, part_);
    for (size_t i = 0; i < layers.size(); ++i)
        at = layer(*layers[i], at, part_.is_last && i + 1 == layers.size() && !traits_.late_rows);
    if (!part_.is_last) {
        graph_.keep(at);
        norm(at); // of the next device's first layer
        return std::move(graph_);
    }
    if (traits_.late_rows)
        at = graph_.tensor(hidden_, {at, answers_});
    product(model_.vocabulary, norm(at));
    return std::move(graph_);
}

} // namespace

GraphTraits graph_traits(const Model &model) {
    GraphTraits made;
    for (const FamilyTraits &family : families)
        if (family.name == model.architecture)
            made = family.traits;
    made.fused_gate = has_role(model, Role::GateUp);
    made.fused_attention = has_role(model, Role::QueryKeyValue);
    return made;
}

Graph llamacpp_graph(const Model &model, const GraphTraits &traits, const LlamacppStep &step,
                     const GraphPart &part) {
    return Builder(model, traits, step, part).build();
}

uint64_t llamacpp_input_bytes(const Model &model, const LlamacppStep &step, uint64_t copies,
                              uint64_t alignment) {
    const auto pad = [&](uint64_t bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    };
    const Layer &layer = model.layers.front();
    const bool latent = layer.mixer == Mixer::Latent;
    const uint64_t values = latent ? 0 : index * step.tokens * (step.flash ? 1 : step.value_width);
    uint64_t sum = 3 * pad(number * step.tokens); // tokens, positions, rows to answer
    for (const uint64_t cells : {step.cells, step.windows ? step.window_cells : 0}) {
        if (cells == 0)
            continue;
        sum += pad(index * step.tokens) + pad(values);
        sum += pad((step.flash ? 2 : 4) * step.tokens * cells);
        if (step.packed_cache && !latent)
            sum += pad(number * rotation(layer.key_size)) + pad(number * rotation(64));
    }
    return copies * sum;
}

} // namespace hwa::plan
