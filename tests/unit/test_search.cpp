// SPDX-License-Identifier: MIT
// plan/search: the winner is the best of all cases there are, found by going through all of them.
#include "check.h"

#include "plan/evaluate.h"
#include "plan/plan.h"
#include "plan/search/formats.h"
#include "plan/search/search.h"
#include "system_maker.h"

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

using Random = std::mt19937_64;

static uint64_t up_to(Random &random, uint64_t most) {
    return random() % (most + 1);
}

static core::Model random_model(Random &random) {
    core::ModelNumbers numbers;
    numbers.name = "m";
    numbers.parameters = 200000000 + up_to(random, 3000000000);
    numbers.layers = static_cast<uint32_t>(1 + up_to(random, 5));
    numbers.hidden_size = 1024;
    numbers.vocabulary = static_cast<uint32_t>(1000 + up_to(random, 30000));
    auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    if (random() % 2 == 0) // layers of unequal sizes
        for (core::Layer &layer : model->layers) {
            const uint64_t more = up_to(random, 200000000);
            layer.weights.matrix += more;
            layer.weights.bytes += 2 * more;
            model->parameters += more;
            model->active_parameters += more;
        }
    return std::move(*model);
}

/// Up to four devices of up to three kinds, the links between two kinds all alike.
static System random_system(Random &random) {
    System system;
    const uint64_t kinds = 1 + up_to(random, 2);
    for (uint64_t kind = 0; kind < kinds; ++kind) {
        const uint64_t role = up_to(random, 5);
        const uint64_t count = role == 0 ? 1 : 1 + up_to(random, kinds == 1 ? 3 : 1);
        // Of equal devices the links are alike too.
        const uint64_t room = (4 + up_to(random, 40)) * gib / 8 + kind * 4096;
        const uint64_t rate = random() % 16 == 0 ? 0 : (1 + up_to(random, 20)) * 50000000000;
        for (uint64_t i = 0; i < count; ++i) {
            const std::string id = "d" + std::to_string(kind) + "-" + std::to_string(i);
            system.devices.push_back(
                device(id, role == 0 ? Kind::Cpu : Kind::Gpu, room, rate, 1e13));
            if (role == 1)
                system.devices.back().flags |= core::DeviceIntegrated;
        }
    }
    for (size_t a = 0; a < system.devices.size(); ++a)
        for (size_t b = 0; b < a; ++b) {
            const std::string &one = system.devices[a].id, &other = system.devices[b].id;
            const uint64_t rate = uint64_t{1000000}
                                  << ((one[1] * one[1] + other[1] * other[1]) % 9);
            if ((one[1] ^ other[1]) != 3)
                system.links.push_back({core::LinkKind::Network, one, other, rate, 500, 0, "", {}});
        }
    return system;
}

static Options random_options(Random &random, const core::Model &model) {
    Options options;
    options.headroom = 0.1;
    options.objective = std::array{Objective::Throughput, Objective::Latency, Objective::Quality,
                                   Objective::Throughput}[random() % 4];
    if (random() % 4 == 0)
        options.max_devices = static_cast<uint32_t>(1 + up_to(random, 3));
    if (random() % 4 == 0)
        options.run.pipeline = static_cast<uint32_t>(
            1 + up_to(random, std::min<uint64_t>(3, model.layers.size() - 1)));
    if (random() % 4 == 0)
        options.min_weight_bits = static_cast<double>(up_to(random, 12));
    if (options.objective == Objective::Throughput && random() % 4 == 0)
        options.min_tokens_per_second = static_cast<double>(up_to(random, 100));
    options.workload.batch = 1 + up_to(random, 3);
    options.workload.context_tokens = random() % 2 == 0 ? 0 : 640 + up_to(random, 30000);
    return options;
}

/// Every choice of devices, and every split of the layers over it.
class BruteForce {
  public:
    BruteForce(const System &system, const core::Model &model, const Options &options)
        : system_(system), model_(model), options_(options), links_(system),
          workload_(*settle(options.workload)) {
        for (const Device &device : system.devices)
            order_.push_back(&device);
        // Processors first, then the roomiest, which is the order that data passes.
        std::sort(order_.begin(), order_.end(), [](const Device *a, const Device *b) {
            const auto rank = [](const Device &one) {
                return std::tuple(one.kind != Kind::Cpu, ~one.memory_bytes(),
                                  ~one.bytes_per_second(), one.id);
            };
            return rank(*a) < rank(*b);
        });
    }

    std::optional<Plan> best() {
        using Tiers = std::vector<std::vector<bool>>;
        const bool quality = options_.objective == Objective::Quality;
        const Tiers outer = quality ? Tiers{{false, true}} : Tiers{{false}, {true}};
        for (const std::vector<bool> &tiers : outer)
            for (const Format &format : formats_for(model_, workload_)) {
                const auto sized = size_up(model_, format, workload_);
                if (sized->bits + 1e-9 < options_.min_weight_bits)
                    continue;
                for (const bool processor : tiers) {
                    format_ = format;
                    best_.reset();
                    choose(0, {}, processor);
                    if (best_)
                        return best_;
                }
            }
        return std::nullopt;
    }
    uint64_t evaluated() const { return evaluated_; }

  private:
    void choose(size_t next, std::vector<const Device *> taken, bool processor) {
        if (next == order_.size()) {
            const auto in_host = [](const Device *one) {
                return one->kind == Kind::Cpu || (one->flags & core::DeviceIntegrated) != 0;
            };
            const auto is_processor = [](const Device *one) { return one->kind == Kind::Cpu; };
            const bool has = std::any_of(taken.begin(), taken.end(), is_processor);
            if (!taken.empty() && has == processor &&
                std::count_if(taken.begin(), taken.end(), in_host) <= 1)
                split(taken, {});
            return;
        }
        choose(next + 1, taken, processor);
        taken.push_back(order_[next]);
        choose(next + 1, taken, processor);
    }

    void split(const std::vector<const Device *> &taken, std::vector<uint32_t> counts) {
        uint32_t placed = 0;
        for (const uint32_t count : counts)
            placed += count;
        const auto left = static_cast<uint32_t>(model_.layers.size()) - placed;
        if (counts.size() + 1 == taken.size()) {
            if (left > 0) {
                counts.push_back(left);
                weigh(taken, counts);
            }
            return;
        }
        for (uint32_t count = 1; count < left; ++count) {
            counts.push_back(count);
            split(taken, counts);
            counts.pop_back();
        }
    }

    void weigh(const std::vector<const Device *> &taken, const std::vector<uint32_t> &counts) {
        const size_t stages = taken.size();
        if ((options_.max_devices != 0 && stages > options_.max_devices) ||
            stages != options_.run.pipeline.value_or(static_cast<uint32_t>(stages)))
            return;
        Case one;
        one.system = &system_;
        one.model = &model_;
        one.format = format_;
        one.workload = workload_;
        one.links = &links_;
        uint32_t from = 0;
        for (size_t i = 0; i < stages; ++i) {
            Slice slice;
            slice.device = taken[i];
            slice.first_layer = from;
            slice.layer_count = counts[i];
            slice.stage = static_cast<uint32_t>(i);
            slice.embedding = i == 0;
            slice.output = i + 1 == stages;
            one.slices.push_back(slice);
            from += counts[i];
        }
        one.run.pipeline = static_cast<uint32_t>(stages);
        ++evaluated_;
        auto plan = evaluate(one);
        assert_true(bool(plan));
        for (const Stage &stage : plan->stages)
            if (static_cast<double>(stage.footprint.total()) >
                0.9 * static_cast<double>(stage.device->memory_bytes()))
                return;
        if (plan->tokens_per_second < options_.min_tokens_per_second)
            return;
        if (!best_ || better(options_.objective, *plan, *best_))
            best_ = std::move(*plan);
    }

    const System &system_;
    const core::Model &model_;
    const Options &options_;
    Links links_;
    Workload workload_;
    std::vector<const Device *> order_;
    Format format_;
    std::optional<Plan> best_;
    uint64_t evaluated_ = 0;
};

static void is_the_best_of_all_cases(void **) {
    const char *given = std::getenv("HWA_TEST_CASES");
    const uint64_t count = given != nullptr ? std::strtoull(given, nullptr, 10) : 10000;
    uint64_t found = 0, evaluated = 0, mixed = 0;
    for (uint64_t seed = 0; seed < count; ++seed) {
        Random random(seed);
        const core::Model model = random_model(random);
        const System system = random_system(random);
        const Options options = random_options(random, model);
        BruteForce all(system, model, options);
        const auto expected = all.best();
        const auto plan = make_plan(system, model, options);
        evaluated += all.evaluated();
        if (bool(plan) != expected.has_value())
            fail_msg("seed %llu: %s", static_cast<unsigned long long>(seed),
                     plan ? "a plan where there is none" : plan.error().message.c_str());
        if (!plan) {
            assert_true(plan.error().status == base::Status::NoFit);
            continue;
        }
        ++found;
        mixed += plan->stages.size() > 1 ? 1 : 0;
        if (better(options.objective, *expected, *plan) ||
            better(options.objective, *plan, *expected) ||
            expected->format.name != plan->format.name)
            fail_msg("seed %llu: %s in %zu stages, %g s; not %s in %zu, %g s",
                     static_cast<unsigned long long>(seed), plan->format.name.c_str(),
                     plan->stages.size(), plan->token_seconds, expected->format.name.c_str(),
                     expected->stages.size(), expected->token_seconds);
        const Certificate &proof = plan->certificate;
        assert_true(proof.visited > 0 && proof.visited + proof.bounded == proof.space);
    }
    std::printf("%llu systems, %llu cases; %llu plans, %llu of them in stages\n",
                static_cast<unsigned long long>(count), static_cast<unsigned long long>(evaluated),
                static_cast<unsigned long long>(found), static_cast<unsigned long long>(mixed));
    assert_true(found > count / 2 && mixed > count / 10);
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
        cmocka_unit_test(more_never_hurts),
        cmocka_unit_test(neither_order_nor_time_matter),
        cmocka_unit_test(splits_tensors_where_that_is_best),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
