// SPDX-License-Identifier: MIT
// plan/memory: shards, caches and peaks of the engines on PyTorch, and what does not fit.
#include "check.h"
#include "config_maker.h"

#include "plan/evaluate.h"
#include "plan/memory/inference.h"
#include "plan/memory/room.h"
#include "plan/memory/weights.h"

#include <cstring>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using base::Status;
using core::Model;

static constexpr uint64_t gib = uint64_t{1} << 30;

static core::Attr pin(const char *key, int64_t value) {
    return core::attr_int(key, value, core::Source::Unknown);
}

static core::Attr pin(const char *key, const char *value) {
    return core::attr_text(key, value, core::Source::Unknown);
}

static Run run_with(std::initializer_list<core::Attr> pins) {
    const std::vector<core::Attr> list = pins;
    auto run = run_of(list);
    if (!run)
        fail_msg("%s", run.error().message.c_str());
    return *run;
}

struct Machine {
    core::System system;
    Options options;

    Machine(size_t count, uint64_t bytes) {
        system.devices.resize(count);
        for (size_t i = 0; i < count; ++i) {
            core::Device &device = system.devices[i];
            device.id = "gpu-" + std::to_string(i);
            device.kind = core::Kind::Gpu;
            device.memories.resize(1);
            device.memories[0].usable_bytes = bytes;
        }
        for (const core::Device &device : system.devices)
            options.devices.push_back(&device);
    }

    base::Result<Plan> plan(const Model &model, Run run, uint64_t prompt, uint64_t output,
                            uint64_t batch = 1) {
        options.run = run;
        Workload workload;
        workload.batch = batch;
        workload.prompt_tokens = prompt;
        workload.output_tokens = output;
        auto settled = settle(workload);
        assert_true(bool(settled));
        return evaluate(system, model, options, *settled);
    }
};

static Plan made(base::Result<Plan> plan) {
    if (!plan)
        fail_msg("%s", plan.error().message.c_str());
    return std::move(*plan);
}

static void shards_split_matrices_and_repeat_heads(void **) {
    Machine machine(16, 1000 * gib);
    const Plan plan = made(machine.plan(
        llama(), run_with({pin("engine", "vllm"), pin("tensor_parallel", 16)}), 100, 100));
    assert_int_equal(plan.stages.size(), 16);
    // Queries and what leads out, FFN, embedding and output by 16; keys and values by their 8
    // heads.
    const uint64_t d = 4096, f = 14336, v = 128256;
    const uint64_t layer = (2 * d * d + 3 * d * f) / 16 + 2 * d * 1024 / 8 + 2 * d;
    assert_int_equal(plan.stages[3].footprint.weights, 2 * (32 * layer + 2 * v * d / 16 + d));
    // One head of keys and one of values, 208 tokens in blocks of 16.
    assert_int_equal(plan.stages[3].footprint.cache, 32 * 208 * 2 * 128 * 2);
}

/// Mixtral 8x7B.
static Model mixtral() {
    return read(R"({"model_type":"mixtral","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
        "num_local_experts":8,"num_experts_per_tok":2,
        "vocab_size":32000,"torch_dtype":"bfloat16","max_position_embeddings":32768})");
}

static void ranks_hold_their_share_of_sequences(void **) {
    Machine machine(8, 1000 * gib);
    const auto stage = [&](std::initializer_list<core::Attr> degrees) {
        std::vector<core::Attr> pins = degrees;
        pins.push_back(pin("engine", "vllm"));
        auto run = run_of(pins);
        assert_true(bool(run));
        return made(machine.plan(mixtral(), *run, 100, 100, 16)).stages[7].footprint;
    };
    const uint64_t d = 4096, f = 14336, v = 32000;
    const uint64_t sequence = 32 * 208 * 2 * 8 * 128 * 2; // 208 tokens in blocks of 16
    const uint64_t attention = 2 * d * d + 2 * d * 1024, experts = 8 * 3 * d * f;
    const uint64_t plain = 2 * d + 8 * d; // norms and the router
    // Replicas take an eighth of the sequences each.
    Footprint use = stage({pin("data_parallel", 8)});
    assert_int_equal(use.cache, 2 * sequence);
    assert_int_equal(use.weights, 2 * (32 * (attention + experts + plain) + 2 * v * d + d));
    // Two replicas of four groups: attention is whole, experts are spread.
    use = stage({pin("data_parallel", 2), pin("tensor_parallel", 4),
                 pin("attention_data_parallel", 4), pin("expert_parallel", 4)});
    assert_int_equal(use.cache, 2 * sequence);
    assert_int_equal(use.weights, 2 * (32 * (attention + experts / 4 + plain) + 2 * v * d + d));
    // Context ranks hold the same weights but for the experts, and half of 200 tokens.
    use = stage({pin("context_parallel", 2), pin("tensor_parallel", 4), pin("expert_parallel", 8)});
    assert_int_equal(use.cache, 16 * sequence / 4 * 112 / 208);
    assert_int_equal(use.weights,
                     2 * (32 * (attention / 4 + experts / 8 + plain) + 2 * v * d / 4 + d));
}

static void llamacpp_looks_the_embedding_up_on_the_host(void **) {
    Machine machine(1, 1000 * gib);
    const Plan plan =
        made(machine.plan(llama(), run_with({pin("engine", "llama.cpp")}), 7168, 1024));
    const uint64_t table = uint64_t{128256} * 4096 * 2;
    const uint64_t all = uint64_t{8030261248} * 2;
    const Footprint &use = plan.stages[0].footprint;
    assert_int_equal(use.weights, all - table);
    // Norms count among them in bf16; the host's buffers are 4·512·(2d + n/2 + 7).
    assert_int_equal(use.offload, table + 4 * 512 * (2 * 4096 + 8192 / 2 + 7));
    assert_int_equal(use.cache, gib);
    assert_int_equal(use.activations, 4 * 512 * 132352);
}

static void llamacpp_leaves_layers_on_the_host(void **) {
    Machine machine(1, 1000 * gib);
    const Plan plan = made(machine.plan(
        llama(), run_with({pin("engine", "llama.cpp"), pin("gpu_layers", 11)}), 7168, 1024));
    const Footprint &use = plan.stages[0].footprint;
    assert_int_equal(plan.stages[0].first_layer, 22);
    assert_int_equal(plan.stages[0].layer_count, 10);
    const uint64_t d = 4096, f = 14336, v = 128256, n = 8192, u = 512;
    const uint64_t layer = 2 * (2 * d * d + 2 * d * 1024 + 3 * d * f + 2 * d);
    assert_int_equal(use.weights, 10 * layer + 2 * (v * d + d));
    assert_int_equal(use.cache, 10 * gib / 32);
    // The logits and the last hidden state of a step need more than one matrix that the device
    // borrows, with what an FFN keeps of each token: residual, gate, up and their product.
    assert_true(4 * u * (v + d) > 2 * d * f + 4 * u * (3 * (f + d) + n / 2 + 6));
    assert_int_equal(use.activations, 4 * u * (v + d));
    // The host holds the embedding, 22 layers, their cache, and what an FFN keeps of each token.
    const uint64_t held = 2 * v * d + 22 * layer + 22 * gib / 32;
    assert_in_range(use.offload, held + 4 * u * 3 * (f + d), held + 4 * u * (3 * (f + d) + n + d));
}

static void llamacpp_borrows_matrices_of_the_host(void **) {
    // A vocabulary so small that the layers decide.
    const Model model = read(R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
        "vocab_size":1024,"torch_dtype":"bfloat16","max_position_embeddings":131072})");
    Machine machine(1, 1000 * gib);
    const auto buffer = [&](int64_t layers, int64_t tokens) {
        const Run run = run_with(
            {pin("engine", "llama.cpp"), pin("gpu_layers", layers), pin("ubatch", tokens)});
        return made(machine.plan(model, run, 1024, 0)).stages[0].footprint.activations;
    };
    const uint64_t matrix = 2 * 4096 * 14336;
    assert_in_range(buffer(16, 512), buffer(33, 512) + matrix - 4096 * 512 * 4,
                    buffer(33, 512) + matrix + 4096 * 512 * 4);
    // Of a part of the layers' weights on the host as well.
    const Plan part = made(machine.plan(
        model, run_with({pin("engine", "llama.cpp"), pin("host_bytes", 1 << 30)}), 1024, 0));
    assert_int_equal(part.stages[0].footprint.activations, buffer(1, 512));
    // A few tokens are multiplied where the matrix lies.
    assert_true(buffer(16, 16) < matrix);
    assert_true(buffer(16, 32) > matrix);
}

static void hosts_bear_what_is_left_to_them(void **) {
    Machine machine(1, 1000 * gib);
    const auto status = [&](uint64_t host) {
        core::Device processor;
        processor.id = "cpu-0";
        processor.kind = core::Kind::Cpu;
        processor.memories.resize(1);
        processor.memories[0].usable_bytes = host;
        machine.system.devices.resize(1);
        machine.system.devices.push_back(processor);
        machine.options.devices = {&machine.system.devices[0]};
        const auto plan = machine.plan(
            llama(), run_with({pin("engine", "llama.cpp"), pin("gpu_layers", 11)}), 7168, 1024);
        return plan ? Status::Ok : plan.error().status;
    };
    // 9 GiB of 22 layers, 1 of the embedding and 0.7 of their cache.
    assert_int_equal(status(12 * gib), Status::Ok);
    assert_int_equal(status(10 * gib), Status::NoFit);
    assert_int_equal(status(0), Status::Ok); // not known
}

static void llamacpp_deals_out_nothing_but_the_output(void **) {
    Machine machine(1, 1000 * gib);
    const Plan plan = made(machine.plan(
        llama(), run_with({pin("engine", "llama.cpp"), pin("gpu_layers", 1)}), 7168, 1024));
    assert_int_equal(plan.stages[0].first_layer, 32);
    assert_int_equal(plan.stages[0].layer_count, 0);
    assert_int_equal(plan.stages[0].footprint.weights, (uint64_t{128256} * 4096 + 4096) * 2);
    const auto none = machine.plan(
        llama(), run_with({pin("engine", "llama.cpp"), pin("gpu_layers", int64_t{0})}), 7168, 1024);
    assert_int_equal(none.error().status, Status::Invalid);
}

static void pools_hold_what_is_left(void **) {
    Machine machine(1, 40 * gib);
    Plan plan = made(machine.plan(
        llama(), run_with({pin("engine", "vllm"), pin("cache_bytes", 1 << 30)}), 100, 28));
    assert_int_equal(plan.cache_tokens, 8192); // 128 KiB each
    plan = made(machine.plan(llama(), run_with({pin("engine", "vllm")}), 100, 28));
    const Footprint &use = plan.stages[0].footprint;
    const uint64_t left = 40 * gib / 100 * 92 - (use.total() - use.cache);
    assert_int_equal(plan.cache_tokens, left / (131072 * 16) * 16);
    plan = made(machine.plan(llama(), run_with({pin("engine", "transformers")}), 100, 28));
    assert_int_equal(plan.cache_tokens, 0);
}

static void sequences_beyond_the_slots_wait(void **) {
    Machine machine(1, 1000 * gib);
    const auto cache = [&](int64_t slots) {
        return made(machine.plan(llama(),
                                 run_with({pin("engine", "vllm"), pin("sequences", slots)}), 100,
                                 28, 8))
            .footprint.cache;
    };
    assert_int_equal(cache(8), 8 * 128 * 131072); // 128 tokens of 128 KiB
    assert_int_equal(cache(3), 3 * 128 * 131072);
    assert_int_equal(cache(100), cache(8));
}

static void sampler_or_layers_peak(void **) {
    Machine machine(1, 1000 * gib);
    const auto peak = [&](int64_t sequences, int64_t tokens) {
        return made(machine.plan(llama(),
                                 run_with({pin("engine", "vllm"), pin("sequences", sequences),
                                           pin("ubatch", tokens)}),
                                 100, 28))
            .stages[0]
            .footprint.activations;
    };
    assert_int_equal(peak(256, 2048), 10ULL * 256 * 128256);
    assert_int_equal(peak(1, 2048), 2048ULL * 2 * (3 * 14336 + 4 * 4096));
}

static void logits_by_version(void **) {
    Machine machine(1, 1000 * gib);
    const auto peak = [&](const char *version) {
        const Plan plan = made(machine.plan(
            llama(), run_with({pin("engine", "transformers"), pin("engine_version", version)}),
            8192, 0));
        const Footprint &use = plan.stages[0].footprint;
        return use.activations - static_cast<uint64_t>(0.005 * static_cast<double>(use.weights));
    };
    // The prompt is all but 128 of 8320 tokens.
    const uint64_t later = 128 * 131072;
    assert_in_range(peak("4.46.1") + later, 8192ULL * 2 * (3 * 14336 + 4 * 4096) - 1,
                    8192ULL * 2 * (3 * 14336 + 4 * 4096) + 2);
    const uint64_t tables = 2ULL * 2 * 32 * 128 * 131072;
    assert_in_range(peak("4.40.0") + later, 8192ULL * (6 * 128256 + 2 * 4096) + tables - 1,
                    8192ULL * (6 * 128256 + 2 * 4096) + tables + 2);
}

static void refuses_what_lacks_room(void **) {
    Machine machine(1, 8 * gib);
    for (const char *engine : {"llama.cpp", "vllm", "transformers", "any"}) {
        const auto plan = machine.plan(llama(), run_with({pin("engine", engine)}), 100, 28);
        assert_false(bool(plan));
        assert_int_equal(plan.error().status, Status::NoFit);
        assert_non_null(strstr(plan.error().message.c_str(), " short"));
    }
    machine.system.devices[0].memories.clear(); // of unknown memory: no reason to refuse
    machine.options.devices = {&machine.system.devices[0]};
    assert_true(bool(machine.plan(llama(), run_with({pin("engine", "llama.cpp")}), 100, 28)));
}

static void versions_are_three_numbers(void **) {
    const auto status = [](core::Attr attr) {
        const std::vector<core::Attr> list = {std::move(attr)};
        const auto run = run_of(list);
        return run ? Status::Ok : run.error().status;
    };
    assert_int_equal(run_with({pin("engine_version", "0.8.5")}).engine_version->value, 8005);
    assert_int_equal(run_with({pin("engine_version", "4.46")}).engine_version->value, 4046000);
    for (const char *wrong : {"", ".", "1.", "1..2", "1.2.3.4", "v1", "99999"})
        assert_int_equal(status(pin("engine_version", wrong)), Status::Invalid);
    assert_int_equal(status(pin("engine_version", 4)), Status::Invalid);
    assert_int_equal(status(pin("key_dtype", "q5_1")), Status::Ok);
    assert_int_equal(status(pin("key_dtype", "q6_k")), Status::Invalid);
}

static void latent_rows(void **) {
    const Model model = read(R"({"model_type":"deepseek_v3","hidden_size":7168,
        "num_hidden_layers":61,"num_attention_heads":128,"num_key_value_heads":128,
        "intermediate_size":18432,"vocab_size":129280,"kv_lora_rank":512,"q_lora_rank":1536,
        "qk_rope_head_dim":64,"qk_nope_head_dim":128,"v_head_dim":128,"n_routed_experts":256,
        "num_experts_per_tok":8,"moe_intermediate_size":2048,"n_shared_experts":1,
        "first_k_dense_replace":3,"torch_dtype":"bfloat16"})");
    Machine machine(1, 4000 * gib);
    const auto cache = [&](int64_t kept) {
        return made(machine.plan(model,
                                 run_with({pin("engine", "llama.cpp"), pin("latent_cache", kept)}),
                                 384, 128))
            .stages[0]
            .footprint.cache;
    };
    assert_int_equal(cache(1), 61ULL * 512 * 576 * 2);
    assert_int_equal(cache(2), 61ULL * 512 * (576 + 512) * 2);
    assert_int_equal(cache(0), 61ULL * 512 * 128 * (192 + 128) * 2);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(shards_split_matrices_and_repeat_heads),
        cmocka_unit_test(ranks_hold_their_share_of_sequences),
        cmocka_unit_test(llamacpp_looks_the_embedding_up_on_the_host),
        cmocka_unit_test(llamacpp_leaves_layers_on_the_host),
        cmocka_unit_test(llamacpp_borrows_matrices_of_the_host),
        cmocka_unit_test(hosts_bear_what_is_left_to_them),
        cmocka_unit_test(llamacpp_deals_out_nothing_but_the_output),
        cmocka_unit_test(pools_hold_what_is_left),
        cmocka_unit_test(sequences_beyond_the_slots_wait),
        cmocka_unit_test(sampler_or_layers_peak),
        cmocka_unit_test(logits_by_version),
        cmocka_unit_test(refuses_what_lacks_room),
        cmocka_unit_test(versions_are_three_numbers),
        cmocka_unit_test(latent_rows),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
