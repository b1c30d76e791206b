// SPDX-License-Identifier: MIT
// hwa watch: how the devices are doing, over and over; in place on a terminal, else line by line.
#include "commands.h"
#include "json.h"
#include "library.h"
#include "table.h"
#include "text.h"
#include "units.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <ctime>

namespace hwa::tool {

namespace {

volatile std::sig_atomic_t stopped = 0;

void stop(int) {
    stopped = 1;
}

/// From here on an interrupt ends the watching, and not the process.
void catch_signals() {
    struct sigaction action = {};
    action.sa_handler = stop;
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        sigaction(number, &action, nullptr);
}

constexpr long second_ns = 1000000000;

timespec now() {
    timespec time = {};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

/// Readings come at even times, however long each takes.
timespec after(timespec time, double seconds) {
    const auto whole = static_cast<time_t>(seconds);
    time.tv_sec += whole;
    time.tv_nsec += static_cast<long>((seconds - static_cast<double>(whole)) * 1e9);
    if (time.tv_nsec >= second_ns) {
        time.tv_nsec -= second_ns;
        ++time.tv_sec;
    }
    return time;
}

void sleep_until(const timespec &time) {
    while (stopped == 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR)
        ;
}

std::string clock_text() {
    char text[32] = "";
    const std::time_t time = std::time(nullptr);
    std::tm parts = {};
    if (localtime_r(&time, &parts) != nullptr)
        std::strftime(text, sizeof text, "%H:%M:%S", &parts);
    return text;
}

struct Watched {
    const hwa_device_t *device;
    hwa_device_info_t info;
    hwa_sample_t sample;
};

/// A bar of eighths, so many columns wide.
std::string bar(double share, size_t columns) {
    static constexpr const char *eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const double bounded = std::clamp(share, 0.0, 1.0);
    const auto steps = static_cast<size_t>(bounded * static_cast<double>(8 * columns) + 0.5);
    std::string text;
    for (size_t i = 0; i < steps / 8; ++i)
        text += "█";
    text += eighths[steps % 8];
    const size_t used = steps / 8 + (steps % 8 != 0 ? 1 : 0);
    return text + std::string(columns - used, ' ');
}

constexpr size_t bar_columns = 10;

Look load_look(double share) {
    return share >= 0.9 ? Look::Bad : share >= 0.6 ? Look::Warn : Look::Good;
}

Cell state(const hwa_sample_t &sample) {
    if ((sample.flags & HWA_SAMPLE_ASLEEP) != 0)
        return {"asleep", Look::Faint};
    if (sample.status == HWA_OK)
        return {};
    return {hwa_status_name(sample.status),
            sample.status == HWA_ERROR_UNSUPPORTED ? Look::Faint : Look::Warn};
}

/// How busy it is, or why that is not known.
Cell busy(const hwa_sample_t &sample) {
    const double share = static_cast<double>(sample.utilization);
    if (std::isnan(share))
        return state(sample);
    return {bar(share, bar_columns) + format(" %3.0f %%", 100 * share), load_look(share)};
}

bool has_memory(const hwa_sample_t &sample) {
    return sample.memory_used_bytes != UINT64_MAX && sample.memory_total_bytes != UINT64_MAX &&
           sample.memory_total_bytes != 0;
}

Cell memory(const hwa_sample_t &sample, bool with_bar) {
    if (!has_memory(sample))
        return {sample.memory_used_bytes != UINT64_MAX ? bytes_or_zero(sample.memory_used_bytes)
                                                       : std::string()};
    const double share = static_cast<double>(sample.memory_used_bytes) /
                         static_cast<double>(sample.memory_total_bytes);
    const std::string numbers = format("%8s / %s", bytes_or_zero(sample.memory_used_bytes).c_str(),
                                       bytes(sample.memory_total_bytes).c_str());
    return {with_bar ? bar(share, bar_columns) + " " + numbers : numbers, load_look(share)};
}

std::string degrees(const hwa_sample_t &sample) {
    return std::isnan(sample.temperature_c)
               ? ""
               : format("%.0f °C", static_cast<double>(sample.temperature_c));
}

std::string watts(const hwa_sample_t &sample) {
    return std::isnan(sample.power_w) ? "" : format("%.1f W", static_cast<double>(sample.power_w));
}

std::string clock(const hwa_sample_t &sample) {
    return sample.clock_hz == UINT64_MAX ? ""
           : sample.clock_hz == 0        ? "0 Hz"
                                         : hertz(sample.clock_hz);
}

/// Columns from which on memory has a bar beside its numbers.
constexpr size_t roomy = 100;

/// One frame for a terminal.
void print_table(const std::vector<Watched> &all, Screen &screen) {
    Table table({{"DEVICE"},
                 {"NAME", 5, false, 12},
                 {"BUSY", 0},
                 {"MEMORY", 1},
                 {"TEMP", 2, true},
                 {"POWER", 3, true},
                 {"CLOCK", 4, true}});
    for (const Watched &one : all)
        table.row({{or_empty(one.info.id), Look::Name},
                   {or_empty(one.info.name)},
                   busy(one.sample),
                   memory(one.sample, screen.width() >= roomy),
                   {degrees(one.sample)},
                   {watts(one.sample)},
                   {clock(one.sample)}});
    table.print(screen);
}

/// True if there is more to say than the table does.
bool has_trouble(const hwa_sample_t &sample) {
    return sample.status != HWA_OK && sample.status != HWA_ERROR_UNSUPPORTED &&
           (sample.flags & HWA_SAMPLE_ASLEEP) == 0;
}

/// One line for a log, each value with its unit.
void print_lines(const std::vector<Watched> &all, Screen &screen) {
    const std::string time = clock_text();
    for (const Watched &one : all) {
        std::string line = time + "  " + printable(or_empty(one.info.id));
        const hwa_sample_t &sample = one.sample;
        const auto add = [&](const char *what, const std::string &value) {
            if (!value.empty())
                line += std::string("  ") + what + value;
        };
        if (!std::isnan(sample.utilization))
            add("busy ", format("%.0f %%", 100 * static_cast<double>(sample.utilization)));
        if (has_memory(sample))
            add("memory ", bytes_or_zero(sample.memory_used_bytes) + " of " +
                               bytes(sample.memory_total_bytes));
        else
            add("memory ", memory(sample, false).text);
        add("temp ", degrees(sample));
        add("power ", watts(sample));
        add("clock ", clock(sample));
        if (sample.status != HWA_OK)
            line += "  " + state(sample).text + ": " + printable(or_empty(sample.message));
        screen.line(line);
    }
}

Json &real(Json &json, const char *key, float value) {
    return json.real(key, std::round(static_cast<double>(value) * 1e4) / 1e4);
}

Json &count(Json &json, const char *key, uint64_t value) {
    return value == UINT64_MAX ? json.null(key) : json.integer(key, value);
}

/// One object in one line for each device.
void print_json(const std::vector<Watched> &all, Screen &screen) {
    for (const Watched &one : all) {
        const hwa_sample_t &sample = one.sample;
        Json json(true);
        json.integer("schema", 1);
        json.integer("time_ns", sample.time_ns);
        json.text("device", one.info.id);
        json.text("status", hwa_status_name(sample.status));
        json.boolean("asleep", (sample.flags & HWA_SAMPLE_ASLEEP) != 0);
        real(json, "utilization", sample.utilization);
        count(json, "memory_used_bytes", sample.memory_used_bytes);
        count(json, "memory_free_bytes", sample.memory_free_bytes);
        count(json, "memory_total_bytes", sample.memory_total_bytes);
        real(json, "temperature_c", sample.temperature_c);
        real(json, "power_w", sample.power_w);
        count(json, "clock_hz", sample.clock_hz);
        json.text("message", sample.message);
        screen.print(json.finish());
    }
}

/// Writes each frame over the one before it.
class Frames {
  public:
    explicit Frames(Screen &screen) : screen_(screen) {}

    void print(const std::vector<Watched> &all, double interval) {
        const size_t room = screen_.height();
        const size_t shown = std::min(all.size(), room > 3 ? room - 3 : 1);
        if (lines_ > 0)
            screen_.print(format("\033[%zuA\033[J", lines_));
        const std::string more =
            shown < all.size() ? format("; %zu more do not fit", all.size() - shown) : "";
        screen_.line(
            format("%s, every %g s%s; Ctrl-C ends", clock_text().c_str(), interval, more.c_str()),
            Look::Faint);
        print_table({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown)}, screen_);
        lines_ = shown + 2;
        for (const Watched &one : all) {
            if (!has_trouble(one.sample) || lines_ + 1 >= room)
                continue;
            screen_.line(printable(or_empty(one.info.id) + ": " + or_empty(one.sample.message)),
                         Look::Warn);
            ++lines_;
        }
    }

  private:
    Screen &screen_;
    size_t lines_ = 0; ///< of the frame before
};

/// What was asked for; empty where that was refused, and `*exit` is set.
std::vector<Watched> choose(const hwa_system_t *system, const std::string &list, int *exit) {
    std::vector<Watched> chosen;
    for (const std::string &id : split(list, ',')) {
        const hwa_device_t *device = hwa_system_find_device(system, id.c_str());
        if (device == nullptr) {
            *exit = no_such_device(system, id);
            return {};
        }
        chosen.push_back({device, info_of(device), {}});
    }
    if (!list.empty())
        return chosen;
    constexpr uint32_t no_whole = HWA_DEVICE_SOFTWARE | HWA_DEVICE_PARTITION;
    for (const hwa_device_t *device : devices_of(system))
        if (const hwa_device_info_t info = info_of(device); (info.flags & no_whole) == 0)
            chosen.push_back({device, info, {}});
    return chosen;
}

/// One reading of all, printed; the exit status once that must be the last.
std::optional<int> step(hwa_monitor_t *monitor, std::vector<Watched> &all,
                        const Arguments &arguments, Frames &frames, Screen &screen) {
    // A driver that takes longer is waited for by the next reading.
    const auto patience = static_cast<uint64_t>(std::max(arguments.interval, 0.5) * 1e9);
    hwa_error_t error = {};
    if (hwa_monitor_read(monitor, patience, &error) != HWA_OK)
        return fail(error);
    for (uint32_t i = 0; i < all.size(); ++i) {
        all[i].sample = HWA_INIT(hwa_sample_t);
        if (hwa_monitor_sample(monitor, i, &all[i].sample) != HWA_OK)
            return fail(ExitFailed, "a reading is missing", "");
    }
    if (arguments.json)
        print_json(all, screen);
    else if (screen.height() > 0)
        frames.print(all, arguments.interval);
    else
        print_lines(all, screen);
    return screen.flush();
}

} // namespace

int watch(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    std::vector<Watched> all = choose(system.get(), arguments.devices, &exit);
    if (all.empty())
        return exit;
    std::vector<const hwa_device_t *> devices;
    for (const Watched &one : all)
        devices.push_back(one.device);
    Monitor monitor;
    hwa_error_t error = {};
    if (hwa_monitor_open(devices.data(), static_cast<uint32_t>(devices.size()), 0, Out(monitor),
                         &error) != HWA_OK)
        return fail(error);
    catch_signals();
    Frames frames(screen);
    // The first comes early, but not so early that nothing has happened since it was opened.
    constexpr double head_start = 0.25;
    timespec next = after(now(), std::min(arguments.interval, head_start));
    for (uint32_t i = 0; arguments.readings == 0 || i < arguments.readings; ++i) {
        sleep_until(next);
        if (stopped != 0)
            break;
        next = after(next, arguments.interval);
        if (const auto ended = step(monitor.get(), all, arguments, frames, screen))
            return *ended;
    }
    return ExitDone;
}

} // namespace hwa::tool
