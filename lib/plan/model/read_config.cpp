// SPDX-License-Identifier: MIT
// config.json of Hugging Face checkpoints to a Model.
#include "plan/model/read.h"

#include "base/json.h"
#include "base/text.h"
#include "data/families.h"
#include "os/file.h"
#include "plan/model/inventory.h"
#include "plan/model/packing.h"

#include <algorithm>
#include <optional>

namespace hwa::plan {

using base::JsonValue;
using base::Status;
using core::Dtype;
using core::Model;
using ull = unsigned long long;

namespace {

std::string word(const JsonValue &root, const char *name) {
    const auto value = root.find(name);
    if (!value || !value->is_text())
        return {};
    const auto text = value->text();
    return text ? base::sanitise(*text, 128) : std::string();
}

Dtype dtype_of(std::string_view torch) {
    constexpr struct {
        std::string_view name;
        Dtype dtype;
    } names[] = {{"bfloat16", Dtype::Bf16},
                 {"float16", Dtype::F16},
                 {"half", Dtype::F16},
                 {"float32", Dtype::F32},
                 {"float8_e4m3fn", Dtype::F8E4M3},
                 {"float8_e5m2", Dtype::F8E5M2}};
    if (torch.starts_with("torch."))
        torch.remove_prefix(6);
    for (const auto &[name, dtype] : names)
        if (name == torch)
            return dtype;
    return Dtype::Unknown;
}

/// The part of a document that describes the decoder: of a model that also sees, its text part.
JsonValue decoder(const JsonValue &root) {
    for (const char *name : {"text_config", "llm_config", "language_config"})
        if (const auto part = root.find(name); part && part->find("hidden_size"))
            return *part;
    return root;
}

/// What the files of a family leave out, as the table has it.
class Usual {
  public:
    explicit Usual(const std::string &family) {
        const char *text = data::usual_config(family);
        if (text == nullptr)
            return;
        if (auto parsed = base::JsonDocument::parse(family, text)) {
            document_.emplace(std::move(*parsed));
            root_.emplace(document_->root());
        }
    }
    const JsonValue *root() const { return root_ ? &*root_ : nullptr; }

  private:
    std::optional<base::JsonDocument> document_;
    std::optional<JsonValue> root_;
};

base::Done read_tower(const JsonValue &top, const JsonValue *usual, const ConfigNumbers &numbers,
                      Model &model) {
    const auto usually = usual != nullptr ? usual->find("vision_config") : std::nullopt;
    const auto told = top.find("vision_config");
    const auto vision = told && told->is_object() ? told : usually;
    if (!vision)
        return {};
    const Family plain;
    Inventory tower(numbers, plain, model);
    if (!add_tower({top, *vision, usual, usually ? &*usually : nullptr}, tower))
        model.notes.push_back("the tower for images is of no kind known: not counted");
    if (tower.overflow())
        return vision->error("has more parameters than are taken seriously");
    return {};
}

base::Done read_ears(const JsonValue &top, const ConfigNumbers &numbers, Model &model) {
    const auto audio = top.find("audio_config");
    if (!audio || !audio->is_object())
        return {};
    const Family plain;
    Inventory ears(numbers, plain, model);
    if (!add_ears(*audio, ears))
        model.notes.push_back("the tower for sound is of no kind known: not counted");
    if (ears.overflow())
        return audio->error("has more parameters than are taken seriously");
    return {};
}

void note_rest(Config &made) {
    Model &model = made.model;
    for (const core::Layer &layer : model.layers)
        made.window = std::max<uint64_t>(made.window, layer.window);
    if (made.window != 0)
        model.notes.push_back(base::format("attention slides over %llu tokens in some layers",
                                           static_cast<ull>(made.window)));
    if (!made.known_family)
        model.notes.push_back(
            base::format("%s is no family known here: layers like those of Llama are assumed",
                         model.architecture.empty() ? "the model" : model.architecture.c_str()));
    if (model.heads == 0)
        model.notes.push_back("the file gives no number of heads: no cache is counted");
}

} // namespace

base::Result<Config> read_config_text(const std::string &name, std::string_view text) {
    HWA_TRY(const base::JsonDocument document, base::JsonDocument::parse(name, text));
    const JsonValue top = document.root();
    if (!top.is_object())
        return base::error(Status::Parse, "%s: is not an object", top.place().c_str());
    const JsonValue root = decoder(top);
    Config made;
    HWA_TRY(const Packing packing, read_packing(top));
    const Usual wrapper(word(top, "model_type"));
    const Usual own(word(root, "model_type"));
    const Usual &usual = own.root() != nullptr ? own : wrapper;
    HWA_TRY(ConfigNumbers numbers, read_config_numbers(root, usual.root()));
    // What wraps a decoder names its family where the decoder does not.
    if (usual.root() != nullptr && (own.root() != nullptr || numbers.family.empty()))
        numbers.family = word(*usual.root(), "model_type");
    HWA_CHECK(read_tower(top, wrapper.root(), numbers, made.model));
    HWA_CHECK(read_ears(top, numbers, made.model));
    auto known = fill_family(numbers, made.model);
    if (!known)
        return base::error(known.error().status, "%s: %s", root.place().c_str(),
                           known.error().message.c_str());
    made.known_family = *known;
    made.model.inventory =
        made.known_family ? core::Inventory::Formula : core::Inventory::Estimated;

    made.packed_bits = packing.bits;
    Dtype base = Dtype::Unknown;
    for (const JsonValue &place : {root, top})
        for (const char *key : {"torch_dtype", "dtype"})
            if (base == Dtype::Unknown)
                base = dtype_of(word(place, key));
    if (base == Dtype::Unknown) {
        base = Dtype::Bf16;
        made.model.estimated |= core::FieldDtype;
        made.model.notes.push_back("the file names no format of the weights: bf16 is assumed");
    }
    set_published_bytes(made.model, base, packing);
    note_rest(made);
    return made;
}

base::Result<Model> read_config(const std::string &path) {
    HWA_TRY(const std::string text, os::read_whole(path, base::JsonLimits{}.bytes));
    HWA_TRY(Config config, read_config_text(path, text));
    return std::move(config.model);
}

} // namespace hwa::plan
