// SPDX-License-Identifier: MIT
// Level Zero as a witness: graphics and neural processing units that Intel's drivers show.
//
// Document: Level Zero Specification, "Core Programming Guide", sections "Drivers and Devices".
#include "detect/level_zero.h"

#include "api/level_zero.h"
#include "base/text.h"
#include "detect/frames.h"
#include "detect/sysman.h"
#include "detect/witness.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Dtype;
using core::Source;
using core::Support;

static constexpr uint32_t intel_pci_vendor = 0x8086;

bool level_zero_wanted(const os::Host &, const core::System &system) {
    bool any = false;
    for (const Device &device : system.devices) {
        if (device.pci_vendor.value != intel_pci_vendor || device.driver.value.empty() ||
            (device.kind != core::Kind::Gpu && device.kind != core::Kind::Npu))
            continue;
        const core::Attr *power = device.find_attr("power.runtime_status");
        if (power != nullptr && power->s == "suspended")
            return false;
        any = any || device.driver.value == "i915" || device.driver.value == "xe" ||
              device.driver.value == "intel_vpu";
    }
    return any;
}

std::string level_zero_setting(const os::Host &host) {
    constexpr const char *name = "ZE_FLAT_DEVICE_HIERARCHY";
    return host.environment(name) ? "" : std::string(name) + "=COMPOSITE";
}

static Status status_of(ze_result_t code) {
    switch (code) {
    case ZE_RESULT_ERROR_UNINITIALIZED:
    case ZE_RESULT_ERROR_NOT_AVAILABLE:
    case ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE:
        return Status::Unavailable;
    case ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS:
        return Status::Denied;
    case ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY:
        return Status::HostMemory;
    default:
        return Status::Driver;
    }
}

static base::Error failure(const char *call, ze_result_t code) {
    base::Error why = base::error(status_of(code), "%s answered %s (0x%x)", call,
                                  api::level_zero_error(code), static_cast<unsigned>(code));
    why.code = static_cast<int>(code);
    return why;
}

/// The handles that a function of the form (count, array) lists.
template <class Handle, class List>
static base::Result<std::vector<Handle>> handles(const char *call, List &&list) {
    uint32_t count = 0;
    if (const ze_result_t code = list(&count, nullptr); code != ZE_RESULT_SUCCESS)
        return failure(call, code);
    if (count > device_limit)
        return base::error(Status::Parse, "%s told of %u, which cannot be", call, count);
    std::vector<Handle> found(count);
    if (count == 0)
        return found;
    if (const ze_result_t code = list(&count, found.data()); code != ZE_RESULT_SUCCESS)
        return failure(call, code);
    found.resize(std::min<size_t>(count, found.size()));
    return found;
}

namespace {

/// One device while it is being asked.
struct Subject {
    const api::LevelZero &ze;
    ze_device_handle_t handle;
    uint32_t ordinal; ///< over all drivers
    ze_device_properties_t told;

    bool integrated() const { return (told.flags & ZE_DEVICE_PROPERTY_FLAG_INTEGRATED) != 0; }
    bool npu() const { return told.type == ZE_DEVICE_TYPE_VPU; }
};

} // namespace

static core::Kind kind_of(ze_device_type_t type) {
    switch (type) {
    case ZE_DEVICE_TYPE_GPU:
        return core::Kind::Gpu;
    case ZE_DEVICE_TYPE_FPGA:
        return core::Kind::Fpga;
    case ZE_DEVICE_TYPE_VPU:
        return core::Kind::Npu;
    default:
        return core::Kind::Asic;
    }
}

static void identify(const Subject &subject, Device &device) {
    device.kind = kind_of(subject.told.type);
    device.name.offer(field_text(subject.told.name), Source::Driver);
    name_vendor(device, subject.told.vendorId);
    device.pci_vendor.offer(subject.told.vendorId, Source::Driver);
    device.pci_device.offer(subject.told.deviceId, Source::Driver);
    if (subject.integrated())
        device.flags |= core::DeviceIntegrated;
    // All NPUs of a generation have one and the same.
    if (!subject.npu())
        device.uuid = uuid_text(subject.told.uuid.id);
    ze_pci_ext_properties_t pci = {};
    pci.stype = ZE_STRUCTURE_TYPE_PCI_EXT_PROPERTIES;
    if (subject.ze.zeDevicePciGetPropertiesExt != nullptr &&
        subject.ze.zeDevicePciGetPropertiesExt(subject.handle, &pci) == ZE_RESULT_SUCCESS)
        device.id =
            pci_id(pci.address.domain, pci.address.bus, pci.address.device, pci.address.function);
    else
        name_unlisted(device, "level_zero", subject.ordinal);
}

static void put_numbers(const Subject &subject, Device &device) {
    const ze_device_properties_t &told = subject.told;
    constexpr uint32_t sane_units = 1u << 20;
    constexpr uint32_t sane_mhz = 20000;
    const uint64_t units =
        uint64_t{told.numSlices} * told.numSubslicesPerSlice * told.numEUsPerSubslice;
    if (!subject.npu() && told.numSlices < 1024 && told.numSubslicesPerSlice < 1024 && units != 0 &&
        units < sane_units)
        device.compute_units.offer(static_cast<uint32_t>(units), Source::Driver);
    if (told.coreClockRate != 0 && told.coreClockRate < sane_mhz)
        device.clock_hz.offer(uint64_t{told.coreClockRate} * 1000000, Source::Driver);
}

static void put_memory(const Subject &subject, Device &device) {
    const auto told = handles<ze_device_memory_properties_t>(
        "zeDeviceGetMemoryProperties", [&](uint32_t *count, ze_device_memory_properties_t *array) {
            for (uint32_t i = 0; array != nullptr && i < *count; ++i)
                array[i].stype = ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES;
            return subject.ze.zeDeviceGetMemoryProperties(subject.handle, count, array);
        });
    uint64_t size = 0;
    if (told)
        for (const ze_device_memory_properties_t &row : *told)
            size += row.totalSize;
    constexpr uint64_t sane = uint64_t{1} << 50;
    if (size == 0 || size >= sane)
        return;
    core::Memory memory;
    memory.role = subject.integrated() || subject.npu() ? core::MemoryRole::Shared
                                                        : core::MemoryRole::Dedicated;
    memory.size_bytes.offer(size, Source::Driver);
    device.memories.push_back(std::move(memory));
}

static void put_formats(const Subject &subject, Device &device) {
    if (subject.told.type != ZE_DEVICE_TYPE_GPU ||
        subject.ze.zeDeviceGetModuleProperties == nullptr)
        return;
    ze_device_module_properties_t module = {};
    module.stype = ZE_STRUCTURE_TYPE_DEVICE_MODULE_PROPERTIES;
    if (subject.ze.zeDeviceGetModuleProperties(subject.handle, &module) != ZE_RESULT_SUCCESS)
        return;
    const auto native = [&](Dtype dtype) {
        device.put_compute({dtype, Support::Native, 0, 0, Source::Driver});
    };
    for (const Dtype dtype : {Dtype::F32, Dtype::I8, Dtype::I16, Dtype::I32, Dtype::I64})
        native(dtype);
    if ((module.flags & ZE_DEVICE_MODULE_FLAG_FP16) != 0)
        native(Dtype::F16);
    if ((module.flags & ZE_DEVICE_MODULE_FLAG_FP64) != 0)
        native(Dtype::F64);
    if (const uint32_t spirv = module.spirvVersionSupported; spirv != 0)
        device.put_attr(core::attr_text("level_zero.spirv",
                                        base::format("%u.%u", spirv >> 16, spirv & 0xffff),
                                        Source::Driver));
}

static base::Result<Subject> read_subject(const api::LevelZero &ze, ze_device_handle_t handle,
                                          uint32_t ordinal) {
    Subject subject{ze, handle, ordinal, {}};
    subject.told.stype = ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES;
    if (const ze_result_t code = ze.zeDeviceGetProperties(handle, &subject.told);
        code != ZE_RESULT_SUCCESS)
        return failure("zeDeviceGetProperties", code);
    return subject;
}

static Device describe(const Subject &subject) {
    Device device;
    device.flags = core::DeviceUsable;
    identify(subject, device);
    put_numbers(subject, device);
    put_memory(subject, device);
    put_formats(subject, device);
    device.put_attr(core::attr_int("level_zero.ordinal", subject.ordinal, Source::Driver));
    return device;
}

/// The parts of a device, under the ids that the kernel tier gives them.
static base::Done ask_tiles(const Subject &whole, const Device &parent, Findings &findings) {
    if (whole.ze.zeDeviceGetSubDevices == nullptr)
        return {};
    findings.stage("zeDeviceGetSubDevices");
    HWA_TRY(const auto parts,
            handles<ze_device_handle_t>(
                "zeDeviceGetSubDevices", [&](uint32_t *count, ze_device_handle_t *array) {
                    return whole.ze.zeDeviceGetSubDevices(whole.handle, count, array);
                }));
    for (const ze_device_handle_t part : parts) {
        HWA_TRY(const Subject subject, read_subject(whole.ze, part, whole.ordinal));
        Device device = describe(subject);
        device.id = parent.id + base::format("-tile%u", subject.told.subdeviceId);
        device.parent = parent.id;
        device.flags |= core::DevicePartition;
        findings.found(std::move(device));
    }
    return {};
}

namespace {

/// All that was found so far.
struct Tour {
    const api::LevelZero &ze;
    std::vector<SysmanDevice> sysman;
    std::vector<std::string> seen{}; ///< ids
    uint32_t ordinal = 0;
    base::Done last{};
};

} // namespace

static base::Done ask_device(Tour &tour, ze_device_handle_t handle, Findings &findings) {
    findings.stage("zeDeviceGetProperties");
    const uint32_t ordinal = tour.ordinal++;
    HWA_TRY(const Subject subject, read_subject(tour.ze, handle, ordinal));
    if (subject.told.type == ZE_DEVICE_TYPE_CPU)
        return {};
    Device device = describe(subject);
    // A driver told to show tiles as devices shows several at one address: the kernel tier knows
    // which they are.
    if (std::find(tour.seen.begin(), tour.seen.end(), device.id) != tour.seen.end())
        return {};
    tour.seen.push_back(device.id);
    put_sysman(tour.ze, tour.sysman, device);
    const Device parent = device;
    findings.found(std::move(device));
    return ask_tiles(subject, parent, findings);
}

static base::Done ask_driver(Tour &tour, ze_driver_handle_t driver, Findings &findings) {
    ze_driver_properties_t properties = {};
    properties.stype = ZE_STRUCTURE_TYPE_DRIVER_PROPERTIES;
    if (tour.ze.zeDriverGetProperties(driver, &properties) == ZE_RESULT_SUCCESS &&
        findings.version.empty())
        findings.version = base::format("%u", properties.driverVersion);
    findings.stage("zeDeviceGet");
    HWA_TRY(const auto devices, handles<ze_device_handle_t>(
                                    "zeDeviceGet", [&](uint32_t *count, ze_device_handle_t *array) {
                                        return tour.ze.zeDeviceGet(driver, count, array);
                                    }));
    // One bad device does not hide the others.
    for (const ze_device_handle_t device : devices)
        if (auto asked = ask_device(tour, device, findings); !asked)
            tour.last = std::move(asked);
    return {};
}

/// Drivers by the newer function where the loader has it, which leaves out those of other kinds.
static base::Result<std::vector<ze_driver_handle_t>> list_drivers(const api::LevelZero &ze,
                                                                  Findings &findings) {
    if (ze.zeInitDrivers != nullptr) {
        findings.stage("zeInitDrivers");
        ze_init_driver_type_desc_t kinds = {};
        kinds.stype = api::ze_init_driver_type_desc;
        kinds.flags = api::ze_all_driver_types;
        return handles<ze_driver_handle_t>("zeInitDrivers",
                                           [&](uint32_t *count, ze_driver_handle_t *array) {
                                               return ze.zeInitDrivers(count, array, &kinds);
                                           });
    }
    findings.stage("zeInit");
    if (const ze_result_t code = ze.zeInit(0); code != ZE_RESULT_SUCCESS)
        return failure("zeInit", code);
    findings.stage("zeDriverGet");
    return handles<ze_driver_handle_t>("zeDriverGet", ze.zeDriverGet);
}

base::Done ask_level_zero(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::LevelZero ze, api::load_level_zero(library_path));
    findings.library = ze.library.path;
    HWA_TRY(const auto drivers, list_drivers(ze, findings));
    findings.stage("zesInit");
    Tour tour{ze, list_sysman(ze)};
    for (const ze_driver_handle_t driver : drivers)
        if (auto asked = ask_driver(tour, driver, findings); !asked)
            tour.last = std::move(asked);
    if (tour.seen.empty() && !tour.last)
        return tour.last;
    if (!tour.last)
        findings.warning = tour.last.error().message;
    else if (tour.seen.empty())
        findings.warning = "the drivers have no device to show";
    return {};
}

} // namespace hwa::detect
