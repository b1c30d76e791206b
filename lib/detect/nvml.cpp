// SPDX-License-Identifier: MIT
// NVML as a witness: NVIDIA's devices as its management library shows them, MIG parts included.
//
// Document: NVML API Reference Guide, "Device Queries" and "Multi Instance GPU Management".
#include "detect/nvml.h"

#include "base/text.h"
#include "detect/nvidia.h"
#include "detect/peak.h"
#include "detect/witness.h"

#include <algorithm>
#include <array>
#include <climits>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

static Status status_of(nvmlReturn_t code) {
    switch (code) {
    case NVML_ERROR_UNINITIALIZED:
    case NVML_ERROR_DRIVER_NOT_LOADED:
    case NVML_ERROR_LIBRARY_NOT_FOUND:
    case NVML_ERROR_NOT_FOUND:
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return Status::Unavailable;
    case NVML_ERROR_NO_PERMISSION:
        return Status::Denied;
    case NVML_ERROR_MEMORY:
        return Status::HostMemory;
    default:
        return Status::Driver;
    }
}

base::Error nvml_failure(const char *call, nvmlReturn_t code) {
    const char *advice = code == NVML_ERROR_LIB_RM_VERSION_MISMATCH
                             ? ": the driver in the kernel is of another version than its "
                               "library; start the machine anew, or load the module anew"
                             : "";
    base::Error why = base::error(status_of(code), "%s answered %s (%d)%s", call,
                                  api::nvml_error(code), static_cast<int>(code), advice);
    why.code = code;
    return why;
}

static void identify(const NvmlSubject &subject, Device &device) {
    device.kind = core::Kind::Gpu;
    name_vendor(device, nvidia_pci_vendor);
    device.pci_vendor.offer(nvidia_pci_vendor, Source::Driver);
    std::array<char, 96> text{};
    if (subject.nvml.nvmlDeviceGetName(subject.handle, text.data(), text.size() - 1) ==
        NVML_SUCCESS)
        device.name.offer(field_text(text), Source::Driver);
    text = {};
    if (subject.nvml.nvmlDeviceGetUUID != nullptr &&
        subject.nvml.nvmlDeviceGetUUID(subject.handle, text.data(), text.size() - 1) ==
            NVML_SUCCESS) {
        const std::string uuid = field_text(text);
        device.uuid = nvidia_uuid(uuid);
        device.put_attr(core::attr_text("nvidia.uuid", uuid, Source::Driver));
    }
    name_unlisted(device, "nvml", subject.index);
    nvmlPciInfo_t pci = {};
    if (subject.nvml.nvmlDeviceGetPciInfo_v3(subject.handle, &pci) != NVML_SUCCESS)
        return;
    device.id = pci_id(pci.domain, pci.bus, pci.device, 0);
    // The half that is the vendor's tells how the other is to be read.
    if ((pci.pciDeviceId & 0xffff) == nvidia_pci_vendor)
        device.pci_device.offer(pci.pciDeviceId >> 16, Source::Driver);
}

static bool sane(unsigned long long bytes) {
    return bytes != 0 && bytes < 1ull << 50;
}

/// A chip without memory of its own answers that it has none, or that it does not know.
static void put_unified(nvmlReturn_t code, unsigned long long total, Device &device) {
    if (code == NVML_ERROR_NOT_SUPPORTED || (code == NVML_SUCCESS && total == 0))
        device.put_attr(core::attr_int("nvml.unified", 1, Source::Driver));
}

void put_nvml_memory(const NvmlSubject &subject, Device &device) {
    core::Memory memory;
    memory.role = core::MemoryRole::Dedicated;
    nvmlMemory_v2_t told = {};
    told.version = nvmlMemory_v2;
    nvmlMemory_t plain = {};
    if (subject.nvml.nvmlDeviceGetMemoryInfo_v2 != nullptr &&
        subject.nvml.nvmlDeviceGetMemoryInfo_v2(subject.handle, &told) == NVML_SUCCESS &&
        sane(told.total) && told.reserved < told.total) {
        memory.size_bytes.offer(told.total, Source::Driver);
        memory.usable_bytes = told.total - told.reserved;
    } else {
        const nvmlReturn_t code = subject.nvml.nvmlDeviceGetMemoryInfo(subject.handle, &plain);
        if (code != NVML_SUCCESS || !sane(plain.total))
            return put_unified(code, plain.total, device);
        memory.size_bytes.offer(plain.total, Source::Driver);
        memory.usable_bytes = plain.total;
    }
    if ((device.flags & core::DevicePartition) == 0) {
        const auto bits = subject.number(subject.nvml.nvmlDeviceGetMemoryBusWidth);
        const auto mhz = subject.number(subject.nvml.nvmlDeviceGetMaxClockInfo, NVML_CLOCK_MEM);
        // Two transfers per clock, as NVML counts the clock of all kinds of memory.
        if (bits && *bits <= 65536 && mhz && *mhz < 100000)
            put_bandwidth(memory, *bits, uint64_t{*mhz} * 1000000, 2);
    }
    device.memories.push_back(std::move(memory));
}

static void put_capability(const NvmlSubject &subject, Device &device) {
    int major = 0;
    int minor = 0;
    if (subject.nvml.nvmlDeviceGetCudaComputeCapability == nullptr ||
        subject.nvml.nvmlDeviceGetCudaComputeCapability(subject.handle, &major, &minor) !=
            NVML_SUCCESS ||
        major <= 0 || major > 99 || minor < 0 || minor > 9)
        return;
    device.put_attr(core::attr_text("cuda.compute_capability", base::format("%d.%d", major, minor),
                                    Source::Driver));
    // Cores are lanes of f32, of which each multiprocessor has as many as it does multiply-adds.
    const auto cores = subject.number(subject.nvml.nvmlDeviceGetNumGpuCores);
    const auto capability = static_cast<uint32_t>(10 * major + minor);
    const uint32_t lanes = data::nvidia_lanes(capability);
    if (cores && *cores != 0 && *cores < 10000000 && lanes != 0 && *cores % lanes == 0)
        device.compute_units.offer(*cores / lanes, Source::Derived);
}

static std::optional<unsigned> megahertz(std::optional<unsigned> told) {
    return told && *told != 0 && *told <= 20000 ? told : std::nullopt;
}

/// The highest clock that can be set is more than the boost clock that CUDA tells and data sheets
/// count with (an RTX 4080 SUPER has 3165 and 2550 MHz), so rates by it are an upper bound. Cards
/// of data centres tell what they are held to as well (a Tesla P4 has 1531 and 1113 MHz).
static void put_clock(const NvmlSubject &subject, Device &device) {
    const api::Nvml &nvml = subject.nvml;
    const auto most = megahertz(subject.number(nvml.nvmlDeviceGetMaxClockInfo, NVML_CLOCK_SM));
    const auto boost =
        megahertz(subject.number(nvml.nvmlDeviceGetMaxCustomerBoostClock, NVML_CLOCK_GRAPHICS));
    if (most)
        device.put_attr(core::attr_int("nvml.max_sm_mhz", *most, Source::Driver));
    if (boost)
        device.put_attr(core::attr_int("nvml.boost_mhz", *boost, Source::Driver));
    if (most || boost)
        device.clock_hz.offer(
            uint64_t{std::min(most.value_or(UINT_MAX), boost.value_or(UINT_MAX))} * 1000000,
            Source::Derived);
}

static void put_numbers(const NvmlSubject &subject, Device &device) {
    auto limit = subject.number(subject.nvml.nvmlDeviceGetEnforcedPowerLimit);
    if (!limit)
        limit = subject.number(subject.nvml.nvmlDeviceGetPowerManagementDefaultLimit);
    if (limit && *limit != 0 && *limit < 10000000)
        device.power_limit_mw.offer(*limit, Source::Driver);
    put_clock(subject, device);
}

static void put_attrs(const NvmlSubject &subject, Device &device) {
    static constexpr const char *modes[] = {"none", "passthrough", "vgpu", "vgpu_host",
                                            "vsga_host"};
    if (subject.index != nvml_unnumbered)
        device.put_attr(core::attr_int("nvml.index", subject.index, Source::Driver));
    if (const auto minor = subject.number(subject.nvml.nvmlDeviceGetMinorNumber);
        minor && *minor < 65536)
        device.put_attr(core::attr_int("nvidia.minor", *minor, Source::Driver));
    if (const auto node = subject.number(subject.nvml.nvmlDeviceGetNumaNodeId);
        node && *node < 1024)
        device.put_attr(core::attr_int("nvidia.memory_node", *node, Source::Driver));
    if (const auto mode = subject.number(subject.nvml.nvmlDeviceGetVirtualizationMode);
        mode && *mode < std::size(modes))
        device.put_attr(core::attr_text("nvml.virtualization", modes[*mode], Source::Driver));
}

/// Reading is what a peer must be allowed at least.
static void put_peers(const NvmlSubject &subject, const std::vector<NvmlSubject> &all,
                      Device &device) {
    std::string peers;
    if (subject.nvml.nvmlDeviceGetP2PStatus == nullptr)
        return;
    for (const NvmlSubject &other : all) {
        int status = 1;
        if (other.handle == subject.handle || other.index == nvml_unnumbered ||
            subject.nvml.nvmlDeviceGetP2PStatus(
                subject.handle, other.handle, NVML_P2P_CAPS_INDEX_READ, &status) != NVML_SUCCESS ||
            status != 0)
            continue;
        peers += (peers.empty() ? "" : ",") + std::to_string(other.index);
    }
    if (!peers.empty())
        device.put_attr(core::attr_text("nvml.peers", std::move(peers), Source::Driver));
}

static void ask_device(const NvmlSubject &subject, const std::vector<NvmlSubject> &all,
                       Findings &findings) {
    findings.stage("nvmlDeviceGetPciInfo");
    Device device;
    device.flags = core::DeviceUsable;
    identify(subject, device);
    findings.stage("nvmlDeviceGetMemoryInfo");
    put_nvml_memory(subject, device);
    findings.stage("nvmlDeviceGetMaxClockInfo");
    put_capability(subject, device);
    put_numbers(subject, device);
    put_attrs(subject, device);
    findings.stage("nvmlDeviceGetNvLinkState");
    put_nvlinks(subject, device);
    put_chip_links(subject, device);
    put_fabric(subject, device);
    put_peers(subject, all, device);
    findings.found(device);
    find_nvml_parts(subject, device, findings);
}

static void put_version(const api::Nvml &nvml, Findings &findings) {
    std::array<char, 96> text{};
    int cuda = 0;
    if (nvml.nvmlSystemGetDriverVersion != nullptr &&
        nvml.nvmlSystemGetDriverVersion(text.data(), text.size() - 1) == NVML_SUCCESS)
        findings.version = field_text(text);
    if (nvml.nvmlSystemGetCudaDriverVersion_v2 != nullptr &&
        nvml.nvmlSystemGetCudaDriverVersion_v2(&cuda) == NVML_SUCCESS && cuda > 0)
        findings.version += base::format("%sCUDA %d.%d", findings.version.empty() ? "" : ", ",
                                         cuda / 1000, cuda % 1000 / 10);
}

base::Done ask_nvml_of(const os::Host &host, const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Nvml nvml, api::load_nvml(library_path));
    findings.library = nvml.library.path;
    findings.stage("nvmlInit");
    if (const nvmlReturn_t code = nvml.nvmlInit_v2(); code != NVML_SUCCESS)
        return nvml_failure("nvmlInit", code);
    put_version(nvml, findings);
    HWA_TRY(const NvmlOpened opened, open_nvml_devices(host, nvml, findings));
    // One bad device does not hide the others.
    for (const NvmlSubject &subject : opened.subjects)
        ask_device(subject, opened.subjects, findings);
    if (opened.subjects.empty() && !opened.last)
        return opened.last;
    if (!opened.last)
        findings.warning = opened.last.error().message;
    else if (opened.subjects.empty())
        findings.warning = "the driver has no device to show";
    return {};
}

base::Done ask_nvml(const std::string &library_path, Findings &findings) {
    return ask_nvml_of(*os::live_host(), library_path, findings);
}

} // namespace hwa::detect
