// SPDX-License-Identifier: MIT
// Document: Level Zero Specification, "Sysman Programming Guide". Most of it needs no rights; what
// does is left out.
#include "detect/sysman.h"

#include "detect/witness.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::MemoryKind;
using core::Source;

/// More of anything than a machine has.
static constexpr uint32_t sane_count = 1024;

/// The handles that a function of the form (parent, count, array) lists.
template <class Handle, class List> static std::vector<Handle> handles(List &&list) {
    uint32_t count = 0;
    if (list(&count, nullptr) != ZE_RESULT_SUCCESS || count == 0 || count > sane_count)
        return {};
    std::vector<Handle> found(count);
    if (list(&count, found.data()) != ZE_RESULT_SUCCESS)
        return {};
    found.resize(std::min<size_t>(count, found.size()));
    return found;
}

std::vector<SysmanDevice> list_sysman(const api::LevelZero &ze) {
    if (ze.zesInit == nullptr || ze.zesDriverGet == nullptr || ze.zesDeviceGet == nullptr ||
        ze.zesDevicePciGetProperties == nullptr || ze.zesInit(0) != ZE_RESULT_SUCCESS)
        return {};
    std::vector<SysmanDevice> found;
    for (const zes_driver_handle_t driver : handles<zes_driver_handle_t>(ze.zesDriverGet))
        for (const zes_device_handle_t device :
             handles<zes_device_handle_t>([&](uint32_t *count, zes_device_handle_t *array) {
                 return ze.zesDeviceGet(driver, count, array);
             })) {
            zes_pci_properties_t pci = {};
            pci.stype = ZES_STRUCTURE_TYPE_PCI_PROPERTIES;
            if (ze.zesDevicePciGetProperties(device, &pci) == ZE_RESULT_SUCCESS)
                found.push_back({pci_id(pci.address.domain, pci.address.bus, pci.address.device,
                                        pci.address.function),
                                 device});
        }
    return found;
}

/// The limit set for the whole card, else the one it was built for.
static void put_power(const api::LevelZero &ze, zes_device_handle_t handle, Device &device) {
    if (ze.zesDeviceEnumPowerDomains == nullptr || ze.zesPowerGetProperties == nullptr)
        return;
    for (const zes_pwr_handle_t domain :
         handles<zes_pwr_handle_t>([&](uint32_t *count, zes_pwr_handle_t *array) {
             return ze.zesDeviceEnumPowerDomains(handle, count, array);
         })) {
        zes_power_properties_t told = {};
        told.stype = ZES_STRUCTURE_TYPE_POWER_PROPERTIES;
        if (ze.zesPowerGetProperties(domain, &told) != ZE_RESULT_SUCCESS || told.onSubdevice != 0)
            continue;
        zes_power_sustained_limit_t limit = {};
        const bool set =
            ze.zesPowerGetLimits != nullptr &&
            ze.zesPowerGetLimits(domain, &limit, nullptr, nullptr) == ZE_RESULT_SUCCESS &&
            limit.enabled != 0;
        const int32_t mw = set ? limit.power : told.defaultLimit;
        if (mw > 0)
            device.power_limit_mw.offer(static_cast<uint32_t>(mw), Source::Driver);
        return;
    }
}

static MemoryKind kind_of(zes_mem_type_t type) {
    if (type == ZES_MEM_TYPE_HBM)
        return MemoryKind::Hbm;
    if (type >= ZES_MEM_TYPE_DDR && type <= ZES_MEM_TYPE_LPDDR5)
        return MemoryKind::Ddr;
    if (type >= ZES_MEM_TYPE_GDDR4 && type <= ZES_MEM_TYPE_GDDR7)
        return MemoryKind::Gddr;
    return type == ZES_MEM_TYPE_SRAM ? MemoryKind::Sram : MemoryKind::Unknown;
}

/// What the chips are; graphics that use the host's memory have none.
static void put_memory(const api::LevelZero &ze, zes_device_handle_t handle, Device &device) {
    if (ze.zesDeviceEnumMemoryModules == nullptr || ze.zesMemoryGetProperties == nullptr ||
        device.memories.empty())
        return;
    for (const zes_mem_handle_t module :
         handles<zes_mem_handle_t>([&](uint32_t *count, zes_mem_handle_t *array) {
             return ze.zesDeviceEnumMemoryModules(handle, count, array);
         })) {
        zes_mem_properties_t told = {};
        told.stype = ZES_STRUCTURE_TYPE_MEM_PROPERTIES;
        if (ze.zesMemoryGetProperties(module, &told) != ZE_RESULT_SUCCESS ||
            told.location != ZES_MEM_LOC_DEVICE)
            continue;
        device.memories[0].kind = kind_of(told.type);
        return;
    }
}

static void put_ports(const api::LevelZero &ze, zes_device_handle_t handle, Device &device) {
    if (ze.zesDeviceEnumFabricPorts == nullptr || ze.zesFabricPortGetProperties == nullptr)
        return;
    const auto ports =
        handles<zes_fabric_port_handle_t>([&](uint32_t *count, zes_fabric_port_handle_t *array) {
            return ze.zesDeviceEnumFabricPorts(handle, count, array);
        });
    if (ports.empty())
        return;
    device.put_attr(
        core::attr_int("intel.xe_link_ports", static_cast<int64_t>(ports.size()), Source::Driver));
    zes_fabric_port_properties_t told = {};
    told.stype = ZES_STRUCTURE_TYPE_FABRIC_PORT_PROPERTIES;
    if (ze.zesFabricPortGetProperties(ports[0], &told) == ZE_RESULT_SUCCESS &&
        told.maxTxSpeed.bitRate > 0)
        device.put_attr(core::attr_int("intel.xe_link_bits_per_second", told.maxTxSpeed.bitRate,
                                       Source::Driver));
}

void put_sysman(const api::LevelZero &ze, const std::vector<SysmanDevice> &all, Device &device) {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const SysmanDevice &d) { return d.id == device.id; });
    if (at == all.end())
        return;
    put_power(ze, at->handle, device);
    put_memory(ze, at->handle, device);
    put_ports(ze, at->handle, device);
}

} // namespace hwa::detect
