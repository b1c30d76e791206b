// SPDX-License-Identifier: MIT
// Texts of kernel files as quantities: Linux Documentation/ABI/testing/sysfs-class-hwmon,
// Documentation/gpu/amdgpu/thermal.rst, Documentation/filesystems/proc.rst.
#include "monitor/dial.h"

#include "base/text.h"

#include <algorithm>
#include <string_view>

namespace hwa::monitor {

using base::trim;

static constexpr double nanoseconds = 1e-9;
static constexpr double kib = 1024;

/// A whole text as a number; temperatures can be below zero.
static std::optional<double> number(std::string_view text) {
    const auto value = base::parse_i64(trim(text));
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

static std::optional<double> scaled(std::string_view text, double factor) {
    const auto value = number(text);
    return value ? std::optional(*value * factor) : std::nullopt;
}

/// The line of "1: 1249Mhz *" that has the star, in Hz.
static std::optional<double> starred(std::string_view text) {
    for (const std::string_view line : base::split(text, '\n')) {
        const size_t colon = line.find(": "), unit = line.find("Mhz");
        if (trim(line).ends_with('*') && colon != line.npos && unit != line.npos && colon < unit)
            return scaled(line.substr(colon + 2, unit - colon - 2), 1e6);
    }
    return std::nullopt;
}

/// The number of KiB behind "MemTotal:", which a node's file puts "Node 0 " in front of.
static std::optional<double> meminfo(std::string_view text, std::string_view key) {
    for (std::string_view line : base::split(text, '\n')) {
        const size_t at = line.find(key);
        if (at == line.npos || (at > 0 && line[at - 1] != ' '))
            continue;
        line = trim(line.substr(at + key.size()));
        return scaled(line.substr(0, line.find(' ')), kib);
    }
    return std::nullopt;
}

/// A node has no MemAvailable. Files in memory can be dropped, but not those of tmpfs (Shmem).
static std::optional<double> node_free(std::string_view text) {
    const auto free = meminfo(text, "MemFree:");
    if (!free)
        return std::nullopt;
    const double files =
        meminfo(text, "FilePages:").value_or(0) - meminfo(text, "Shmem:").value_or(0);
    return *free + std::max(files, 0.0) + meminfo(text, "SReclaimable:").value_or(0);
}

/// Bytes to make room for, so that what is looked for is in them: the line of each processor comes
/// after those of the ones before it.
static size_t room_for(Form form, const std::vector<uint32_t> &processors) {
    constexpr size_t short_text = 128, page = 4096, line = 128;
    switch (form) {
    case Form::DpmLines:
    case Form::HostFree:
    case Form::HostTotal:
    case Form::NodeFree:
    case Form::NodeTotal:
        return page;
    case Form::ProcessorTimes:
        return processors.empty() ? 2 * line : (processors.back() + size_t{2}) * line;
    default:
        return short_text;
    }
}

base::Result<Dial> Dial::open(const std::string &path, Quantity quantity, Form form,
                              std::vector<uint32_t> processors) {
    HWA_TRY(os::Gauge gauge, os::Gauge::open(path));
    Dial dial(std::move(gauge), quantity, form, std::move(processors));
    dial.room_.resize(room_for(form, dial.processors_));
    return dial;
}

namespace {

struct Times {
    double busy = 0;
    double all = 0;
};

} // namespace

/// Adds "cpu3 user nice system idle iowait irq softirq steal ...", where idle and iowait are not
/// busy, and the two after steal are in user and nice already.
static void add_times(std::string_view line, Times &times) {
    constexpr size_t counted = 8, idle = 3, iowait = 4;
    size_t at = 0;
    for (const std::string_view field : base::split(line.substr(line.find(' ') + 1), ' ')) {
        const auto ticks = field.empty() ? std::nullopt : base::parse_u64(field);
        if (!ticks)
            continue;
        times.all += static_cast<double>(*ticks);
        if (at != idle && at != iowait)
            times.busy += static_cast<double>(*ticks);
        if (++at == counted)
            return;
    }
}

static Times processor_times(std::string_view text, const std::vector<uint32_t> &processors) {
    Times times;
    for (size_t start = 0; text.substr(start).starts_with("cpu");) {
        const size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        const auto which = base::parse_u64(line.substr(3, line.find(' ') - 3));
        const bool wanted = processors.empty()
                                ? !which
                                : which && std::binary_search(processors.begin(), processors.end(),
                                                              static_cast<uint32_t>(*which));
        if (wanted && end < text.size())
            add_times(line, times);
        start = std::min(end + 1, text.size());
    }
    return times;
}

std::optional<Dial::Point> Dial::point(std::string_view text, uint64_t now_ns) const {
    const auto now = static_cast<double>(now_ns) * nanoseconds;
    if (form_ == Form::ProcessorTimes) {
        const Times times = processor_times(text, processors_);
        return times.all > 0 ? std::optional(Point{now_ns, times.busy, times.all}) : std::nullopt;
    }
    const auto value = number(text);
    if (!value)
        return std::nullopt;
    switch (form_) {
    case Form::IdleMillis:
        return Point{now_ns, now - *value * 1e-3, now};
    default:
        return Point{now_ns, *value * 1e-6, now};
    }
}

std::optional<double> Dial::difference(std::string_view text, uint64_t now_ns) {
    const auto after = point(text, now_ns);
    if (!after) {
        restart();
        return std::nullopt;
    }
    if (before_ && now_ns - before_->time_ns < shortest_ns)
        return last_;
    last_.reset();
    if (before_ && after->whole > before_->whole) {
        const double growth = after->count - before_->count;
        const double rate = growth / (after->whole - before_->whole);
        // A counter that went back has wrapped around or was reset; one that counts in coarse steps
        // can be a little ahead of the clock.
        constexpr double slack = 0.05;
        if (quantity_ != Quantity::Utilization && growth >= 0)
            last_ = rate;
        else if (quantity_ == Quantity::Utilization && rate >= -slack && rate <= 1 + slack)
            last_ = std::clamp(rate, 0.0, 1.0);
    }
    before_ = after;
    return last_;
}

base::Result<std::optional<double>> Dial::read(uint64_t now_ns) {
    HWA_TRY(const std::string_view text, gauge_.read(room_));
    switch (form_) {
    case Form::Percent:
        return scaled(text, 0.01);
    case Form::Bytes:
    case Form::Hertz:
        return number(text);
    case Form::Kilohertz:
        return scaled(text, 1e3);
    case Form::Megahertz:
        return scaled(text, 1e6);
    case Form::MilliCelsius:
        return scaled(text, 1e-3);
    case Form::MicroWatts:
        return scaled(text, 1e-6);
    case Form::DpmLines:
        return starred(text);
    case Form::HostFree:
        return meminfo(text, "MemAvailable:");
    case Form::HostTotal:
    case Form::NodeTotal:
        return meminfo(text, "MemTotal:");
    case Form::NodeFree:
        return node_free(text);
    case Form::MicroJoules:
    case Form::BusyMicros:
    case Form::IdleMillis:
    case Form::ProcessorTimes:
        return difference(text, now_ns);
    }
    return std::optional<double>();
}

} // namespace hwa::monitor
