// SPDX-License-Identifier: MIT
// plan/search/uneven: over devices of several kinds the winner is the best of all pipelines there
// are, however the layers are dealt out.
#include "check.h"

#include "plan/evaluate.h"
#include "plan/memory/weights.h"
#include "plan/plan.h"
#include "random_training.h"
#include "system_maker.h"

#include <algorithm>
#include <map>
#include <optional>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using core::Device;
using core::Kind;
using core::System;

/// One or two cards of two or three kinds, of one host or several.
static System random_kinds(Random &random) {
    System system;
    const uint64_t kinds = 2 + up_to(random, 1);
    const bool apart = up_to(random, 1) == 1;
    for (uint64_t kind = 0; kind < kinds; ++kind) {
        const uint64_t each = 1 + up_to(random, kinds == 2 ? 1 : 0);
        const uint64_t room = (6 + up_to(random, 40) + 100 * (kinds - kind)) * gib / 8;
        const uint64_t rate = (4 + up_to(random, 16)) * 100000000000;
        for (uint64_t i = 0; i < each; ++i) {
            system.devices.push_back(device("g" + std::to_string(kind) + "-" + std::to_string(i),
                                            Kind::Gpu, room, rate,
                                            1e13 * static_cast<double>(rate / 100000000000)));
            Device &made = system.devices.back();
            made.vendor = {"nvidia", core::Source::Table};
            if (apart)
                made.put_attr(core::attr_int("host.network_bytes_per_second", 2000000000,
                                             core::Source::Kernel));
            if (apart)
                made.put_attr(core::attr_text("host.name", "h" + std::to_string(kind),
                                              core::Source::Derived));
        }
    }
    return system;
}

/// Every pipeline of stages on one card each over two kinds or more, the kinds in any order, and
/// every way to deal out the layers.
class UnevenForce {
  public:
    UnevenForce(const System &system, const core::Model &model, uint64_t batch)
        : system_(system), model_(model), links_(system), batch_(batch) {}

    std::optional<Plan> best() {
        std::vector<std::string> kinds;
        for (const Device &one : system_.devices)
            if (kinds.empty() || kinds.back() != one.id.substr(0, 2))
                kinds.push_back(one.id.substr(0, 2));
        do {
            for (uint64_t data = 1; data <= batch_; ++data)
                if (batch_ % data == 0)
                    choose(kinds, 0, data, {});
        } while (std::next_permutation(kinds.begin(), kinds.end()));
        return best_;
    }

  private:
    std::vector<const Device *> cards(const std::string &kind) const {
        std::vector<const Device *> made;
        for (const Device &one : system_.devices)
            if (one.id.starts_with(kind))
                made.push_back(&one);
        return made;
    }

    /// Numbers of stages on each kind, 0 to all that the replicas leave.
    void choose(const std::vector<std::string> &kinds, size_t index, uint64_t data,
                std::vector<uint64_t> counts) {
        if (index == kinds.size()) {
            deal(kinds, data, counts, {});
            return;
        }
        for (uint64_t count = 0; count <= cards(kinds[index]).size() / data; ++count) {
            auto more = counts;
            more.push_back(count);
            choose(kinds, index + 1, data, more);
        }
    }

    void deal(const std::vector<std::string> &kinds, uint64_t data,
              const std::vector<uint64_t> &counts, std::vector<uint32_t> layers) {
        uint64_t stages = 0, used = 0, sum = 0;
        for (const uint64_t count : counts) {
            stages += count;
            used += count > 0 ? 1 : 0;
        }
        for (const uint32_t held : layers)
            sum += held;
        const uint64_t all = model_.layers.size();
        if (used < 2 || stages > all)
            return;
        if (layers.size() == stages) {
            if (sum == all)
                fill(kinds, data, counts, layers);
            return;
        }
        for (uint32_t held = 1; held + sum <= all; ++held) {
            auto more = layers;
            more.push_back(held);
            deal(kinds, data, counts, more);
        }
    }

    void fill(const std::vector<std::string> &kinds, uint64_t data,
              const std::vector<uint64_t> &counts, const std::vector<uint32_t> &layers) {
        Case one;
        one.system = &system_;
        one.model = &model_;
        one.format = own_format(model_);
        one.links = &links_;
        one.workload = *settle({});
        one.workload.mode = Mode::Train;
        one.workload.sequence_tokens = 4096;
        one.run.engine = Engine::Megatron;
        one.run.global_batch = batch_;
        one.run.tensor = one.run.context = one.run.expert = one.run.virtual_stages = 1;
        one.run.pipeline = static_cast<uint32_t>(layers.size());
        one.run.data = static_cast<uint32_t>(data);
        one.run.sequence_parallel = false;
        one.run.offload_optimizer = one.run.offload_weights = false;
        for (uint32_t replica = 0; replica < data; ++replica) {
            uint32_t stage = 0, first = 0;
            for (size_t kind = 0; kind < kinds.size(); ++kind)
                for (uint64_t i = 0; i < counts[kind]; ++i, ++stage) {
                    Slice slice;
                    slice.device = cards(kinds[kind])[replica * counts[kind] + i];
                    slice.first_layer = first;
                    slice.layer_count = layers[stage];
                    slice.stage = stage;
                    slice.replica = replica;
                    slice.embedding = stage == 0;
                    slice.output = stage + 1 == layers.size();
                    one.slices.push_back(slice);
                    first += layers[stage];
                }
        }
        for (uint64_t micro = 1; micro <= batch_ / data; ++micro)
            if (batch_ / data % micro == 0) {
                one.workload.micro_batch = micro;
                weigh(one, data);
            }
    }

    void weigh(Case &one, uint64_t data) {
        const uint32_t most = data == 1 ? 1 : 2;
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
    Links links_;
    uint64_t batch_;
    std::optional<Plan> best_;
};

/// The best over single kinds, planned for each alone, and over all pipelines of several.
static std::optional<Plan> best_over_kinds(const System &system, const core::Model &model,
                                           uint64_t batch) {
    auto best = UnevenForce(system, model, batch).best();
    for (const char kind : {'0', '1', '2'}) {
        Options options;
        options.workload.mode = Mode::Train;
        options.run.global_batch = batch;
        for (const Device &one : system.devices)
            if (one.id[1] == kind)
                options.devices.push_back(&one);
        if (options.devices.empty())
            continue;
        auto plan = make_plan(system, model, options);
        if (plan && (!best || plan->step_seconds < best->step_seconds))
            best = std::move(*plan);
    }
    return best;
}

static void deals_layers_by_what_devices_can(void **) {
    uint64_t found = 0, mixed = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        System system = random_kinds(random);
        std::map<char, uint64_t> kinds;
        for (const Device &one : system.devices)
            ++kinds[one.id[1]];
        uint64_t largest = 0;
        for (const auto &[kind, count] : kinds)
            largest = std::max(largest, count);
        const auto expected = best_over_kinds(system, model, largest * kinds.size());
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
        for (const Stage &stage : plan->stages)
            if (stage.device->id[1] != plan->stages[0].device->id[1]) {
                ++mixed;
                break;
            }
        // Whatever the order that devices are listed in.
        System turned = system;
        std::reverse(turned.devices.begin(), turned.devices.end());
        const auto again = make_plan(turned, model, options);
        assert_true(again && again->stages.size() == plan->stages.size());
        for (size_t i = 0; i < plan->stages.size(); ++i)
            assert_true(again->stages[i].device->id == plan->stages[i].device->id &&
                        again->stages[i].layer_count == plan->stages[i].layer_count);
        // More memory and a faster network are no worse.
        for (Device &one : turned.devices) {
            one.memories[0].size_bytes.value += 4 * gib;
            for (core::Attr &attr : one.attrs)
                attr.i *= 2;
        }
        const auto roomier = make_plan(turned, model, options);
        if (!roomier || roomier->step_seconds > plan->step_seconds * 1.000002)
            fail_msg("seed %llu: %s %g s, with more memory %s %g s",
                     static_cast<unsigned long long>(seed), engine_name(*plan->run.engine),
                     plan->step_seconds, roomier ? engine_name(*roomier->run.engine) : "none",
                     roomier ? roomier->step_seconds : 0);
    }
    print_message("%llu plans, %llu over several kinds\n", static_cast<unsigned long long>(found),
                  static_cast<unsigned long long>(mixed));
    assert_true(found > 300 && mixed > 100);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(deals_layers_by_what_devices_can),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
