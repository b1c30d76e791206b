// SPDX-License-Identifier: MIT
// plan/search/training: the winner is the best of all layouts there are, found by going through
// all of them.
#include "check.h"

#include "plan/evaluate.h"
#include "plan/memory/weights.h"
#include "plan/plan.h"
#include "system_maker.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using core::Device;
using core::Kind;
using core::System;

using Random = std::mt19937_64;

static uint64_t up_to(Random &random, uint64_t most) {
    return random() % (most + 1);
}

static core::Model random_model(Random &random) {
    core::ModelNumbers numbers;
    numbers.parameters = 100000000 + up_to(random, 8000000000);
    numbers.layers = static_cast<uint32_t>(1 + up_to(random, 5));
    numbers.hidden_size = 2048;
    numbers.heads = 16;
    numbers.head_size = 128;
    numbers.vocabulary = 32000;
    numbers.context_limit = 4096;
    auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    return std::move(*model);
}

/// Islands of equal cards.
static System random_system(Random &random) {
    System system;
    const uint64_t islands = 1 + up_to(random, 1), each = 1 + up_to(random, 3);
    const uint64_t room = (8 + up_to(random, 72)) * gib;
    for (uint64_t island = 0; island < islands; ++island)
        for (uint64_t i = 0; i < each; ++i) {
            const std::string id = "g" + std::to_string(island) + "-" + std::to_string(i);
            system.devices.push_back(device(id, Kind::Gpu, room, 2000000000000, 3e14));
            system.devices.back().vendor = {"nvidia", core::Source::Table};
            for (uint64_t other = 0; other < i; ++other)
                system.links.push_back({core::LinkKind::Fabric,
                                        id,
                                        "g" + std::to_string(island) + "-" + std::to_string(other),
                                        300000000000,
                                        1000,
                                        0,
                                        "",
                                        {}});
        }
    return system;
}

/// Every number for every degree; those that the rules of lib/plan/search/layouts.h leave out are
/// dropped.
class BruteForce {
  public:
    BruteForce(const System &system, const core::Model &model, uint32_t island)
        : system_(system), model_(model), island_(island), links_(system) {}

    std::optional<Plan> best() {
        const auto count = static_cast<uint32_t>(system_.devices.size());
        for (uint32_t tensor = 1; tensor <= island_; ++tensor)
            for (uint32_t context = 1; context <= count; ++context)
                for (uint32_t pipeline = 1; pipeline <= count; ++pipeline)
                    for (uint32_t data = 1; data <= count; ++data)
                        if (is_layout(tensor, context, pipeline, data, count))
                            fill(tensor, context, pipeline, data, count);
        return best_;
    }

  private:
    bool is_layout(uint32_t tensor, uint32_t context, uint32_t pipeline, uint32_t data,
                   uint32_t batch) const {
        const auto layers = static_cast<uint32_t>(model_.layers.size());
        const uint32_t islands = batch / island_;
        const bool stages = layers % pipeline == 0 || (pipeline & (pipeline - 1)) == 0;
        return model_.heads % tensor == 0 && (context == 1 || context == 2) && stages &&
               pipeline <= layers && batch % data == 0 &&
               context * pipeline * data <= islands * (island_ / tensor);
    }

    void fill(uint32_t tensor, uint32_t context, uint32_t pipeline, uint32_t data, uint32_t batch) {
        const auto layers = static_cast<uint32_t>(model_.layers.size());
        Case one;
        one.system = &system_;
        one.model = &model_;
        one.format = own_format(model_);
        one.links = &links_;
        one.workload = *settle({});
        one.workload.mode = Mode::Train;
        one.workload.sequence_tokens = 4096;
        one.run.engine = system_.devices.size() > 1 ? Engine::Megatron : Engine::Torch;
        one.run.global_batch = batch;
        one.run.tensor = tensor;
        one.run.context = context;
        one.run.pipeline = pipeline;
        one.run.data = data;
        one.run.expert = 1;
        one.run.sequence_parallel = tensor > 1;
        for (uint32_t replica = 0; replica < data; ++replica)
            for (uint32_t stage = 0, first = 0; stage < pipeline; ++stage) {
                const uint32_t held = layers / pipeline + (stage < layers % pipeline ? 1 : 0);
                for (uint32_t rank = 0; rank < tensor * context; ++rank) {
                    Slice slice;
                    // A group of tensor ranks lies in one island.
                    const size_t group = one.slices.size() / tensor, each = island_ / tensor;
                    slice.device = &system_.devices[group / each * island_ + group % each * tensor +
                                                    rank % tensor];
                    slice.first_layer = first;
                    slice.layer_count = held;
                    slice.stage = stage;
                    slice.tensor_rank = rank % tensor;
                    slice.context_rank = rank / tensor;
                    slice.replica = replica;
                    slice.embedding = stage == 0;
                    slice.output = stage + 1 == pipeline;
                    one.slices.push_back(slice);
                }
                first += held;
            }
        const uint32_t most_turns = *one.run.engine == Engine::Megatron && pipeline > 1 ? 8 : 1;
        for (uint64_t micro = 1; micro <= batch / data; ++micro)
            for (uint32_t turns = 1; turns <= most_turns; ++turns)
                if (batch / data % micro == 0 && (turns == 1 || layers % (pipeline * turns) == 0)) {
                    one.workload.micro_batch = micro;
                    one.run.virtual_stages = turns;
                    weigh(one, data * context == 1);
                }
    }

    void weigh(Case &one, bool alone) {
        const uint32_t most = alone ? 1 : one.run.engine == Engine::Megatron ? 2 : 4;
        for (uint32_t zero = 1; zero <= most; ++zero)
            for (const Recompute recompute :
                 {Recompute::None, Recompute::Selective, Recompute::Full}) {
                one.workload.zero_stage = zero;
                one.workload.recompute = recompute;
                auto plan = evaluate(one);
                assert_true(bool(plan));
                const bool fits =
                    std::all_of(plan->stages.begin(), plan->stages.end(), [](const Stage &stage) {
                        return static_cast<double>(stage.footprint.total()) <=
                               0.9 * static_cast<double>(stage.device->memory_bytes());
                    });
                if (fits && (!best_ || plan->step_seconds < best_->step_seconds))
                    best_ = std::move(*plan);
            }
    }

    const System &system_;
    const core::Model &model_;
    uint32_t island_;
    Links links_;
    std::optional<Plan> best_;
};

static void check_same(const Plan &plan, const Plan &expected, uint64_t seed) {
    const double a = plan.step_seconds, b = expected.step_seconds;
    if (a > 1.000002 * b || b > 1.000002 * a)
        fail_msg("seed %llu: %g s on %zu devices, not %g s on %zu",
                 static_cast<unsigned long long>(seed), a, plan.stages.size(), b,
                 expected.stages.size());
    for (const Stage &stage : plan.stages)
        assert_true(static_cast<double>(stage.footprint.total()) <=
                    0.9 * static_cast<double>(stage.device->memory_bytes()));
}

static void is_the_best_of_all_layouts(void **) {
    uint64_t found = 0, space = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        System system = random_system(random);
        const auto island = static_cast<uint32_t>(
            std::count_if(system.devices.begin(), system.devices.end(),
                          [](const Device &one) { return one.id.starts_with("g0"); }));
        const auto expected = BruteForce(system, model, island).best();
        Options options;
        options.workload.mode = Mode::Train;
        const auto plan = make_plan(system, model, options);
        if (bool(plan) != expected.has_value())
            fail_msg("seed %llu: %s", static_cast<unsigned long long>(seed),
                     plan ? "a plan where there is none" : plan.error().message.c_str());
        if (!plan)
            continue;
        ++found;
        check_same(*plan, *expected, seed);
        const Certificate &proof = plan->certificate;
        assert_true(proof.visited > 0 && proof.visited + proof.bounded == proof.space);
        space += proof.space;
    }
    assert_true(found > 500 && space > 10000);
}

static void tells_tokens_per_second(void **) {
    System system = cards(1);
    core::ModelNumbers numbers;
    numbers.parameters = 1000000000;
    const auto model = core::model_from_numbers(numbers);
    Options options;
    options.workload.mode = Mode::Train;
    options.workload.batch = 6;
    options.workload.sequence_tokens = 1024;
    const auto plan = make_plan(system, *model, options);
    assert_true(plan && plan->step_seconds > 0);
    assert_true(std::fabs(plan->tokens_per_second * plan->step_seconds - 6 * 1024) < 1e-6);
    options.min_tokens_per_second = 1.01 * plan->tokens_per_second;
    const auto faster = make_plan(system, *model, options);
    assert_true(!faster && faster.error().status == base::Status::NoFit);
    assert_true(faster.error().message.find("short of") != std::string::npos);
}

static void says_what_lacked(void **) {
    System system = cards(2);
    core::ModelNumbers numbers;
    numbers.parameters = 8000000000;
    const auto model = core::model_from_numbers(numbers);
    Options options;
    options.workload.mode = Mode::Train;
    const auto plan = make_plan(system, *model, options);
    assert_true(!plan && plan.error().status == base::Status::NoFit);
    assert_true(plan.error().message.find("lacks") != std::string::npos);
    options.run.tensor = 7; // which does not divide the heads, nor have the cards a link
    const auto pinned = make_plan(system, *model, options);
    assert_true(!pinned && pinned.error().message.find("pins") != std::string::npos);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(is_the_best_of_all_layouts),
        cmocka_unit_test(tells_tokens_per_second),
        cmocka_unit_test(says_what_lacked),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
