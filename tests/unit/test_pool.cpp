// SPDX-License-Identifier: MIT
// plan/memory: what engines keep of each token, and how much the pools of servers hold.
#include "check.h"
#include "config_maker.h"

#include "plan/evaluate.h"

#include <algorithm>
#include <string>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using base::Status;
using core::Model;

static constexpr uint64_t mib = uint64_t{1} << 20, gib = uint64_t{1} << 30;

/// Qwen3.5 9B: of 32 layers every fourth keeps 4 heads of 256, the others a state.
static Model qwen() {
    return read(R"({"model_type":"qwen3_5_text","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":16,"num_key_value_heads":4,"head_dim":256,
        "intermediate_size":12288,"vocab_size":248320,"full_attention_interval":4,
        "linear_num_value_heads":32,"linear_num_key_heads":16,"linear_key_head_dim":128,
        "linear_value_head_dim":128,"linear_conv_kernel_dim":4,"torch_dtype":"bfloat16"})");
}

/// GPT-OSS 20B: every other of 24 layers looks back on 128 tokens.
static Model gpt_oss() {
    return read(R"({"model_type":"gpt_oss","hidden_size":2880,"num_hidden_layers":24,
        "num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"intermediate_size":2880,
        "num_local_experts":32,"num_experts_per_tok":4,"sliding_window":128,
        "vocab_size":201088,"torch_dtype":"bfloat16"})");
}

/// DeepSeek V3, and V3.2 where an index is told.
static Model deepseek(const char *index) {
    return read(std::string(R"({"model_type":"deepseek_v3","hidden_size":7168,
        "num_hidden_layers":61,"num_attention_heads":128,"num_key_value_heads":128,
        "intermediate_size":18432,"n_routed_experts":256,"num_experts_per_tok":8,
        "moe_intermediate_size":2048,"n_shared_experts":1,"first_k_dense_replace":3,
        "kv_lora_rank":512,"q_lora_rank":1536,"qk_nope_head_dim":128,"qk_rope_head_dim":64,
        "v_head_dim":128,)") +
                index + R"("vocab_size":129280,"torch_dtype":"bfloat16"})");
}

/// DeepSeek V4 Flash: two layers of a window alone, then 21 that keep a row for 4 tokens and 20
/// that keep one for 128, in turns.
static Model deepseek_v4() {
    std::string ratios = "0,0";
    for (int i = 0; i < 41; ++i)
        ratios += i % 2 == 0 ? ",4" : ",128";
    return read(R"({"model_type":"deepseek_v4","hidden_size":4096,"num_hidden_layers":43,
        "num_attention_heads":64,"num_key_value_heads":1,"head_dim":512,"n_routed_experts":256,
        "num_experts_per_tok":6,"moe_intermediate_size":2048,"n_shared_experts":1,
        "q_lora_rank":1024,"qk_rope_head_dim":64,"sliding_window":128,"index_head_dim":128,
        "index_n_heads":64,"o_groups":8,"o_lora_rank":1024,"vocab_size":129280,
        "torch_dtype":"bfloat16","compress_ratios":[)" +
                ratios + "]}");
}

static core::Attr pin(const char *key, int64_t value) {
    return core::attr_int(key, value, core::Source::Unknown);
}

static core::Attr pin(const char *key, const char *value) {
    return core::attr_text(key, value, core::Source::Unknown);
}

/// One device, and a plan that everything is pinned in.
struct Machine {
    core::System system;
    core::Dtype cache = core::Dtype::Bf16;

    explicit Machine(uint64_t bytes, const char *name = "card") {
        core::Device device;
        device.id = "gpu-0";
        device.kind = core::Kind::Gpu;
        device.name.value = name;
        device.memories.resize(1);
        device.memories[0].usable_bytes = bytes;
        system.devices.push_back(device);
    }

    base::Result<Plan> ask(const Model &model, uint64_t context, std::vector<core::Attr> pins) {
        auto run = run_of(pins);
        if (!run)
            fail_msg("%s", run.error().message.c_str());
        Options options;
        options.devices = {&system.devices[0]};
        options.run = *run;
        Workload workload;
        workload.batch = 1;
        workload.prompt_tokens = 16;
        workload.context_tokens = context;
        workload.cache_dtype = cache;
        auto settled = settle(workload);
        assert_true(bool(settled));
        return evaluate(system, model, options, *settled);
    }

    Plan plan(const Model &model, uint64_t context, std::vector<core::Attr> pins) {
        auto made = ask(model, context, std::move(pins));
        if (!made)
            fail_msg("%s", made.error().message.c_str());
        return std::move(*made);
    }

    /// Bytes that SGLang keeps of one sequence; its blocks are single tokens.
    uint64_t kept(const Model &model, uint64_t context) {
        return plan(model, context, {pin("engine", "sglang")}).stages[0].footprint.cache;
    }
};

static void a_token_by_kind_of_layer(void **) {
    Machine machine(4096 * gib);
    const uint64_t n = 4096;
    assert_int_equal(machine.kept(llama(), n), n * 32 * 2 * 8 * 128 * 2);
    assert_int_equal(machine.kept(deepseek(""), n), n * 61 * (512 + 64) * 2);
    // The key that rows are picked by: 128 numbers of 8 bits and a scale.
    const char *index = R"("index_head_dim":128,"index_n_heads":64,)";
    assert_int_equal(machine.kept(deepseek(index), n), n * 61 * ((512 + 64) * 2 + 132));
    // Half of the layers keep their window of 128 tokens.
    assert_int_equal(machine.kept(gpt_oss(), n), 12 * (n + 128) * 2 * 8 * 64 * 2);
    // Inputs of the convolution in 16 bits, the state in f32: 3 of 8192, and 32 of 128 by 128.
    const uint64_t state = 3 * 8192 * 2 + 32 * 128 * 128 * 4;
    assert_int_equal(machine.kept(qwen(), n), 8 * n * 2 * 4 * 256 * 2 + 24 * state);
    const uint64_t row = 512 * 2;
    assert_int_equal(machine.kept(deepseek_v4(), n),
                     43 * 128 * row + 21 * n / 4 * (row + 132) + 20 * n / 128 * row);
}

static void a_token_in_eight_bits(void **) {
    Machine machine(4096 * gib);
    machine.cache = core::Dtype::F8E4M3;
    const uint64_t n = 4096;
    assert_int_equal(machine.kept(llama(), n), n * 32 * 2 * 8 * 128);
    assert_int_equal(machine.kept(deepseek(""), n), n * 61 * 576);
    // Rows that are picked: 64 of 576 or 512 numbers stay in 16 bits, and there are scales.
    const char *index = R"("index_head_dim":128,"index_n_heads":64,)";
    assert_int_equal(machine.kept(deepseek(index), n), n * 61 * (656 + 132));
    assert_int_equal(machine.kept(deepseek_v4(), n),
                     43 * 128 * 584 + 21 * n / 4 * (584 + 132) + 20 * n / 128 * 584);
}

static uint64_t in_pool(Machine &machine, const Model &model, uint64_t context, const char *version,
                        uint64_t bytes, int64_t step = 2048) {
    return machine
        .plan(model, context,
              {pin("engine", "vllm"), pin("engine_version", version), pin("ubatch", step),
               pin("cache_bytes", static_cast<int64_t>(bytes))})
        .cache_tokens;
}

static void states_share_pages_with_rows(void **) {
    Machine machine(4096 * gib);
    // A state of 2,146,304 bytes takes 528 tokens of 4096 bytes, the next multiple of 16; 8 full
    // layers and 24 others make four groups.
    const uint64_t bytes = 669ULL * 8 * 528 * 4096 + 1;
    // A request takes 125 pages of the rows and one of each state.
    assert_int_equal(in_pool(machine, qwen(), 65536, "0.20", bytes), 669ULL * 65536 / 128);
    assert_int_equal(in_pool(machine, qwen(), 65536, "0.19", bytes), 669 / 4 * 528);
}

static void windows_share_pages_with_rows(void **) {
    Machine machine(4096 * gib);
    const uint64_t bytes = 1000ULL * 12 * 16 * 2048;
    // 256 pages of the context; of a window 127 tokens and two steps, at most the context, and one
    // page more.
    assert_int_equal(in_pool(machine, gpt_oss(), 4096, "0.20", bytes),
                     1000ULL * 4096 / (256 + 257));
    assert_int_equal(in_pool(machine, gpt_oss(), 65536, "0.20", bytes, 64),
                     1000ULL * 65536 / (4096 + (127 + 128 + 15) / 16 + 1));
    assert_int_equal(in_pool(machine, gpt_oss(), 4096, "0.19", bytes), 1000 / 2 * 16);
    // Before 0.8 there were no windows in the cache.
    assert_int_equal(in_pool(machine, gpt_oss(), 4096, "0.7", bytes), 1000 / 2 * 16);
}

static void compressed_rows_have_pages_of_their_own(void **) {
    Machine machine(4096 * gib);
    machine.cache = core::Dtype::F8E4M3;
    // 64 rows and 64 index keys for 256 tokens, or 2 rows; pages are multiples of 576 bytes.
    const uint64_t block = 21 * (65 * 576 + 15 * 576) + 20 * (3 * 576);
    // Two steps of 8192 tokens: 259 pages of 64 tokens in both groups of windows, 4099 of 4 tokens
    // and 2065 of 8 for rows that are not finished.
    const uint64_t pages = 512 + 2 * 259 + 4099 + 2065;
    assert_int_equal(in_pool(machine, deepseek_v4(), 131072, "0.20", 83061 * block, 8192),
                     83061ULL * 131072 / pages);
}

static void plain_pools_count_blocks(void **) {
    Machine machine(4096 * gib);
    for (const char *version : {"0.7", "0.8", "0.20"})
        assert_int_equal(in_pool(machine, llama(), 2048, version, gib + 1), 8192);
    machine.cache = core::Dtype::F8E4M3;
    const char *index = R"("index_head_dim":128,"index_n_heads":64,)";
    assert_int_equal(
        in_pool(machine, deepseek(index), 2048, "0.20", 100ULL * 16 * 61 * (656 + 132)), 1600);
}

static void pools_fill_their_share(void **) {
    const uint64_t memory = 80 * gib;
    Machine machine(memory, "NVIDIA H100 80GB HBM3");
    const uint64_t weights = 2 * uint64_t{8030261248};
    // SGLang keeps free 512 MiB, 1.5 for each token of a chunk, 2 for each recorded sequence and
    // 128 for a device; on large devices 10 GiB at least.
    const uint64_t kept = (512 + 3 * 8192 / 2 + 2 * 256 + 128) * mib;
    Plan plan = machine.plan(llama(), 2048, {pin("engine", "sglang")});
    assert_in_range(plan.cache_tokens, (memory - kept - weights) / 131072 - 1,
                    (memory - kept - weights) / 131072);
    plan = machine.plan(llama(), 2048, {pin("engine", "sglang"), pin("engine_version", "0.4.6")});
    const uint64_t fixed = memory / 100 * 88;
    assert_in_range(plan.cache_tokens, (fixed - weights) / 131072 - 1, (fixed - weights) / 131072);
    // TensorRT-LLM takes nine tenths of what is left.
    plan = machine.plan(llama(), 2048, {pin("engine", "tensorrt-llm")});
    const Footprint &use = plan.stages[0].footprint;
    const uint64_t left = (memory - (use.total() - use.cache)) / 10 * 9;
    assert_in_range(plan.cache_tokens, left / 131072 / 32 * 32, left / 131072 / 32 * 32 + 32);
}

static void shares_leave_no_room(void **) {
    // 15 GiB of weights, one of cache.
    Machine machine(19 * gib);
    const auto status = [&](const char *engine, uint64_t context) {
        const auto plan =
            machine.ask(llama(), context, {pin("engine", engine), pin("ubatch", 512)});
        return plan ? Status::Ok : plan.error().status;
    };
    // Of 19 GiB SGLang fills all but 3.7 GiB with weights and pool.
    assert_int_equal(status("sglang", 1024), Status::Ok);
    assert_int_equal(status("sglang", 8192), Status::NoFit);
    assert_int_equal(status("mlx", 8192), Status::Ok);
    // What is beside the weights leaves TensorRT-LLM 3 GiB and a half, of which it takes nine
    // tenths.
    assert_int_equal(status("tensorrt-llm", 3 * 8192), Status::Ok);
    assert_int_equal(status("tensorrt-llm", 7 * 8192 / 2), Status::NoFit);
}

static void macos_keeps_a_share_for_itself(void **) {
    const auto status = [](uint64_t size, uint64_t usable, const char *vendor, uint64_t context) {
        Machine machine(usable);
        machine.system.devices[0].vendor.value = vendor;
        machine.system.devices[0].memories[0].size_bytes.value = size;
        const auto plan = machine.ask(llama(), context, {pin("engine", "mlx")});
        return plan ? Status::Ok : plan.error().status;
    };
    // 15 GiB of weights and 7 of cache: of 32 GiB two thirds, of 36 three quarters.
    assert_int_equal(status(32 * gib, 32 * gib, "apple", 7 * 8192), Status::NoFit);
    assert_int_equal(status(36 * gib, 36 * gib, "apple", 7 * 8192), Status::Ok);
    assert_int_equal(status(36 * gib, 21 * gib, "apple", 7 * 8192), Status::NoFit);
    assert_int_equal(status(36 * gib, 24 * gib, "apple", 7 * 8192), Status::Ok);
    assert_int_equal(status(24 * gib, 24 * gib, "nvidia", 7 * 8192), Status::Ok);
}

static void steps_are_larger_on_large_devices(void **) {
    const auto peak = [](const char *name, uint64_t memory, const char *version) {
        Machine machine(memory, name);
        return machine.plan(llama(), 2048, {pin("engine", "vllm"), pin("engine_version", version)})
            .stages[0]
            .footprint.activations;
    };
    const uint64_t token = 2 * (3 * 14336 + 4 * 4096), logit = 128256;
    assert_int_equal(peak("NVIDIA H100 80GB HBM3", 80 * gib, "0.20"), 1024 * logit * 10);
    assert_int_equal(peak("NVIDIA H100 80GB HBM3", 80 * gib, "0.9"), 1024 * logit * 30);
    assert_int_equal(peak("NVIDIA A100-SXM4-80GB", 80 * gib, "0.20"), 256 * logit * 10);
    assert_int_equal(peak("NVIDIA RTX A6000", 48 * gib, "0.20"), 256 * logit * 10);
    assert_true(2048 * token < 256 * logit * 10);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_token_by_kind_of_layer),
        cmocka_unit_test(a_token_in_eight_bits),
        cmocka_unit_test(states_share_pages_with_rows),
        cmocka_unit_test(windows_share_pages_with_rows),
        cmocka_unit_test(compressed_rows_have_pages_of_their_own),
        cmocka_unit_test(plain_pools_count_blocks),
        cmocka_unit_test(pools_fill_their_share),
        cmocka_unit_test(shares_leave_no_room),
        cmocka_unit_test(macos_keeps_a_share_for_itself),
        cmocka_unit_test(steps_are_larger_on_large_devices),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
