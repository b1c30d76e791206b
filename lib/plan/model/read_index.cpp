// SPDX-License-Identifier: MIT
// Checkpoints in safetensors: one file or an index of several, with the config.json beside them.
#include "plan/model/read.h"

#include "base/text.h"
#include "os/file.h"
#include "plan/model/tally.h"

#include <algorithm>
#include <optional>

namespace hwa::plan {

using base::JsonPull;
using base::JsonToken;
using base::Status;
using core::Dtype;
using core::Model;
using ull = unsigned long long;

namespace {

constexpr size_t shard_limit = 2000;

/// The config.json in the same folder, where there is one.
base::Result<std::optional<Config>> config_beside(const std::string &path) {
    const std::string name = folder_of(path) + "config.json";
    if (os::path_kind(name) != os::PathKind::File)
        return std::optional<Config>();
    HWA_TRY(const std::string text, os::read_whole(name, base::JsonLimits{}.bytes));
    HWA_TRY(Config config, read_config_text(name, text));
    return std::optional<Config>(std::move(config));
}

/// Puts the shapes of a config.json over the weights that the tensors told.
void take_shape(const Config &config, Model &model) {
    const Model &shape = config.model;
    model.architecture = shape.architecture;
    model.hidden_size = shape.hidden_size;
    model.ffn_size = shape.ffn_size;
    model.heads = shape.heads;
    model.kv_heads = shape.kv_heads;
    model.head_size = shape.head_size;
    model.vocabulary = shape.vocabulary;
    model.context_limit = shape.context_limit;
    model.experts = shape.experts;
    model.experts_per_token = shape.experts_per_token;
    if (model.layers.size() < shape.layers.size())
        model.layers.resize(shape.layers.size());
    for (size_t i = 0; i < shape.layers.size(); ++i)
        model.layers[i] = shape.layers[i]; // the weights are summed anew
    for (const std::string &note : shape.notes)
        if (config.known_family || note.find("no family") == std::string::npos)
            model.notes.push_back(note);
}

base::Result<Model> finish(const std::string &path, const std::optional<Config> &config,
                           Tally &tally, Model &model) {
    if (config) {
        tally.drafts_from(config->model.layers.size());
        take_shape(*config, model);
    } else {
        model.notes.push_back("there is no config.json beside the weights: no cache is counted");
    }
    tally.finish();
    if (model.parameters == 0)
        return base::error(Status::Parse, "%s: holds no tensors", path.c_str());
    if (model.parameters > core::parameter_limit)
        return base::error(Status::Parse, "%s: the tensors hold %llu parameters", path.c_str(),
                           static_cast<ull>(model.parameters));
    const bool packed = config && config->packed_bits != 0;
    if (packed &&
        (model.dtype == Dtype::I32 || model.dtype == Dtype::U32 || model.dtype == Dtype::U8))
        model.dtype = config->model.dtype;
    return std::move(model);
}

/// What an index file says.
struct Index {
    std::vector<std::string> shards; ///< names of files, sorted, each once
    uint64_t total_size = 0;
};

base::Done add_shard(const JsonPull &json, const std::string &name, Index &index) {
    if (name.empty() || name == ".." || name == "." || name.find('/') != std::string::npos)
        return base::error(Status::Parse, "%s: %s is no name of a file in the same folder",
                           json.place().c_str(), base::sanitise(name, 96).c_str());
    // Maps list each shard's tensors in a row, so looking at the last one saves most searches.
    if (!index.shards.empty() && index.shards.back() == name)
        return {};
    if (std::find(index.shards.begin(), index.shards.end(), name) != index.shards.end())
        return {};
    if (index.shards.size() == shard_limit)
        return base::error(Status::Parse, "%s: more than %zu files", json.place().c_str(),
                           shard_limit);
    index.shards.push_back(name);
    return {};
}

/// Reads "total_size" out of "metadata", the rest of which is free.
base::Done read_metadata(JsonPull &json, Index &index) {
    HWA_TRY(JsonToken token, json.next());
    if (token != JsonToken::ObjectBegin)
        return json.skip();
    for (;;) {
        HWA_TRY(token, json.next());
        if (token != JsonToken::Key)
            return {};
        if (json.text() != "total_size") {
            HWA_CHECK(json.skip());
            continue;
        }
        HWA_TRY(token, json.next());
        const auto value = base::parse_real(json.text());
        if (token != JsonToken::Number || !value || *value < 0 || *value > 9e15)
            return base::error(Status::Parse, "%s: no number of bytes", json.place().c_str());
        index.total_size = static_cast<uint64_t>(*value);
    }
}

base::Done read_weight_map(JsonPull &json, Index &index) {
    HWA_TRY(JsonToken token, json.next());
    if (token != JsonToken::ObjectBegin)
        return base::error(Status::Parse, "%s: an object is wanted here", json.place().c_str());
    for (;;) {
        HWA_TRY(token, json.next());
        if (token != JsonToken::Key)
            return {};
        HWA_TRY(token, json.next());
        if (token != JsonToken::Text)
            return base::error(Status::Parse, "%s: a file's name is wanted here",
                               json.place().c_str());
        HWA_CHECK(add_shard(json, json.text(), index));
    }
}

base::Result<Index> read_index(const Source &source) {
    constexpr base::JsonLimits limits = {
        .bytes = 100000000, .depth = 16, .values = 1500000, .string_bytes = 1 << 16};
    if (source.size > limits.bytes)
        return base::error(Status::Parse, "%s: is %llu bytes; %llu are allowed",
                           source.name.c_str(), static_cast<ull>(source.size),
                           static_cast<ull>(limits.bytes));
    const auto feed = [&source,
                       at = uint64_t{0}](std::span<char> into) mutable -> base::Result<size_t> {
        HWA_TRY(const size_t got, source.read(at, into));
        at += got;
        return got;
    };
    JsonPull json(source.name, feed, limits);
    Index index;
    HWA_TRY(JsonToken token, json.next());
    if (token != JsonToken::ObjectBegin)
        return base::error(Status::Parse, "%s: an object is wanted here", json.place().c_str());
    for (;;) {
        HWA_TRY(token, json.next());
        if (token != JsonToken::Key)
            break;
        if (json.text() == "metadata")
            HWA_CHECK(read_metadata(json, index));
        else if (json.text() == "weight_map")
            HWA_CHECK(read_weight_map(json, index));
        else
            HWA_CHECK(json.skip());
    }
    HWA_TRY(token, json.next());
    if (token != JsonToken::End)
        return base::error(Status::Parse, "%s: more follows the index", json.place().c_str());
    if (index.shards.empty())
        return base::error(Status::Parse, "%s: $.weight_map: names no file", source.name.c_str());
    std::sort(index.shards.begin(), index.shards.end());
    return index;
}

/// The checkpoint by its config.json and total size, for want of its files.
base::Result<Model> without_shards(const std::string &path, const Index &index, Config config) {
    Model model = std::move(config.model);
    const uint64_t formula = model.weight_bytes();
    if (index.total_size != 0 && formula != 0) {
        // What the formula missed is put into the part that no format changes.
        if (index.total_size >= formula)
            model.other.bytes += index.total_size - formula;
        else
            model.notes.push_back(
                base::format("the index tells %llu bytes, fewer than the %llu of config.json",
                             static_cast<ull>(index.total_size), static_cast<ull>(formula)));
    }
    model.notes.push_back(base::format("none of the %zu files of %s is here: sizes are those of "
                                       "the index and config.json",
                                       index.shards.size(), std::string(file_name(path)).c_str()));
    return model;
}

} // namespace

base::Result<Model> read_safetensors(const std::string &path) {
    HWA_TRY(const std::optional<Config> config, config_beside(path));
    HWA_TRY(const Source source, file_source(path));
    Model model;
    Tally tally(model);
    HeaderBudget budget;
    HWA_CHECK(tally_safetensors(source, config ? config->packed_bits : 0, tally, budget));
    return finish(path, config, tally, model);
}

base::Result<Model> read_onnx(const std::string &path) {
    HWA_TRY(const std::optional<Config> config, config_beside(path));
    HWA_TRY(const Source source, file_source(path));
    Model model;
    Tally tally(model);
    HWA_CHECK(tally_onnx(source, tally));
    return finish(path, config, tally, model);
}

base::Result<Model> read_safetensors_index(const std::string &path) {
    HWA_TRY(const Source source, file_source(path));
    HWA_TRY(const Index index, read_index(source));
    HWA_TRY(std::optional<Config> config, config_beside(path));
    const std::string folder = folder_of(path);
    std::vector<std::string> missing;
    Model model;
    Tally tally(model);
    HeaderBudget budget;
    for (const std::string &name : index.shards) {
        if (os::path_kind(folder + name) == os::PathKind::Missing) {
            missing.push_back(name);
            continue;
        }
        HWA_TRY(const Source shard, file_source(folder + name));
        HWA_CHECK(tally_safetensors(shard, config ? config->packed_bits : 0, tally, budget));
    }
    if (missing.empty())
        return finish(path, config, tally, model);
    if (!config)
        return base::error(Status::NotFound, "%s: %s is missing beside it, and so is config.json",
                           path.c_str(), base::sanitise(missing[0], 96).c_str());
    if (missing.size() == index.shards.size())
        return without_shards(path, index, std::move(*config));
    return base::error(Status::NotFound, "%s: %zu of its %zu files are missing, %s the first",
                       path.c_str(), missing.size(), index.shards.size(),
                       base::sanitise(missing[0], 96).c_str());
}

} // namespace hwa::plan
