// SPDX-License-Identifier: MIT
// plan/model: what checkpoints hold beside the weights of the decoder.
#include "check.h"

#include "base/text.h"
#include "plan/model/read.h"

#include <string>

using namespace hwa;
using namespace hwa::plan;

static core::Model read(const std::string &text) {
    auto config = read_config_text("config.json", text);
    if (!config)
        fail_msg("%s", config.error().message.c_str());
    return std::move(config->model);
}

static uint64_t stored(const core::Model &model) {
    uint64_t sum = 0;
    for (const core::Tensor &tensor : model.tensors)
        sum += tensor.bytes;
    return sum;
}

/// Llama 2 7B was published by transformers 4.31, which stored 64 angles in each of 32 layers.
static void counts_angles_of_old_llamas(void **) {
    const char *text = R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":32,"intermediate_size":11008,"vocab_size":32000,
        "torch_dtype":"float16","transformers_version":"%s"})";
    const uint64_t weights = 6738415616;
    const core::Model old = read(base::format(text, "4.31.0.dev0"));
    assert_true(old.parameters == weights + 32 * 64);
    assert_true(stored(old) == 13476835328);
    for (const char *version : {"4.32.0", "5.0.0", "", "new"})
        assert_true(read(base::format(text, version)).parameters == weights);
}

/// Those of each layer stay in f32 where the weights are in bf16.
static void keeps_angles_of_layers_fine(void **) {
    const char *text = R"({"model_type":"%s","hidden_size":128,"num_hidden_layers":3,
        "num_attention_heads":2,"intermediate_size":256,"vocab_size":64,"torch_dtype":"%s"})";
    const auto more = [&](const char *dtype) {
        return stored(read(base::format(text, "PanguEmbedded", dtype))) -
               stored(read(base::format(text, "llama", dtype)));
    };
    assert_int_equal(more("bfloat16"), 3 * 32 * 4);
    assert_int_equal(more("float16"), 3 * 32 * 2);
}

/// GLM 4 9B has one list of 32 angles for all layers.
static void counts_angles_once(void **) {
    const core::Model model = read(R"({"model_type":"chatglm","hidden_size":4096,"num_layers":40,
        "num_attention_heads":32,"multi_query_group_num":2,"kv_channels":128,
        "ffn_hidden_size":13696,"padded_vocab_size":151552,"torch_dtype":"bfloat16"})");
    assert_true(model.parameters == 9399951360 + 32);
    assert_true(stored(model) == 2 * model.parameters);
}

/// bitsandbytes stores 16 values in f32 and a line of JSON with each matrix of one small layer.
static void counts_what_describes_four_bits(void **) {
    const char *text = R"({"model_type":"llama","hidden_size":64,"num_hidden_layers":1,
        "num_attention_heads":1,"intermediate_size":128,"vocab_size":16,"torch_dtype":"float16",
        "quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true}})";
    const uint64_t line =
        sizeof(R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float16", )") - 1;
    const uint64_t shapes =
        4 * (sizeof(R"("shape": [64, 64]})") - 1) + 3 * (sizeof(R"("shape": [128, 64]})") - 1);
    const uint64_t matrices = 4 * 64 * 64 + 3 * 64 * 128;
    const uint64_t whole = 2 * (2 * 16 * 64 + 3 * 64); // tables and norms
    assert_int_equal(stored(read(text)), matrices / 64 * 36 + 7 * (64 + line) + shapes + whole);
}

/// Molmo 7B-D: CLIP without its last layer, worked by hand.
static void knows_the_tower_of_molmo(void **) {
    const core::Model model = read(R"({"model_type":"molmo","hidden_size":3584,
        "num_hidden_layers":28,"num_attention_heads":28,"num_key_value_heads":4,
        "intermediate_size":37888,"vocab_size":152064,"qkv_bias":true})");
    const uint64_t block = 4 * 1024 * 1024 + 2 * 1024 * 4096 + 5 * 1024 + 4096 + 4 * 1024;
    const uint64_t around = 3 * 14 * 14 * 1024 + 1024 + 577 * 1024 + 2 * 1024;
    const uint64_t joins = 2 * 2048 + 3 * (2048 * 1024 + 1024) + 1024 * 1024 + 1024;
    const uint64_t lead = uint64_t{18944} * (2 * 1024 + 3584) + 128 * 3584;
    uint64_t sum = 0;
    for (const core::Tensor &tensor : model.tensors)
        sum += tensor.role == core::Role::Tower ? tensor.parameters() : 0;
    assert_int_equal(sum, 23 * block + around + joins + lead);
}

/// The tower of Qwen 3.5 by its name of before and after transformers 5.
static void knows_towers_by_both_names(void **) {
    const char *text = R"({"model_type":"%s","text_config":{"model_type":"%s_text",
        "hidden_size":128,"num_hidden_layers":4,"num_attention_heads":2,"intermediate_size":256,
        "vocab_size":64},"vision_config":{"model_type":"%s"}})";
    for (const std::string name : {"qwen2_5_vl", "qwen3_vl", "qwen3_5"}) {
        const char *whole = name.c_str();
        const core::Model before = read(base::format(text, whole, whole, whole));
        const core::Model after =
            read(base::format(text, whole, whole, (name + "_vision").c_str()));
        const core::Tensor &first = before.tensors.front();
        assert_true(first.role == core::Role::Tower);
        assert_true(before.parameters == after.parameters);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(counts_angles_of_old_llamas),
        cmocka_unit_test(keeps_angles_of_layers_fine),
        cmocka_unit_test(counts_angles_once),
        cmocka_unit_test(counts_what_describes_four_bits),
        cmocka_unit_test(knows_the_tower_of_molmo),
        cmocka_unit_test(knows_towers_by_both_names),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
