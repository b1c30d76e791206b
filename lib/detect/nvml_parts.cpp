// SPDX-License-Identifier: MIT
// Parts of NVIDIA's devices as NVML shows them (NVML API Reference Guide, "Multi Instance GPU
// Management").
#include "base/text.h"
#include "detect/nvidia.h"
#include "detect/nvml.h"
#include "detect/witness.h"

#include <array>
#include <cmath>

namespace hwa::detect {

using core::Device;
using core::Source;

static void identify(const NvmlSubject &subject, const Device &whole, Device &part) {
    const auto gpu = subject.number(subject.nvml.nvmlDeviceGetGpuInstanceId);
    const auto compute = subject.number(subject.nvml.nvmlDeviceGetComputeInstanceId);
    std::array<char, 96> text{};
    if (subject.nvml.nvmlDeviceGetName(subject.handle, text.data(), text.size() - 1) ==
        NVML_SUCCESS)
        part.name.offer(field_text(text), Source::Driver);
    text = {};
    if (subject.nvml.nvmlDeviceGetUUID != nullptr &&
        subject.nvml.nvmlDeviceGetUUID(subject.handle, text.data(), text.size() - 1) ==
            NVML_SUCCESS) {
        const std::string uuid = field_text(text);
        part.uuid = nvidia_uuid(uuid);
        part.put_attr(core::attr_text("nvidia.uuid", uuid, Source::Driver));
    }
    name_unlisted(part, "nvml-mig", subject.index);
    if (!gpu || !compute)
        return;
    // The same as the kernel tier gives it.
    part.id = base::format("%s-gi%u-ci%u", whole.id.c_str(), *gpu, *compute);
    part.put_attr(core::attr_int("nvidia.gpu_instance", *gpu, Source::Driver));
    part.put_attr(core::attr_int("nvidia.compute_instance", *compute, Source::Driver));
}

/// A part has whole slices of the memory, of which each is an eighth of its size and of its
/// bandwidth ("Partitioning" in the MIG User Guide; an A30 has four of two eighths). Its size is
/// less than that of its slices by what the driver keeps; one that fits no number of them has a
/// bandwidth that is not known.
static void put_bandwidth_of_slices(const Device &whole, Device &part) {
    constexpr double slices = 8, tolerance = 0.25;
    if (whole.memories.empty() || part.memories.empty())
        return;
    const core::Memory &all = whole.memories[0];
    core::Memory &own = part.memories[0];
    if (all.size_bytes.value == 0 || all.bytes_per_second.value == 0)
        return;
    const double share = slices * static_cast<double>(own.size_bytes.value) /
                         static_cast<double>(all.size_bytes.value);
    const double count = std::round(share);
    if (count < 1 || count > slices || std::abs(share - count) > tolerance)
        return;
    own.bytes_per_second.offer(
        static_cast<uint64_t>(static_cast<double>(all.bytes_per_second.value) * count / slices),
        Source::Derived);
}

static Device part_of(const NvmlSubject &subject, const Device &whole) {
    Device part;
    part.kind = core::Kind::Gpu;
    part.flags = core::DeviceUsable | core::DevicePartition;
    part.parent = whole.id;
    part.vendor = whole.vendor;
    part.pci_vendor = whole.pci_vendor;
    part.pci_device = whole.pci_device;
    // All parts of a device run at its clock.
    part.clock_hz = whole.clock_hz;
    for (const char *key : {"cuda.compute_capability", "nvml.max_sm_mhz", "nvml.boost_mhz"})
        if (const core::Attr *attr = whole.find_attr(key))
            part.put_attr(*attr);
    identify(subject, whole, part);
    put_nvml_memory(subject, part);
    put_bandwidth_of_slices(whole, part);
    nvmlDeviceAttributes_t told = {};
    if (subject.nvml.nvmlDeviceGetAttributes_v2 != nullptr &&
        subject.nvml.nvmlDeviceGetAttributes_v2(subject.handle, &told) == NVML_SUCCESS &&
        told.multiprocessorCount != 0 && told.multiprocessorCount < 65536)
        part.compute_units.offer(told.multiprocessorCount, Source::Driver);
    return part;
}

void find_nvml_parts(const NvmlSubject &whole, const Device &device, Findings &findings) {
    constexpr unsigned part_limit = 64;
    const api::Nvml &nvml = whole.nvml;
    unsigned mode = 0;
    unsigned pending = 0;
    if (nvml.nvmlDeviceGetMigMode == nullptr ||
        nvml.nvmlDeviceGetMigDeviceHandleByIndex == nullptr ||
        nvml.nvmlDeviceGetMigMode(whole.handle, &mode, &pending) != NVML_SUCCESS || mode != 1)
        return;
    findings.stage("nvmlDeviceGetMigDeviceHandleByIndex");
    const auto most = whole.number(nvml.nvmlDeviceGetMaxMigDeviceCount).value_or(0);
    for (unsigned i = 0; i < std::min(most, part_limit); ++i) {
        nvmlDevice_t handle = nullptr;
        // Places without a part are not found.
        if (nvml.nvmlDeviceGetMigDeviceHandleByIndex(whole.handle, i, &handle) == NVML_SUCCESS)
            findings.found(part_of({nvml, handle, i}, device));
    }
}

} // namespace hwa::detect
