// SPDX-License-Identifier: MIT
// plan/mix and plan/memory/weights: bytes of whole models in the mixes that others publish.
#include "check.h"

#include "base/text.h"
#include "plan/memory/weights.h"
#include "plan/model/mix.h"
#include "plan/model/read.h"

#include <cmath>
#include <string>

using namespace hwa;
using namespace hwa::plan;

static core::Model read(const char *text) {
    auto config = read_config_text("config.json", text);
    if (!config)
        fail_msg("%s", config.error().message.c_str());
    return std::move(config->model);
}

static core::Model llama_8b() {
    return read(R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
        "vocab_size":128256,"torch_dtype":"bfloat16"})");
}

static uint64_t bytes(const core::Model &model, const char *recipe) {
    const Mix *mix = find_mix(recipe);
    if (mix == nullptr)
        fail_msg("%s: no such mix", recipe);
    return hold(model, {mix->dtype, false, mix->name, mix}).total();
}

/// Bits of each weight of Llama 3.1 8B, as the README of llama.cpp's tools/quantize lists them.
static constexpr struct {
    const char *recipe;
    double bits;
} listed[] = {
    {"IQ1_S", 2.0042},  {"IQ1_M", 2.1460},  {"IQ2_XXS", 2.3824}, {"IQ2_XS", 2.5882},
    {"IQ2_S", 2.7403},  {"IQ2_M", 2.9294},  {"IQ3_XXS", 3.2548}, {"IQ3_XS", 3.4977},
    {"IQ3_S", 3.6606},  {"IQ3_M", 3.7628},  {"IQ4_XS", 4.4597},  {"IQ4_NL", 4.6818},
    {"Q2_K_S", 2.9697}, {"Q2_K", 3.1593},   {"Q3_K_S", 3.6429},  {"Q3_K_M", 3.9960},
    {"q3_k_l", 4.2979}, {"Q4_K_S", 4.6672}, {"q4_k_m", 4.8944},  {"Q5_K_S", 5.5704},
    {"Q5_K_M", 5.7036}, {"Q6_K", 6.5633},   {"Q8_0", 8.5008},    {"F16", 16.0005},
};

static void has_the_bits_that_are_listed(void **) {
    const core::Model model = llama_8b();
    for (const auto &[recipe, bits] : listed) {
        const double made =
            8.0 * static_cast<double>(bytes(model, recipe)) / static_cast<double>(model.parameters);
        if (std::fabs(made - bits) > 0.00012)
            fail_msg("%s: %.4f bits, not %.4f", recipe, made, bits);
    }
}

/// Rows of 29568 are no whole blocks of 256: q5_0 and q8_0 stand in for q4_k and q6_k.
static void takes_other_blocks_for_odd_rows(void **) {
    const core::Model model = read(R"({"model_type":"qwen2","hidden_size":8192,
        "num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,
        "intermediate_size":29568,"vocab_size":152064,"torch_dtype":"bfloat16"})");
    const RoleWeights down =
        hold_roles(model, {core::Dtype::Unknown, false, "", find_mix("Q4_K_S")}, 20, 1, false);
    assert_true(down.of(core::Role::Down) == uint64_t{29568} * 8192 / 32 * 22);
    // 44.15 GiB by the README of gpustack/gguf-parser-go.
    const double gib = static_cast<double>(bytes(model, "Q4_K_M")) / (1 << 30);
    assert_true(std::fabs(gib - 44.15) < 0.01);
}

/// Two published checkpoints of Llama 3.x 70B for MLX.
/// The rules for eight experts are those of the quantiser, which files of whole numbers never saw.
static void leaves_unquantized_files_alone(void **) {
    const core::Model model = read(R"({"model_type":"mixtral","hidden_size":4096,
        "num_hidden_layers":4,"num_attention_heads":32,"num_key_value_heads":8,
        "intermediate_size":14336,"vocab_size":32000,"num_local_experts":8,
        "num_experts_per_tok":2})");
    assert_int_equal(bytes(model, "F32"), 4 * model.parameters);
}

/// FP8 of what predicts further tokens: one layer of 128 x 128 matrices by hand. Its vectors, its
/// router of 8 rows, its tables and what joins token and state stay at 16 bits.
static void keeps_what_joins_drafts_whole(void **) {
    const char *text = R"({"model_type":"deepseek_v3","hidden_size":128,"num_hidden_layers":1,
        "num_attention_heads":1,"intermediate_size":128,"vocab_size":256,"n_routed_experts":8,
        "num_experts_per_tok":1,"moe_intermediate_size":128,"n_shared_experts":0,
        "first_k_dense_replace":0,"kv_lora_rank":128,"q_lora_rank":0,"qk_nope_head_dim":64,
        "qk_rope_head_dim":64,"v_head_dim":128,"num_nextn_predict_layers":%d,
        "torch_dtype":"bfloat16","quantization_config":{"quant_method":"fp8",
        "activation_scheme":"dynamic"}})";
    const auto total = [&](int drafts) {
        const core::Model model = read(base::format(text, drafts).c_str());
        uint64_t sum = 0;
        for (const core::Tensor &tensor : model.tensors)
            sum += tensor.bytes;
        return sum;
    };
    // Query, latent down (192 rows), latent up (192), output, and 24 matrices of experts.
    const uint64_t matrices = 128 * (128 + 192 + 192 + 128 + 24 * 128);
    const uint64_t scales = 4 * (1 + 2 + 2 + 1 + 24);
    const uint64_t whole = 2 * (2 * 128 * 256 + 2 * 128 * 128 + 8 * 128); // tables, join, router
    const uint64_t vectors = 2 * (5 * 128 + 128);                         // and the latent's norm
    assert_int_equal(total(1) - total(0), matrices + scales + whole + vectors);
}

/// Experts published in MXFP4 stay so where MLX packs the rest into eight bits.
static void keeps_experts_of_four_bits(void **) {
    const char *text = R"({"model_type":"deepseek_v4","hidden_size":64,"num_hidden_layers":1,
        "num_attention_heads":1,"num_key_value_heads":1,"head_dim":64,"vocab_size":64,
        "n_routed_experts":8,"num_experts_per_tok":1,"moe_intermediate_size":64,
        "n_shared_experts":0,"expert_dtype":"%s","quantization_config":{"quant_method":"fp8",
        "activation_scheme":"dynamic"}})";
    const uint64_t weights = 8 * 3 * 64 * 64;
    const uint64_t eight = bytes(read(base::format(text, "fp8").c_str()), "mlx-8bit");
    const uint64_t four = bytes(read(base::format(text, "fp4").c_str()), "mlx-8bit");
    assert_int_equal(eight - four, weights / 64 * 68 - weights / 32 * 17);
}

/// Latent attention's matrix in the two parts that llama.cpp's converter makes of it: keys in rows
/// of 128, too short for blocks of 256, and values in rows of 512; no part has the rules of values.
static void splits_what_leads_up_from_the_latent(void **) {
    const core::Model model = read(R"({"model_type":"deepseek_v3","hidden_size":7168,
        "num_hidden_layers":8,"num_attention_heads":128,"vocab_size":1024,"kv_lora_rank":512,
        "q_lora_rank":1536,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,
        "n_routed_experts":16,"num_experts_per_tok":1,"moe_intermediate_size":2048})");
    Packer packer(model, *find_mix("Q4_K_M"));
    for (const core::Tensor &tensor : model.tensors) {
        const uint64_t held = packer.bytes(tensor);
        const uint64_t half = uint64_t{128} * 128 * 512;
        if (tensor.role == core::Role::LatentUp)
            assert_int_equal(held, half / 32 * 22 + half / 256 * 144);
    }
}

static void groups_along_rows(void **) {
    const core::Model model = read(R"({"model_type":"llama","hidden_size":8192,
        "num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,
        "intermediate_size":28672,"vocab_size":128256,"torch_dtype":"bfloat16"})");
    assert_true(bytes(model, "mlx-4bit") == 39688355840);
    assert_true(bytes(model, "mlx-8bit") == 74964549632);
}

/// One layer of 4 bits in groups of 128, worked by hand: 133 bytes for 256 weights.
static void keeps_embedding_and_output_at_16_bit(void **) {
    const core::Model model = llama_8b();
    const HeldWeights held = hold(model, {core::Dtype::Unknown, false, "", find_mix("AWQ")});
    const uint64_t matrices = 2 * 4096 * 4096 + 2 * 4096 * 1024 + uint64_t{3} * 4096 * 14336;
    assert_true(held.layers[0].bytes == matrices / 256 * 133 + 2 * 2 * 4096);
    assert_true(held.output.bytes == uint64_t{2} * 128256 * 4096);
    assert_null(find_mix("Q4_K_H"));
    assert_null(find_mix(""));
}

static void sums_agree(void **) {
    const core::Model model = llama_8b();
    for (const char *recipe : {"Q4_K_M", "mlx-4bit", "nf4", "fp8-block"}) {
        const Format format{core::Dtype::Unknown, false, recipe, find_mix(recipe)};
        const HeldWeights held = hold(model, format);
        const RoleWeights all = hold_roles(model, format, 0, model.layers.size(), true);
        assert_true(all.total() == held.total());
        const RoleWeights none = hold_roles(model, format, 3, 0, false);
        assert_true(none.total() == 0);
    }
    assert_true(hold(model, own_format(model)).total() == 2 * model.parameters);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(has_the_bits_that_are_listed),
        cmocka_unit_test(takes_other_blocks_for_odd_rows),
        cmocka_unit_test(leaves_unquantized_files_alone),
        cmocka_unit_test(keeps_what_joins_drafts_whole),
        cmocka_unit_test(keeps_experts_of_four_bits),
        cmocka_unit_test(splits_what_leads_up_from_the_latent),
        cmocka_unit_test(groups_along_rows),
        cmocka_unit_test(keeps_embedding_and_output_at_16_bit),
        cmocka_unit_test(sums_agree),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
