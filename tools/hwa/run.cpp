// SPDX-License-Identifier: MIT
// hwa run: put operations through devices, time them, and check what came out.
#include "commands.h"
#include "json.h"
#include "route.h"
#include "table.h"
#include "text.h"
#include "units.h"
#include "work.h"

#include <algorithm>
#include <chrono>

namespace hwa::tool {

namespace {

/// Of the runs that nobody counted, no more are begun once this has passed.
constexpr double patience_s = 2;
constexpr size_t enough_runs = 5;

/// What became of an operation on one route.
struct Result {
    std::string device;
    std::string device_name;
    std::string runtime;
    std::string provider;
    std::vector<double> seconds; ///< of each timed run, in order of size
    Check check;
    hwa_error_t error; ///< HWA_OK: it ran to its end

    double best() const { return seconds.front(); }
    double median() const { return seconds[seconds.size() / 2]; }
    bool good() const { return error.status == HWA_OK && check.right; }
};

/// What a run needs; the queue goes last.
struct Setup {
    uint64_t timeout_ns;
    Queue queue;
    Program program;
    std::vector<Buffer> buffers;
    std::vector<hwa_arg_t> args;
};

hwa_attr_t attr_of(const char *key, hwa_attr_type_t type) {
    hwa_attr_t attr = {};
    attr.key = key;
    attr.type = type;
    return attr;
}

hwa_status_t make_program(Setup &setup, const Work &work, const std::string &provider,
                          hwa_error_t *error) {
    std::vector<hwa_attr_t> attrs;
    for (const char *key : {"m", "n", "k"})
        if (work.is_product() || *key == 'n') {
            attrs.push_back(attr_of(key, HWA_ATTR_INT));
            attrs.back().i = work.size;
        }
    if (work.data.size() == 1) {
        attrs.push_back(attr_of("value", HWA_ATTR_REAL));
        attrs.back().r = static_cast<double>(fill_value);
    }
    if (!provider.empty()) {
        attrs.push_back(attr_of("provider", HWA_ATTR_TEXT));
        attrs.back().s = provider.c_str();
    }
    return hwa_program_from_op(setup.queue.get(), work.operation->name, attrs.data(),
                               static_cast<uint32_t>(attrs.size()), Out(setup.program), error);
}

hwa_status_t make_buffers(Setup &setup, const Work &work, hwa_error_t *error) {
    for (const std::vector<float> &values : work.data) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = values.size() * sizeof(float);
        Buffer buffer;
        hwa_status_t status = hwa_buffer_create(setup.queue.get(), &desc, Out(buffer), error);
        if (status == HWA_OK)
            status =
                hwa_buffer_write(buffer.get(), 0, values.data(), desc.size_bytes, nullptr, error);
        if (status != HWA_OK)
            return status;
        hwa_arg_t arg = {};
        arg.buffer = buffer.get();
        setup.args.push_back(arg);
        setup.buffers.push_back(std::move(buffer));
    }
    return HWA_OK;
}

/// Runs it once, and adds its time, by the device's clock where it has one.
hwa_status_t run_once(const Setup &setup, std::vector<double> &seconds, hwa_error_t *error) {
    Event event;
    const auto start = std::chrono::steady_clock::now();
    hwa_status_t status =
        hwa_launch(setup.queue.get(), setup.program.get(), setup.args.data(),
                   static_cast<uint32_t>(setup.args.size()), nullptr, Out(event), error);
    if (status == HWA_OK)
        status = hwa_event_wait(event.get(), setup.timeout_ns, error);
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (status != HWA_OK)
        return status;
    const uint64_t device_ns = hwa_event_elapsed_ns(event.get());
    seconds.push_back(device_ns != 0 ? static_cast<double>(device_ns) / 1e9 : waited.count());
    return HWA_OK;
}

/// One run to warm up, and then as many as were asked for. Where nobody asked, the first one
/// counts if it took long, and is enough.
hwa_status_t time_runs(const Setup &setup, uint32_t repeat, std::vector<double> &seconds,
                       hwa_error_t *error) {
    hwa_status_t status = run_once(setup, seconds, error);
    double spent = seconds.empty() ? 0 : seconds.front();
    if (repeat != 0 || spent < patience_s)
        seconds.clear();
    const size_t wanted = repeat != 0 ? repeat : enough_runs;
    while (status == HWA_OK && seconds.size() < wanted &&
           (repeat != 0 || seconds.empty() || spent < patience_s)) {
        status = run_once(setup, seconds, error);
        spent += status == HWA_OK ? seconds.back() : 0;
    }
    std::sort(seconds.begin(), seconds.end());
    return status;
}

hwa_status_t measure(Work &work, const Route &route, const Arguments &arguments, Result &result) {
    hwa_error_t *error = &result.error;
    work.forget();
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = route.runtime.c_str();
    options.flags = HWA_QUEUE_TIMED;
    Setup setup = {uint64_t{arguments.patience_ms} * 1000000, {}, {}, {}, {}};
    options.timeout_ns = setup.timeout_ns;
    hwa_status_t status = hwa_queue_open(route.device, &options, Out(setup.queue), error);
    if (status == HWA_OK)
        status = make_program(setup, work, arguments.provider, error);
    if (status == HWA_OK)
        status = make_buffers(setup, work, error);
    if (status == HWA_OK)
        status = time_runs(setup, arguments.repeat, result.seconds, error);
    std::vector<float> &values = work.data.back();
    if (status == HWA_OK)
        status = hwa_buffer_read(setup.buffers.back().get(), 0, values.data(),
                                 values.size() * sizeof(float), nullptr, error);
    hwa_program_info_t program = HWA_INIT(hwa_program_info_t);
    if (status == HWA_OK && hwa_program_info(setup.program.get(), &program) == HWA_OK)
        result.provider = or_empty(program.provider);
    if (status == HWA_OK)
        result.check = check(work);
    return status;
}

Result run_route(Work &work, const Route &route, const Arguments &arguments) {
    const hwa_device_info_t device = info_of(route.device);
    Result result{or_empty(device.id), or_empty(device.name), route.runtime, {}, {}, {}, {}};
    result.error.status = measure(work, route, arguments, result);
    return result;
}

std::string speed(const Work &work, const Result &result) {
    const double rate = work.amount() / result.best();
    return work.is_product() ? operations(rate) : bandwidth(static_cast<uint64_t>(rate));
}

/// The members of a result, within an object that is open.
void put_json(Json &json, const Work &work, const Result &result) {
    json.text("operation", work.operation->name).text("dtype", "f32").integer("size", work.size);
    json.text("device", result.device).text("runtime", result.runtime);
    if (result.error.status != HWA_OK) {
        json.text("status", hwa_status_name(result.error.status));
        json.text("message", result.error.message);
        return;
    }
    const double rate = work.amount() / result.best();
    json.text("provider", result.provider).integer("runs", result.seconds.size());
    json.real("best_seconds", result.best()).real("median_seconds", result.median());
    json.real(work.is_product() ? "ops_per_second" : "bytes_per_second", rate);
    json.boolean("right", result.check.right).real("max_relative_error", result.check.error);
    json.real("allowed_relative_error", result.check.allowed);
    json.integer("entries_checked", result.check.entries);
}

std::string proof(const Work &work, const Check &check) {
    if (work.is_product() && !check.whole)
        return format("%llu entries summed anew in f64, the whole by projection",
                      static_cast<unsigned long long>(check.entries));
    if (check.allowed == 0)
        return "every entry compared";
    return "every entry computed anew in f64";
}

void print_result(const Work &work, const Result &result, Screen &screen) {
    const auto put = [&screen](const char *name, const std::string &value) {
        screen.line(format("  %-10s", name) + value);
    };
    const size_t runs = result.seconds.size();
    screen.line(work.title() + ": " + work.operation->what, Look::Strong);
    put("device", result.device + " · " + printable(result.device_name));
    put("runtime", printable(result.runtime));
    put("provider", printable(result.provider));
    put("time", seconds(result.best()) + (runs == 1 ? ", of one run"
                                                    : format(", the best of %zu; median ", runs) +
                                                          seconds(result.median())));
    put("speed", speed(work, result));
    if (result.check.allowed != 0)
        put("error", format("%.2g relative at most, %.2g allowed", result.check.error,
                            result.check.allowed));
    const bool right = result.check.right;
    screen.print("  result    " +
                 screen.paint(right ? Look::Good : Look::Bad, right ? "right" : "WRONG"));
    screen.print(
        clip(" – " + proof(work, result.check), screen.width() > 17 ? screen.width() - 17 : 0) +
        "\n");
}

void print_table(const Work &work, const std::vector<Result> &results, Screen &screen) {
    Table table({{"DEVICE", 0, false, 8},
                 {"RUNTIME", 2},
                 {"PROVIDER", 3, false, 8},
                 {"TIME", 1, true},
                 {"SPEED", 0, true},
                 {"RESULT"}},
                2);
    for (const Result &result : results) {
        const bool ran = result.error.status == HWA_OK;
        table.row({{result.device, Look::Name},
                   {result.runtime},
                   {result.provider},
                   {ran ? seconds(result.best()) : ""},
                   {ran ? speed(work, result) : "", Look::Strong},
                   {!ran                 ? "failed"
                    : result.check.right ? "right"
                                         : "WRONG",
                    result.good() ? Look::Good : Look::Bad}});
    }
    screen.line(work.title() + ": " + work.operation->what, Look::Strong);
    table.print(screen);
    for (const Result &result : results)
        if (result.error.status != HWA_OK)
            screen.paragraph(result.device + ", " + result.runtime + ": " +
                                 printable(result.error.message),
                             "  ! ");
}

/// What is worked on lies here and on the device, which may be the same memory.
int check_size(const hwa_system_t *system, const Operation &operation, uint32_t size) {
    if (size > operation.largest)
        return fail(ExitUsage,
                    format("%s takes a --size of %u at most", operation.name, operation.largest),
                    "'hwa run --help' lists what there is");
    const uint64_t entries = operation.passes == 0 ? uint64_t{size} * size : size;
    const uint64_t needed = 2 * operation.buffers * entries * sizeof(float);
    const uint64_t there = info_of(system).memory_bytes;
    if (there == 0 || needed <= there)
        return ExitDone;
    return fail(ExitFailed, "this size needs " + bytes(needed) + " of " + bytes(there) + " memory",
                "give a smaller --size");
}

int complain() {
    return fail(ExitFailed, "the result is wrong",
                "try another --runtime, and report this with the output of 'hwa doctor'");
}

int run_one(Work &work, const Route &route, const Arguments &arguments, Screen &screen) {
    const Result result = run_route(work, route, arguments);
    if (result.error.status != HWA_OK)
        return fail(result.error);
    if (arguments.json) {
        Json json;
        put_json(json.integer("schema", 1), work, result);
        screen.print(json.finish());
    } else {
        print_result(work, result, screen);
    }
    return result.check.right ? ExitDone : complain();
}

int run_all(std::vector<Work> &works, const std::vector<Route> &routes, const Arguments &arguments,
            Screen &screen) {
    Json json;
    json.integer("schema", 1).open_list("results");
    bool good = true;
    for (Work &work : works) {
        std::vector<Result> results;
        for (const Route &route : routes) {
            results.push_back(run_route(work, route, arguments));
            good = good && results.back().good();
            json.open(nullptr);
            put_json(json, work, results.back());
            json.close();
        }
        if (arguments.json)
            continue;
        if (&work != &works.front())
            screen.line();
        print_table(work, results, screen);
    }
    if (arguments.json)
        screen.print(json.close().finish());
    return good ? ExitDone : ExitFailed;
}

} // namespace

int run(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    const std::vector<Route> routes = find_routes(system.get(), arguments, &exit);
    if (routes.empty())
        return exit;
    std::vector<std::string> names = {arguments.operation};
    if (arguments.operation.empty())
        names = {"axpby", "gemm"};
    std::vector<Work> works;
    for (const std::string &name : names) {
        const Operation &operation = *find_operation(name);
        const uint32_t size = arguments.size != 0 ? arguments.size : operation.size;
        exit = check_size(system.get(), operation, size);
        if (exit != ExitDone)
            return exit;
        works.push_back(make_work(operation, size));
    }
    if (arguments.all || arguments.operation.empty())
        return run_all(works, routes, arguments, screen);
    return run_one(works.front(), routes.front(), arguments, screen);
}

} // namespace hwa::tool
