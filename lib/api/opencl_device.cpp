// SPDX-License-Identifier: MIT
// Identity by the extensions cl_khr_device_uuid, cl_khr_pci_bus_info, cl_nv_device_attribute_query
// and cl_amd_device_attribute_query; a device without one of them fails its query.
#include "api/opencl_device.h"

namespace hwa::api {

/// From cl_nv_device_attribute_query, which the package's header has only in part.
static constexpr cl_device_info pci_bus_nv = 0x4008;
static constexpr cl_device_info pci_slot_nv = 0x4009;
static constexpr cl_device_info pci_domain_nv = 0x400A;

/// The answer if it has the size that the extension says.
template <class T>
static std::optional<T> ask(const OpenCl &opencl, cl_device_id device, cl_device_info what) {
    T value{};
    size_t size = 0;
    const cl_int code = opencl.clGetDeviceInfo(device, what, sizeof value, &value, &size);
    return code == CL_SUCCESS && size == sizeof value ? std::optional<T>(value) : std::nullopt;
}

std::optional<PciPlace> opencl_pci(const OpenCl &opencl, cl_device_id device) {
    if (const auto at = ask<cl_device_pci_bus_info_khr>(opencl, device, CL_DEVICE_PCI_BUS_INFO_KHR))
        return PciPlace{at->pci_domain, at->pci_bus, at->pci_device, at->pci_function};
    const auto bus = ask<cl_uint>(opencl, device, pci_bus_nv);
    const auto slot = ask<cl_uint>(opencl, device, pci_slot_nv);
    if (bus && slot)
        return PciPlace{ask<cl_uint>(opencl, device, pci_domain_nv).value_or(0), *bus,
                        *slot >> 3 & 0x1f, *slot & 7};
    const auto at = ask<cl_device_topology_amd>(opencl, device, CL_DEVICE_TOPOLOGY_AMD);
    if (at && at->raw.type == CL_DEVICE_TOPOLOGY_TYPE_PCIE_AMD)
        return PciPlace{0, static_cast<uint8_t>(at->pcie.bus),
                        static_cast<uint8_t>(at->pcie.device) & 0x1fu,
                        static_cast<uint8_t>(at->pcie.function) & 7u};
    return std::nullopt;
}

std::optional<std::array<uint8_t, 16>> opencl_uuid(const OpenCl &opencl, cl_device_id device) {
    return ask<std::array<uint8_t, 16>>(opencl, device, CL_DEVICE_UUID_KHR);
}

} // namespace hwa::api
