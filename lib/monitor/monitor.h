// SPDX-License-Identifier: MIT
// Monitor: live readings of some devices; kernel files in process, drivers in helper processes.
#pragma once

#include "core/system.h"
#include "monitor/feed.h"
#include "monitor/panel.h"
#include "monitor/reading.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hwa::monitor {

class Monitor {
  public:
    /// `root` is "" or a folder that stands for "/". Differences are counted from here on.
    static Monitor open(const std::string &root, const std::string &library_path,
                        const core::System &system, std::span<const core::Device *const> devices);

    /// Reads every device once, waiting for drivers until `until_ns` on os::clock_ns() at most.
    void read(uint64_t until_ns);

    /// In a forked process: lets go of helpers, which are the parent's.
    void disown();

    size_t size() const { return seats_.size(); }
    const Reading &reading(size_t index) const { return seats_[index].reading; }

  private:
    /// One device and what was read of it last.
    struct Seat {
        Panel panel;
        Reading reading;
        Reading none;               ///< what to say where there is nothing to read
        std::optional<size_t> feed; ///< in feeds_
        size_t place = 0;           ///< in the feed
    };

    void join_feed(Seat &seat, const core::Device &device, const std::string &library_path);
    void read_panels();
    void ask_feeds();
    void wait_for_feeds(uint64_t until_ns);
    void take_feeds();

    std::vector<Seat> seats_;
    std::vector<Feed> feeds_;
};

} // namespace hwa::monitor
