// SPDX-License-Identifier: MIT
// Brings together what the kernel and the drivers tell of each device.
#include "monitor/monitor.h"

#include "base/text.h"
#include "os/host.h"

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

Monitor Monitor::open(const std::string &root, const core::System &system,
                      std::span<const Device *const> devices) {
    Monitor monitor;
    const uint64_t now_ns = os::clock_ns();
    for (const Device *device : devices) {
        Seat seat{Panel::open(root, system, *device), {}, silence(*device)};
        if (seat.panel.any())
            seat.panel.read(now_ns, seat.reading);
        seat.reading = {};
        monitor.seats_.push_back(std::move(seat));
    }
    return monitor;
}

void Monitor::read(uint64_t) {
    for (Seat &seat : seats_) {
        const uint64_t now_ns = os::clock_ns();
        if (seat.panel.any()) {
            seat.panel.read(now_ns, seat.reading);
        } else {
            seat.reading = seat.none;
            seat.reading.time_ns = now_ns;
        }
    }
}

} // namespace hwa::monitor
