// SPDX-License-Identifier: MIT
// Readings as text, checked for sense when they come back: a driver may have written them.
#include "monitor/reading.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hwa::monitor {

void Reading::fill_from(const Reading &other) {
    const auto real = [](float &into, float from) {
        if (std::isnan(into))
            into = from;
    };
    const auto count = [](uint64_t &into, uint64_t from) {
        if (into == unknown_count)
            into = from;
    };
    real(utilization, other.utilization);
    real(temperature_c, other.temperature_c);
    real(power_w, other.power_w);
    count(memory_used_bytes, other.memory_used_bytes);
    count(memory_free_bytes, other.memory_free_bytes);
    count(memory_total_bytes, other.memory_total_bytes);
    count(clock_hz, other.clock_hz);
}

std::string reading_text(size_t index, const Reading &reading) {
    std::string text = std::to_string(index);
    for (const float value : {reading.utilization, reading.temperature_c, reading.power_w})
        text += ' ' + (std::isfinite(value) ? base::real_text(static_cast<double>(value))
                                            : std::string("-"));
    for (const uint64_t value : {reading.memory_used_bytes, reading.memory_free_bytes,
                                 reading.memory_total_bytes, reading.clock_hz, reading.time_ns})
        text += ' ' + (value != unknown_count ? std::to_string(value) : std::string("-"));
    return text + ' ' + std::to_string(static_cast<int>(reading.status)) + '\n' + reading.message;
}

namespace {

/// Fields of a line, taken one after the other.
class Fields {
  public:
    explicit Fields(std::string_view line) : parts_(base::split(line, ' ')) {}

    float real(double least, double most) {
        const std::string_view text = next();
        if (text == "-")
            return unknown_real;
        const auto value = base::parse_real(text);
        ok_ = ok_ && value && *value >= least && *value <= most;
        return value ? static_cast<float>(*value) : unknown_real;
    }
    uint64_t count(uint64_t most) {
        const std::string_view text = next();
        if (text == "-")
            return unknown_count;
        const auto value = base::parse_u64(text);
        ok_ = ok_ && value && *value <= most;
        return value.value_or(unknown_count);
    }
    /// True if all that was asked for was there, and nothing else.
    bool good() const { return ok_ && at_ == parts_.size(); }

  private:
    std::string_view next() {
        ok_ = ok_ && at_ < parts_.size();
        return ok_ ? parts_[at_++] : std::string_view("-");
    }

    std::vector<std::string_view> parts_;
    size_t at_ = 0;
    bool ok_ = true;
};

} // namespace

base::Result<PlacedReading> parse_reading(std::string_view text) {
    constexpr uint64_t most_bytes = uint64_t{1} << 50, most_hz = 1000000000000;
    const size_t end = std::min(text.find('\n'), text.size());
    Fields fields(text.substr(0, end));
    PlacedReading placed;
    Reading &reading = placed.reading;
    placed.index = fields.count(UINT32_MAX);
    reading.utilization = fields.real(0, 1);
    reading.temperature_c = fields.real(-273.15, 1000);
    reading.power_w = fields.real(0, 1e6);
    reading.memory_used_bytes = fields.count(most_bytes);
    reading.memory_free_bytes = fields.count(most_bytes);
    reading.memory_total_bytes = fields.count(most_bytes);
    reading.clock_hz = fields.count(most_hz);
    reading.time_ns = fields.count(UINT64_MAX - 1);
    const uint64_t status = fields.count(static_cast<uint64_t>(base::Status::Crashed));
    if (!fields.good() || status == unknown_count)
        return base::error(base::Status::Parse, "a reading that makes no sense: \"%s\"",
                           base::sanitise(text, 120).c_str());
    reading.status = static_cast<base::Status>(status);
    if (end < text.size())
        reading.message = base::sanitise(text.substr(end + 1), 400);
    return placed;
}

} // namespace hwa::monitor
