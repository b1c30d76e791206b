// SPDX-License-Identifier: MIT
// hwa run: put an operation through a device, time it, and check what came out.
#include "commands.h"
#include "gemm.h"
#include "json.h"
#include "library.h"
#include "table.h"
#include "text.h"
#include "units.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace hwa::tool {

namespace {

struct Choice {
    const hwa_device_t *device = nullptr;
    std::string runtime;  ///< "": the device's best
    std::string provider; ///< "": the first that takes it on
};

/// Whether a device can be run on, with the runtime where one is named.
bool runs(const hwa_device_t *device, const std::string &runtime) {
    const hwa_device_info_t info = info_of(device);
    for (uint32_t i = 0; i < info.runtime_count; ++i) {
        const hwa_runtime_info_t one = runtime_at(device, i);
        if (one.status == HWA_OK && (runtime.empty() || runtime == or_empty(one.name)))
            return true;
    }
    return false;
}

/// Why the runtime that was named cannot be had on a device.
int refuse(const hwa_device_t *device, const std::string &runtime) {
    const hwa_device_info_t info = info_of(device);
    std::vector<std::string> names;
    for (uint32_t i = 0; i < info.runtime_count; ++i) {
        const hwa_runtime_info_t one = runtime_at(device, i);
        if (one.status == HWA_OK)
            names.push_back(or_empty(one.name));
        else if (runtime.empty() || runtime == or_empty(one.name))
            return fail(ExitNothing,
                        or_empty(info.id) + ", runtime " + or_empty(one.name) + ": " +
                            (one.message ? one.message : hwa_status_name(one.status)),
                        "'hwa doctor' says what to install");
    }
    const std::string have = names.empty() ? "nothing" : join(names);
    return fail(ExitNothing,
                or_empty(info.id) + " cannot be run with " +
                    (runtime.empty() ? "any runtime" : "'" + runtime + "'") + "; it can with " +
                    have,
                "'hwa info " + or_empty(info.id) + "' lists its runtimes");
}

int choose(const Arguments &arguments, const hwa_system_t *system, Choice &choice) {
    choice.runtime = arguments.runtime;
    choice.provider = arguments.provider;
    if (!arguments.device.empty()) {
        choice.device = hwa_system_find_device(system, arguments.device.c_str());
        if (choice.device == nullptr)
            return no_such_device(system, arguments.device);
        return runs(choice.device, choice.runtime) ? ExitDone
                                                   : refuse(choice.device, choice.runtime);
    }
    for (const hwa_device_t *device : devices_of(system))
        if (choice.device == nullptr && runs(device, choice.runtime))
            choice.device = device;
    if (choice.device != nullptr)
        return ExitDone;
    return fail(ExitNothing,
                choice.runtime.empty() ? "no device here can be run on"
                                       : "no device here runs with '" + choice.runtime + "'",
                "'hwa doctor' says what to install");
}

/// One product on a device: what it is made of, and what it gave.
struct Gemm {
    uint32_t size = 0;
    std::vector<float> a, b, c;
    Queue queue;
    Program program;
    Buffer buffers[3];
    std::vector<double> seconds; ///< one per timed run
    Check check;
};

hwa_attr_t int_attr(const char *key, int64_t value) {
    hwa_attr_t attr = {};
    attr.key = key;
    attr.type = HWA_ATTR_INT;
    attr.i = value;
    return attr;
}

hwa_status_t prepare(Gemm &gemm, const Choice &choice, hwa_error_t *error) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = choice.runtime.empty() ? nullptr : choice.runtime.c_str();
    options.flags = HWA_QUEUE_TIMED;
    hwa_status_t status = hwa_queue_open(choice.device, &options, Out(gemm.queue), error);
    if (status != HWA_OK)
        return status;
    std::vector<hwa_attr_t> attrs = {int_attr("m", gemm.size), int_attr("n", gemm.size),
                                     int_attr("k", gemm.size)};
    if (!choice.provider.empty()) {
        attrs.push_back({});
        attrs.back().key = "provider";
        attrs.back().type = HWA_ATTR_TEXT;
        attrs.back().s = choice.provider.c_str();
    }
    status = hwa_program_from_op(gemm.queue.get(), "gemm", attrs.data(),
                                 static_cast<uint32_t>(attrs.size()), Out(gemm.program), error);
    const std::vector<float> *data[] = {&gemm.a, &gemm.b, &gemm.c};
    for (int i = 0; i < 3 && status == HWA_OK; ++i) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = data[i]->size() * sizeof(float);
        status = hwa_buffer_create(gemm.queue.get(), &desc, Out(gemm.buffers[i]), error);
        if (status == HWA_OK)
            status = hwa_buffer_write(gemm.buffers[i].get(), 0, data[i]->data(), desc.size_bytes,
                                      nullptr, error);
    }
    return status;
}

/// Runs it once, and adds its time, by the device's clock where it has one.
hwa_status_t run_once(Gemm &gemm, hwa_error_t *error) {
    hwa_arg_t args[3] = {};
    for (int i = 0; i < 3; ++i)
        args[i].buffer = gemm.buffers[i].get();
    Event event;
    const auto start = std::chrono::steady_clock::now();
    hwa_status_t status =
        hwa_launch(gemm.queue.get(), gemm.program.get(), args, 3, nullptr, Out(event), error);
    if (status == HWA_OK)
        status = hwa_event_wait(event.get(), HWA_FOREVER, error);
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (status != HWA_OK)
        return status;
    const uint64_t device_ns = hwa_event_elapsed_ns(event.get());
    gemm.seconds.push_back(device_ns != 0 ? static_cast<double>(device_ns) / 1e9 : waited.count());
    return HWA_OK;
}

hwa_status_t measure(Gemm &gemm, uint32_t repeat, hwa_error_t *error) {
    hwa_status_t status = run_once(gemm, error);
    gemm.seconds.clear();
    for (uint32_t i = 0; i < repeat && status == HWA_OK; ++i)
        status = run_once(gemm, error);
    if (status == HWA_OK)
        status = hwa_buffer_read(gemm.buffers[2].get(), 0, gemm.c.data(),
                                 gemm.c.size() * sizeof(float), nullptr, error);
    if (status == HWA_OK)
        gemm.check = check_product(gemm.a, gemm.b, gemm.c, gemm.size);
    std::sort(gemm.seconds.begin(), gemm.seconds.end());
    return status;
}

double rate(const Gemm &gemm) {
    return 2.0 * std::pow(gemm.size, 3) / gemm.seconds.front();
}

std::string to_json(const Gemm &gemm) {
    hwa_queue_info_t queue = HWA_INIT(hwa_queue_info_t);
    hwa_program_info_t program = HWA_INIT(hwa_program_info_t);
    Json json;
    if (hwa_queue_info(gemm.queue.get(), &queue) != HWA_OK ||
        hwa_program_info(gemm.program.get(), &program) != HWA_OK)
        return json.finish();
    json.integer("schema", 1).text("operation", "gemm").text("dtype", "f32");
    json.integer("size", gemm.size).text("device", info_of(queue.device).id);
    json.text("runtime", queue.runtime).text("provider", program.provider);
    json.integer("runs", gemm.seconds.size()).real("best_seconds", gemm.seconds.front());
    json.real("median_seconds", gemm.seconds[gemm.seconds.size() / 2]);
    json.real("ops_per_second", rate(gemm)).boolean("right", gemm.check.right);
    json.real("max_relative_error", gemm.check.error);
    json.real("allowed_relative_error", gemm.check.allowed);
    json.integer("entries_checked", gemm.check.entries);
    return json.finish();
}

void print_result(const Gemm &gemm, Screen &screen) {
    hwa_queue_info_t queue = HWA_INIT(hwa_queue_info_t);
    hwa_program_info_t program = HWA_INIT(hwa_program_info_t);
    if (hwa_queue_info(gemm.queue.get(), &queue) != HWA_OK ||
        hwa_program_info(gemm.program.get(), &program) != HWA_OK)
        return;
    const hwa_device_info_t device = info_of(queue.device);
    const auto put = [&screen](const char *name, const std::string &value) {
        screen.line(format("  %-10s", name) + value);
    };
    screen.line(format("gemm, %u × %u × %u, f32", gemm.size, gemm.size, gemm.size), Look::Strong);
    put("device", or_empty(device.id) + " · " + printable(or_empty(device.name)));
    put("runtime", printable(or_empty(queue.runtime)));
    put("provider", printable(or_empty(program.provider)));
    put("time", seconds(gemm.seconds.front()) + ", the best of " +
                    std::to_string(gemm.seconds.size()) + "; median " +
                    seconds(gemm.seconds[gemm.seconds.size() / 2]));
    put("speed", operations(rate(gemm)));
    put("error",
        format("%.2g relative at most, %.2g allowed", gemm.check.error, gemm.check.allowed));
    const std::string how = gemm.check.whole
                                ? "every entry summed anew in f64"
                                : format("%llu entries summed anew in f64, the whole by projection",
                                         static_cast<unsigned long long>(gemm.check.entries));
    screen.print("  result    " + screen.paint(gemm.check.right ? Look::Good : Look::Bad,
                                               gemm.check.right ? "right" : "WRONG"));
    screen.print(clip(" – " + how, screen.width() > 17 ? screen.width() - 17 : 0) + "\n");
}

/// Three matrices here and three on the device, which may be the same memory.
int check_memory(const hwa_system_t *system, uint32_t size) {
    const uint64_t needed = uint64_t{6} * size * size * sizeof(float);
    const uint64_t there = info_of(system).memory_bytes;
    if (there == 0 || needed <= there)
        return ExitDone;
    return fail(ExitFailed, "this size needs " + bytes(needed) + " of " + bytes(there) + " memory",
                "give a smaller --size");
}

} // namespace

int run(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    Choice choice;
    exit = choose(arguments, system.get(), choice);
    if (exit == ExitDone)
        exit = check_memory(system.get(), arguments.size);
    if (exit != ExitDone)
        return exit;
    Gemm gemm;
    gemm.size = arguments.size;
    gemm.a = random_matrix(gemm.size, 1);
    gemm.b = random_matrix(gemm.size, 2);
    // What the device leaves unwritten is then no number, and so wrong.
    gemm.c.assign(gemm.a.size(), std::numeric_limits<float>::quiet_NaN());
    hwa_error_t error = {};
    hwa_status_t status = prepare(gemm, choice, &error);
    if (status == HWA_OK)
        status = measure(gemm, arguments.repeat, &error);
    if (status != HWA_OK)
        return fail(error);
    screen.print(arguments.json ? to_json(gemm) : "");
    if (!arguments.json)
        print_result(gemm, screen);
    if (gemm.check.right)
        return ExitDone;
    return fail(ExitFailed, "the result is wrong",
                "try another --runtime, and report this with the output of 'hwa doctor'");
}

} // namespace hwa::tool
