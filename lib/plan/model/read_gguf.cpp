// SPDX-License-Identifier: MIT
// A GGUF header to a Model: exact bytes of each tensor, shapes from the architecture's keys.
#include "plan/model/read.h"

#include "base/text.h"
#include "plan/model/gguf_layers.h"
#include "plan/model/tally.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Model;
using ull = unsigned long long;

namespace {

base::Done read_numbers(const GgufShape &shape, Model &model) {
    constexpr uint64_t limit = core::width_limit;
    HWA_TRY(model.hidden_size, shape.number("embedding_length", limit, false));
    HWA_TRY(model.ffn_size, shape.number("feed_forward_length", limit));
    HWA_TRY(model.heads, shape.number("attention.head_count", limit));
    HWA_TRY(model.kv_heads, shape.number("attention.head_count_kv", limit));
    HWA_TRY(model.head_size, shape.number("attention.key_length", limit, false));
    HWA_TRY(model.vocabulary, shape.number("vocab_size", limit));
    HWA_TRY(model.context_limit, shape.number("context_length", UINT32_MAX));
    HWA_TRY(model.experts, shape.number("expert_count", limit));
    HWA_TRY(model.experts_per_token, shape.number("expert_used_count", limit));
    if (model.experts_per_token > model.experts)
        return shape.fault(*shape.find("expert_used_count"), "is more than expert_count");
    HWA_TRY(const uint32_t one, shape.number("expert_feed_forward_length", limit));
    HWA_TRY(const uint32_t shared, shape.number("expert_shared_feed_forward_length", limit));
    const uint64_t all = uint64_t{one} * model.experts_per_token + shared;
    model.ffn_size = std::max(model.ffn_size, static_cast<uint32_t>(std::min(all, limit)));
    if (model.head_size == 0 && model.heads != 0)
        model.head_size = model.hidden_size / model.heads;
    return {};
}

/// Keys and values of each layer; layers without attention have none.
base::Done read_cache(const GgufShape &shape, Model &model) {
    HWA_CHECK(read_gguf_layers(shape, model));
    if (model.kv_heads == 0)
        model.kv_heads = model.layers.empty() ? 0 : model.layers[0].kv_heads;
    if (model.kv_heads == 0 || model.head_size == 0)
        model.notes.push_back("the file gives no shape of attention: no cache is counted");
    return {};
}

void note_rest(const GgufShape &shape, Model &model) {
    if (const GgufKey *key = shape.find("attention.sliding_window"))
        if (key->whole && !key->numbers.empty() && key->numbers[0] != 0)
            model.notes.push_back(base::format("attention slides over %llu tokens in some layers",
                                               static_cast<ull>(key->numbers[0])));
    const auto recurs = [](const core::Layer &layer) { return layer.state != 0; };
    if (shape.find("ssm.state_size") != nullptr &&
        std::none_of(model.layers.begin(), model.layers.end(), recurs))
        model.notes.push_back("the state of recurrent layers is not counted");
    for (const core::TypeTotal &type : model.types)
        if (type.dtype == core::Dtype::Unknown)
            model.notes.push_back(base::format("%llu tensors are in format %s",
                                               static_cast<ull>(type.tensors), type.name.c_str()));
}

base::Result<Model> assemble(const std::string &name, const GgufHeader &header, Tally &tally,
                             Model &model) {
    const GgufKey *architecture = header.find("general.architecture");
    if (architecture == nullptr || architecture->text.empty())
        return base::error(Status::Parse, "%s: key general.architecture is missing", name.c_str());
    model.architecture = base::sanitise(architecture->text, 64);
    if (const GgufKey *key = header.find("general.name"))
        model.name = base::sanitise(key->text);
    if (const GgufKey *key = header.find("general.file_type"))
        if (key->whole && key->numbers.size() == 1)
            if (const char *recipe = recipe_name(key->numbers[0]))
                model.recipe = recipe;

    const GgufShape shape(name, header, architecture->text);
    HWA_TRY(const uint32_t layers, shape.number("block_count", core::layer_limit, false));
    HWA_TRY(const uint32_t drafts, shape.number("nextn_predict_layers", core::layer_limit));
    if (layers > model.layers.size())
        model.layers.resize(layers);
    if (drafts < layers)
        tally.drafts_from(model.layers.size() - drafts);
    HWA_CHECK(read_numbers(shape, model));
    HWA_CHECK(read_cache(shape, model));
    if (const GgufKey *tokens = header.find("tokenizer.ggml.tokens"))
        if (model.vocabulary == 0 && tokens->count <= core::width_limit)
            model.vocabulary = static_cast<uint32_t>(tokens->count);
    tally.finish();
    if (model.parameters == 0)
        return base::error(Status::Parse, "%s: holds no tensors", name.c_str());
    if (model.parameters > core::parameter_limit)
        return base::error(Status::Parse, "%s: the tensors hold %llu parameters", name.c_str(),
                           static_cast<ull>(model.parameters));
    note_rest(shape, model);
    return std::move(model);
}

/// "model-00001-of-00003.gguf" -> 3; 0 if the name is of no part.
uint64_t part_count(std::string_view name, uint64_t &part) {
    constexpr std::string_view tail = ".gguf";
    if (name.size() < 20 || !name.ends_with(tail))
        return 0;
    const std::string_view marks = name.substr(name.size() - 20, 15); // "-00001-of-00003"
    const auto number = base::parse_u64(marks.substr(1, 5));
    const auto count = base::parse_u64(marks.substr(10, 5));
    if (marks[0] != '-' || marks.substr(6, 4) != "-of-" || !number || !count)
        return 0;
    part = *number;
    return *count;
}

} // namespace

base::Result<Model> read_gguf_parts(const std::vector<Source> &parts) {
    Model model;
    Tally tally(model);
    GgufHeader first;
    GgufLimits limits; // of all parts together
    for (size_t i = 0; i < parts.size(); ++i) {
        const auto visit = [&](const GgufTensor &tensor) -> base::Done {
            if (!tally.add({tensor.name, tensor.type->name, tensor.type->dtype, tensor.row,
                            tensor.elements / tensor.row, tensor.bytes, tensor.rank}))
                return base::error(Status::Parse, "%s: tensor %s is of a layer beyond %llu",
                                   parts[i].name.c_str(), base::sanitise(tensor.name, 64).c_str(),
                                   static_cast<ull>(core::layer_limit));
            return {};
        };
        HWA_TRY(GgufHeader header, read_gguf_header(parts[i], visit, limits));
        limits.tensors -= header.tensor_count;
        limits.read_bytes -= std::min(limits.read_bytes, header.data_offset);
        if (i == 0)
            first = std::move(header);
    }
    const GgufKey *split = first.find("split.count");
    const uint64_t count = split != nullptr && !split->numbers.empty() ? split->numbers[0] : 0;
    if (count > 1 && count != parts.size())
        return base::error(Status::Parse,
                           "%s: byte %llu: one part of %llu, and its name does not end in "
                           "-00001-of-%05llu.gguf",
                           parts[0].name.c_str(), static_cast<ull>(split->byte),
                           static_cast<ull>(count), static_cast<ull>(count));
    return assemble(parts[0].name, first, tally, model);
}

base::Result<Model> read_gguf(const std::string &path) {
    uint64_t part = 0;
    const uint64_t count = part_count(file_name(path), part);
    if (count > 1000)
        return base::error(Status::Unsupported, "%s: one of %llu parts; up to 1000 are read",
                           path.c_str(), static_cast<ull>(count));
    if (count > 1 && part != 1)
        return base::error(Status::Invalid, "%s: part %llu of a model; name its first part",
                           path.c_str(), static_cast<ull>(part));
    std::vector<Source> parts;
    for (uint64_t i = 1; i <= std::max<uint64_t>(count, 1); ++i) {
        std::string name = path;
        if (count > 1)
            name.replace(name.size() - 19, 5, base::format("%05llu", static_cast<ull>(i)));
        HWA_TRY(Source source, file_source(name));
        parts.push_back(std::move(source));
    }
    return read_gguf_parts(parts);
}

} // namespace hwa::plan
