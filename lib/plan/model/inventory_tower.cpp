// SPDX-License-Identifier: MIT
// Towers that turn images into tokens, after their modelling code in Hugging Face transformers.
#include "plan/model/inventory.h"

namespace hwa::plan {

using base::JsonValue;
using core::Role;

namespace {

/// What the blocks of a tower have, and what lies around them.
enum TowerTrait : uint32_t {
    PatchBias = 1 << 0,
    ClassToken = 1 << 1, ///< with a position of its own
    Positions = 1 << 2,  ///< one for each patch
    TwoAxes = 1 << 3,    ///< one for each row and one for each column
    FrontNorm = 1 << 4,
    EndNorm = 1 << 5,
    QkvBias = 1 << 6,
    OutBias = 1 << 7,
    FfnBias = 1 << 8,
    NormBias = 1 << 9,
    Gated = 1 << 10,
    FourNorms = 1 << 11,
    HeadNorm = 1 << 12,
    Scales = 1 << 13, ///< a vector after each half
    Plain = QkvBias | OutBias | FfnBias | NormBias,
};

/// How the tower leads to the decoder.
enum class Lead : uint8_t {
    None,
    Mlp,       ///< two matrices
    Newline,   ///< the same, and what ends a line
    Linear,    ///< one, with a bias
    Merged,    ///< one without, over patches that are joined
    SoftNorm,  ///< one without, and a norm: Gemma 3
    Bare,      ///< one without
    Merger,    ///< a norm, and two matrices over patches that are joined
    RmsMerger, ///< the same with a norm that has no bias
    Deep,      ///< the same, and once more for each layer that is tapped
    NormFirst, ///< a norm of what is joined, a matrix to the decoder, one in it
    Pixtral,
    Adapter, ///< Llama 4
    Glm,
    MiniMax,
    Step,
    Molmo,
};

struct TowerForm {
    const char *name; ///< model_type of the vision_config
    uint32_t traits;
    Lead lead;
};

constexpr TowerForm towers[] = {
    {"clip_vision_model", Plain | ClassToken | Positions | FrontNorm | EndNorm, Lead::Mlp},
    {"exaone4_5_vision", QkvBias | OutBias | FfnBias | Gated, Lead::RmsMerger},
    {"gemma4_vision", TwoAxes | Gated | FourNorms | HeadNorm, Lead::Bare},
    {"glm4v_vision", PatchBias | Positions | Gated, Lead::Glm},
    {"idefics3_vision", Plain | PatchBias | Positions | EndNorm, Lead::Merged},
    {"internvl_vision", OutBias | FfnBias | NormBias | PatchBias | ClassToken | Positions | Scales,
     Lead::NormFirst},
    {"kimi_k25_vision", Plain | PatchBias | Positions | EndNorm, Lead::Merger},
    {"llama4_vision_model", Plain | ClassToken | Positions | FrontNorm | EndNorm, Lead::Adapter},
    {"minimax_m3_vl_vision", Plain | FrontNorm, Lead::MiniMax},
    {"molmo", Plain | ClassToken | Positions | FrontNorm, Lead::Molmo},
    {"moonvit", Plain | PatchBias | Positions | EndNorm, Lead::Merger},
    {"paddleocr_vl_vision", Plain | PatchBias | Positions | EndNorm, Lead::Merger},
    {"pixtral", FrontNorm | Gated, Lead::Pixtral},
    {"qwen2_vl", Plain, Lead::Merger},
    {"qwen2_5_vl", QkvBias | OutBias | FfnBias | Gated, Lead::RmsMerger},
    {"qwen3_vl", Plain | PatchBias | Positions, Lead::Deep},
    {"qwen3_vl_moe", Plain | PatchBias | Positions, Lead::Deep},
    {"qwen3_5", Plain | PatchBias | Positions, Lead::Deep},
    {"qwen3_5_moe", Plain | PatchBias | Positions, Lead::Deep},
    {"siglip_vision_model", Plain | PatchBias | Positions | EndNorm, Lead::Mlp},
    {"siglip2_vision_model", Plain | PatchBias | Positions | EndNorm, Lead::NormFirst},
    {"smolvlm_vision", Plain | PatchBias | Positions | EndNorm, Lead::Merged},
    {"step3p5_vision", Plain | Positions | FrontNorm | Scales, Lead::Step},
};

/// What leads out where it depends on what is around the tower.
constexpr struct {
    const char *wrapper; ///< model_type of the whole
    Lead lead;
} leads[] = {
    {"gemma3", Lead::SoftNorm},          {"gemma3_text", Lead::SoftNorm},
    {"llava_next", Lead::Newline},       {"llava_onevision", Lead::Newline},
    {"minimax_m3_vl", Lead::MiniMax},    {"paligemma", Lead::Linear},
    {"llava_next_video", Lead::Newline},
};

/// Numbers of a vision_config, 0 where it is silent.
struct TowerNumbers {
    uint64_t depth = 0, width = 0, ffn = 0, patch = 0, positions = 0, out = 0, merge = 2;
    uint64_t keys = 0;    ///< width of all keys together
    uint64_t head = 0;    ///< of one head
    uint64_t frames = 1;  ///< that one patch spans
    uint64_t taps = 0;    ///< layers whose state is merged in besides the last
    uint64_t middle = 0;  ///< width between tower and decoder
    uint64_t text = 0;    ///< width of the decoder
    bool clipped = false; ///< matrices have two bounds of what goes in, and two of what comes out
    uint32_t traits = 0;
    Lead lead = Lead::None;
};

class Tower {
  public:
    Tower(const TowerNumbers &numbers, Inventory &inventory) : n(numbers), in_(inventory) {}

    void all() {
        around();
        for (uint64_t i = 0; i < n.depth; ++i)
            block();
        if (has(EndNorm))
            norm(n.width);
        lead();
    }

  private:
    bool has(TowerTrait trait) const { return (n.traits & trait) != 0; }
    void linear(Count columns, Count rows, bool bias = true) {
        in_.add(Role::Tower, columns, rows);
        if (bias)
            in_.add(Role::Tower, rows);
    }
    void vector(Count width) { in_.add(Role::Tower, width); }
    void norm(Count width) { vector(width * (has(NormBias) ? 2 : 1)); }

    void around() {
        linear(Count(3) * n.frames * n.patch * n.patch, n.width, has(PatchBias));
        if (has(ClassToken))
            vector(n.width);
        if (has(Positions))
            in_.add(Role::Tower, n.width, Count(n.positions) + (has(ClassToken) ? 1 : 0));
        if (has(TwoAxes))
            in_.add(Role::Tower, n.width, Count(n.positions) * 2);
        if (has(FrontNorm))
            norm(n.width);
    }

    /// Attention and an FFN of two or three matrices, behind norms.
    void block() {
        const Count keys = n.keys != 0 ? n.keys : n.width;
        linear(n.width, Count(n.width) + keys * 2, has(QkvBias));
        linear(n.width, n.width, has(OutBias));
        linear(n.width, Count(n.ffn) * (has(Gated) ? 2 : 1), has(FfnBias));
        linear(n.ffn, n.width, has(FfnBias));
        for (int i = 0; i < (has(FourNorms) ? 4 : 2); ++i)
            norm(n.width);
        if (has(HeadNorm))
            vector(Count(2) * n.head);
        if (has(Scales))
            vector(Count(2) * n.width);
        if (n.clipped)
            vector(4 * (has(Gated) ? 7 : 6));
    }

    void merger(Count normed) {
        const Count joined = Count(n.width) * n.merge * n.merge;
        norm(normed);
        linear(joined, joined);
        linear(joined, n.out);
    }

    void lead() {
        const Count joined = Count(n.width) * n.merge * n.merge;
        switch (n.lead) {
        case Lead::None:
            return;
        case Lead::Newline:
            vector(n.text);
            [[fallthrough]];
        case Lead::Mlp:
            linear(n.width, n.text);
            return linear(n.text, n.text);
        case Lead::Linear:
            return linear(n.width, n.text);
        case Lead::Merged:
            return linear(joined, n.text, false);
        case Lead::SoftNorm:
            vector(n.width);
            [[fallthrough]];
        case Lead::Bare:
            return linear(n.width, n.text, false);
        case Lead::Merger:
        case Lead::RmsMerger:
            return merger(n.width);
        case Lead::Deep:
            merger(n.width);
            for (uint64_t i = 0; i < n.taps; ++i)
                merger(joined);
            return;
        case Lead::NormFirst:
            norm(joined);
            linear(joined, n.middle);
            return linear(n.middle, n.text);
        default:
            return own_lead(joined);
        }
    }

    /// Of one family alone.
    void own_lead(Count joined) {
        switch (n.lead) {
        case Lead::Pixtral:
            vector(n.width);
            linear(joined, n.width, false);
            linear(n.width, n.text, false);
            return linear(n.text, n.text, false);
        case Lead::Adapter:
            linear(n.ffn, n.middle, false);
            linear(n.middle, n.middle, false);
            return linear(n.middle, n.text, false);
        case Lead::Glm:
            vector(Count(2) * n.width);  // norms before and after the blocks
            linear(joined, n.out);       // joins patches
            linear(n.out, n.out, false); // and what merges them
            vector(Count(2) * n.out);
            linear(n.out, Count(2) * n.middle, false);
            return linear(n.middle, n.out, false);
        case Lead::MiniMax:
            linear(n.width, n.text);
            linear(n.text, n.text);
            linear(Count(n.text) * n.merge * n.merge, n.text);
            return linear(n.text, n.text);
        case Lead::Molmo:                    // attention over two layers' states joins patches
            in_.add(Role::Tower, joined, 1); // what stands for patches outside of the image
            for (int i = 0; i < 3; ++i)
                linear(Count(2) * n.width, n.width);
            linear(n.width, n.width);
            linear(n.width, Count(2) * n.middle, false);
            linear(n.middle, n.text, false);
            return linear(n.text, 128, false); // tokens that words do not have
        case Lead::Step:                       // two convolutions, each over three by three
            linear(Count(9) * n.width, Count(2) * n.width);
            linear(Count(18) * n.width, Count(4) * n.width);
            return linear(Count(4) * n.width, n.text, false);
        default:
            return;
        }
    }

    const TowerNumbers &n;
    Inventory &in_;
};

/// Finds numbers in a file and then in what is usual.
class Words {
  public:
    Words(const JsonValue &said, const JsonValue *usual) : said_(said), usual_(usual) {}

    uint64_t number(std::initializer_list<const char *> names) const {
        const uint64_t found = number(said_, names);
        return found != 0 || usual_ == nullptr ? found : number(*usual_, names);
    }
    std::string word(const char *name) const {
        for (const JsonValue *place : {&said_, usual_})
            if (const auto value = place != nullptr ? place->find(name) : std::nullopt;
                value && value->is_text())
                return *value->text();
        return {};
    }
    bool flag(const char *name) const {
        for (const JsonValue *place : {&said_, usual_})
            if (const auto value = place != nullptr ? place->find(name) : std::nullopt;
                value && value->is_bool())
                return *value->boolean();
        return false;
    }
    uint64_t length(const char *name) const {
        const auto list = said_.find(name);
        return list ? list->children().size() : 0;
    }

  private:
    /// Of a list, such as an image's width and height, the first.
    static uint64_t number(const JsonValue &root, std::initializer_list<const char *> names) {
        for (const char *name : names) {
            auto value = root.find(name);
            if (value && value->is_array() && !value->children().empty())
                value = value->children()[0];
            if (value && value->is_number())
                if (const auto found = value->u64(); found && *found <= core::width_limit)
                    return *found;
        }
        return 0;
    }

    const JsonValue &said_;
    const JsonValue *usual_;
};

TowerNumbers read(const Words &words, uint64_t text) {
    TowerNumbers n;
    n.depth = words.number({"depth", "num_hidden_layers", "vt_num_hidden_layers"});
    n.width = words.number({"embed_dim", "hidden_size", "vt_hidden_size"});
    n.ffn = words.number({"intermediate_size", "vt_intermediate_size"});
    n.patch = words.number({"patch_size", "spatial_patch_size"});
    n.positions =
        words.number({"num_position_embeddings", "position_embedding_size", "num_patches"});
    n.out = words.number({"out_hidden_size"});
    n.text = text;
    n.head = words.number({"head_dim"});
    if (const uint64_t merge = words.number({"spatial_merge_size"}); merge != 0)
        n.merge = merge;
    if (const uint64_t frames = words.number({"temporal_patch_size"}); frames != 0)
        n.frames = frames;
    n.taps = words.length("deepstack_visual_indexes");
    const uint64_t side = n.patch != 0 ? words.number({"image_size"}) / n.patch : 0;
    if (n.positions == 0)
        n.positions = (Count(side) * side).value;
    const uint64_t heads = words.number({"num_heads", "num_attention_heads"});
    if (const uint64_t keys = words.number({"num_key_value_heads"}); keys != 0 && heads != 0)
        n.keys = (Count(n.width / heads) * keys).value;
    return n;
}

/// What depends on the family and on the numbers around the tower.
void settle(const Words &words, const Words &top, const std::string &kind, TowerNumbers &n) {
    if (n.out == 0)
        n.out = n.text;
    if (kind == "qwen2_vl") {
        if (const uint64_t out = words.number({"hidden_size"}); out != 0)
            n.out = out;
        n.ffn = 4 * n.width;
        n.frames = 2;
    }
    if (kind == "qwen2_5_vl")
        n.frames = 2;
    n.clipped = words.flag("use_clipped_linears");
    if (kind == "internvl_vision" && words.flag("attention_bias"))
        n.traits |= QkvBias;
    if (const uint64_t scale = top.number({"scale_factor", "downsample_factor"}); scale != 0)
        n.merge = scale;
    n.middle = kind == "llama4_vision_model" ? words.number({"projector_output_dim"})
                                             : top.number({"projector_hidden_size"});
    if (kind == "molmo") // half of the width that gate and up have together
        n.middle = top.number({"intermediate_size"}) / 2;
    if (n.middle == 0)
        n.middle = n.text;
    if (kind == "glm4v_vision") { // the width stated is that of what merges patches
        n.middle = n.ffn;
        n.ffn = n.out;
    }
}

} // namespace

bool add_tower(const TowerConfig &config, Inventory &inventory) {
    const Words words(config.vision, config.usual_vision);
    const Words top(config.top, config.usual_top);
    std::string kind = words.word("model_type");
    // Files by transformers 5 tell the towers of Qwen from what is around them.
    if (kind.starts_with("qwen") && kind.ends_with("_vision"))
        kind.resize(kind.size() - std::string_view("_vision").size());
    for (const TowerForm &form : towers)
        if (kind == form.name) {
            TowerNumbers n = read(words, inventory.n.hidden);
            if (n.depth == 0 || n.width == 0 || n.depth > core::layer_limit)
                return false;
            n.traits = form.traits;
            n.lead = form.lead;
            for (const auto &row : leads)
                if (top.word("model_type") == row.wrapper)
                    n.lead = row.lead;
            settle(words, top, kind, n);
            Tower(n, inventory).all();
            return true;
        }
    return false;
}

/// Gemma 4's ears: two convolutions, and layers of two FFNs, attention and a convolution.
bool add_ears(const JsonValue &audio, Inventory &inventory) {
    const Words words(audio, nullptr);
    const Count wide = words.number({"hidden_size"});
    const uint64_t depth = words.number({"num_hidden_layers"});
    const uint64_t out = words.number({"output_proj_dims"});
    if (words.word("model_type") != "gemma4_audio" || wide.value == 0 || depth > core::layer_limit)
        return false;
    const auto add = [&](Count columns, Count rows) { inventory.add(Role::Tower, columns, rows); };
    add(9, 128);
    add(9 * 128, 32);
    add(128 + 32, 1); // their norms
    add(wide, wide);
    for (uint64_t i = 0; i < depth; ++i) {
        add(wide, wide * 24); // 16 in FFNs, 5 in attention, 3 about the convolution
        add(wide, 5 + 9);     // its taps, and nine norms
        add(128 + 40, 1);     // scales of a head, and four bounds for each of ten matrices
    }
    add(wide, out);
    add(out, 1);
    add(out, inventory.n.hidden);
    return true;
}

} // namespace hwa::plan
