// SPDX-License-Identifier: MIT
// FPGAs on the chip that the kernel programs by itself (Linux Documentation/ABI/testing/
// sysfs-class-fpga-manager). Those on cards are found by their cards.
#include "detect/families.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Source;

static constexpr const char *folder = "/sys/class/fpga_manager/";
static constexpr size_t manager_limit = 16;

static std::string text_of(const os::Host &host, const std::string &path) {
    const auto text = host.read_file(path, 256);
    return text ? base::legible(*text, 96) : std::string();
}

/// The words of fpga_mgr_states, those of them that say what it does.
static void put_state(const os::Host &host, const std::string &manager, Device &device) {
    const std::string state = text_of(host, folder + manager + "/state");
    for (const char *word : {"unknown", "power off", "power up", "reset", "firmware request",
                             "write init", "write", "write complete", "operating"})
        if (state == word)
            device.put_attr(core::attr_text("fpga.state", state, Source::Kernel));
}

/// The platform device that a manager belongs to, or NULL: what is not in the device tree is a part
/// of some card.
static const os::PlatformDevice *owner_of(const Machine &machine, const std::string &manager) {
    const auto target = machine.host.read_link(folder + manager + "/device");
    if (!target)
        return nullptr;
    const std::string_view name = std::string_view(*target).substr(target->rfind('/') + 1);
    const auto at = std::find_if(machine.platform.begin(), machine.platform.end(),
                                 [&](const os::PlatformDevice &each) { return each.name == name; });
    return at == machine.platform.end() ? nullptr : &*at;
}

static Device manager_device(const Machine &machine, const std::string &manager,
                             const os::PlatformDevice &owner) {
    Device device;
    device.backends = {"fpga"};
    device.id = "platform-" + owner.name;
    device.kind = core::Kind::Fpga;
    device.flags = core::DeviceIntegrated;
    // "Xilinx Zynq FPGA Manager", by the driver.
    const std::string name = text_of(machine.host, folder + manager + "/name");
    device.name = name.empty() ? core::Fact<std::string>{owner.compatible[0], Source::Derived}
                               : core::Fact<std::string>{name, Source::Kernel};
    if (!owner.driver.empty())
        device.driver = {owner.driver, Source::Kernel};
    device.put_attr(core::attr_text("platform.compatible", owner.compatible[0], Source::Kernel));
    put_state(machine.host, manager, device);
    device.access = base::Status::Unsupported;
    device.access_message = "the kernel programs it, and what is programmed has nodes of its own";
    return device;
}

base::Done find_fpga(const Machine &machine, core::System &system) {
    if (machine.platform.empty())
        return {};
    const auto managers = machine.host.list("/sys/class/fpga_manager", manager_limit);
    if (!managers)
        return {};
    for (const std::string &manager : *managers) {
        const os::PlatformDevice *owner = owner_of(machine, manager);
        if (owner != nullptr && system.find_device("platform-" + owner->name) == nullptr)
            system.devices.push_back(manager_device(machine, manager, *owner));
    }
    return {};
}

} // namespace hwa::detect
