// SPDX-License-Identifier: MIT
// plan/plan: what is chosen, what does not change the choice, and what is said where none is.
#include "check.h"

#include "base/json.h"
#include "base/text.h"
#include "plan/plan.h"
#include "system_maker.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using base::Status;
using core::System;

static core::Model model_of(double billions) {
    core::ModelNumbers numbers;
    numbers.name = "m";
    numbers.parameters = static_cast<uint64_t>(billions * 1e9);
    auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    return std::move(*model);
}

static Plan must_plan(const System &system, double billions, const Options &options = {}) {
    auto plan = make_plan(system, model_of(billions), options);
    if (!plan)
        fail_msg("%s", plan.error().message.c_str());
    return std::move(*plan);
}

static base::Error must_fail(const System &system, double billions, const Options &options = {}) {
    const auto plan = make_plan(system, model_of(billions), options);
    if (plan)
        fail_msg("a plan in %s", plan->format.name.c_str());
    return plan.error();
}

static void check_sound(const Plan &plan, double headroom = 0.1) {
    uint64_t layer = 0, weights = 0;
    for (const Stage &stage : plan.stages) {
        assert_true(stage.first_layer == layer);
        assert_true(stage.layer_count > 0);
        layer += stage.layer_count;
        weights += stage.footprint.weights;
        const double room = (1 - headroom) * static_cast<double>(stage.device->memory_bytes());
        assert_true(static_cast<double>(stage.footprint.total()) <= room);
    }
    assert_true(weights == plan.footprint.weights);
}

static void takes_the_best_format_that_fits(void **) {
    static constexpr struct {
        double billions;
        size_t cards;
        const char *format;
        size_t stages;
    } cases[] = {{8, 1, "bf16", 1},  {13, 1, "q8_0", 1}, {32, 1, "q5_k", 1}, {70, 1, nullptr, 0},
                 {70, 2, "q4_k", 2}, {70, 4, "q8_0", 4}, {70, 8, "bf16", 7}, {405, 8, "q3_k", 8}};
    for (const auto &row : cases) {
        const System system = cards(row.cards);
        const auto plan = make_plan(system, model_of(row.billions), {});
        if (row.format == nullptr) {
            assert_false(bool(plan));
            continue;
        }
        if (!plan)
            fail_msg("%g: %s", row.billions, plan.error().message.c_str());
        check_sound(*plan);
        if (plan->format.name != row.format || plan->stages.size() != row.stages)
            fail_msg("%g on %zu: %s in %zu stages", row.billions, row.cards,
                     plan->format.name.c_str(), plan->stages.size());
    }
}

static void splits_by_capacity(void **) {
    System system;
    system.devices.push_back(device("a", core::Kind::Gpu, 48 * gib, 900000000000, 1e14));
    system.devices.push_back(device("b", core::Kind::Gpu, 16 * gib, 900000000000, 1e14));
    const Plan plan = must_plan(system, 70);
    check_sound(plan);
    assert_int_equal(plan.stages.size(), 2);
    const double share = static_cast<double>(plan.stages[0].layer_count) / 80;
    assert_true(share > 0.7 && share < 0.85);
}

static void does_not_mind_the_order(void **) {
    System system = cards(3);
    system.devices.push_back(device("big", core::Kind::Gpu, 80 * gib, 2000000000000, 3e14));
    system.devices.push_back(processor(256 * gib));
    const core::Model model = model_of(70);
    const auto first = make_plan(system, model, {});
    assert_true(bool(first));
    const std::string text = plan_to_json(model, *first);
    for (int turn = 0; turn < 5; ++turn) {
        std::rotate(system.devices.begin(), system.devices.begin() + 1, system.devices.end());
        Options options;
        if (turn % 2 == 1)
            for (const core::Device &one : system.devices)
                options.devices.push_back(&one);
        const auto again = make_plan(system, model, options);
        assert_true(bool(again));
        assert_string_equal(plan_to_json(model, *again).c_str(), text.c_str());
    }
}

/// More of anything never makes a plan worse.
static void more_memory_never_hurts(void **) {
    double bits = 0;
    for (uint64_t size = 4; size <= 200; size += 4) {
        System system;
        system.devices.push_back(device("a", core::Kind::Gpu, size * gib, 1000000000000, 1e14));
        const auto plan = make_plan(system, model_of(70), {});
        if (!plan)
            continue;
        assert_true(plan->weight_bits >= bits);
        bits = plan->weight_bits;
    }
    assert_true(bits == 16);
}

static void says_what_lacked(void **) {
    System system = cards(2);
    for (core::Device &one : system.devices)
        one.name = {"a card", core::Source::Table};
    const base::Error error = must_fail(system, 405);
    assert_true(error.status == Status::NoFit);
    assert_string_equal(error.message.c_str(),
                        "m needs 126.7 GiB at q2_k for 1 sequence of 640 tokens on 2 x a card, "
                        "43.2 GiB usable: 83.5 GiB short; 5 more of a card or 47 GiB more on each "
                        "a card would do");
    // What would do does, and less does not.
    assert_true(must_fail(cards(6), 405).status == Status::NoFit);
    assert_true(must_plan(cards(7), 405).stages.size() == 7);

    Options options;
    options.workload.context_tokens = 1 << 20;
    options.workload.weight_dtype = core::Dtype::Bf16;
    const std::string text = must_fail(cards(1), 8, options).message;
    const size_t at = text.find("a context of ");
    assert_true(at != std::string::npos && text.find("weights in") == std::string::npos);
    options.workload.context_tokens = std::strtoull(text.c_str() + at + 13, nullptr, 10);
    check_sound(must_plan(cards(1), 8, options));
    options.workload.context_tokens += 256;
    must_fail(cards(1), 8, options);
    options.workload.context_tokens = 0;
    assert_non_null(
        std::strstr(must_fail(cards(1), 13, options).message.c_str(), "weights in q8_0"));
}

static void falls_back_to_the_processor(void **) {
    System system = cards(1);
    system.devices.push_back(processor(128 * gib));
    const Plan small = must_plan(system, 8);
    assert_string_equal(small.stages[0].device->id.c_str(), "gpu-0");
    const Plan large = must_plan(system, 70);
    check_sound(large);
    // The card holds what it can, which are the last layers: that is faster than the processor
    // alone.
    assert_int_equal(large.stages.size(), 2);
    assert_string_equal(large.stages[0].device->id.c_str(), "cpu-0");
    Options quality;
    quality.objective = Objective::Quality;
    assert_true(must_plan(system, 13, quality).weight_bits == 16);
    assert_true(must_plan(system, 13).weight_bits < 9);
}

static void leaves_devices_out(void **) {
    System system = cards(2);
    system.devices[0].flags |= core::DeviceSoftware;
    assert_string_equal(must_plan(system, 8).stages[0].device->id.c_str(), "gpu-1");
    Options named;
    named.devices = {&system.devices[0]};
    assert_string_equal(must_plan(system, 8, named).stages[0].device->id.c_str(), "gpu-0");

    system = cards(2);
    system.flags |= core::SystemLive;
    system.devices[0].flags = 0; // not usable
    assert_string_equal(must_plan(system, 8).stages[0].device->id.c_str(), "gpu-1");

    system = cards(2);
    system.devices[1].flags |= core::DevicePartition;
    system.devices[1].parent = "gpu-0";
    assert_string_equal(must_plan(system, 8).stages[0].device->id.c_str(), "gpu-1");

    system = cards(1);
    system.devices[0].kind = core::Kind::Dpu;
    assert_true(must_fail(system, 8).status == Status::NoFit);
    system = cards(1);
    system.devices[0].memories.clear();
    assert_non_null(std::strstr(must_fail(system, 8).message.c_str(), "memory of gpu-0"));
    assert_true(must_fail(System(), 8).status == Status::NoFit);
}

/// The host's memory is one pool, whoever uses it.
static void counts_shared_memory_once(void **) {
    System system;
    system.devices.push_back(device("igpu", core::Kind::Gpu, 64 * gib, 90000000000, 1e13));
    system.devices[0].flags |= core::DeviceIntegrated;
    system.devices.push_back(device("npu", core::Kind::Npu, 64 * gib, 90000000000, 1e13));
    system.devices[1].flags |= core::DeviceIntegrated;
    system.devices.push_back(processor(64 * gib));
    assert_int_equal(must_plan(system, 70).stages.size(), 1);
    assert_true(must_fail(system, 405).message.find("57.6 GiB usable") != std::string::npos);
}

static void keeps_to_the_limits(void **) {
    const System system = cards(8);
    Options options;
    options.max_devices = 3;
    const Plan three = must_plan(system, 70, options);
    assert_true(three.stages.size() <= 3);
    options = {};
    options.headroom = 0.5;
    check_sound(must_plan(system, 70, options), 0.5);
    options = {};
    options.min_weight_bits = 9;
    assert_true(must_plan(system, 70, options).weight_bits >= 9);
    assert_true(must_fail(system, 405, options).status == Status::NoFit);
    options.min_weight_bits = 17;
    assert_non_null(std::strstr(must_fail(system, 8, options).message.c_str(), "17.00 bits"));
    options = {};
    options.min_tokens_per_second = 12;
    const Plan fast = must_plan(system, 70, options);
    assert_true(fast.tokens_per_second >= 12 && fast.weight_bits < 16);
    options.min_tokens_per_second = 1e6;
    assert_non_null(std::strstr(must_fail(system, 70, options).message.c_str(), "short of"));
    options = {};
    options.cancelled = [](void *) -> int32_t { return 1; };
    assert_true(must_fail(system, 70, options).status == Status::Cancelled);
}

static void refuses_bad_options(void **) {
    const System system = cards(1);
    const auto status = [&](auto change) {
        Options options;
        change(options);
        const auto plan = make_plan(system, model_of(8), options);
        return plan ? Status::Ok : plan.error().status;
    };
    assert_true(status([](auto &o) { o.headroom = 1; }) == Status::Invalid);
    assert_true(status([](auto &o) { o.headroom = -0.1; }) == Status::Invalid);
    assert_true(status([](auto &o) { o.headroom = __builtin_nan(""); }) == Status::Invalid);
    assert_true(status([](auto &o) { o.usd_per_hour = -1; }) == Status::Invalid);
    assert_true(status([](auto &o) { o.min_weight_bits = __builtin_inf(); }) == Status::Invalid);
    assert_true(status([](auto &o) { o.objective = Objective(9); }) == Status::Invalid);
    assert_true(status([](auto &o) { o.run.prefill_workers = 2; }) == Status::Unsupported);
    assert_true(status([](auto &o) { o.run.gpu_layers = 2; }) == Status::Unsupported);
    assert_true(status([](auto &o) { o.run.drafts = 2; }) == Status::Unsupported);
    assert_true(status([](auto &o) { o.run.tensor = 2; }) == Status::NoFit);
    assert_true(status([](auto &o) { o.run.context = 2; }) == Status::NoFit);
    assert_true(status([](auto &o) { o.run.expert = 2; }) == Status::NoFit);
    assert_true(status([](auto &o) { o.objective = Objective::Cost; }) == Status::Invalid);
    assert_true(status([](auto &o) {
                    o.objective = Objective::Cost;
                    o.usd_per_hour = 2;
                }) == Status::Ok);
}

static void times_follow_the_roofline(void **) {
    System system = cards(1);
    const Plan plan = must_plan(system, 8);
    assert_true(plan.bound == Bound::Memory);
    // 16 GB less the embedding at nine tenths of 1008 GB/s, and 32 layers of 120 us.
    const double bytes = 2 * (8e9 - 128256.0 * 4096) + 32 * 2048 * 2 * 576.0;
    const double seconds = bytes / (0.9 * 1008e9) + 32 * 120e-6;
    assert_true(plan.token_seconds > 0.999 * seconds && plan.token_seconds < 1.001 * seconds);
    const double prompt = 2 * (8e9 - 128256.0 * 4096) * 512 / (0.33 * 165e12) + 32 * 120e-6;
    assert_true(plan.first_token_seconds > 0.999 * prompt);
    assert_true(plan.first_token_seconds < 1.001 * prompt);
    Options many;
    many.workload.batch = 256;
    many.workload.prompt_tokens = 16;
    many.workload.output_tokens = 16;
    assert_true(must_plan(system, 8, many).bound == Bound::Compute);

    system.devices[0].memories[0].bytes_per_second = {};
    const Plan blind = must_plan(system, 8);
    assert_true(blind.bound == Bound::Unknown && blind.tokens_per_second == 0);
    assert_true(blind.error_factor == 0);
    system = cards(1);
    system.devices[0].compute.clear();
    const Plan half = must_plan(system, 8);
    assert_true(half.tokens_per_second > 0 && half.first_token_seconds == 0);

    system = cards(2);
    system.links.push_back({core::LinkKind::Network, "gpu-1", "gpu-0", 1000, 1000000, 0, "", {}});
    Options q4;
    q4.workload.weight_dtype = core::Dtype::Q4_K;
    assert_true(must_plan(system, 70, q4).bound == Bound::Link);

    // Of several links the fastest of known speed counts, wherever it stands.
    const auto note = [](const Plan &one) {
        return std::any_of(one.notes.begin(), one.notes.end(), [](const std::string &text) {
            return text.starts_with("the speed of a link");
        });
    };
    system.links.insert(system.links.begin(),
                        {core::LinkKind::Pcie, "gpu-0", "gpu-1", 0, 0, 0, "", {}});
    const Plan slow = must_plan(system, 70, q4);
    assert_true(slow.bound == Bound::Link && !note(slow));
    system.links.push_back({core::LinkKind::Pcie, "gpu-0", "gpu-1", 1u << 30, 1000, 0, "", {}});
    assert_true(must_plan(system, 70, q4).bound == Bound::Memory);
    system.links = {};
    assert_true(note(must_plan(system, 70, q4)));
}

/// A document may tell of many links, and each hop of each set of devices asks for one. Were they
/// searched through each time, this would take minutes.
static void many_links_take_their_time_only(void **) {
    System system = cards(512);
    for (uint32_t i = 0; i < 60000; ++i)
        system.links.push_back({core::LinkKind::Pcie,
                                base::format("gpu-%u", i % 512),
                                base::format("gpu-%u", (7 * i + 1) % 512),
                                1u << 30,
                                0,
                                0,
                                "",
                                {}});
    core::ModelNumbers numbers;
    numbers.parameters = 1000000000;
    numbers.layers = 4096;
    const auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    assert_true(bool(make_plan(system, *model, {})));
}

static void writes_json(void **) {
    const System system = cards(8);
    const core::Model model = model_of(70);
    const auto plan = make_plan(system, model, {});
    assert_true(bool(plan));
    const auto document = base::JsonDocument::parse("plan", plan_to_json(model, *plan));
    if (!document)
        fail_msg("%s", document.error().message.c_str());
    const auto stages = document->root().require("stages");
    assert_true(bool(stages));
    assert_int_equal(stages->children().size(), plan->stages.size());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_best_format_that_fits),
        cmocka_unit_test(splits_by_capacity),
        cmocka_unit_test(does_not_mind_the_order),
        cmocka_unit_test(more_memory_never_hurts),
        cmocka_unit_test(many_links_take_their_time_only),
        cmocka_unit_test(says_what_lacked),
        cmocka_unit_test(falls_back_to_the_processor),
        cmocka_unit_test(leaves_devices_out),
        cmocka_unit_test(counts_shared_memory_once),
        cmocka_unit_test(keeps_to_the_limits),
        cmocka_unit_test(refuses_bad_options),
        cmocka_unit_test(times_follow_the_roofline),
        cmocka_unit_test(writes_json),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
