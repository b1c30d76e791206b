// SPDX-License-Identifier: MIT
// Time of a plan, and time and memory of reading a model's header, beside their limits.
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

static core::System eight_cards() {
    core::System system;
    for (int i = 0; i < 8; ++i) {
        core::Device device;
        device.id = "gpu-" + std::to_string(i);
        device.kind = core::Kind::Gpu;
        core::Memory memory;
        memory.size_bytes = {uint64_t{24} << 30, core::Source::Table};
        memory.bytes_per_second = {1008000000000, core::Source::Table};
        device.memories.push_back(memory);
        device.put_compute(
            {core::Dtype::F16, core::Support::Native, 165e12, 0, core::Source::Table});
        system.devices.push_back(device);
    }
    return system;
}

static bool plan_70b() {
    const core::System system = eight_cards();
    core::ModelNumbers numbers;
    numbers.parameters = 70000000000;
    const auto model = core::model_from_numbers(numbers);
    bool planned = true;
    const double us =
        median_us(1000, [&] { planned = planned && bool(plan::make_plan(system, *model, {})); });
    return planned && report("plan of 70B on 8 devices", us, 100, "us");
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
    const bool planned = plan_70b();
    return read_header(arguments[1]) && planned ? EXIT_SUCCESS : EXIT_FAILURE;
}
