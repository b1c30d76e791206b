// SPDX-License-Identifier: MIT
// AMD graphics and Instinct accelerators: amdgpu and radeon, then the compute nodes of KFD.
#include "base/text.h"
#include "base/units.h"
#include "data/radeon_names.h"
#include "detect/amdgpu.h"
#include "detect/families.h"

namespace hwa::detect {

using core::Device;
using core::Source;
using core::System;

static bool is_amd(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return function.vendor == 0x1002 && (base_class == 0x03 || base_class == 0x12);
}

constexpr Family amd_family = {"amdgpu", {}, is_amd, nullptr, describe_amdgpu};

static bool is_ours(const Device &device) {
    return !device.backends.empty() && device.backends[0] == "amd";
}

/// Only a driver from outside the kernel has a version of its own.
static void put_driver_version(const os::Host &host, System &system) {
    const auto text = host.read_file("/sys/module/amdgpu/version");
    const std::string version = text ? base::legible(*text, 64) : std::string();
    if (version.empty())
        return;
    for (Device &device : system.devices)
        if (is_ours(device) && device.driver.value == "amdgpu")
            device.put_attr(core::attr_text("driver.version", version, Source::Kernel));
}

/// Names out of libdrm's list, for cards that the table here does not have.
static void name_by_libdrm(const os::Host &host, System &system) {
    base::Result<std::string> list = base::error(base::Status::NotFound, "not read yet");
    for (Device &device : system.devices) {
        if (!is_ours(device) || device.name.source != Source::Derived)
            continue;
        if (!list)
            list = host.read_file("/usr/share/libdrm/amdgpu.ids", base::MiB);
        if (!list)
            return;
        const std::string path = os::pci_folder + device.id.substr(4) + "/revision";
        const auto revision = host.read_file(path);
        const auto number = revision ? base::parse_u64(base::trim(*revision), 16) : std::nullopt;
        if (!number || *number > 0xff)
            continue;
        std::string name =
            data::radeon_name(*list, device.pci_device.value, static_cast<uint32_t>(*number));
        if (!name.empty())
            device.name = {std::move(name), Source::Table};
    }
}

base::Done find_amd(const Machine &machine, System &system) {
    bool any = false;
    for (const Device &device : system.devices)
        any = any || is_ours(device);
    if (!any)
        return {};
    name_by_libdrm(machine.host, system);
    put_driver_version(machine.host, system);
    join_nodes(machine, "amd", system);
    return {};
}

} // namespace hwa::detect
