// SPDX-License-Identifier: MIT
// plan/time: seconds of prompts and tokens, worked out by hand with the default constants.
#include "check.h"

#include "plan/time/drafts.h"
#include "plan/time/host.h"
#include "plan/time/step.h"

#include <cmath>

using namespace hwa;
using namespace hwa::plan;
using core::Dtype;

/// 1 TB/s and 100 TFLOP/s in 16 bits.
static core::Device card() {
    core::Device device;
    device.id = "gpu-0";
    device.kind = core::Kind::Gpu;
    device.vendor.value = "nvidia";
    core::Memory memory;
    memory.kind = core::MemoryKind::Gddr;
    memory.size_bytes.value = uint64_t{24} << 30;
    memory.bytes_per_second.value = 1'000'000'000'000;
    device.memories.push_back(memory);
    device.put_compute({Dtype::Bf16, core::Support::Native, 1e14, 0, core::Source::Table});
    return device;
}

/// Two layers of 10^9 parameters in bf16, and half as many in the output.
static core::Model model() {
    core::Model made;
    made.dtype = Dtype::Bf16;
    made.hidden_size = 4096;
    made.heads = 32;
    made.kv_heads = 8;
    made.head_size = 128;
    core::Layer layer;
    layer.heads = 32;
    layer.kv_heads = 8;
    layer.key_size = layer.value_size = 128;
    layer.weights.matrix = 1'000'000'000;
    layer.weights.bytes = 2'000'000'000;
    made.layers = {layer, layer};
    made.embedding.matrix = made.output.matrix = 500'000'000;
    made.embedding.bytes = made.output.bytes = 1'000'000'000;
    made.tensors = {{core::Role::Output, -1, 1000, 500'000, 1'000'000'000},
                    {core::Role::Up, 0, 1000, 1'000'000, 2'000'000'000},
                    {core::Role::Up, 1, 1000, 1'000'000, 2'000'000'000}};
    core::count_parameters(made);
    return made;
}

/// A case of `devices` stages, with what it points to.
struct Fixture {
    core::System system;
    core::Model network = model();
    Case one;

    explicit Fixture(size_t devices = 1) {
        for (size_t i = 0; i < devices; ++i)
            system.devices.push_back(card());
        one.system = &system;
        one.model = &network;
        one.format = own_format(network);
        one.workload.batch = 1;
        one.workload.prompt_tokens = 1000;
        one.workload.output_tokens = 200;
        one.workload.context_tokens = 1200;
        one.workload.cache_dtype = Dtype::F16;
        one.run.engine = Engine::LlamaCpp;
        for (uint32_t i = 0; i < devices; ++i) {
            Slice slice;
            slice.device = &system.devices[i];
            slice.first_layer = static_cast<uint32_t>(i * 2 / devices);
            slice.layer_count = static_cast<uint32_t>(2 / devices);
            slice.stage = i;
            slice.output = i + 1 == devices;
            one.slices.push_back(slice);
        }
    }

    StepTime time() const {
        const auto made = inference_time(one, {});
        if (!made)
            fail_msg("%s", made.error().message.c_str());
        return *made;
    }
};

static void near(double value, double wanted) {
    if (std::fabs(value / wanted - 1) > 1e-4)
        fail_msg("%.9g is not %.9g", value, wanted);
}

static void a_token_reads_weights_and_cache(void **) {
    // Layers: 4 GB at 0.75 TB/s are 5.33333 ms; 2 x 2e9 operations at 0.2 x 1e14, by a kernel for
    // vectors, 0.2 ms; joined 5.33708 ms. Output: a quarter, 1.33427 ms. Cache: 1100 tokens x 2
    // layers x 8 heads x 256 numbers x 2 bytes at 0.6 TB/s are 0.0150187 ms. Besides: 2 layers at
    // 30 us, 300 us, 3 us.
    near(Fixture().time().token, 7.049369e-3);
    // Nine sequences fill a tile of 16: 2 x 2e9 x (16 + 10) operations at 0.45 x 1e14 are 2.31111
    // ms, joined 5.81256 ms; the output 1.45314 ms; cache 0.135168 ms; 27 us for sequences.
    Fixture many;
    many.one.workload.batch = 9;
    near(many.time().token, 7.787868e-3);
}

static void a_prompt_computes(void **) {
    Fixture fixture;
    fixture.one.run.ubatch = 1000;
    // 1000 tokens are 63 tiles of 16. Layers: 2 x 2e9 x 1018 operations are 90.4889 ms beside
    // 5.33333 ms of bytes: 90.6459 ms. Output of one row: 1.33427 ms. Cache: 500 tokens are
    // 0.00682667 ms. Attention: 1000 tokens x 500 before them x 2 layers x 2 x 32 heads x 256 at
    // 0.25 x 1e14: 0.65536 ms. Then 0.363 ms.
    near(fixture.time().prompt, 93.005396e-3);
    // Half of it in the cache: 2 x 2e9 x 522 operations are 46.4 ms, joined 46.7055 ms; cache
    // of 750 tokens 0.01024 ms; attention of 500 tokens x 750: 0.49152 ms.
    fixture.one.run.cached = 500;
    near(fixture.time().prompt, 48.904534e-3);
}

static void short_prompts_share_a_pass(void **) {
    Fixture fixture;
    fixture.one.workload.prompt_tokens = 128;
    fixture.one.workload.batch = 4;
    fixture.one.run.ubatch = 512;
    // One pass of 512 tokens. Layers: 2 x 2e9 x 522 operations, joined 46.7055 ms; the output for
    // four rows 1.34825 ms; cache of 4 x 64 tokens 3.4953 us; attention of 512 tokens x 64:
    // 42.950 us; 360 us, and 3 us for each sequence.
    near(fixture.time().prompt, 48.4722e-3);
}

static void an_eager_engine_is_as_slow_as_its_host(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Transformers;
    const double small = fixture.time().token;
    const PaceFactor table[] = {{Pace::Dispatch, Engine::Any, Backend::Any, -1, 0, 0, 100}};
    // Two layers at 60 ms each hide some 7 ms of the device.
    const auto slow = inference_time(fixture.one, table);
    assert_true(bool(slow) && small < 10e-3);
    near(slow->token, 120e-3);
}

static void without_flash_attention_scores_are_moved(void **) {
    Fixture fixture;
    fixture.one.run.ubatch = 1000;
    fixture.one.run.flash_attention = false;
    // 1000 tokens x 500 x 2 layers x 32 heads x 16 bytes at 1 TB/s are 0.512 ms more.
    near(fixture.time().prompt, 93.517396e-3);
}

static void stages_take_turns_on_a_token_and_overlap_on_a_prompt(void **) {
    const Fixture one, two(2);
    // Each stage has its own 300 us and 3 us, and a hop takes 100 us.
    near(two.time().token - one.time().token, 403e-6);
    // Two passes over two stages take three turns of four: 1 - 0.7 + 0.7 x 3 / 4.
    assert_true(two.time().prompt < 0.85 * one.time().prompt);
}

static void ranks_share_the_work_and_meet(void **) {
    Fixture fixture(1);
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.run.tensor = 2;
    // Half of the layers is 2.71111 ms, of the output 0.677778 ms, of the cache 0.00750933 ms.
    // Four all-reduces: 10 us, and 8192 bytes x 1/2 at 0.5 x 20 GB/s, 0.4096 us. Then 0.363 ms.
    near(fixture.time().token, 3.801037e-3);
}

static void experts_awake_are_read(void **) {
    Fixture fixture;
    for (core::Layer &layer : fixture.network.layers) {
        layer.weights.expert = 900'000'000;
        layer.weights.expert_bytes = 1'800'000'000;
        layer.experts = 8;
        layer.experts_per_token = 2;
    }
    for (int32_t layer : {0, 1}) {
        fixture.network.tensors[static_cast<size_t>(layer) + 1] = {core::Role::Up, layer, 1000,
                                                                   100'000, 200'000'000};
        fixture.network.tensors.push_back(
            {core::Role::ExpertUp, layer, 1000, 900'000, 1'800'000'000});
    }
    const double one = fixture.time().token;
    fixture.one.workload.batch = 64;
    const double many = fixture.time().token;
    // A quarter of 3.6 GB for one sequence, all of it for 64.
    assert_true(one < 4.5e-3 && many > 8e-3);
}

static void prompts_of_others_delay_a_token(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.workload.batch = 8;
    const StepTime joined = fixture.time();
    fixture.one.run.continuous = false;
    const StepTime apart = fixture.time();
    // 8 x 7/8 prompts of some 92 ms in 200 tokens, 0.9 of them in the way.
    near(joined.token - apart.token, 7 * 0.9 / 200 * 92.316747e-3);
    fixture.one.run.continuous = true;
    fixture.one.run.prefill_workers = 1;
    assert_true(fixture.time().token <= apart.token * 1.0001);
}

static void what_memory_cannot_hold_waits(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.workload.batch = 64;
    const double free = fixture.time().prompt;
    fixture.one.run.sequences = 32;
    const StepTime held = fixture.time();
    // Half of them wait until the others have had their 200 tokens.
    assert_true(held.prompt > free && held.prompt > 200 * held.token);
}

static void prompts_of_all_replicas_wait_in_one_queue(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.run.prefill_workers = 1;
    fixture.one.workload.batch = 64;
    fixture.one.workload.output_tokens = 20;
    const StepTime one = fixture.time();
    // 64 prompts of some 92 ms are 5.9 s, and an answer takes less than 1 s: what is left of them
    // is the wait, at the rate of the prompts however many replicas answer.
    fixture.one.run.data = 4;
    const StepTime four = fixture.time();
    assert_true(one.waiting > 2 && four.waiting > 2);
    assert_true(four.waiting >= one.waiting);
    fixture.one.run.prefill_workers = 16;
    const StepTime fed = fixture.time();
    assert_true(fed.prompt < four.prompt / 4 && fed.token >= four.token);
}

static void tokens_that_are_picked_are_read(void **) {
    Fixture fixture;
    for (core::Layer &layer : fixture.network.layers) {
        layer.mixer = core::Mixer::Latent;
        layer.latent_size = 512;
        layer.position_size = 64;
    }
    const double all = fixture.time().token;
    for (core::Layer &layer : fixture.network.layers) {
        layer.index_heads = 32;
        layer.index_size = 128;
        layer.index_tokens = 100;
    }
    // Not 1000 rows of 576 x 2 bytes but 1100 keys of 132 bytes in each of 2 layers: 2,013,600
    // bytes less at 0.6 TB/s. Scores: 1000 x 2 x 32 x 2 x (576 + 512) operations less, and 1100 x
    // 32 x 128 more, in 2 layers at 0.25 x 1e14. 40 us for each layer that picks.
    const double bytes = 2 * (1000 * 1152.0 - 1100 * 132.0);
    const double ops = 2 * (1100 * 32 * 128.0 - 1000 * 2 * 32 * (576 + 512.0));
    near(fixture.time().token - all, 80e-6 - bytes / 0.6e12 + ops / 0.25e14);
}

static void packed_weights_are_multiplied_in_16_bits(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    core::Device &device = fixture.system.devices[0];
    device.memories[0].kind = core::MemoryKind::Hbm;
    device.put_compute({Dtype::F4E2M1, core::Support::Native, 4e14, 0, core::Source::Table});
    for (core::Layer &layer : fixture.network.layers)
        layer.weights.bytes = 500'000'000;
    for (size_t i : {size_t{1}, size_t{2}})
        fixture.network.tensors[i].bytes = 500'000'000;
    fixture.one.format = own_format(fixture.network);
    fixture.one.format.name = "nvfp4";
    const double four = fixture.time().prompt;
    fixture.one.format.name = "awq-g32";
    // 2 x 2e9 x 1010 operations at 0.45 of 1e14 and of 4e14, less what bytes hide.
    assert_true(fixture.time().prompt - four > 0.06);
}

/// A processor of 0.1 TB/s and 1 TFLOP/s, beside a card that has the second layer alone.
static void put_layer_on_host(Fixture &fixture) {
    core::Device host = card();
    host.id = "cpu-0";
    host.kind = core::Kind::Cpu;
    host.memories[0].kind = core::MemoryKind::Ddr;
    host.memories[0].bytes_per_second.value = 100'000'000'000;
    host.compute.clear();
    host.put_compute({Dtype::F32, core::Support::Native, 1e12, 0, core::Source::Table});
    fixture.system.devices.push_back(host);
    fixture.one.slices[0].device = &fixture.system.devices[0];
    fixture.one.slices[0].first_layer = 1;
    fixture.one.slices[0].layer_count = 1;
}

static void layers_of_the_host_are_computed_there(void **) {
    Fixture fixture;
    put_layer_on_host(fixture);
    // The card: 2 GB, joined 2.668541 ms, the output 1.334271, cache 0.007509, 0.333. The host: 2
    // GB at 0.075 TB/s are 26.66667 ms, 2 x 1e9 operations at 0.2 x 1e12 10 ms, joined 28.480112;
    // cache 0.075093; 0.333.
    near(fixture.time().token, 33.231526e-3);
    fixture.system.devices[1].memories[0].bytes_per_second.value = 0;
    assert_true(fixture.time().token == 0);
}

static void prompts_send_what_the_host_has(void **) {
    Fixture fixture;
    put_layer_on_host(fixture);
    fixture.one.run.ubatch = 1000;
    // As with all of it on the card, and 2 GB at 20 GB/s, and a part's 0.303 ms.
    near(fixture.time().prompt, 193.308396e-3);
}

static void experts_are_left_first(void **) {
    Work work;
    work.bytes = 100;
    work.parameters = 200;
    work.expert_bytes = 1000;
    work.expert_parameters = 2000;
    work.expert_layers = 10;
    const Work some = leave(work, 250);
    assert_true(some.expert_bytes == 250 && some.expert_parameters == 500 && some.bytes == 0);
    assert_true(some.expert_layers == 2.5 && work.expert_bytes == 750 && work.bytes == 100);
    const Work more = leave(work, 800);
    assert_true(more.expert_bytes == 750 && more.bytes == 50 && more.parameters == 100);
    assert_true(work.expert_bytes == 0 && work.bytes == 50);
}

static void weights_on_the_host_cross_the_link(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.run.continuous = false;
    const double all = fixture.time().token;
    fixture.one.run.host_bytes = 2'000'000'000;
    near(fixture.time().token - all, 100e-3);
    // llama.cpp reads them on the processor, of which there is none.
    fixture.one.run.engine = Engine::LlamaCpp;
    assert_true(fixture.time().token == 0);
}

static void drafts_are_made_one_by_one_and_checked_at_once(void **) {
    Fixture fixture;
    fixture.one.run.engine = Engine::Vllm;
    fixture.one.run.continuous = false;
    fixture.one.run.drafts = 2;
    fixture.one.run.draft_acceptance = 0.5;
    // Checked: layers read 5.33333 ms and compute 2 x 2e9 x (3 + 10) operations in 1.15556 ms,
    // joined 5.45708 ms; the output 1.33333 and 0.288889 ms, joined 1.36427 ms; cache 0.0150187 ms;
    // 0.363 ms besides: 7.199369 ms.
    // Drafted: a layer and 2 x 4096 x 4096 parameters, 2.0671089 GB in 2.7561452 ms, 2 x
    // 1.03355443e9 x 11 operations in 0.5052932 ms, joined 2.8020807 ms; the output 1.3555565 ms;
    // half of the cache 0.0075093 ms; 30 us, 300 us, 3 us: 4.4981465 ms, twice.
    // Made: 1 + 0.5 + 0.25.
    near(fixture.time().token, (7.199369e-3 + 2 * 4.4981465e-3) / 1.75);
    fixture.one.run.drafts = 0;
    near(fixture.time().token, 7.155797e-3);
}

static void what_drafts_must_be_there(void **) {
    Fixture fixture;
    fixture.one.run.drafts = 1;
    fixture.one.run.engine = Engine::Vllm;
    assert_int_equal(check_drafts(fixture.one).error().status, base::Status::Unsupported);
    fixture.network.tensors[0].role = core::Role::Draft;
    assert_true(bool(check_drafts(fixture.one)));
    fixture.one.run.drafts = drafts_limit + 1;
    assert_int_equal(check_drafts(fixture.one).error().status, base::Status::Invalid);
    fixture.one.run.drafts = 1;
    fixture.one.run.engine = Engine::LlamaCpp;
    assert_int_equal(check_drafts(fixture.one).error().status, base::Status::Unsupported);
    fixture.one.run.drafts = 0;
    assert_true(bool(check_drafts(fixture.one)));
}

static void factors_match_what_they_name(void **) {
    const PaceFactor table[] = {
        {Pace::Memory, Engine::Any, Backend::Cuda, -1, 8, 0, 5},
        {Pace::Memory, Engine::Any, Backend::Any, 0, 0, TraitLatent, 7},
        {Pace::Memory, Engine::LlamaCpp, Backend::Any, -1, 0, 0, 2},
        {Pace::Memory, Engine::Vllm, Backend::Any, -1, 0, 0, 3},
        {Pace::Layer, Engine::LlamaCpp, Backend::Any, -1, 0, 0, 11},
        {Pace::Layer, Engine::LlamaCpp, Backend::Any, -1, 0, 0, 13, version(0, 8, 5)},
        {Pace::Layer, Engine::LlamaCpp, Backend::Any, -1, 0, 0, 17, version(0, 8, 6)},
    };
    Setting setting{Engine::LlamaCpp, Backend::Cuda, ChipClass::Ada, 16, 0, {}};
    near(pace_of(Pace::Memory, setting, table), 0.75 * 2);
    setting.bits = 8;
    near(pace_of(Pace::Memory, setting, table), 0.75 * 2 * 5);
    setting.chip = ChipClass::Hopper;
    setting.traits = TraitLatent | TraitExperts;
    near(pace_of(Pace::Memory, setting, table), 0.75 * 2 * 5 * 7);
    near(pace_of(Pace::Layer, setting, table), 30e-6 * 11);
    setting.version = version(0, 8, 5);
    near(pace_of(Pace::Layer, setting, table), 30e-6 * 11 * 13);
    near(pace_of(Pace::Step, setting, table), 300e-6);
}

static void published_factors_are_in_order(void **) {
    const auto table = pace_table();
    assert_true(table.size() > 1);
    for (size_t i = 0; i < table.size(); ++i) {
        assert_true(table[i].factor > 0 && std::isfinite(table[i].factor));
        assert_true(i == 0 || table[i - 1].pace < table[i].pace ||
                    (table[i - 1].pace == table[i].pace && table[i - 1].engine <= table[i].engine));
    }
}

static void what_is_unknown_has_no_time(void **) {
    Fixture fixture;
    fixture.system.devices[0].memories[0].bytes_per_second.value = 0;
    assert_true(fixture.time().token == 0 && fixture.time().prompt == 0);
    Fixture slow;
    slow.system.devices[0].compute.clear();
    assert_true(slow.time().token == 0);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_token_reads_weights_and_cache),
        cmocka_unit_test(a_prompt_computes),
        cmocka_unit_test(short_prompts_share_a_pass),
        cmocka_unit_test(an_eager_engine_is_as_slow_as_its_host),
        cmocka_unit_test(without_flash_attention_scores_are_moved),
        cmocka_unit_test(stages_take_turns_on_a_token_and_overlap_on_a_prompt),
        cmocka_unit_test(ranks_share_the_work_and_meet),
        cmocka_unit_test(experts_awake_are_read),
        cmocka_unit_test(prompts_of_others_delay_a_token),
        cmocka_unit_test(what_memory_cannot_hold_waits),
        cmocka_unit_test(prompts_of_all_replicas_wait_in_one_queue),
        cmocka_unit_test(tokens_that_are_picked_are_read),
        cmocka_unit_test(packed_weights_are_multiplied_in_16_bits),
        cmocka_unit_test(layers_of_the_host_are_computed_there),
        cmocka_unit_test(prompts_send_what_the_host_has),
        cmocka_unit_test(experts_are_left_first),
        cmocka_unit_test(weights_on_the_host_cross_the_link),
        cmocka_unit_test(drafts_are_made_one_by_one_and_checked_at_once),
        cmocka_unit_test(what_drafts_must_be_there),
        cmocka_unit_test(factors_match_what_they_name),
        cmocka_unit_test(published_factors_are_in_order),
        cmocka_unit_test(what_is_unknown_has_no_time),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
