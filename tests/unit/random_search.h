// SPDX-License-Identifier: MIT
// Random models, systems and options for searches, small enough to go through all cases.
#pragma once

#include "check.h"
#include "dice.h"
#include "plan/plan.h"
#include "system_maker.h"

#include <algorithm>
#include <array>
#include <string>

namespace hwa::test {

using core::Device;
using core::System;

/// Adds rows to the first matrix of a layer.
inline void widen(core::Model &model, size_t layer, uint64_t rows) {
    core::Tensor &matrix =
        *std::find_if(model.tensors.begin(), model.tensors.end(), [&](const core::Tensor &one) {
            return one.layer == static_cast<int32_t>(layer);
        });
    const uint64_t more = rows * matrix.columns;
    matrix.rows += rows;
    matrix.bytes += 2 * more;
    model.layers[layer].weights.matrix += more;
    model.layers[layer].weights.bytes += 2 * more;
    model.parameters += more;
    model.active_parameters += more;
}

inline core::Model random_model(Random &random) {
    core::ModelNumbers numbers;
    numbers.name = "m";
    numbers.parameters = 200000000 + up_to(random, 3000000000);
    numbers.layers = static_cast<uint32_t>(1 + up_to(random, 5));
    numbers.hidden_size = 1024;
    numbers.vocabulary = static_cast<uint32_t>(1000 + up_to(random, 30000));
    if (random() % 3 == 0) {
        numbers.experts = random() % 2 == 0 ? 4 : 8;
        numbers.experts_per_token = 2;
        numbers.ffn_size = random() % 4 == 0 ? 511 : 1024; // the one is not split over ranks
    }
    auto model = core::model_from_numbers(numbers);
    assert_true(bool(model));
    if (random() % 2 == 0) // layers of unequal sizes
        for (size_t i = 0; i < model->layers.size(); ++i)
            widen(*model, i, up_to(random, 200000));
    return std::move(*model);
}

inline void link(System &system, core::LinkKind kind, size_t a, size_t b, uint64_t rate) {
    system.links.push_back(
        {kind, system.devices[a].id, system.devices[b].id, rate, 500, 0, "", {}});
}

/// Up to four devices of up to three kinds, the links between two kinds all alike.
inline System random_system(Random &random) {
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
                device(id, role == 0 ? core::Kind::Cpu : core::Kind::Gpu, room, rate, 1e13));
            if (role == 1)
                system.devices.back().flags |= core::DeviceIntegrated;
        }
    }
    for (size_t a = 0; a < system.devices.size(); ++a)
        for (size_t b = 0; b < a; ++b) {
            const char one = system.devices[a].id[1], other = system.devices[b].id[1];
            const uint64_t rate = uint64_t{1000000} << ((one * one + other * other) % 9);
            if ((one ^ other) != 3)
                link(system, core::LinkKind::Network, a, b, rate);
        }
    return system;
}

/// Up to eight cards of a server and one of another kind; the cards in domains of up to eight.
inline System random_server(Random &random) {
    System system;
    const uint64_t count = 2 + up_to(random, 6), domain = 1 + up_to(random, 7);
    const uint64_t room = (12 + up_to(random, 60)) * gib / 8;
    const uint64_t rate = random() % 16 == 0 ? 0 : (4 + up_to(random, 40)) * 50000000000;
    const bool eight_bits = random() % 2 == 0;
    for (uint64_t i = 0; i < count; ++i) {
        Device made = device("d0-" + std::to_string(i), core::Kind::Gpu, room, rate, 1e14);
        made.put_compute({core::Dtype::Bf16, core::Support::Native, 1e14, 0, core::Source::Table});
        if (eight_bits)
            made.put_compute(
                {core::Dtype::F8E4M3, core::Support::Native, 2e14, 0, core::Source::Table});
        made.vendor = {random() % 8 == 0 && i == 0 ? "amd" : "nvidia", core::Source::Table};
        made.put_attr(
            core::attr_text("host.name", std::to_string(i / domain), core::Source::Derived));
        system.devices.push_back(std::move(made));
    }
    if (random() % 2 == 0)
        system.devices.push_back(device("d1-0", core::Kind::Gpu, room / 2, rate, 1e13));
    const auto kind = random() % 2 == 0 ? core::LinkKind::Fabric : core::LinkKind::Pcie;
    const uint64_t speed = uint64_t{1000000000} << up_to(random, 8);
    for (size_t a = 0; a < system.devices.size(); ++a)
        for (size_t b = 0; b < a; ++b)
            link(system, a < count && a / domain == b / domain ? kind : core::LinkKind::Network, a,
                 b, speed);
    return system;
}

inline plan::Options random_options(Random &random, const core::Model &model) {
    using plan::Objective;
    plan::Options options;
    options.headroom = 0.1;
    options.explains = false;
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

/// Options that ask a server for more, and now and then for one degree.
inline plan::Options server_options(Random &random, const core::Model &model) {
    plan::Options options = random_options(random, model);
    options.workload.batch = 1 + up_to(random, 15);
    if (random() % 4 == 0)
        options.workload.prompt_tokens = 8192;
    if (random() % 2 == 0)
        options.max_devices = 0;
    const auto degree = static_cast<uint32_t>(1 + up_to(random, 3));
    switch (random() % 16) {
    case 0:
        options.run.tensor = degree;
        break;
    case 1:
        options.run.context = degree;
        break;
    case 2:
        options.run.expert = degree;
        break;
    case 3:
        options.run.data = degree;
        break;
    case 4:
        options.run.attention_data = degree;
        break;
    default:
        break;
    }
    return options;
}

} // namespace hwa::test
