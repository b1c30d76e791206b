// SPDX-License-Identifier: MIT
// plan/search: the winner is the best of all cases there are, found by going through all of them.
#include "brute_force.h"
#include "check.h"
#include "random_search.h"

#include "plan/plan.h"
#include "plan/search/search.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <tuple>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using core::Device;
using core::Kind;
using core::System;

using ull = unsigned long long;

static uint64_t case_count(uint64_t usual) {
    const char *given = std::getenv("HWA_TEST_CASES");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

/// What going through all cases came to.
struct Tally {
    uint64_t systems = 0, evaluated = 0, found = 0, staged = 0, shared = 0, spread = 0;

    void add(const Plan &plan) {
        ++found;
        staged += plan.stages.size() > 1 ? 1 : 0;
        shared += plan.run.tensor.value_or(1) > 1 || plan.run.data.value_or(1) > 1 ? 1 : 0;
        spread += plan.run.expert.value_or(1) > 1 || plan.run.context.value_or(1) > 1 ? 1 : 0;
    }
    void print() const {
        std::printf("%llu systems, %llu cases; %llu plans, %llu over several devices, %llu with "
                    "shared tensors or replicas, %llu with spread experts or context\n",
                    static_cast<ull>(systems), static_cast<ull>(evaluated), static_cast<ull>(found),
                    static_cast<ull>(staged), static_cast<ull>(shared), static_cast<ull>(spread));
    }
};

static void compare(uint64_t seed, const System &system, const core::Model &model,
                    const Options &options, Tally &tally) {
    BruteForce all(system, model, options);
    const auto expected = all.best();
    const auto plan = make_plan(system, model, options);
    ++tally.systems;
    tally.evaluated += all.evaluated();
    if (bool(plan) != expected.has_value())
        fail_msg("seed %llu: %s", static_cast<ull>(seed),
                 plan ? "a plan where there is none" : plan.error().message.c_str());
    if (!plan) {
        assert_true(plan.error().status == base::Status::NoFit);
        return;
    }
    tally.add(*plan);
    if (better(options.objective, *expected, *plan) ||
        better(options.objective, *plan, *expected) || expected->format.name != plan->format.name)
        fail_msg("seed %llu: %s on %zu, %g s; not %s on %zu, %g s", static_cast<ull>(seed),
                 plan->format.name.c_str(), plan->stages.size(), plan->token_seconds,
                 expected->format.name.c_str(), expected->stages.size(), expected->token_seconds);
    const Certificate &proof = plan->certificate;
    assert_true(proof.visited > 0 && proof.visited + proof.bounded == proof.space);
}

static Tally compare_all(uint64_t count, auto make_system, auto make_options) {
    Tally tally;
    for (uint64_t seed = 0; seed < count; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const System system = make_system(random);
        compare(seed, system, model, make_options(random, model), tally);
    }
    tally.print();
    return tally;
}

static void is_the_best_of_all_cases(void **) {
    const uint64_t count = case_count(10000);
    const Tally tally = compare_all(count, random_system, random_options);
    assert_true(tally.found > count / 2 && tally.staged > count / 10);
}

static void is_the_best_of_all_deployments(void **) {
    const uint64_t count = case_count(3000);
    const Tally tally = compare_all(count, random_server, server_options);
    assert_true(tally.found > count / 2 && tally.shared > count / 4 && tally.spread > count / 50);
}

/// What remedies are found by: whether anything fits, and in which format, without times.
static void tells_what_fits(void **) {
    uint64_t fitted = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const bool server = seed % 2 == 0;
        const System system = server ? random_server(random) : random_system(random);
        Options options = server ? server_options(random, model) : random_options(random, model);
        options.min_tokens_per_second = 0;
        options.objective = Objective::Quality; // no format is given up for a processor
        const auto plan = make_plan(system, model, options);
        const Workload workload = *settle(options.workload);
        const std::string finest = fitting_format(system, model, options, workload, Fit::Finest);
        if (finest != (plan ? plan->format.name : ""))
            fail_msg("seed %llu: in %s", static_cast<ull>(seed), finest.c_str());
        assert_true(fitting_format(system, model, options, workload, Fit::Smallest).empty() ==
                    !plan);
        fitted += plan ? 1 : 0;
    }
    assert_true(fitted > 2000 && fitted < 3900);
}

/// Whether a plan is at least as good as another: in the finer format, else by the objective.
static bool no_worse(const Options &options, const Plan &one, const Plan &other) {
    const auto has_processor = [](const Plan &plan) {
        return std::any_of(plan.stages.begin(), plan.stages.end(),
                           [](const Stage &stage) { return stage.device->kind == Kind::Cpu; });
    };
    if (options.objective != Objective::Quality && has_processor(one) != has_processor(other))
        return !has_processor(one);
    // Formats that stand beside others are as good, but where quality is the objective.
    const auto bits = [&](const Plan &plan) {
        const bool beside = plan.format.beside && options.objective != Objective::Quality;
        const core::Dtype peer =
            plan.format.dtype == core::Dtype::F8E4M3 ? core::Dtype::Q8_0 : core::Dtype::Q4_K;
        return plan.format.own ? plan.weight_bits
                               : core::dtype_bits(beside ? peer : plan.format.dtype);
    };
    if (std::fabs(bits(one) - bits(other)) > 0.3)
        return bits(one) > bits(other);
    return has_processor(one) != has_processor(other) || !better(options.objective, other, one);
}

static void scale(uint64_t &value, uint64_t times, uint64_t by) {
    value = value / by * times;
}

static void more_memory(System &system) {
    for (Device &device : system.devices)
        scale(device.memories[0].size_bytes.value, 5, 4);
}

static void more_memory_on_one(System &system) {
    scale(system.devices[system.devices.size() / 2].memories[0].size_bytes.value, 3, 2);
}

static void faster_memory(System &system) {
    for (Device &device : system.devices)
        scale(device.memories[0].bytes_per_second.value, 3, 2);
}

static void faster_links(System &system) {
    for (core::Link &link : system.links)
        link.bytes_per_second *= 3;
}

/// More of it never makes a plan worse.
static void never_hurts(void (*more_of)(System &), bool server, uint64_t wanted) {
    uint64_t compared = 0, better_off = 0;
    for (uint64_t seed = 0; seed < 2000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        System system = server ? random_server(random) : random_system(random);
        Options options = server ? server_options(random, model) : random_options(random, model);
        const auto before = make_plan(system, model, options);
        more_of(system);
        const auto after = make_plan(system, model, options);
        if (!before) {
            better_off += after ? 1 : 0;
            continue;
        }
        ++compared;
        if (!after || !no_worse(options, *after, *before))
            fail_msg("seed %llu: %g s, and with more %g s", static_cast<ull>(seed),
                     before->token_seconds, after ? after->token_seconds : 0.0);
        better_off += no_worse(options, *before, *after) ? 0 : 1;
    }
    assert_true(compared > 1000 && better_off > wanted);
}

static void more_never_hurts(void **) {
    never_hurts(more_memory, false, 100);
    never_hurts(faster_memory, false, 500);
    never_hurts(faster_links, false, 100);
    never_hurts(more_memory, true, 100);
    never_hurts(more_memory_on_one, true, 20);
    never_hurts(faster_memory, true, 500);
    never_hurts(faster_links, true, 20);
}

static void neither_order_nor_time_matter(void **) {
    for (uint64_t seed = 0; seed < 3000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const bool server = seed % 2 == 0;
        System system = server ? random_server(random) : random_system(random);
        Options options = server ? server_options(random, model) : random_options(random, model);
        options.explains = true;
        const auto first = make_plan(system, model, options);
        const std::string text = first ? plan_to_json(model, *first) : first.error().message;
        for (int turn = 0; turn < 2; ++turn) {
            const auto again = make_plan(system, model, options);
            assert_string_equal(
                (again ? plan_to_json(model, *again) : again.error().message).c_str(),
                text.c_str());
            std::shuffle(system.devices.begin(), system.devices.end(), random);
            std::shuffle(system.links.begin(), system.links.end(), random);
        }
    }
}

/// Pins that describe a plan; false where no pins do, for want of counts of layers in the middle.
static bool pin(const Plan &plan, Options &options) {
    options.run = plan.run;
    options.run.engine = plan.run.engine.value_or(Engine::Any);
    options.workload.weight_dtype = plan.format.dtype;
    options.devices.clear();
    for (const Stage &stage : plan.stages)
        options.devices.push_back(stage.device);
    if (options.run.engine != Engine::Any || plan.stages.size() == 1)
        return true;
    options.run.first_stage_layers = static_cast<uint32_t>(plan.stages.front().layer_count);
    if (plan.stages.size() == 3)
        options.run.last_stage_layers = static_cast<uint32_t>(plan.stages.back().layer_count);
    return plan.stages.size() <= 3;
}

/// There is one model of memory and time: what a search tells of its winner is what the winner's
/// pins give.
static void tells_of_the_winner_what_its_pins_give(void **) {
    uint64_t pinned = 0, several = 0;
    for (uint64_t seed = 0; seed < 3000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const bool server = seed % 2 == 0;
        const System system = server ? random_server(random) : random_system(random);
        Options options = server ? server_options(random, model) : random_options(random, model);
        options.usd_per_hour = 2;
        const auto plan = make_plan(system, model, options);
        if (!plan || !pin(*plan, options))
            continue;
        const auto again = make_plan(system, model, options);
        if (!again)
            fail_msg("seed %llu: %s", static_cast<ull>(seed), again.error().message.c_str());
        ++pinned;
        several += plan->stages.size() > 1 ? 1 : 0;
        if (again->token_seconds != plan->token_seconds ||
            again->first_token_seconds != plan->first_token_seconds ||
            again->usd_per_million_tokens != plan->usd_per_million_tokens ||
            again->error_factor != plan->error_factor || again->bound != plan->bound ||
            again->weight_bits != plan->weight_bits || again->format.name != plan->format.name)
            fail_msg("seed %llu: %g s, not %g s", static_cast<ull>(seed), again->token_seconds,
                     plan->token_seconds);
        for (size_t i = 0; i < plan->stages.size(); ++i) {
            const Stage &one = plan->stages[i], &other = again->stages[i];
            assert_true(one.footprint.total() == other.footprint.total());
            assert_true(one.layer_count == other.layer_count && one.device == other.device);
            assert_true(one.seconds_per_token == other.seconds_per_token);
        }
    }
    assert_true(pinned > 2000 && several > 800);
}

/// Every deployment that can be pinned, on the first of eight cards with a fabric.
static void splits_tensors_where_that_is_best(void **) {
    System system = cards(8);
    for (size_t i = 0; i < 8; ++i) {
        system.devices[i].vendor = {"nvidia", core::Source::Table};
        system.devices[i].memories[0].kind = core::MemoryKind::Hbm;
        for (size_t other = 0; other < i; ++other)
            system.links.push_back({core::LinkKind::Fabric,
                                    system.devices[i].id,
                                    system.devices[other].id,
                                    300000000000,
                                    1000,
                                    0,
                                    "",
                                    {}});
    }
    core::ModelNumbers numbers;
    numbers.parameters = 32000000000;
    const auto model = core::model_from_numbers(numbers);
    const auto plan = make_plan(system, *model, {});
    assert_true(bool(plan));
    assert_true(plan->run.tensor.value_or(1) > 1 && plan->run.engine == Engine::Vllm);
    double least = 1e9;
    uint32_t best = 0;
    for (uint32_t tensor = 1; tensor <= 8; ++tensor)
        for (uint32_t pipeline = 1; pipeline * tensor <= 8; ++pipeline) {
            Options options;
            options.headroom = 0.1;
            options.run.engine = Engine::Vllm;
            options.run.tensor = tensor;
            options.run.pipeline = pipeline;
            for (uint32_t i = 0; i < tensor * pipeline; ++i)
                options.devices.push_back(&system.devices[i]);
            const auto pinned = make_plan(system, *model, options);
            if (model->heads % tensor == 0 && pinned && pinned->token_seconds < least) {
                least = pinned->token_seconds;
                best = tensor;
            }
        }
    assert_int_equal(*plan->run.tensor, best);
    assert_true(std::fabs(plan->token_seconds - least) < 1e-9);
    // Nor does it matter that one of them has a little less room, as on machines in use.
    system.devices[3].memories[0].usable_bytes = system.devices[3].memory_bytes() - 1048576;
    const auto nearly = make_plan(system, *model, {});
    assert_true(bool(nearly) && nearly->run.tensor == plan->run.tensor);
    assert_true(std::fabs(nearly->token_seconds - least) < 1e-9);
    // Cards of two hosts share no tensors, unless a fabric reaches over both.
    Options two;
    two.run.tensor = 2;
    System apart = cards(2);
    for (Device &device : apart.devices) {
        device.vendor = {"nvidia", core::Source::Table};
        device.put_attr(core::attr_text("host.name", device.id, core::Source::Derived));
    }
    apart.links.push_back({core::LinkKind::Pcie, "gpu-0", "gpu-1", 30000000000, 0, 0, "", {}});
    assert_false(bool(make_plan(apart, *model, two)));
    apart.links[0].kind = core::LinkKind::Fabric;
    numbers.parameters = 13000000000;
    assert_true(bool(make_plan(apart, *core::model_from_numbers(numbers), two)));
}

/// A group is as roomy as its fullest card, wherever its roomiest one is.
static void takes_the_group_whose_fullest_card_is_roomiest(void **) {
    System system;
    const uint64_t rooms[] = {40, 12, 24, 24};
    for (size_t i = 0; i < 4; ++i) {
        Device made =
            device("gpu-" + std::to_string(i), Kind::Gpu, rooms[i] * gib, 1000000000000, 1e14);
        made.vendor = {"nvidia", core::Source::Table};
        made.put_attr(core::attr_text("host.name", i < 2 ? "a" : "b", core::Source::Derived));
        system.devices.push_back(std::move(made));
    }
    link(system, core::LinkKind::Pcie, 0, 1, 30000000000);
    link(system, core::LinkKind::Pcie, 2, 3, 30000000000);
    core::ModelNumbers numbers;
    numbers.parameters = 15000000000; // 14 GiB in bf16 on each of two
    Options options;
    options.run.tensor = 2;
    options.workload.weight_dtype = core::Dtype::Bf16;
    const auto plan = make_plan(system, *core::model_from_numbers(numbers), options);
    assert_true(bool(plan) && plan->stages.size() == 2);
    for (const Stage &stage : plan->stages)
        assert_int_equal(stage.device->memory_bytes(), 24 * gib);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(is_the_best_of_all_cases),
        cmocka_unit_test(is_the_best_of_all_deployments),
        cmocka_unit_test(tells_what_fits),
        cmocka_unit_test(more_never_hurts),
        cmocka_unit_test(neither_order_nor_time_matter),
        cmocka_unit_test(tells_of_the_winner_what_its_pins_give),
        cmocka_unit_test(splits_tensors_where_that_is_best),
        cmocka_unit_test(takes_the_group_whose_fullest_card_is_roomiest),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
