// SPDX-License-Identifier: MIT
// Panel: the dials of one device, each file of it opened once.
#pragma once

#include "core/system.h"
#include "monitor/dial.h"
#include "monitor/reading.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hwa::monitor {

class Panel {
  public:
    /// Opens what there is of a device below `root`, which is "" or a folder that stands for "/".
    /// Reads nothing of the device, so that nothing wakes.
    static Panel open(const std::string &root, const core::System &system,
                      const core::Device &device);

    /// Reads every dial, one system call each, unless the device sleeps.
    void read(uint64_t now_ns, Reading &reading);

    /// True if there is anything to read here.
    bool any() const { return !dials_.empty(); }
    /// True if it sleeps now, in which case it is not to be asked otherwise either.
    bool asleep() const;

  private:
    void add(const std::string &path, Quantity quantity, Form form,
             std::vector<uint32_t> processors = {});
    void add_files(const std::string &folder, const core::Device &device);
    void add_processor(const std::string &root, const core::Device &device, bool alone);
    void add_host_memory(const std::string &root, const core::Device &device, bool alone);
    void add_heat(const std::string &root, const std::string &package, bool alone);
    void add_power(const std::string &root, const std::string &package);
    void settle_memory(Reading &reading) const;

    std::optional<os::Gauge> power_; ///< power/runtime_status
    std::vector<Dial> dials_;
    std::optional<Dial> host_free_; ///< where the device's memory is the host's
    uint64_t memory_bytes_ = 0;     ///< of its main memory, by what detection found; 0: unknown
    uint64_t usable_bytes_ = 0;
};

} // namespace hwa::monitor
