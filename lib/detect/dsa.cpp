// SPDX-License-Identifier: MIT
// Intel's Data Streaming and In-Memory Analytics Accelerators. Documents: Linux
// Documentation/ABI/stable/sysfs-driver-dma-idxd, drivers/dma/idxd/{cdev,sysfs}.c.
#include "detect/families.h"

#include "base/text.h"
#include "detect/pci_access.h"

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x8086, 0x0b25, 0x0b25, Kind::Offload, "Intel Data Streaming Accelerator", "dsa"},
    {0x8086, 0x0cfe, 0x0cfe, Kind::Offload, "Intel In-Memory Analytics Accelerator", "iaa"},
    {0x8086, 0x11fb, 0x11fb, Kind::Offload, "Intel Data Streaming Accelerator", "dsa"},
    {0x8086, 0x1212, 0x1212, Kind::Offload, "Intel Data Streaming Accelerator", "dsa"},
    {0x8086, 0x1216, 0x1216, Kind::Offload, "Intel In-Memory Analytics Accelerator", "iaa"},
};

/// More queues, engines and files than any device has.
static constexpr size_t entry_limit = 512;

/// The folder that idxd makes below the function: "dsa0" or "iax1"; "" if there is none.
static std::string unit_of(const std::vector<std::string> &entries) {
    for (const std::string &name : entries)
        for (const char *prefix : {"dsa", "iax"})
            if (name.starts_with(prefix) &&
                base::parse_u64(std::string_view(name).substr(3)).has_value())
                return name;
    return "";
}

static void put_number(const PciSubject &subject, const std::string &unit, const char *file,
                       const char *key, Device &device) {
    constexpr uint64_t sane = uint64_t{1} << 40;
    const auto value = subject.number((unit + '/' + file).c_str());
    if (value && *value != 0 && *value < sane)
        device.put_attr(core::attr_int(key, static_cast<int64_t>(*value), Source::Kernel));
}

/// The first queue that is switched on for programs; "" if there is none.
static std::string user_queue(const PciSubject &subject, const std::string &unit) {
    const auto names = subject.host.list(subject.path(unit.c_str()), entry_limit);
    if (!names)
        return "";
    for (const std::string &name : *names) {
        const std::string place = unit + '/' + name;
        if (name.starts_with("wq") && subject.text((place + "/state").c_str()) == "enabled" &&
            subject.text((place + "/type").c_str()) == "user")
            return name;
    }
    return "";
}

static void describe(const PciSubject &subject, Device &device) {
    if (subject.function.driver != "idxd")
        return;
    const auto entries = subject.host.list(os::pci_folder + subject.function.address, entry_limit);
    const std::string unit = entries ? unit_of(*entries) : "";
    if (unit.empty())
        return;
    put_number(subject, unit, "max_engines", "dsa.engines", device);
    put_number(subject, unit, "max_work_queues", "dsa.work_queues", device);
    put_number(subject, unit, "max_transfer_size", "dsa.max_transfer_bytes", device);
    device.put_attr(core::attr_text("dsa.unit", unit, Source::Kernel));
    const std::string queue = user_queue(subject, unit);
    if (queue.empty()) {
        device.access = Status::Unavailable;
        device.access_message =
            "no work queue of " + unit + " is enabled for programs; accel-config sets one up";
        return;
    }
    try_node(subject.host, "/dev/" + unit.substr(0, 3) + '/' + queue, device);
    if (device.access == Status::Ok)
        device.access_message.clear();
}

constexpr Family dsa_family = {"idxd", chips, nullptr, nullptr, describe};

} // namespace hwa::detect
