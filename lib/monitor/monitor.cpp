// SPDX-License-Identifier: MIT
// Brings together what the kernel and the drivers tell of each device.
#include "monitor/monitor.h"

#include "base/text.h"
#include "os/host.h"

#include <algorithm>

namespace hwa::monitor {

using base::Status;
using core::Device;

/// Why there is nothing to read of a device.
static Reading silence(const Device &device) {
    Reading reading;
    reading.status = Status::Unsupported;
    if ((device.flags & core::DeviceSoftware) != 0)
        reading.message = "it is emulated by the processor, whose readings tell all there is";
    else if (!device.parent.empty())
        reading.message = base::format("only the whole of it is read: %s", device.parent.c_str());
    else if (device.driver.value.empty())
        reading.message = "no driver is bound to it, so nothing tells how it is doing";
    else
        reading.message = base::format("its driver %s tells nothing in kernel files",
                                       device.driver.value.c_str());
    return reading;
}

/// One helper for all devices of a library.
void Monitor::join_feed(Seat &seat, const Device &device, const std::string &library_path) {
    const Sampler *sampler = sampler_for(device);
    if (sampler == nullptr)
        return;
    size_t at = 0;
    while (at < feeds_.size() && &feeds_[at].sampler() != sampler)
        ++at;
    if (at == feeds_.size())
        feeds_.emplace_back(*sampler, library_path);
    seat.feed = at;
    seat.place = feeds_[at].add(device.id);
}

Monitor Monitor::open(const std::string &root, const std::string &library_path,
                      const core::System &system, std::span<const Device *const> devices) {
    Monitor monitor;
    for (const Device *device : devices) {
        monitor.seats_.push_back({Panel::open(root, system, *device), {}, silence(*device), {}, 0});
        monitor.join_feed(monitor.seats_.back(), *device, library_path);
    }
    // Differences begin here, and a helper that takes long to begin has done so by the first read.
    monitor.read_panels();
    monitor.ask_feeds();
    for (Seat &seat : monitor.seats_)
        seat.reading = {};
    return monitor;
}

void Monitor::read_panels() {
    for (Seat &seat : seats_) {
        const uint64_t now_ns = os::clock_ns();
        if (seat.panel.any() || seat.panel.asleep()) {
            seat.panel.read(now_ns, seat.reading);
        } else {
            seat.reading = seat.feed ? Reading{} : seat.none;
            seat.reading.time_ns = now_ns;
        }
    }
}

/// Sleeping devices are left out, so that no library wakes them.
void Monitor::ask_feeds() {
    if (!feeds_.empty())
        os::reap_children(0);
    for (size_t i = 0; i < feeds_.size(); ++i) {
        std::string wanted(feeds_[i].size(), '0');
        for (const Seat &seat : seats_)
            if (seat.feed == i && !seat.reading.asleep)
                wanted[seat.place] = '1';
        static_cast<void>(feeds_[i].advance()); // what came too late for the last reading
        feeds_[i].ask(wanted);
    }
}

void Monitor::wait_for_feeds(uint64_t until_ns) {
    for (;;) {
        std::vector<os::Child *> children;
        uint64_t until = until_ns;
        for (Feed &feed : feeds_) {
            if (feed.advance())
                continue;
            children.push_back(feed.child());
            until = std::min(until, feed.deadline_ns());
        }
        if (children.empty() || os::clock_ns() >= until_ns)
            break;
        os::wait_for(children, until);
    }
    for (Feed &feed : feeds_)
        feed.settle();
}

/// What the kernel has told stays; the driver fills in the rest.
void Monitor::take_feeds() {
    for (Seat &seat : seats_) {
        if (!seat.feed || seat.reading.asleep)
            continue;
        const Reading &told = feeds_[*seat.feed].reading(seat.place);
        seat.reading.fill_from(told);
        seat.reading.time_ns = told.time_ns;
        if (seat.reading.status == Status::Ok) {
            seat.reading.status = told.status;
            seat.reading.message = told.message;
        }
    }
}

void Monitor::read(uint64_t until_ns) {
    read_panels();
    ask_feeds();
    wait_for_feeds(until_ns);
    take_feeds();
}

void Monitor::disown() {
    for (Feed &feed : feeds_)
        feed.disown();
}

} // namespace hwa::monitor
