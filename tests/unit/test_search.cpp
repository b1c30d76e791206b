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

static void is_the_best_of_all_cases(void **) {
    const uint64_t count = case_count(10000);
    Tally tally;
    for (uint64_t seed = 0; seed < count; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const System system = random_system(random);
        compare(seed, system, model, random_options(random, model), tally);
    }
    tally.print();
    assert_true(tally.found > count / 2 && tally.staged > count / 10);
}

static void is_the_best_of_all_deployments(void **) {
    const uint64_t count = case_count(3000);
    Tally tally;
    for (uint64_t seed = 0; seed < count; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const System system = random_server(random);
        compare(seed, system, model, server_options(random, model), tally);
    }
    tally.print();
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
    if (std::fabs(one.weight_bits - other.weight_bits) > 0.3)
        return one.weight_bits > other.weight_bits;
    return has_processor(one) != has_processor(other) || !better(options.objective, other, one);
}

/// More memory, or faster links, never make a plan worse.
static void more_never_hurts(void **) {
    uint64_t compared = 0;
    for (uint64_t seed = 0; seed < 2000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        System system = random_system(random);
        const Options options = random_options(random, model);
        const auto before = make_plan(system, model, options);
        System more = system;
        if (seed % 2 == 0)
            for (Device &device : more.devices)
                device.memories[0].size_bytes.value += device.memory_bytes() / 4;
        else
            for (core::Link &link : more.links)
                link.bytes_per_second *= 3;
        const auto after = make_plan(more, model, options);
        if (!before)
            continue;
        ++compared;
        if (!after || !no_worse(options, *after, *before))
            fail_msg("seed %llu: %g s, and with more %g s", static_cast<unsigned long long>(seed),
                     before->token_seconds, after ? after->token_seconds : 0.0);
    }
    assert_true(compared > 1000);
}

static void neither_order_nor_time_matter(void **) {
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        System system = random_system(random);
        const Options options = random_options(random, model);
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

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(is_the_best_of_all_cases),
        cmocka_unit_test(is_the_best_of_all_deployments),
        cmocka_unit_test(tells_what_fits),
        cmocka_unit_test(more_never_hurts),
        cmocka_unit_test(neither_order_nor_time_matter),
        cmocka_unit_test(splits_tensors_where_that_is_best),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
