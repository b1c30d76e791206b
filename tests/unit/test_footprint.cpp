// SPDX-License-Identifier: MIT
// core/model and plan/footprint: estimates, bytes by use, and sums that do not wrap.
#include "check.h"

#include "base/units.h"
#include "plan/memory/footprint.h"
#include "plan/model/read.h"
#include "plan/search/formats.h"

#include <cstring>

using namespace hwa;
using namespace hwa::plan;
using base::Status;
using core::Dtype;
using core::Model;

static Model of_parameters(uint64_t count) {
    core::ModelNumbers numbers;
    numbers.parameters = count;
    auto model = core::model_from_numbers(numbers);
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    return std::move(*model);
}

static Model llama_8b() {
    auto config =
        read_config_text("c", R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
                 "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
                 "vocab_size":128256,"torch_dtype":"bfloat16","max_position_embeddings":131072})");
    assert_true(bool(config));
    return std::move(config->model);
}

static void estimates_add_up(void **) {
    for (uint64_t count = 1; count <= core::parameter_limit; count = count * 3 + 1) {
        const Model model = of_parameters(count);
        uint64_t sum = model.embedding.parameters() + model.output.parameters();
        for (const core::Layer &layer : model.layers)
            sum += layer.weights.parameters();
        assert_true(sum == count);
        assert_true(model.parameters == count && model.active_parameters == count);
        assert_true(!model.layers.empty() && model.heads > 0 && model.kv_heads > 0);
        assert_true(model.kv_heads <= model.heads);
        assert_int_equal(model.notes.size(), 1);
    }
    assert_int_equal(of_parameters(70000000000).layers.size(), 80);
    assert_int_equal(of_parameters(8000000000).hidden_size, 4096);
}

static void keeps_what_is_said(void **) {
    core::ModelNumbers said;
    said.parameters = 46702792704;
    said.active_parameters = 12879925248;
    said.layers = 32;
    said.hidden_size = 4096;
    said.heads = 32;
    said.kv_heads = 8;
    said.experts = 8;
    said.experts_per_token = 2;
    said.dtype = Dtype::F16;
    const auto model = core::model_from_numbers(said);
    assert_true(bool(model));
    assert_int_equal(model->layers.size(), 32);
    assert_true(model->active_parameters == said.active_parameters);
    double experts = 0;
    for (const core::Layer &layer : model->layers)
        experts += static_cast<double>(layer.weights.expert);
    const double exact = 8.0 / 6.0 * (46702792704.0 - 12879925248.0);
    assert_true(experts > 0.999 * exact && experts < 1.001 * exact);
    assert_true((model->estimated & core::FieldLayers) == 0);
    assert_true((model->estimated & core::FieldVocabulary) != 0);
}

static void refuses_numbers_beyond_reason(void **) {
    const auto status = [](auto change) {
        core::ModelNumbers numbers;
        numbers.parameters = 1000000;
        change(numbers);
        const auto model = core::model_from_numbers(numbers);
        return model ? Status::Ok : model.error().status;
    };
    assert_true(status([](auto &) {}) == Status::Ok);
    assert_true(status([](auto &n) { n.parameters = 0; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.parameters = UINT64_MAX; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.layers = UINT32_MAX; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.hidden_size = UINT32_MAX; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.heads = UINT32_MAX; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.active_parameters = 2000000; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.experts_per_token = 1; }) == Status::Invalid);
    assert_true(status([](auto &n) { n.dtype = static_cast<Dtype>(999); }) == Status::Invalid);
}

static void windows_and_states_are_kept(void **) {
    Model model = llama_8b();
    for (size_t i = 0; i < 16; ++i)
        model.layers[i].window = 1024;
    Workload workload;
    workload.prompt_tokens = 3968;
    workload.batch = 2;
    constexpr uint64_t row = 8 * (128 + 128) * 2;
    auto made = footprint(model, workload);
    assert_true(made && made->cache == 2 * row * 16 * (4096 + 1536));
    workload.prompt_tokens = 128;
    made = footprint(model, workload);
    assert_true(made && made->cache == 2 * row * 32 * 256);
    for (size_t i = 16; i < 32; ++i) {
        model.layers[i].kv_heads = 0;
        model.layers[i].state = 1000;
    }
    made = footprint(model, workload);
    assert_true(made && made->cache == 2 * (row * 16 * 256 + 16 * 4000));
    model.layers[31].state = UINT64_MAX;
    assert_false(bool(footprint(model, workload)));
}

/// Against the closed forms by hand, Llama-3.1-8B at 4096 tokens.
static void counts_bytes_by_use(void **) {
    const Model model = llama_8b();
    Workload workload;
    workload.prompt_tokens = 3968;
    const auto made = footprint(model, workload);
    assert_true(bool(made));
    assert_true(made->weights == 8030261248 * 2);
    assert_true(made->cache == uint64_t{32} * 4096 * 8 * (128 + 128) * 2);
    assert_true(made->activations == uint64_t{4} * 512 * (128256 + 4096));
    assert_true(made->workspace == 456 * base::MiB);
    assert_true(made->total() == made->weights + made->cache + made->activations + made->workspace);

    workload.weight_dtype = Dtype::Q4_K;
    workload.cache_dtype = Dtype::Q8_0;
    workload.batch = 3;
    const auto packed = footprint(model, workload);
    assert_true(bool(packed));
    assert_true(packed->cache == made->cache / 64 * 34 * 3);
    const uint64_t table = uint64_t{128256} * 4096;
    const uint64_t norms = 65 * 4096;
    const uint64_t rest = 8030261248 - 2 * table - norms;
    assert_true(packed->weights == (rest + table) / 256 * 144 + table / 256 * 210 + norms * 4);
}

/// Qwen2.5-0.5B: rows of 896 fall back to q5_0, those of 4864 do not, and the embedding, which is
/// the output too, takes the output's q6_k and so q8_0.
static void falls_back_where_rows_are_no_blocks(void **) {
    const auto config =
        read_config_text("c", R"({"model_type":"qwen2","hidden_size":896,"num_hidden_layers":24,
                 "num_attention_heads":14,"num_key_value_heads":2,"intermediate_size":4864,
                 "vocab_size":151936,"tie_word_embeddings":true,"torch_dtype":"bfloat16"})");
    assert_true(bool(config));
    const Model &model = config->model;
    assert_true(model.parameters == 494032768);
    Workload workload;
    workload.weight_dtype = Dtype::Q4_K;
    const auto made = footprint(model, workload);
    assert_true(bool(made));
    const uint64_t down = uint64_t{896} * 4864;
    const core::Weights &layer = model.layers[0].weights;
    const uint64_t table = uint64_t{896} * 151936;
    assert_true(made->weights ==
                table / 32 * 34 + model.other.plain * 4 +
                    24 * ((layer.matrix - down) / 32 * 22 + down / 256 * 144 + layer.plain * 4));
}

static void parts_add_up_to_the_whole(void **) {
    const Model model = llama_8b();
    const auto workload = settle({});
    assert_true(bool(workload));
    const auto sized = size_up(model, own_format(model), *workload);
    assert_true(bool(sized));
    const Footprint whole = footprint_of(*sized, 0, 32, core::Kind::Gpu);
    for (uint64_t cut = 1; cut < 32; ++cut) {
        const Footprint a = footprint_of(*sized, 0, cut, core::Kind::Gpu);
        const Footprint b = footprint_of(*sized, cut, 32 - cut, core::Kind::Gpu);
        assert_true(a.weights + b.weights == whole.weights);
        assert_true(a.cache + b.cache == whole.cache);
    }
}

static void lists_formats_from_the_best_down(void **) {
    Model model = llama_8b();
    std::string names;
    for (const Format &format : formats_for(model, {}, {}))
        names += format.name + " ";
    assert_string_equal(names.c_str(), "bf16 q8_0 q6_k q5_k q4_k q3_k q2_k ");
    model.dtype = Dtype::Q4_K;
    model.recipe = "Q4_K_M";
    for (core::Layer &layer : model.layers)
        layer.weights.bytes = layer.weights.bytes * 49 / 160;
    model.embedding.bytes = model.output.bytes = 0;
    names.clear();
    for (const Format &format : formats_for(model, {}, {}))
        names += format.name + " ";
    assert_string_equal(names.c_str(), "Q4_K_M q3_k q2_k ");
    Workload asked;
    asked.weight_dtype = Dtype::Q6_K;
    assert_int_equal(formats_for(model, asked, {}).size(), 1);
}

/// At the edges of what may be said, every sum is a number or an error, and never wraps.
static void never_wraps(void **) {
    constexpr uint32_t edges[] = {1, 2, 1u << 20, 1u << 30, UINT32_MAX};
    const Model small = of_parameters(7000000000);
    core::ModelNumbers most;
    most.parameters = core::parameter_limit;
    most.layers = core::layer_limit;
    most.hidden_size = most.ffn_size = most.heads = most.kv_heads = most.head_size =
        most.vocabulary = core::width_limit;
    const auto large = core::model_from_numbers(most);
    assert_true(bool(large));
    for (const Model *model : {&small, &*large})
        for (const uint32_t batch : edges)
            for (const uint32_t tokens : edges)
                for (const Dtype cache : {Dtype::F32, Dtype::Q4_0}) {
                    Workload workload;
                    workload.batch = batch;
                    workload.prompt_tokens = workload.output_tokens = tokens;
                    workload.cache_dtype = cache;
                    const auto made = footprint(*model, workload);
                    if (made) {
                        assert_true(made->total() >= made->cache);
                        assert_true(made->total() < uint64_t{1} << 62);
                    } else {
                        assert_true(made.error().status == Status::Invalid);
                        assert_non_null(std::strstr(made.error().message.c_str(), "overflow"));
                    }
                }
}

static void refuses_what_it_cannot_plan(void **) {
    const auto status = [](auto change) {
        Workload workload;
        change(workload);
        const auto made = settle(workload);
        return made ? Status::Ok : made.error().status;
    };
    assert_true(status([](auto &w) { w.mode = Mode::Train; }) == Status::Ok);
    assert_true(status([](auto &w) { w.mode = static_cast<Mode>(99); }) == Status::Invalid);
    assert_true(status([](auto &w) { w.recipe = "Q4_K_H"; }) == Status::Unsupported);
    assert_true(status([](auto &w) { w.weight_dtype = Dtype::Bool; }) == Status::Unsupported);
    assert_true(status([](auto &w) { w.weight_dtype = Dtype(99); }) == Status::Invalid);
    assert_true(status([](auto &w) { w.cache_dtype = Dtype::Q2_K; }) == Status::Unsupported);
    assert_true(status([](auto &w) { w.cache_dtype = Dtype(-1); }) == Status::Invalid);
    assert_true(status([](auto &w) { w.weight_dtype = Dtype::Nvfp4; }) == Status::Ok);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(estimates_add_up),
        cmocka_unit_test(keeps_what_is_said),
        cmocka_unit_test(refuses_numbers_beyond_reason),
        cmocka_unit_test(windows_and_states_are_kept),
        cmocka_unit_test(counts_bytes_by_use),
        cmocka_unit_test(falls_back_where_rows_are_no_blocks),
        cmocka_unit_test(parts_add_up_to_the_whole),
        cmocka_unit_test(lists_formats_from_the_best_down),
        cmocka_unit_test(never_wraps),
        cmocka_unit_test(refuses_what_it_cannot_plan),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
