// SPDX-License-Identifier: MIT
// A model from numbers alone: the usual shapes of decoders by size, and the spread of parameters.
#include "core/model.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>

namespace hwa::core {

using base::Status;

/// Shapes that decoders of a size commonly have, from the published config.json of the model named.
struct UsualShape {
    double parameters;
    uint32_t layers, hidden, ffn, heads, kv_heads, head_size, vocabulary, context;
};

static constexpr UsualShape usual_shapes[] = {
    {0.135e9, 30, 576, 1536, 9, 3, 64, 49152, 8192},           // SmolLM2-135M
    {0.494e9, 24, 896, 4864, 14, 2, 64, 151936, 32768},        // Qwen2.5-0.5B
    {1.236e9, 16, 2048, 8192, 32, 8, 64, 128256, 131072},      // Llama-3.2-1B
    {3.213e9, 28, 3072, 8192, 24, 8, 128, 128256, 131072},     // Llama-3.2-3B
    {8.030e9, 32, 4096, 14336, 32, 8, 128, 128256, 131072},    // Llama-3.1-8B
    {14.77e9, 48, 5120, 13824, 40, 8, 128, 152064, 131072},    // Qwen2.5-14B
    {32.76e9, 64, 5120, 27648, 40, 8, 128, 152064, 131072},    // Qwen2.5-32B
    {70.55e9, 80, 8192, 28672, 64, 8, 128, 128256, 131072},    // Llama-3.1-70B
    {122.6e9, 88, 12288, 28672, 96, 8, 128, 32768, 131072},    // Mistral-Large-2407
    {405.9e9, 126, 16384, 53248, 128, 8, 128, 128256, 131072}, // Llama-3.1-405B
};

static const UsualShape &nearest_shape(double parameters) {
    const UsualShape *best = &usual_shapes[0];
    for (const UsualShape &shape : usual_shapes)
        if (std::fabs(std::log(parameters / shape.parameters)) <
            std::fabs(std::log(parameters / best->parameters)))
            best = &shape;
    return *best;
}

/// The number said, or the usual one with its bit set in `estimated`.
static uint32_t said_or(uint32_t said, uint32_t usual, uint32_t field, Model &model) {
    if (said != 0)
        return said;
    model.estimated |= field;
    return usual;
}

/// Layers of the nearest size, stretched when the count is more than a twentieth away from it.
static uint32_t usual_layers(const UsualShape &shape, double parameters) {
    const double ratio = parameters / shape.parameters;
    if (ratio > 0.95 && ratio < 1.05)
        return shape.layers;
    const double layers = std::round(shape.layers * ratio);
    return static_cast<uint32_t>(std::clamp(layers, 1.0, static_cast<double>(layer_limit)));
}

static base::Done check_width(const char *field, uint64_t value, uint64_t limit) {
    if (value > limit)
        return base::error(Status::Invalid, "model: %s is %llu, more than the %llu taken seriously",
                           field, static_cast<unsigned long long>(value),
                           static_cast<unsigned long long>(limit));
    return {};
}

static base::Done check_numbers(const ModelNumbers &said) {
    if (said.parameters == 0)
        return base::error(Status::Invalid, "model: parameters is 0, and it must be set");
    HWA_CHECK(check_width("parameters", said.parameters, parameter_limit));
    HWA_CHECK(check_width("layers", said.layers, layer_limit));
    HWA_CHECK(check_width("hidden_size", said.hidden_size, width_limit));
    HWA_CHECK(check_width("ffn_size", said.ffn_size, width_limit));
    HWA_CHECK(check_width("heads", said.heads, width_limit));
    HWA_CHECK(check_width("kv_heads", said.kv_heads, width_limit));
    HWA_CHECK(check_width("head_size", said.head_size, width_limit));
    HWA_CHECK(check_width("vocabulary", said.vocabulary, width_limit));
    HWA_CHECK(check_width("active_parameters", said.active_parameters, said.parameters));
    HWA_CHECK(check_width("experts", said.experts, width_limit));
    if (said.experts_per_token > said.experts)
        return base::error(Status::Invalid, "model: experts_per_token is %u of %u experts",
                           said.experts_per_token, said.experts);
    if (said.dtype != Dtype::Unknown && find_dtype(said.dtype) == nullptr)
        return base::error(Status::Invalid, "model: dtype %d is not a number format",
                           static_cast<int>(said.dtype));
    return {};
}

/// Parameters of all routed experts together, from whichever numbers tell them.
static uint64_t expert_parameters(const Model &model, uint64_t active, uint64_t in_layers) {
    if (model.experts == 0)
        return 0;
    const double idle = static_cast<double>(model.experts - model.experts_per_token);
    if (active != 0 && active < model.parameters && idle > 0) {
        const double experts =
            static_cast<double>(model.parameters - active) * model.experts / idle;
        return std::min(in_layers, static_cast<uint64_t>(experts));
    }
    // Three matrices to an expert; attention and the rest have at least a tenth.
    const double each = 3.0 * model.hidden_size * model.ffn_size;
    const double all = each * model.experts * static_cast<double>(model.layers.size());
    return static_cast<uint64_t>(std::min(all, 0.9 * static_cast<double>(in_layers)));
}

/// Tensors of one part, cut from a number of parameters.
class Cutter {
  public:
    Cutter(Model &model, int32_t layer, uint64_t parameters)
        : model_(model), layer_(layer), left_(parameters) {}

    /// As many rows as are asked for, or as there are parameters left for.
    void cut(Role role, uint64_t columns, uint64_t rows) {
        const uint64_t made = std::min(rows, columns != 0 ? left_ / columns : 0);
        if (made == 0)
            return;
        model_.tensors.push_back({role, layer_, columns, made, 0});
        left_ -= columns * made;
    }
    uint64_t left() const { return left_; }
    void rest() {
        if (left_ != 0)
            model_.tensors.push_back({Role::Other, layer_, left_, 1, 0});
        left_ = 0;
    }

  private:
    Model &model_;
    int32_t layer_;
    uint64_t left_;
};

/// Three matrices between two widths, which take all but a remainder of what is there.
static void cut_ffn(Cutter &cutter, Role gate, uint64_t hidden, uint64_t ffn) {
    const int first = static_cast<int>(gate);
    const uint64_t third = cutter.left() / 3;
    cutter.cut(gate, hidden, third / hidden);
    cutter.cut(static_cast<Role>(first + 1), hidden, third / hidden);
    cutter.cut(static_cast<Role>(first + 3), ffn, cutter.left() / ffn);
}

/// Attention of the usual widths, and the rest as an FFN.
static void cut_layer(Model &model, int32_t index, uint64_t parameters, uint64_t experts) {
    Layer &layer = model.layers[static_cast<size_t>(index)];
    const uint64_t hidden = model.hidden_size;
    const uint64_t ffn = std::max(1u, model.ffn_size);
    Cutter cutter(model, index, parameters - experts);
    cutter.cut(Role::Query, hidden, uint64_t{model.heads} * model.head_size);
    cutter.cut(Role::Key, hidden, uint64_t{model.kv_heads} * model.head_size);
    cutter.cut(Role::Value, hidden, uint64_t{model.kv_heads} * model.head_size);
    cutter.cut(Role::AttentionOut, uint64_t{model.heads} * model.head_size, hidden);
    cut_ffn(cutter, model.experts != 0 ? Role::SharedGate : Role::Gate, hidden, ffn);
    cutter.rest();
    Cutter routed(model, index, experts);
    cut_ffn(routed, Role::ExpertGate, hidden, ffn);
    routed.cut(Role::ExpertUp, 1, routed.left());
    layer.heads = model.heads;
    layer.kv_heads = model.kv_heads;
    layer.key_size = layer.value_size = model.head_size;
    layer.experts = model.experts;
    layer.experts_per_token = model.experts_per_token;
    (model.experts != 0 ? layer.expert_ffn : layer.ffn) = model.ffn_size;
}

/// Gives every layer the same share; what does not divide goes to the first ones.
static void spread(Model &model, uint64_t parameters, uint64_t experts) {
    const uint64_t count = model.layers.size();
    for (uint64_t i = 0; i < count; ++i) {
        const uint64_t share = parameters / count + (i < parameters % count ? 1 : 0);
        cut_layer(model, static_cast<int32_t>(i), share, std::min(share, experts / count));
    }
}

static void name_estimates(Model &model) {
    static constexpr struct {
        uint32_t field;
        const char *name;
    } names[] = {{FieldDtype, "format"},         {FieldLayers, "layers"},
                 {FieldHidden, "hidden size"},   {FieldFfn, "ffn size"},
                 {FieldHeads, "heads"},          {FieldKvHeads, "kv heads"},
                 {FieldHeadSize, "head size"},   {FieldVocabulary, "vocabulary"},
                 {FieldContext, "context limit"}};
    std::string list;
    for (const auto &[field, name] : names)
        if ((model.estimated & field) != 0)
            list += (list.empty() ? "" : ", ") + std::string(name);
    if (!list.empty())
        model.notes.push_back("estimated from the number of parameters: " + list);
}

static void fill_shape(Model &model, const ModelNumbers &said) {
    const double count = static_cast<double>(said.parameters);
    const UsualShape &usual = nearest_shape(count);
    model.hidden_size = said_or(said.hidden_size, usual.hidden, FieldHidden, model);
    model.ffn_size = said_or(said.ffn_size, usual.ffn, FieldFfn, model);
    model.head_size = said_or(said.head_size, usual.head_size, FieldHeadSize, model);
    // A caller who gives the width or the head size means heads that fill it.
    const uint32_t filling = std::max(1u, model.hidden_size / model.head_size);
    const bool plain = said.hidden_size == 0 && said.head_size == 0;
    model.heads = said_or(said.heads, plain ? usual.heads : filling, FieldHeads, model);
    model.kv_heads =
        said_or(said.kv_heads, std::min(usual.kv_heads, model.heads), FieldKvHeads, model);
    model.vocabulary = said_or(said.vocabulary, usual.vocabulary, FieldVocabulary, model);
    model.context_limit = said_or(said.context_limit, usual.context, FieldContext, model);
    model.layers.resize(said_or(said.layers, usual_layers(usual, count), FieldLayers, model));
    model.dtype = said.dtype;
    if (model.dtype == Dtype::Unknown) {
        model.dtype = Dtype::Bf16; // what decoders are published in
        model.estimated |= FieldDtype;
    }
}

base::Result<Model> model_from_numbers(const ModelNumbers &said) {
    HWA_CHECK(check_numbers(said));
    Model model;
    model.name = said.name;
    model.architecture = said.architecture;
    model.parameters = said.parameters;
    model.experts = said.experts;
    model.experts_per_token = said.experts_per_token;
    model.estimated = FieldLayerWeights;
    fill_shape(model, said);

    // Embedding and output are taken apart, unless the model is too small to have two of them.
    const uint64_t table = uint64_t{model.vocabulary} * model.hidden_size;
    const uint64_t embedding = std::min(table, model.parameters / 2);
    const uint64_t output = table < model.parameters / 4 ? table : 0;
    Cutter(model, -1, embedding).cut(Role::Embedding, model.hidden_size, model.vocabulary);
    Cutter(model, -1, output).cut(Role::Output, model.hidden_size, model.vocabulary);
    uint64_t in_layers = model.parameters;
    for (const Tensor &tensor : model.tensors)
        in_layers -= tensor.parameters();
    spread(model, in_layers, expert_parameters(model, said.active_parameters, in_layers));

    const double bits = dtype_bits(model.dtype);
    for (Tensor &tensor : model.tensors)
        tensor.bytes = static_cast<uint64_t>(static_cast<double>(tensor.parameters()) * bits / 8);
    sum_tensors(model);
    model.active_parameters = said.active_parameters;
    count_parameters(model);
    name_estimates(model);
    return model;
}

} // namespace hwa::core
