// SPDX-License-Identifier: MIT
// Time of a plan, and time and memory of reading a model's header, beside their limits.
#include "core/system_join.h"
#include "os/file.h"
#include "plan/model/read.h"
#include "plan/plan.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <vector>

using namespace hwa;

static size_t live_bytes = 0;
static size_t peak_bytes = 0;

// Not to be inlined: the compiler would see a pointer from malloc go to delete, and complain.
__attribute__((noinline)) static void *take(size_t size) {
    void *made = std::malloc(size);
    if (made == nullptr)
        std::abort();
    live_bytes += malloc_usable_size(made);
    peak_bytes = std::max(peak_bytes, live_bytes);
    return made;
}

__attribute__((noinline)) static void give_back(void *memory) {
    live_bytes -= malloc_usable_size(memory);
    std::free(memory);
}

void *operator new(size_t size) {
    return take(size);
}

void operator delete(void *memory) noexcept {
    give_back(memory);
}

void operator delete(void *memory, size_t) noexcept {
    give_back(memory);
}

/// Median time of a call in microseconds.
template <class Call> static double median_us(int rounds, Call call) {
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
        const auto start = std::chrono::steady_clock::now();
        call();
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - start;
        times.push_back(took.count());
    }
    std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
    return times[static_cast<size_t>(rounds / 2)];
}

/// One line; false if the limit is broken.
static bool report(const char *what, double value, double limit, const char *unit) {
    std::printf("%-44s %10.1f %s, limit %.1f, ratio %.3f\n", what, value, unit, limit,
                value / limit);
    return value <= limit;
}

/// A node of eight cards of 80 GB with a fabric between each two, as of a cluster.
static core::System node(int cards) {
    core::System system;
    for (int i = 0; i < cards; ++i) {
        core::Device device;
        device.id = "gpu-" + std::to_string(i);
        device.kind = core::Kind::Gpu;
        device.name = {"H100", core::Source::Table};
        device.vendor = {"nvidia", core::Source::Table};
        core::Memory memory;
        memory.kind = core::MemoryKind::Hbm;
        memory.size_bytes = {uint64_t{80} << 30, core::Source::Table};
        memory.bytes_per_second = {3350000000000, core::Source::Table};
        device.memories.push_back(memory);
        device.put_compute(
            {core::Dtype::Bf16, core::Support::Native, 989e12, 0, core::Source::Table});
        system.devices.push_back(device);
        for (int other = 0; other < i; ++other)
            system.links.push_back({core::LinkKind::Fabric, device.id,
                                    "gpu-" + std::to_string(other), 450000000000, 2000, 0, "",
                                    core::Source::Table});
    }
    system.put_attr(core::attr_text("network.0.kind", "infiniband", core::Source::Kernel));
    system.put_attr(
        core::attr_int("network.0.bytes_per_second", 400000000000, core::Source::Kernel));
    system.put_attr(core::attr_text("network.0.state", "up", core::Source::Kernel));
    return system;
}

static core::System cluster(size_t nodes) {
    const core::System one = node(8);
    return std::move(*core::join(std::vector<const core::System *>(nodes, &one)));
}

static core::Model billions(uint64_t count) {
    core::ModelNumbers numbers;
    numbers.parameters = count * 1000000000;
    return std::move(*core::model_from_numbers(numbers));
}

/// Time of a plan, and what it takes beyond the system and the model; what it went through.
static bool plan_on(const char *what, const core::System &system, const core::Model &model,
                    const plan::Options &options, double us_limit, int rounds) {
    bool planned = true;
    plan::Certificate proof;
    const double us = median_us(rounds, [&] {
        const auto plan = plan::make_plan(system, model, options);
        planned = planned && bool(plan);
        if (!plan)
            std::printf("%s\n", plan.error().message.c_str());
        else
            proof = plan->certificate;
    });
    const size_t before = live_bytes;
    peak_bytes = live_bytes;
    planned = planned && bool(plan::make_plan(system, model, options));
    const double mib = static_cast<double>(peak_bytes - before) / 1048576;
    const bool fast = report(what, us, us_limit, "us");
    const bool small = report("  heap", mib, 64, "MiB");
    std::printf("  %llu layouts, %.2f million a second\n",
                static_cast<unsigned long long>(proof.space),
                static_cast<double>(proof.space) / us);
    return planned && fast && small;
}

/// Cards of sizes and speeds of their own.
static core::System unequal(int cards) {
    core::System system = node(cards);
    for (size_t i = 0; i < system.devices.size(); ++i) {
        core::Memory &memory = system.devices[i].memories[0];
        memory.size_bytes.value = (uint64_t{4} << 30) + i * (uint64_t{64} << 20);
        memory.bytes_per_second.value = 500000000000 + i * 10000000000;
    }
    return system;
}

/// Time of a refusal, with what would do.
static bool refuse_on(const char *what, const core::System &system, const core::Model &model,
                      double us_limit, int rounds) {
    bool refused = true;
    const double us = median_us(rounds, [&] {
        const auto plan = plan::make_plan(system, model, {});
        refused = refused && !plan && plan.error().message.ends_with("would do");
    });
    return report(what, us, us_limit, "us") && refused;
}

static bool plan_inference() {
    const core::Model large = billions(70);
    bool good = plan_on("8B on 1 device", node(1), billions(8), {}, 5, 10001);
    good = plan_on("70B on 8 devices", node(8), large, {}, 100, 1001) && good;
    good = plan_on("70B on 1,024 devices", cluster(128), large, {}, 50000, 11) && good;
    good = plan_on("70B on 64 unequal devices", unequal(64), large, {}, 1000000, 5) && good;
    good = refuse_on("700B on 64 unequal devices: refused", unequal(64), billions(700), 50000, 5) &&
           good;
    return plan_on("70B on 100,000 devices", cluster(12500), large, {}, 1000000, 3) && good;
}

static bool plan_training() {
    plan::Options options;
    options.workload.mode = plan::Mode::Train;
    bool good = plan_on("training 8B on 8 devices", node(8), billions(8), options, 1000, 51);
    const core::Model large = billions(70);
    good = plan_on("training 70B on 1,024 devices", cluster(128), large, options, 50000, 5) && good;
    // Two kinds, and so pipelines over both.
    core::System kinds = cluster(2);
    for (size_t i = 0; i < 8; ++i) {
        kinds.devices[i].name.value = "A100";
        kinds.devices[i].memories[0].bytes_per_second.value = 2039000000000;
        kinds.devices[i].compute[0].ops_per_second = 312e12;
    }
    good = plan_on("training 70B on 8 and 8 devices", kinds, large, options, 200000, 3) && good;
    good = plan_on("training 70B on 100,000 devices", cluster(12500), large, options, 1000000, 1) &&
           good;
    options.run.engine = plan::Engine::Megatron; // one layout, everything pinned
    options.run.tensor = 8;
    options.run.data = options.run.global_batch = 1024;
    options.run.distributed_optimizer = true;
    options.workload.recompute = plan::Recompute::Full;
    return plan_on("training 70B as told on 8,192 devices", cluster(1024), large, options, 250000,
                   5) &&
           good;
}

static bool read_header(const char *path) {
    bool sound = true;
    const double us = median_us(51, [&] { sound = sound && bool(plan::read_model(path)); });
    live_bytes = peak_bytes = 0;
    sound = sound && bool(plan::read_model(path));
    const bool fast = report("header of 1000 tensors and 408403 texts", us, 8000, "us");
    const double kib = static_cast<double>(peak_bytes) / 1024;
    return report("heap to read it", kib, 1024, "KiB") && fast && sound;
}

int main(int count, char **arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: bench-plan MODEL.gguf\n");
        return EXIT_FAILURE;
    }
    const bool inferred = plan_inference();
    const bool planned = plan_training() && inferred;
    return read_header(arguments[1]) && planned ? EXIT_SUCCESS : EXIT_FAILURE;
}
