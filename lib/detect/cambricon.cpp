// SPDX-License-Identifier: MIT
// Cambricon MLU. Documents: the public PCI ID list, and Cambricon's published driver,
// cndrv_proc.c: /proc/driver/cambricon/mlus/ADDRESS/information.
#include "detect/families.h"

#include "base/text.h"

namespace hwa::detect {

using core::Device;
using core::Kind;

static constexpr Chip chips[] = {
    {0xcabc, 0x0270, 0x0270, Kind::Asic, "Cambricon MLU270", "mlu270"},
    {0xcabc, 0x0370, 0x0370, Kind::Asic, "Cambricon MLU370", "mlu370"},
};

static bool is_cambricon(const os::PciFunction &function) {
    return function.vendor == 0xcabc && is_compute_class(function);
}

/// What a line "Key: value" of the file says; "" if it has none.
static std::string told(const PciSubject &subject, std::string_view key) {
    const auto text = subject.host.read_file("/proc/driver/cambricon/mlus/" +
                                             subject.function.address + "/information");
    if (!text)
        return "";
    for (const std::string_view line : base::split(*text, '\n'))
        if (line.starts_with(key) && line.substr(key.size()).starts_with(": "))
            return base::legible(line.substr(key.size() + 2), 64);
    return "";
}

static std::string node(const PciSubject &subject) {
    std::string path = told(subject, "Device inode path");
    return path.starts_with("/dev/cambricon") ? path : "";
}

static void describe(const PciSubject &subject, Device &device) {
    if (subject.function.driver.empty())
        return;
    const std::string model = told(subject, "Device name");
    if (model.starts_with("MLU"))
        device.name = {"Cambricon " + model, core::Source::Kernel};
    put_version(device, "cambricon.driver_version", told(subject, "Driver Version"));
}

constexpr Family cambricon_family = {"cambricon-drv", chips, is_cambricon, node, describe};

} // namespace hwa::detect
