// SPDX-License-Identifier: MIT
// plan/read_config and plan/family: counts known to the last parameter, and hostile numbers.
#include "check.h"

#include "base/text.h"
#include "data/models.h"
#include "plan/model/read.h"

#include <cstring>
#include <string>

using namespace hwa;
using namespace hwa::plan;
using base::Status;

/// Counts of published checkpoints, from their own index files and model cards.
static constexpr struct {
    const char *text;
    uint64_t parameters;
} known[] = {
    {R"({"model_type":"llama","hidden_size":8192,"num_hidden_layers":80,"num_attention_heads":64,
         "num_key_value_heads":8,"intermediate_size":28672,"vocab_size":128256})",
     70553706496},
    {R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,
         "intermediate_size":11008,"vocab_size":32000})",
     6738415616},
    {R"({"model_type":"mixtral","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,
         "num_key_value_heads":8,"intermediate_size":14336,"vocab_size":32000,
         "num_local_experts":8,"num_experts_per_tok":2})",
     46702792704},
    {R"({"model_type":"qwen3_moe","hidden_size":4096,"num_hidden_layers":94,
         "num_attention_heads":64,"num_key_value_heads":4,"head_dim":128,"intermediate_size":12288,
         "vocab_size":151936,"num_experts":128,"num_experts_per_tok":8,
         "moe_intermediate_size":1536,"decoder_sparse_step":1})",
     235093634560},
    {R"({"model_type":"gpt_oss","hidden_size":2880,"num_hidden_layers":24,"num_attention_heads":64,
         "num_key_value_heads":8,"head_dim":64,"intermediate_size":2880,"vocab_size":201088,
         "tie_word_embeddings":false,"attention_bias":true,"num_local_experts":32,
         "num_experts_per_tok":4,"quantization_config":{"quant_method":"mxfp4"}})",
     20914757184},
    {R"({"model_type":"deepseek_v3","hidden_size":7168,"num_hidden_layers":61,
         "num_attention_heads":128,"num_key_value_heads":128,"intermediate_size":18432,
         "vocab_size":129280,"n_routed_experts":256,"num_experts_per_tok":8,
         "moe_intermediate_size":2048,"n_shared_experts":1,"first_k_dense_replace":3,
         "kv_lora_rank":512,"q_lora_rank":1536,"qk_nope_head_dim":128,"qk_rope_head_dim":64,
         "v_head_dim":128,"topk_method":"noaux_tc"})",
     671026419200},
    // With the tower, which has 24 layers of 1024 and three taps.
    {R"({"model_type":"qwen3_vl","tie_word_embeddings":true,"text_config":{
         "model_type":"qwen3_vl_text","hidden_size":2560,"num_hidden_layers":36,
         "num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,"intermediate_size":9728,
         "vocab_size":151936,"tie_word_embeddings":true},"vision_config":{"model_type":"qwen3_vl",
         "depth":24,"hidden_size":1024,"intermediate_size":4096,"num_position_embeddings":2304,
         "out_hidden_size":2560,"patch_size":16,"spatial_merge_size":2,"temporal_patch_size":2,
         "deepstack_visual_indexes":[5,11,17]}})",
     4437815808},
    // MedGemma 27B: half the 54,864,813,280 bytes of its checkpoint.
    {R"({"model_type":"gemma3_text","hidden_size":5376,"num_hidden_layers":62,
         "num_attention_heads":32,"num_key_value_heads":16,"head_dim":128,
         "intermediate_size":21504,"vocab_size":262208,"sliding_window":1024,
         "vision_config":{"model_type":"siglip_vision_model","hidden_size":1152,"image_size":896,
         "intermediate_size":4304,"num_hidden_layers":27,"patch_size":14}})",
     27432406640},
    // Gemma 4 26B: experts beside a dense FFN, full layers without a matrix for values.
    {R"({"model_type":"gemma4_text","hidden_size":2816,"num_hidden_layers":30,
         "num_attention_heads":16,"num_key_value_heads":8,"head_dim":256,"global_head_dim":512,
         "num_global_key_value_heads":2,"attention_k_eq_v":true,"intermediate_size":2112,
         "vocab_size":262144,"num_experts":128,"top_k_experts":8,"moe_intermediate_size":704,
         "sliding_window":1024,"vision_config":{"model_type":"gemma4_vision","hidden_size":1152,
         "intermediate_size":4304,"num_hidden_layers":27,"head_dim":72,"patch_size":16,
         "position_embedding_size":10240}})",
     25805933872},
    // Its largest sibling, which has one FFN, leaves the tower to the family, and is tied.
    {R"({"model_type":"gemma4","text_config":{"model_type":"gemma4_text","hidden_size":5376,
         "num_hidden_layers":60,"num_attention_heads":32,"num_key_value_heads":16,"head_dim":256,
         "global_head_dim":512,"num_global_key_value_heads":4,"attention_k_eq_v":true,
         "intermediate_size":21504,"vocab_size":262144,"sliding_window":1024}})",
     31273086512},
    // Gemma 4 E4B: half the bytes of its checkpoint in bf16, 15,992,314,836. An embedding in each
    // layer, and ears.
    {R"({"model_type":"gemma4","hidden_size":2560,"num_hidden_layers":42,"num_attention_heads":8,
         "num_key_value_heads":2,"head_dim":256,"intermediate_size":10240,"vocab_size":262144,
         "hidden_size_per_layer_input":256,"num_kv_shared_layers":18,"sliding_window":512,
         "vision_config":{"model_type":"gemma4_vision","hidden_size":768,
         "intermediate_size":3072,"num_hidden_layers":16,"patch_size":16,"head_dim":64,
         "position_embedding_size":10240,"use_clipped_linears":true},
         "audio_config":{"model_type":"gemma4_audio","hidden_size":1024,"num_hidden_layers":12,
         "output_proj_dims":1536}})",
     7996157418},
    // Llama 4 Maverick: the family knows its tower and the width of its dense layers.
    {R"({"model_type":"llama4","text_config":{"model_type":"llama4_text","hidden_size":5120,
         "num_hidden_layers":48,"num_attention_heads":40,"num_key_value_heads":8,"head_dim":128,
         "intermediate_size":8192,"vocab_size":202048,"num_local_experts":128,
         "interleave_moe_layer_step":2}})",
     401583781376},
    // InternVL 3.5 8B: two scales in each layer of its tower, and a projector behind a norm.
    {R"({"model_type":"internvl","text_config":{"model_type":"qwen3","hidden_size":4096,
         "num_hidden_layers":36,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,
         "intermediate_size":12288,"vocab_size":151936,"tie_word_embeddings":false}})",
     8528318464},
    // GLM 4.1V: as transformers builds it.
    {R"({"model_type":"glm4v","text_config":{"model_type":"glm4v_text","hidden_size":4096,
         "num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":2,
         "intermediate_size":13696,"vocab_size":151552,"attention_bias":true,
         "tie_word_embeddings":false}})",
     10292777472},
    // T5: an encoder, and a decoder that looks at it.
    {R"({"model_type":"t5","d_model":768,"d_kv":64,"d_ff":3072,"num_layers":12,"num_heads":12,
         "vocab_size":32128})",
     222903552},
    // ModernBERT: the first layer has no norm in front of its attention.
    {R"({"model_type":"modernbert","hidden_size":768,"num_hidden_layers":22,
         "num_attention_heads":12,"intermediate_size":1152,"vocab_size":50368})",
     149014272},
    // DeepSeek V4 with four layers: 2,419,638,877 as transformers builds it, and a bias for each of
    // 8 experts in each layer. Four residual streams, and three ways to hold keys and values.
    {R"({"model_type":"deepseek_v4","hidden_size":4096,"num_hidden_layers":4,
         "num_attention_heads":64,"num_key_value_heads":1,"head_dim":512,"vocab_size":129280,
         "tie_word_embeddings":false,"n_routed_experts":8,"num_experts_per_tok":6,
         "moe_intermediate_size":2048,"n_shared_experts":1,"q_lora_rank":1024,"o_groups":8,
         "o_lora_rank":1024,"index_head_dim":128,"index_n_heads":64,"num_hash_layers":0,
         "compress_ratios":[0,0,4,128]})",
     2419638877 + 4 * 8},
    // MPT 760M of llm-foundry, with biases and learned positions.
    {R"({"model_type":"mpt","d_model":1536,"n_heads":12,"n_layers":24,"vocab_size":50368,
         "max_seq_len":2048,"no_bias":false,"learned_pos_emb":true,
         "attn_config":{"alibi":false}})",
     760470528},
    // BLOOM 560M, by the names of its time.
    {R"({"model_type":"bloom","n_embed":1024,"n_layer":24,"num_attention_heads":16,
         "vocab_size":250880})",
     559214592},
    // T5-base and BART-base, encoders with decoders, and T5 v1.1 XL, which has gates.
    {R"({"model_type":"t5","d_model":768,"num_layers":12,"num_decoder_layers":12,"num_heads":12,
         "d_kv":64,"d_ff":3072,"vocab_size":32128,"feed_forward_proj":"relu"})",
     222903552},
    {R"({"model_type":"bart","d_model":768,"encoder_layers":6,"decoder_layers":6,
         "encoder_attention_heads":12,"encoder_ffn_dim":3072,"vocab_size":50265,
         "max_position_embeddings":1024})",
     139420416},
    {R"({"model_type":"t5","d_model":2048,"num_layers":24,"num_heads":32,"d_kv":64,"d_ff":5120,
         "vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false})",
     2849757184},
};

static void counts_known_models_exactly(void **) {
    for (const auto &row : known) {
        const auto config = read_config_text("config.json", row.text);
        if (!config)
            fail_msg("%s", config.error().message.c_str());
        if (config->model.parameters != row.parameters)
            fail_msg("%s: %llu, not %llu", config->model.architecture.c_str(),
                     static_cast<unsigned long long>(config->model.parameters),
                     static_cast<unsigned long long>(row.parameters));
        assert_true(config->known_family);
        assert_true(config->model.active_parameters <= row.parameters);
    }
}

/// DeepSeek V3 compresses queries where its file is silent, but not where that says null.
static void tells_null_from_silence(void **) {
    const auto rank = [](const char *told) {
        const auto config = read_config_text(
            "c", base::format(R"({"model_type":"deepseek_v3","hidden_size":64,"vocab_size":100,
                                  "num_hidden_layers":1,"num_attention_heads":4%s})",
                              told));
        assert_true(bool(config));
        return config->model.layers[0].query_rank;
    };
    assert_int_equal(rank(""), 1536);
    assert_int_equal(rank(R"(,"q_lora_rank":null)"), 0);
    assert_int_equal(rank(R"(,"q_lora_rank":32)"), 32);
}

static void keeps_one_latent_row(void **) {
    const auto config = read_config_text("c", known[5].text);
    assert_true(bool(config));
    const core::Layer &layer = config->model.layers[7];
    assert_int_equal(layer.kv_heads, 1);
    assert_int_equal(layer.key_size, 576);
    assert_int_equal(layer.value_size, 0);
    assert_int_equal(config->model.layers[2].weights.expert, 0);
    assert_true(config->model.active_parameters > 37000000000);
    assert_true(config->model.active_parameters < 38500000000);
}

/// Every sixth layer of Gemma 3 looks back all the way, every fourth of Qwen 3 Next is attention.
static void tells_layers_apart(void **) {
    const auto gemma = read_config_text("c", known[7].text);
    assert_true(bool(gemma));
    const auto &layers = gemma->model.layers;
    assert_int_equal(layers[0].window, 1024);
    assert_int_equal(layers[5].window, 0);
    assert_int_equal(layers[11].window, 0);
    assert_int_equal(layers[5].ffn, 21504);

    const auto hybrid = read_config_text(
        "c", R"({"model_type":"qwen3_next","hidden_size":2048,"num_hidden_layers":8,
                 "num_attention_heads":16,"num_key_value_heads":2,"head_dim":256,
                 "vocab_size":151936,"num_experts":512,"num_experts_per_tok":10,
                 "moe_intermediate_size":512,"shared_expert_intermediate_size":512,
                 "linear_num_value_heads":32,"linear_num_key_heads":16,"linear_key_head_dim":128,
                 "linear_value_head_dim":128,"linear_conv_kernel_dim":4})");
    assert_true(bool(hybrid));
    const core::Layer &linear = hybrid->model.layers[2], &full = hybrid->model.layers[3];
    assert_true(linear.mixer == core::Mixer::Recurrent);
    assert_int_equal(linear.kv_heads, 0);
    // Three tokens of 8192 channels, and a square of 128 for each of 32 heads.
    assert_int_equal(linear.state, 3 * 8192 + 32 * 128 * 128);
    assert_true(full.mixer == core::Mixer::Attention);
    assert_int_equal(full.kv_heads, 2);
    assert_int_equal(full.shared_ffn, 512);
    assert_int_equal(full.expert_ffn, 512);
}

/// One layer of 64 x 64 matrices, its query worked by hand in each way of packing.
static void knows_how_weights_are_packed(void **) {
    static constexpr struct {
        const char *config;
        uint64_t bytes;
    } packed[] = {
        {R"({"quant_method":"awq","bits":4,"group_size":32})", 64 * (32 + 2 * 2 + 1)},
        {R"({"quant_method":"gptq","bits":4,"group_size":32})", 64 * (32 + 2 * 2 + 1) + 4 * 64},
        {R"({"quant_method":"fp8"})", 64 * 64},
        {R"({"quant_method":"fp8","weight_block_size":[128,128]})", 64 * 64 + 4},
        {R"({"quant_method":"bitsandbytes","load_in_4bit":true})", 64 * 36 + 16 * 4 + 78},
        {R"({"quant_method":"modelopt","quant_algo":"NVFP4"})", 64 * 36},
        {R"({"bits":4,"group_size":32})", 64 * (32 + 2 * 4)},
        {R"({"quant_method":"compressed-tensors","config_groups":{"group_0":{"weights":
             {"num_bits":4,"type":"int","group_size":32,"strategy":"group"}}}})",
         64 * (32 + 2 * 2)},
    };
    for (const auto &[config, bytes] : packed) {
        const auto made = read_config_text(
            "c", std::string(R"({"model_type":"llama","hidden_size":64,"num_hidden_layers":1,
                                 "num_attention_heads":4,"intermediate_size":64,"vocab_size":128,
                                 "torch_dtype":"bfloat16","quantization_config":)") +
                     config + "}");
        assert_true(bool(made));
        for (const core::Tensor &tensor : made->model.tensors)
            if (tensor.role == core::Role::Query && tensor.bytes != bytes)
                fail_msg("%s: %llu bytes, not %llu", config,
                         static_cast<unsigned long long>(tensor.bytes),
                         static_cast<unsigned long long>(bytes));
    }
}

static void knows_models_by_name(void **) {
    for (const char *name : {"meta-llama/Llama-3.2-1B", "LLAMA-3.2-1b"}) {
        const auto model = read_known(name);
        assert_true(bool(model));
        assert_int_equal(model->parameters, 1235814400);
        assert_string_equal(model->name.c_str(), "meta-llama/Llama-3.2-1B");
    }
    const auto none = read_known("no-such-model");
    assert_true(!none && none.error().status == Status::NotFound);
    for (const data::KnownModel &row : data::known_models())
        if (const auto model = read_known(row.name); !model)
            fail_msg("%s", model.error().message.c_str());
}

static void knows_packed_formats(void **) {
    const auto config = read_config_text("c", known[4].text);
    assert_true(bool(config));
    assert_true(config->model.dtype == core::Dtype::Mxfp4);
    const core::Weights &layer = config->model.layers[0].weights;
    assert_true(layer.expert_bytes == layer.expert / 32 * 17);
    assert_true(layer.bytes ==
                layer.expert_bytes + 2 * (layer.matrix - layer.expert + layer.plain));
    assert_non_null(std::strstr(config->model.notes[0].c_str(), "bf16 is assumed"));
}

static void says_what_it_assumes(void **) {
    const auto config = read_config_text(
        "c", R"({"text_config":{"model_type":"novel","hidden_size":64,"num_hidden_layers":2,
                 "num_attention_heads":4,"vocab_size":100,"sliding_window":512,
                 "dtype":"float16"}})");
    assert_true(bool(config));
    assert_false(config->known_family);
    assert_true(config->model.dtype == core::Dtype::F16);
    assert_true(config->window == 512);
    std::string notes;
    for (const std::string &note : config->model.notes)
        notes += note + "\n";
    assert_non_null(std::strstr(notes.c_str(), "slides over 512 tokens"));
    assert_non_null(std::strstr(notes.c_str(), "novel is no family known here"));
}

static void windows_of_qwen_have_a_switch(void **) {
    const auto window = [](const char *more) {
        const std::string text =
            R"({"model_type":"qwen2","hidden_size":64,"num_hidden_layers":2,
                "num_attention_heads":4,"vocab_size":100,"sliding_window":512)";
        const auto config = read_config_text("c", text + more + "}");
        assert_true(bool(config));
        return config->model.layers[0].window;
    };
    assert_int_equal(window(""), 0);
    assert_int_equal(window(R"(,"use_sliding_window":false)"), 0);
    assert_int_equal(window(R"(,"use_sliding_window":true)"), 512);
}

static void refuses_hostile_numbers(void **) {
    static constexpr struct {
        const char *key;
        const char *value;
        const char *words;
    } bad[] = {
        {"num_hidden_layers", "0", "$.num_hidden_layers: is 0"},
        {"num_hidden_layers", "-1", "$.num_hidden_layers"},
        {"num_hidden_layers", "9223372036854775808", "$.num_hidden_layers"},
        {"num_hidden_layers", "1000000", "more than the 4096 taken seriously"},
        {"num_hidden_layers", "2.5", "$.num_hidden_layers"},
        {"num_hidden_layers", "\"2\"", "$.num_hidden_layers"},
        {"num_hidden_layers", "NaN", "byte"},
        {"num_hidden_layers", "1e999", "byte"},
        {"num_hidden_layers", "null", "$.num_hidden_layers: is missing"},
        {"num_hidden_layers", "[]", "$.num_hidden_layers"},
        {"hidden_size", "0", "$.hidden_size: is 0"},
        {"hidden_size", "1073741825", "$.hidden_size"},
        {"num_attention_heads", "0", "$.num_attention_heads: is 0"},
        {"num_key_value_heads", "0", "$.num_key_value_heads: is 0"},
        {"num_key_value_heads", "64", "64 key-value heads for 4 heads"},
        {"head_dim", "0", "$.head_dim: is 0"},
        {"vocab_size", "0", "$.vocab_size: is 0"},
        {"intermediate_size", "1073741824", ""},
        {"num_experts_per_tok", "2", "2 experts per token of 0"},
        {"num_local_experts", "1073741824", ""},
        {"quantization_config", "{\"bits\":0}", "$.quantization_config.bits"},
    };
    for (const auto &row : bad) {
        // Everything at its limit beside it, so that what is not refused by itself overflows.
        std::string text = R"({"hidden_size":1073741824,"num_hidden_layers":4096,)"
                           R"("num_attention_heads":4,"vocab_size":1073741824})";
        const std::string key = std::string("\"") + row.key + "\":";
        if (const size_t at = text.find(key); at != std::string::npos) {
            const size_t end = text.find_first_of(",}", at);
            text.replace(at, end - at, key + row.value);
        } else {
            text.insert(1, key + row.value + ",");
        }
        const auto config = read_config_text("config.json", text);
        if (config)
            fail_msg("%s %s: was read", row.key, row.value);
        if (config.error().status != Status::Parse ||
            config.error().message.find(row.words) == std::string::npos ||
            config.error().message.find("config.json") == std::string::npos)
            fail_msg("%s %s: %s", row.key, row.value, config.error().message.c_str());
    }
    for (const char *text : {"", "[]", "5", "{", "{\"hidden_size\":8}"})
        assert_false(bool(read_config_text("c", text)));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(counts_known_models_exactly),
        cmocka_unit_test(tells_null_from_silence),
        cmocka_unit_test(keeps_one_latent_row),
        cmocka_unit_test(knows_packed_formats),
        cmocka_unit_test(says_what_it_assumes),
        cmocka_unit_test(windows_of_qwen_have_a_switch),
        cmocka_unit_test(refuses_hostile_numbers),
        cmocka_unit_test(tells_layers_apart),
        cmocka_unit_test(knows_how_weights_are_packed),
        cmocka_unit_test(knows_models_by_name),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
