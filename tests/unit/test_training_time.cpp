// SPDX-License-Identifier: MIT
// plan/time/training: the parts of a step, and how they are put together, worked by hand.
#include "check.h"

#include "plan/cut.h"
#include "plan/model/read.h"
#include "plan/time/step.h"
#include "plan/time/training.h"

#include <cmath>

using namespace hwa;
using namespace hwa::plan;
using core::Dtype;

static bool near(double left, double right) {
    return std::fabs(left - right) <= 1e-6 * std::fabs(right);
}

/// Machines of eight Hoppers each.
static core::System hoppers(size_t count) {
    core::System system;
    for (size_t i = 0; i < count; ++i) {
        core::Device device;
        device.id = "gpu-" + std::to_string(i);
        device.kind = core::Kind::Gpu;
        device.vendor = {"nvidia", core::Source::Table};
        core::Memory memory;
        memory.kind = core::MemoryKind::Hbm;
        memory.size_bytes = {uint64_t{80} << 30, core::Source::Table};
        memory.bytes_per_second = {3350000000000, core::Source::Table};
        device.memories.push_back(memory);
        for (const auto &[dtype, rate] : {std::pair{Dtype::Bf16, 989e12}, {Dtype::F8E4M3, 1979e12}})
            device.put_compute({dtype, core::Support::Native, rate, 0, core::Source::Table});
        device.put_attr(core::attr_text("host.name", std::to_string(i / 8), core::Source::Derived));
        system.devices.push_back(std::move(device));
    }
    return system;
}

static core::Model llama_8b() {
    auto config =
        read_config_text("c", R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
                 "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
                 "vocab_size":128256,"torch_dtype":"bfloat16","max_position_embeddings":131072,
                 "tie_word_embeddings":false})");
    assert_true(bool(config));
    return std::move(config->model);
}

struct Made {
    StepParts parts;
    StepTime time;
};

static Made made_of(const core::System &system, const Run &run, const Workload &workload) {
    const core::Model model = llama_8b();
    Options options;
    options.run = run;
    for (const core::Device &device : system.devices)
        options.devices.push_back(&device);
    Case one{&system, &model, own_format(model), workload, run, {}};
    assert_true(bool(cut(options, one)));
    const auto parts = step_parts(one);
    const auto time = training_time(one);
    assert_true(parts && time);
    return {*parts, *time};
}

static Workload of_8192(uint64_t micro_batch) {
    Workload workload;
    workload.mode = Mode::Train;
    workload.sequence_tokens = 8192;
    workload.micro_batch = micro_batch;
    return workload;
}

static void joins_parts(void **) {
    StepParts parts;
    parts.products = 4;
    parts.elementwise = 2;
    parts.tensor_sends = 2;
    parts.stage_sends = 1;
    parts.rounds = 10;
    parts.optimizer = 3;
    const auto step_of = [](const StepParts &made, const EngineCurve &how) {
        return step_seconds(made, how, Release::Middle);
    };
    const EngineCurve curve = {1, 1, 1, .5, 0, .5, .5, 0, 0, 0, 1, 1};
    // 4 + 0.5 x 2 + 0.5 x 2 on the device, and half of what goes to the next stage: 6.5 a round.
    assert_true(near(step_of(parts, curve), 10 * 6.5 + 3));
    // Half of a round hides 3.25 of 8 seconds of weights, and a twentieth never is.
    parts.weight_sends = 8;
    assert_true(near(step_of(parts, curve), 10 * (6.5 + 4.75 + .4) + 3));
    // A host that needs far longer than the device decides.
    parts.weight_sends = 0;
    parts.kernels = 1e6;
    const EngineCurve slow = {1, 1, 1, .5, 1e-3, .5, .5, 0, 0, 0, 1, 1};
    assert_true(near(step_of(parts, slow), 10 * (1000 + .5) + 3));
}

// Two layers of four experts each: 2 x 10 s and 8 x 1 s of the host, which decides over 1 s.
static void mixtures_wait_for_the_host(void **) {
    StepParts parts;
    parts.experts = 1;
    parts.mixtures = 2;
    parts.expert_calls = 8;
    parts.rounds = 1;
    const EngineCurve curve = {1, 1, 1, 1, 0, 1, 1, 0, 10, 1, 2, .5};
    assert_true(near(step_seconds(parts, curve, Release::Middle), 28));
    assert_true(near(step_seconds(parts, curve, Release::Early), 56));
    assert_true(near(step_seconds(parts, curve, Release::Late), 14));
    parts.mixtures = parts.expert_calls = 0; // others are as fast in each release
    assert_true(near(step_seconds(parts, curve, Release::Early), 1));
    assert_true(near(step_seconds(parts, curve, Release::Late), 1));
    Run run;
    assert_true(release_of(run) == Release::Late);
    run.engine_version = version(26, 2, 0);
    assert_true(release_of(run) == Release::Early);
    run.engine_version = version(26, 2, 1);
    assert_true(release_of(run) == Release::Middle);
    run.engine_version = version(26, 6, 0);
    assert_true(release_of(run) == Release::Late);
}

static core::Model mixture(const char *text) {
    auto config = read_config_text("c", text);
    assert_true(bool(config));
    return std::move(config->model);
}

static StepParts parts_of(const core::System &system, const core::Model &model, const Run &run) {
    Options options;
    options.run = run;
    for (const core::Device &device : system.devices)
        options.devices.push_back(&device);
    const Workload workload = of_8192(1);
    Case one{&system, &model, own_format(model), workload, run, {}};
    assert_true(bool(cut(options, one)));
    const auto parts = step_parts(one);
    assert_true(bool(parts));
    return *parts;
}

// Keys of latent attention are 128 + 64 wide and values 128, whatever the cache keeps.
static void latent_attention_is_computed_in_full(void **) {
    const core::Model model = mixture(R"({"model_type":"deepseek_v3","hidden_size":2048,
        "num_hidden_layers":1,"num_attention_heads":16,"intermediate_size":8192,"vocab_size":1000,
        "kv_lora_rank":512,"q_lora_rank":1536,"qk_nope_head_dim":128,"qk_rope_head_dim":64,
        "v_head_dim":128,"tie_word_embeddings":false})");
    const StepParts parts = parts_of(hoppers(1), model, {});
    const double table = 1000. * 2048;
    const double products = 6 * (static_cast<double>(model.parameters) - table) * 8192;
    assert_true(near(parts.operations, products + 3 * 8192. * 8192 * 16 * (192 + 128)));
}

// Heads of 108 numbers are narrower than those of 112, but their rows start anywhere.
static void heads_that_are_not_aligned_are_slow(void **) {
    Run run;
    run.flash_attention = false;
    const auto attention = [&](const char *size) {
        const std::string text = std::string(R"({"model_type":"llama","hidden_size":4096,
            "num_hidden_layers":1,"num_attention_heads":32,"intermediate_size":4096,
            "vocab_size":1000,"head_dim":)") +
                                 size + "}";
        return parts_of(hoppers(1), mixture(text.c_str()), run).attention;
    };
    assert_true(attention("108") > 1.1 * attention("112"));
}

// As many tokens come to a rank's experts as it sends to others; each device holds two of 16.
static void experts_are_shared_out(void **) {
    const core::Model model = mixture(R"({"model_type":"qwen3_moe","hidden_size":2048,
        "num_hidden_layers":2,"num_attention_heads":16,"num_key_value_heads":4,"head_dim":128,
        "num_experts":16,"num_experts_per_tok":4,"moe_intermediate_size":768,"vocab_size":1000})");
    const core::System system = hoppers(8);
    Run run;
    run.data = 8;
    const StepParts whole = parts_of(system, model, run);
    assert_true(near(whole.mixtures, 2) && near(whole.expert_calls, 32));
    run.expert = 8;
    const StepParts split = parts_of(system, model, run);
    assert_true(near(split.expert_calls, 4) && split.expert_sends > 0);
    assert_true(split.experts <= whole.experts && split.experts > .7 * whole.experts);
}

static void counts_the_models_operations(void **) {
    const Made made = made_of(hoppers(1), {}, of_8192(1));
    // Six for each of 8,030,261,248 parameters without the embedding's 525,336,576; and of 32
    // layers with 32 heads of 128 + 128, three times half of the pairs, both ways.
    const double products = 6 * (8030261248. - 525336576.) * 8192;
    const double attention = 3 * 8192. * 8192 * 32 * 256 * 32;
    assert_true(near(made.parts.operations, products + attention));
    assert_true(near(made.parts.peak, 989e12));
    assert_true(made.time.utilization > .25 && made.time.utilization < .7);
    assert_true(
        near(made.time.utilization, made.parts.operations / made.parts.peak / made.time.step));
}

static void pipelines_fill_and_drain(void **) {
    Run run;
    run.pipeline = 4;
    run.global_batch = 8;
    const core::System system = hoppers(4);
    assert_true(near(made_of(system, run, of_8192(1)).parts.rounds, 8 + 3));
    assert_true(near(made_of(system, run, of_8192(2)).parts.rounds, 4 + 3));
    run.virtual_stages = 3;
    assert_true(near(made_of(system, run, of_8192(1)).parts.rounds, 8 + 1));
    assert_true(near(made_of(system, run, of_8192(1)).time.step_tokens, 8 * 8192));
}

static void computes_again_what_is_not_kept(void **) {
    const core::System system = hoppers(1);
    Workload workload = of_8192(1);
    const StepParts kept = made_of(system, {}, workload).parts;
    workload.recompute = Recompute::Full;
    const StepParts again = made_of(system, {}, workload).parts;
    // One forward pass more on three of its kind, but not of the logits.
    assert_true(again.products > 1.2 * kept.products && again.products < 4. / 3 * kept.products);
    assert_true(near(again.operations, kept.operations));
    workload = of_8192(1);
    workload.mode = Mode::TuneLora;
    assert_true(made_of(system, {}, workload).parts.products < .75 * kept.products);
}

static void sends_what_is_split(void **) {
    Run run;
    run.engine = Engine::Megatron;
    run.tensor = 8;
    const StepParts split = made_of(hoppers(8), run, of_8192(1)).parts;
    assert_true(split.tensor_sends > 0 && split.data_sends == 0);
    run.tensor = 1;
    run.data = 8;
    const StepParts copies = made_of(hoppers(8), run, of_8192(1)).parts;
    assert_true(copies.tensor_sends == 0 && copies.data_sends > 0 && copies.weight_sends == 0);
    run.data = 16; // over two machines
    const StepParts far = made_of(hoppers(16), run, of_8192(1)).parts;
    assert_true(far.data_sends > 1.3 * copies.data_sends);
    run.engine = Engine::Torch;
    assert_true(made_of(hoppers(16), run, of_8192(1)).parts.weight_sends > 0);
}

// 6.8 million of 8.03 billion parameters: those of rank 16 beside queries and values.
static void sends_and_updates_what_is_trained(void **) {
    Run run;
    run.engine = Engine::Megatron;
    run.data = 8;
    Workload workload = of_8192(1);
    const StepParts all = made_of(hoppers(8), run, workload).parts;
    workload.mode = Mode::TuneLora;
    workload.rank = 16;
    const StepParts few = made_of(hoppers(8), run, workload).parts;
    assert_true(few.data_sends > 0 && few.data_sends < all.data_sends / 100);
    assert_true(few.optimizer > 0 && few.optimizer < all.optimizer / 500);
    run.engine = Engine::Torch; // split over replicas: frozen weights are gathered all the same
    const StepParts split = made_of(hoppers(8), run, workload).parts;
    workload.mode = Mode::Train;
    const StepParts trained = made_of(hoppers(8), run, workload).parts;
    assert_true(split.weight_sends > .6 * trained.weight_sends);
    assert_true(split.weight_sends < .7 * trained.weight_sends);
}

static void fewer_bits_are_faster(void **) {
    const core::System system = hoppers(1);
    Run run;
    const double wide = made_of(system, run, of_8192(1)).time.step;
    run.compute_dtype = Dtype::F8E4M3;
    assert_true(made_of(system, run, of_8192(1)).time.step < .95 * wide);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_parts),
        cmocka_unit_test(mixtures_wait_for_the_host),
        cmocka_unit_test(latent_attention_is_computed_in_full),
        cmocka_unit_test(heads_that_are_not_aligned_are_slow),
        cmocka_unit_test(experts_are_shared_out),
        cmocka_unit_test(counts_the_models_operations),
        cmocka_unit_test(pipelines_fill_and_drain),
        cmocka_unit_test(computes_again_what_is_not_kept),
        cmocka_unit_test(sends_what_is_split),
        cmocka_unit_test(sends_and_updates_what_is_trained),
        cmocka_unit_test(fewer_bits_are_faster),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
