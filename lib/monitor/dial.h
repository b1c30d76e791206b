// SPDX-License-Identifier: MIT
// Dial: a file of the kernel and how its text becomes a quantity.
#pragma once

#include "base/status.h"
#include "os/gauge.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hwa::monitor {

/// What a dial shows, in the units of Reading.
enum class Quantity { Utilization, Temperature, Power, Used, Free, Total, Clock };

/// What the text of a file is. The last four grow, and their differences over time are what counts.
enum class Form {
    Percent,
    Bytes,
    Hertz,
    Kilohertz,
    Megahertz,
    MilliCelsius,
    MicroWatts,
    DpmLines,       ///< "1: 1249Mhz *", the star at the level in use
    HostFree,       ///< MemAvailable of /proc/meminfo
    HostTotal,      ///< MemTotal of it
    NodeFree,       ///< what a node's meminfo has free or could free at once
    NodeTotal,      ///< MemTotal of it
    MicroJoules,    ///< used since some time
    BusyMicros,     ///< busy since some time
    IdleMillis,     ///< idle since some time
    ProcessorTimes, ///< /proc/stat, of some processors or of all
};

class Dial {
  public:
    /// Processors are those that ProcessorTimes adds up; none: all.
    static base::Result<Dial> open(const std::string &path, Quantity quantity, Form form,
                                   std::vector<uint32_t> processors = {});

    Quantity quantity() const { return quantity_; }
    /// The quantity at `now_ns`; nothing where it is not known yet. A difference is taken over at
    /// least `shortest_ns`, and is that of the last such time until then.
    base::Result<std::optional<double>> read(uint64_t now_ns);
    /// Starts differences anew.
    void restart() { before_.reset(); }

    /// The kernel's clocks tick every 1 to 10 ms.
    static constexpr uint64_t shortest_ns = 50000000;

  private:
    struct Point {
        uint64_t time_ns;
        double count; ///< of what grows
        double whole; ///< of what it is a share of
    };

    Dial(os::Gauge gauge, Quantity quantity, Form form, std::vector<uint32_t> processors)
        : gauge_(std::move(gauge)), quantity_(quantity), form_(form),
          processors_(std::move(processors)) {}
    std::optional<Point> point(std::string_view text, uint64_t now_ns) const;
    std::optional<double> difference(std::string_view text, uint64_t now_ns);

    os::Gauge gauge_;
    Quantity quantity_;
    Form form_;
    std::vector<uint32_t> processors_;
    std::vector<char> room_;
    std::optional<Point> before_;
    std::optional<double> last_;
};

} // namespace hwa::monitor
