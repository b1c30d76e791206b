// SPDX-License-Identifier: MIT
// plan/memory: bytes of training and tuning, worked by hand for a decoder of 2920 parameters.
#include "check.h"

#include "base/units.h"
#include "plan/memory/training.h"
#include "plan/model/read.h"
#include "plan/plan.h"
#include "system_maker.h"

using namespace hwa;
using namespace hwa::plan;
using core::Model;
using core::System;
using hwa::test::cards;

/// Each layer 256 in attention, 384 in its FFN, 16 in norms; tables of 800; a last norm of 8.
static Model tiny() {
    auto config = read_config_text("c", R"({"model_type":"llama","hidden_size":8,
        "num_hidden_layers":2,"num_attention_heads":2,"intermediate_size":16,"vocab_size":100,
        "torch_dtype":"bfloat16"})");
    assert_true(bool(config));
    assert_int_equal(config->model.parameters, 2920);
    return std::move(config->model);
}

struct Asked {
    Model model = tiny();
    Case one;
    Slice slice;

    explicit Asked(Mode mode = Mode::Train) {
        one.model = &model;
        one.format = own_format(model);
        one.workload.mode = mode;
        one.workload.sequence_tokens = 10;
        one.workload.micro_batch = 1;
        one.workload.rank = 4;
        one.run.allocated_only = true;
        slice.layer_count = 2;
        slice.embedding = slice.output = true;
    }
    Footprint bytes() const {
        auto made = training_bytes(one, slice);
        if (!made)
            fail_msg("%s", made.error().message.c_str());
        return *made;
    }
};

static void keeps_states_of_each_optimizer(void **) {
    Asked asked;
    Footprint made = asked.bytes();
    assert_int_equal(made.weights, 2 * 2920);
    assert_int_equal(made.gradients, 2 * 2920);
    assert_int_equal(made.optimizer, 4 * 2920);
    assert_int_equal(made.workspace, 0);
    asked.one.run.master_weights = true; // and moments in f32
    assert_int_equal(asked.bytes().optimizer, 12 * 2920);
    asked.one.workload.optimizer = Optimizer::Sgd;
    assert_int_equal(asked.bytes().optimizer, 4 * 2920);
    asked.one.workload.optimizer = Optimizer::SgdMomentum;
    assert_int_equal(asked.bytes().optimizer, 8 * 2920);
    asked.one.run.offload_optimizer = true;
    made = asked.bytes();
    assert_int_equal(made.optimizer, 0);
    assert_int_equal(made.offload, 8 * 2920);
}

// Checkpoints of GPT-2 count a mask of 32 x 32 in each layer; it is no weight.
static void masks_are_not_trained(void **) {
    Asked asked;
    auto config = read_config_text("c", R"({"model_type":"gpt2","n_embd":8,"n_layer":2,"n_head":2,
        "vocab_size":100,"n_positions":32,"torch_dtype":"bfloat16"})");
    assert_true(bool(config));
    asked.model = std::move(config->model);
    assert_int_equal(asked.bytes().weights, 2 * (asked.model.parameters - 2 * 32 * 32));
}

static void megatron_adds_gradients_in_f32(void **) {
    Asked asked;
    asked.one.run.engine = Engine::Megatron;
    const uint64_t padded = 2920 + 2 * 28 * 8; // 100 rows are filled up to 128
    assert_int_equal(asked.bytes().weights, 2 * padded);
    assert_int_equal(asked.bytes().gradients, 4 * padded);
    assert_int_equal(asked.bytes().optimizer, 12 * padded);
}

// Of one micro-batch in 16 bits, and their sum; f16 is summed as it is.
static void deepspeed_sums_bf16_in_f32(void **) {
    Asked asked;
    asked.one.run.engine = Engine::DeepSpeed;
    assert_int_equal(asked.bytes().gradients, 6 * 2920);
    asked.one.format.dtype = core::Dtype::F16;
    assert_int_equal(asked.bytes().gradients, 2 * 2920);
}

static void stages_of_zero_split_more_and_more(void **) {
    Asked asked;
    asked.one.run.data = 4;
    const auto states = [&](uint32_t stage) {
        asked.one.workload.zero_stage = stage + 1;
        const Footprint made = asked.bytes();
        return made.weights + made.gradients + made.optimizer;
    };
    assert_int_equal(states(0), 8 * 2920);
    assert_int_equal(states(1), (4 + 1) * 2920);
    assert_int_equal(states(2), 2 * 2920 + 6 * 730);
    assert_int_equal(states(3), 8 * 730);
}

// A token of a layer keeps 4 rows of 8, 32 in attention and 48 in the FFN, two bytes each, and 4
// bytes for each of two heads: 232. Logits take 6 bytes each, the last norm 4 rows more.
static void keeps_activations_until_they_are_used(void **) {
    Asked asked;
    assert_int_equal(asked.bytes().activations, 2 * 2320 + 6000 + 640);
    asked.one.workload.recompute = Recompute::Full; // the layers' inputs, and logits or a layer
    assert_int_equal(asked.bytes().activations, 2 * 160 + 6000 + 640);
    asked.slice.output = false;
    assert_int_equal(asked.bytes().activations, 2 * 160 + 2320);
    asked.one.workload.recompute = Recompute::None;
    asked.one.run.flash_attention = false; // scores of two heads: 10 times 10, two bytes
    assert_int_equal(asked.bytes().activations, 2 * (2320 + 400));
    asked.one.workload.recompute = Recompute::Selective; // of one layer alone
    assert_int_equal(asked.bytes().activations, 2 * 2320 + 400);
}

static void ranks_share_what_they_compute(void **) {
    Asked asked;
    asked.slice.output = false;
    asked.one.run.tensor = 2; // rows stay whole: 4 * 160 of 2320
    assert_int_equal(asked.bytes().activations, 2 * (640 + 1680 / 2));
    assert_int_equal(asked.bytes().weights, 2 * (1280 / 2 + 32 + 800 / 2 + 8));
    asked.one.run.sequence_parallel = true;
    assert_int_equal(asked.bytes().activations, 2 * 1160);
    asked.one.run.context = 2;
    assert_int_equal(asked.bytes().activations, 2 * 580);
}

// Of four stages the first has four micro-batches under way, the last one.
static void early_stages_keep_more(void **) {
    Asked asked;
    asked.slice.output = false;
    asked.one.run.pipeline = 4;
    assert_int_equal(asked.bytes().activations, 4 * 2 * 2320);
    asked.slice.stage = 3;
    assert_int_equal(asked.bytes().activations, 2 * 2320);
    asked.one.run.virtual_stages = 2; // (2 - 1) * 4 + 1 parts of one layer
    assert_int_equal(asked.bytes().activations, 5 * 2320);
    asked.slice.stage = 0;
    asked.one.run.virtual_stages = 1;
    asked.one.run.global_batch = 2; // no more of them than there are
    assert_int_equal(asked.bytes().activations, 2 * 2 * 2320);
}

// A hundred logits of ten tokens, two bytes each where the loss is fused.
static void logits_are_kept_by_the_loss(void **) {
    Asked asked;
    const auto more = [&](uint64_t than) { return asked.bytes().activations - than; };
    asked.one.run.engine = Engine::Torch;
    asked.one.run.fused_loss = true;
    uint64_t fused = asked.bytes().activations;
    asked.one.run.fused_loss = false;
    assert_int_equal(more(fused), 8 * 1000);
    asked.one.run.loss_chunks = 4; // and of a quarter in f32, with its gradient in 16 bits
    assert_int_equal(more(fused), 1000 * 10 / 4);
    asked.one.run.loss_chunks = 1;
    asked.one.run.tensor = 2; // half of them, each step of the softmax
    asked.one.run.fused_loss = true;
    fused = asked.bytes().activations;
    asked.one.run.fused_loss = false;
    assert_int_equal(more(fused), 16 * 500);
}

// What the matrices of two layers make of ten tokens: 3 rows of 8 for attention, its output and
// that of the FFN, and 2 of 16.
static void adapters_everywhere_keep_more(void **) {
    Asked asked(Mode::TuneQlora);
    const uint64_t few = asked.bytes().activations;
    asked.one.run.wide_adapters = true;
    assert_int_equal(asked.bytes().activations - few, 2 * 10 * 2 * (5 * 8 + 2 * 16));
}

static void deepspeed_keeps_gradients_with_the_optimizer(void **) {
    Asked asked;
    asked.one.run.engine = Engine::DeepSpeed;
    asked.one.run.offload_optimizer = true;
    assert_int_equal(asked.bytes().gradients, 0);
    assert_int_equal(asked.bytes().offload, (6 + 12) * 2920);
}

// Ten tokens of the encoder keep 200 bytes each: 16 rows of 8 but for the FFN's share, as above.
// Five of the decoder keep these, and for the rows of the encoder a norm, queries and what comes of
// them, 72 bytes each, with keys and values of 32 bytes for each of the ten.
static void decoders_attend_to_an_encoder(void **) {
    Asked asked;
    auto config = read_config_text("c", R"({"model_type":"bart","d_model":8,"encoder_layers":1,
        "decoder_layers":1,"encoder_attention_heads":2,"encoder_ffn_dim":16,"vocab_size":100,
        "torch_dtype":"bfloat16"})");
    assert_true(bool(config));
    asked.model = std::move(config->model);
    assert_int_equal(asked.model.layers.size(), 2);
    asked.one.run.decoder_tokens = 5;
    assert_int_equal(asked.bytes().activations, 2000 + 1000 + 5 * 72 + 10 * 32 + 5 * 600 + 5 * 64);
    const uint64_t fused = asked.bytes().activations;
    asked.one.run.flash_attention = false; // scores of two heads, two bytes
    assert_int_equal(asked.bytes().activations - fused, 4 * (100 + 25 + 50));
}

// Those that predict further tokens join two rows of 8, and look up a table of 800; heads are whole
// on each rank.
static void the_last_stage_holds_more_than_its_layers(void **) {
    Asked asked;
    asked.slice.embedding = false;
    const uint64_t plain = asked.bytes().weights;
    asked.one.run.draft_layers = 1;
    assert_int_equal(asked.bytes().weights - plain, 2 * (2 * 64 + 800));
    asked.one.run.draft_layers = 0;
    asked.one.run.tensor = 2;
    const uint64_t half = asked.bytes().weights;
    asked.one.run.head_parameters = 64;
    assert_int_equal(asked.bytes().weights - half, 2 * 64);
    asked.slice.output = false;
    const uint64_t without = asked.bytes().weights;
    asked.one.run.head_parameters = 0;
    assert_int_equal(asked.bytes().weights, without);
}

// Rank 4 beside queries and values of 8 to 8: 4 * 32 numbers a layer, in f32.
static void adapters_alone_are_trained(void **) {
    Asked asked(Mode::TuneLora);
    Footprint made = asked.bytes();
    assert_int_equal(made.weights, 2 * 2920);
    assert_int_equal(made.adapters, 4 * 256);
    assert_int_equal(made.gradients, 4 * 256);
    assert_int_equal(made.optimizer, 8 * 256);
    asked.one.workload.mode = Mode::TuneQlora; // 4.127 bits for 1280 parameters
    assert_int_equal(asked.bytes().weights, 661 + 2 * 1640);
    asked.one.workload.mode = Mode::TunePrefix; // keys and values of 4 tokens
    assert_int_equal(asked.bytes().adapters, 4 * 2 * 4 * 16);
}

static void frozen_models_lie_beside(void **) {
    assert_int_equal(Asked(Mode::TuneDpo).bytes().weights, 4 * 2920);
    assert_int_equal(Asked(Mode::TuneDistill).bytes().weights, 4 * 2920);
    assert_int_equal(Asked(Mode::TuneRlhf).bytes().weights, 8 * 2920);
    assert_int_equal(Asked(Mode::TuneRlhf).bytes().optimizer, 2 * 4 * 2920);
}

static Options pinned(const System &system) {
    Options options;
    for (const core::Device &device : system.devices)
        options.devices.push_back(&device);
    options.workload.mode = Mode::Train;
    options.run.engine = Engine::Megatron;
    options.run.pipeline = static_cast<uint32_t>(system.devices.size());
    return options;
}

static void lays_a_pipeline_over_devices(void **) {
    const System system = cards(2);
    const Model model = tiny();
    auto plan = make_plan(system, model, pinned(system));
    if (!plan)
        fail_msg("%s", plan.error().message.c_str());
    assert_int_equal(plan->stages.size(), 2);
    assert_true(plan->memory_error_factor > 1);
    uint64_t optimizer = 0;
    for (const Stage &stage : plan->stages)
        optimizer += stage.footprint.optimizer;
    assert_int_equal(optimizer, plan->footprint.optimizer);
    assert_int_equal(optimizer, 12 * (2920 + 2 * 28 * 8));
}

static void stages_may_be_uneven(void **) {
    const System system = cards(2);
    const Model model = tiny();
    Options options = pinned(system);
    options.run.last_stage_layers = 2; // the first then has none
    auto plan = make_plan(system, model, options);
    assert_true(bool(plan));
    assert_int_equal(plan->stages[0].layer_count, 0);
    assert_int_equal(plan->stages[1].layer_count, 2);
    options.run.first_stage_layers = 1; // and one layer is there twice
    plan = make_plan(system, model, options);
    assert_true(!plan && plan.error().status == base::Status::Invalid);
}

static void chooses_an_engine_for_training(void **) {
    const System system = cards(1);
    Options options = pinned(system);
    options.run.engine.reset();
    const auto plan = make_plan(system, tiny(), options);
    assert_true(plan && plan->run.engine.has_value());
}

// Newer cards have larger workspaces of cuBLAS, and grouped experts five of them.
static void reserves_by_the_device(void **) {
    Asked asked;
    core::Device device;
    device.put_attr(core::attr_text("cuda.compute_capability", "8.0", core::Source::Driver));
    asked.one.run.engine = Engine::Megatron;
    asked.slice.device = &device;
    const uint64_t old = asked.bytes().workspace;
    asked.one.run.grouped_experts = true;
    assert_int_equal(asked.bytes().workspace - old, 4 * 4 * base::MiB);
    asked.slice.device = nullptr;
    asked.one.run.grouped_experts = false;
    asked.one.run.repeatable = true; // two workspaces of 32 MiB, not of 8.125
    assert_int_equal(asked.bytes().workspace - old, 28 * base::MiB + 2 * 23.875 * base::MiB);
    asked.one.run.repeatable = false;
    assert_int_equal(asked.bytes().workspace - old, 28 * base::MiB);
    asked.one.run.allocated_only = false; // the driver's part comes on top
    assert_int_equal(asked.bytes().workspace - old, (28 + 456) * base::MiB);
}

static void never_wraps(void **) {
    Asked asked;
    asked.one.workload.sequence_tokens = UINT32_MAX;
    asked.one.workload.micro_batch = UINT32_MAX;
    asked.one.run.flash_attention = false;
    auto made = training_bytes(asked.one, asked.slice);
    assert_true(!made && made.error().status == base::Status::Invalid);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_states_of_each_optimizer),
        cmocka_unit_test(masks_are_not_trained),
        cmocka_unit_test(megatron_adds_gradients_in_f32),
        cmocka_unit_test(deepspeed_sums_bf16_in_f32),
        cmocka_unit_test(stages_of_zero_split_more_and_more),
        cmocka_unit_test(keeps_activations_until_they_are_used),
        cmocka_unit_test(ranks_share_what_they_compute),
        cmocka_unit_test(early_stages_keep_more),
        cmocka_unit_test(logits_are_kept_by_the_loss),
        cmocka_unit_test(adapters_everywhere_keep_more),
        cmocka_unit_test(deepspeed_keeps_gradients_with_the_optimizer),
        cmocka_unit_test(decoders_attend_to_an_encoder),
        cmocka_unit_test(the_last_stage_holds_more_than_its_layers),
        cmocka_unit_test(adapters_alone_are_trained),
        cmocka_unit_test(frozen_models_lie_beside),
        cmocka_unit_test(lays_a_pipeline_over_devices),
        cmocka_unit_test(stages_may_be_uneven),
        cmocka_unit_test(chooses_an_engine_for_training),
        cmocka_unit_test(reserves_by_the_device),
        cmocka_unit_test(never_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
