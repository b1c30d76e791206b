// SPDX-License-Identifier: MIT
// plan/search/training: the winner is the best of all layouts there are, found by going through
// all of them.
#include "check.h"

#include "plan/evaluate.h"
#include "plan/memory/weights.h"
#include "plan/plan.h"
#include "random_training.h"
#include "system_maker.h"

#include <algorithm>
#include <cmath>
#include <optional>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using core::Device;
using core::Kind;
using core::System;

/// A processor beside half of them, with room for some of their states.
static void add_host(Random &random, System &system) {
    if (up_to(random, 1) == 0)
        return;
    const std::vector<Device> cards = system.devices;
    system.devices.push_back(processor((4 + up_to(random, 252)) * gib));
    for (const Device &card : cards)
        system.links.push_back(
            {core::LinkKind::Pcie, "cpu-0", card.id, 31500000000, 1000, 0, "", {}});
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
    add_host(random, system);
    return system;
}

/// Every number for every degree; those that the rules of lib/plan/search/layouts.h leave out are
/// dropped.
class BruteForce {
  public:
    BruteForce(const System &system, const core::Model &model, uint32_t island)
        : system_(system), model_(model), island_(island), links_(system) {}

    std::optional<Plan> best() {
        const auto hosts = static_cast<uint32_t>(
            std::count_if(system_.devices.begin(), system_.devices.end(),
                          [](const Device &one) { return one.kind == Kind::Cpu; }));
        const auto count = static_cast<uint32_t>(system_.devices.size()) - hosts;
        host_ = hosts != 0 ? &system_.devices.back() : nullptr;
        if (count > 1)
            all(Engine::Megatron, count);
        all(Engine::Torch, count);
        if (!best_ && host_ != nullptr)
            on_the_host();
        return best_;
    }

  private:
    void all(Engine engine, uint32_t count) {
        engine_ = engine;
        for (uint32_t tensor = 1; tensor <= island_; ++tensor)
            for (uint32_t context = 1; context <= count; ++context)
                for (uint32_t pipeline = 1; pipeline <= count; ++pipeline)
                    for (uint32_t data = 1; data <= count; ++data)
                        if (is_layout(tensor, context, pipeline, data, count))
                            fill(tensor, context, pipeline, data, count);
    }

    void on_the_host() {
        const Device *host = host_;
        host_ = nullptr; // which keeps nothing away from itself
        Case one = case_of(1);
        one.run.tensor = one.run.context = one.run.pipeline = one.run.data = 1;
        one.run.sequence_parallel = false;
        Slice slice;
        slice.device = host;
        slice.layer_count = static_cast<uint32_t>(model_.layers.size());
        slice.embedding = slice.output = true;
        one.slices.push_back(slice);
        weigh(one, true);
    }

    bool is_layout(uint32_t tensor, uint32_t context, uint32_t pipeline, uint32_t data,
                   uint32_t batch) const {
        if (engine_ == Engine::Torch && pipeline > 1)
            return false;
        const auto layers = static_cast<uint32_t>(model_.layers.size());
        const uint32_t islands = batch / island_;
        const bool stages = layers % pipeline == 0 || (pipeline & (pipeline - 1)) == 0;
        return model_.heads % tensor == 0 && (context == 1 || context == 2) && stages &&
               pipeline <= layers && batch % data == 0 &&
               context * pipeline * data <= islands * (island_ / tensor);
    }

    Case case_of(uint32_t batch) const {
        Case one;
        one.system = &system_;
        one.model = &model_;
        one.format = own_format(model_);
        one.links = &links_;
        one.workload = *settle({});
        one.workload.mode = Mode::Train;
        one.workload.sequence_tokens = 4096;
        one.run.engine = engine_;
        one.run.global_batch = batch;
        one.run.expert = 1;
        return one;
    }

    void fill(uint32_t tensor, uint32_t context, uint32_t pipeline, uint32_t data, uint32_t batch) {
        const auto layers = static_cast<uint32_t>(model_.layers.size());
        Case one = case_of(batch);
        one.run.tensor = tensor;
        one.run.context = context;
        one.run.pipeline = pipeline;
        one.run.data = data;
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
        const bool piped = one.run.engine == Engine::Megatron && *one.run.pipeline > 1;
        const uint32_t most = alone ? 1 : piped ? 2 : 4;
        for (uint32_t zero = 1; zero <= most; ++zero)
            for (const Recompute recompute :
                 {Recompute::None, Recompute::Selective, Recompute::Full}) {
                one.workload.recompute = recompute;
                one.workload.zero_stage = zero;
                one.run.offload_optimizer = one.run.offload_weights = false;
                take(one);
                one.run.offload_optimizer = true;
                take(one);
                if (one.run.engine == Engine::Megatron || (zero != 4 && !alone))
                    continue;
                one.workload.zero_stage = 4;
                one.run.offload_weights = true;
                take(one);
            }
    }

    void take(const Case &one) {
        if (host_ == nullptr && *one.run.offload_optimizer)
            return;
        auto plan = evaluate(one);
        assert_true(bool(plan));
        const auto holds = [](const Device &device, uint64_t bytes) {
            return static_cast<double>(bytes) <= 0.9 * static_cast<double>(device.memory_bytes());
        };
        const bool fits =
            std::all_of(plan->stages.begin(), plan->stages.end(), [&](const Stage &stage) {
                return holds(*stage.device, stage.footprint.total());
            });
        if (fits && (plan->footprint.offload == 0 || holds(*host_, plan->footprint.offload)) &&
            (!best_ || plan->step_seconds < best_->step_seconds))
            best_ = std::move(*plan);
    }

    const System &system_;
    const core::Model &model_;
    uint32_t island_;
    Links links_;
    Engine engine_ = Engine::Any;
    const Device *host_ = nullptr; ///< that may keep states
    std::optional<Plan> best_;
};

static void is_the_best_of_all_layouts(void **) {
    uint64_t found = 0, space = 0, away = 0;
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
        away += plan->footprint.offload != 0 ? 1 : 0;
        check_same(*plan, *expected, seed);
        const Certificate &proof = plan->certificate;
        assert_true(proof.visited > 0 && proof.visited + proof.bounded == proof.space);
        space += proof.space;
    }
    assert_true(found > 500 && space > 10000 && away > 50);
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

/// What would do is told of training on several devices, does, and is the least.
static void says_what_would_do(void **) {
    core::ModelNumbers numbers;
    numbers.parameters = 24000000000;
    const auto model = core::model_from_numbers(numbers);
    Options options;
    options.workload.mode = Mode::Train;
    const auto plan = make_plan(cards(8), *model, options);
    assert_true(!plan);
    const std::string &why = plan.error().message;
    const size_t at = why.find(" more of ");
    assert_true(at != std::string::npos && why.ends_with("would do"));
    const auto more = static_cast<uint32_t>(std::stoul(why.substr(why.rfind(' ', at - 1))));
    options.explains = false;
    assert_true(bool(make_plan(cards(8 + more), *model, options)));
    assert_false(bool(make_plan(cards(7 + more), *model, options)));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(is_the_best_of_all_layouts),
        cmocka_unit_test(tells_tokens_per_second),
        cmocka_unit_test(says_what_lacked),
        cmocka_unit_test(says_what_would_do),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
