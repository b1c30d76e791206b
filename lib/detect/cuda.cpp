// SPDX-License-Identifier: MIT
// CUDA as a witness: the devices that the driver shows to this user, parts of devices included.
//
// Document: CUDA Driver API, sections "Initialization", "Device Management" and "Error Handling".
#include "detect/cuda.h"

#include "api/cuda_device.h"
#include "base/text.h"
#include "config.h"
#include "core/code.h"
#include "detect/frames.h"
#include "detect/nvml.h"
#include "detect/peak.h"
#include "detect/witness.h"

namespace hwa::detect {

using base::Status;
using core::Dtype;
using core::Source;
using core::Support;

static constexpr uint32_t nvidia_pci_vendor = 0x10de;

/// Nodes of the driver for cards, of that under Windows, and of that for systems on a chip.
static constexpr const char *nodes[] = {"/dev/nvidiactl", "/dev/dxg", "/dev/nvmap"};

namespace {

/// NVIDIA's devices as the kernel tier saw them.
struct Seen {
    bool here = false;   ///< one that nobody would wake
    bool asleep = false; ///< one that its driver would wake
    bool nodes = false;
};

} // namespace

static Seen look(const os::Host &host, const core::System &system) {
    Seen seen;
    for (const core::Device &device : system.devices) {
        if (device.pci_vendor.value != nvidia_pci_vendor)
            continue;
        if (would_wake(device))
            seen.asleep = true;
        else
            seen.here = true;
    }
    for (const char *node : nodes)
        seen.nodes = seen.nodes || host.exists(node);
    return seen;
}

bool cuda_wanted(const os::Host &host, const core::System &system) {
    const Seen seen = look(host, system);
    return !seen.asleep && (seen.here || seen.nodes);
}

bool nvml_wanted(const os::Host &host, const core::System &system) {
    const Seen seen = look(host, system);
    return seen.here || (seen.nodes && !seen.asleep);
}

/// What stands in the way of all devices, by what cuInit answers.
static Status status_of(CUresult code) {
    switch (code) {
    case CUDA_ERROR_NO_DEVICE:
    case CUDA_ERROR_STUB_LIBRARY:
    case CUDA_ERROR_DEVICE_UNAVAILABLE:
    case CUDA_ERROR_SYSTEM_NOT_READY:
        return Status::Unavailable;
    case CUDA_ERROR_NOT_PERMITTED:
        return Status::Denied;
    case CUDA_ERROR_OUT_OF_MEMORY:
        return Status::HostMemory;
    default:
        return Status::Driver;
    }
}

static base::Error failure(const api::Cuda &cuda, const char *call, CUresult code) {
    base::Error why =
        base::error(status_of(code), "%s answered %s (%d)", call, cuda.error_name(code), code);
    why.code = code;
    return why;
}

namespace {

/// One device while it is being asked.
struct Subject {
    const api::Cuda &cuda;
    api::CudaDevice told;
    int ordinal;

    int get(CUdevice_attribute what) const { return api::cuda_attribute(cuda, told.handle, what); }
    int major() const { return get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR); }
    int minor() const { return get(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR); }
};

} // namespace

static void identify(const Subject &subject, core::Device &device) {
    device.kind = core::Kind::Gpu;
    device.name.offer(subject.told.name, Source::Driver);
    name_vendor(device, nvidia_pci_vendor);
    device.pci_vendor.offer(nvidia_pci_vendor, Source::Driver);
    device.uuid = subject.told.uuid;
    const bool whole = subject.told.whole_uuid.empty();
    const std::string at = subject.told.pci.empty() ? "" : "pci-" + subject.told.pci;
    if (whole && !at.empty()) {
        device.id = at;
        return;
    }
    name_unlisted(device, "cuda", static_cast<uint32_t>(subject.ordinal));
    if (!whole) {
        device.flags |= core::DevicePartition;
        device.parent = at;
    }
}

/// Twice a period, whatever the kind of memory: the clock is told as if each moved two.
static void put_rate(const Subject &subject, core::Memory &memory) {
    const int khz = subject.get(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
    const int bits = subject.get(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
    if (khz > 0 && bits > 0)
        put_bandwidth(memory, static_cast<uint32_t>(bits), static_cast<uint64_t>(khz) * 1000, 2);
}

static void put_numbers(const Subject &subject, core::Device &device) {
    if (const int count = subject.get(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT); count > 0)
        device.compute_units.offer(static_cast<uint32_t>(count), Source::Driver);
    if (const int khz = subject.get(CU_DEVICE_ATTRIBUTE_CLOCK_RATE); khz > 0)
        device.clock_hz.offer(static_cast<uint64_t>(khz) * 1000, Source::Driver);
    const bool integrated = subject.get(CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0;
    if (integrated)
        device.flags |= core::DeviceIntegrated;
    size_t size = 0;
    if (subject.cuda.cuDeviceTotalMem_v2(&size, subject.told.handle) == CUDA_SUCCESS && size > 0) {
        core::Memory memory;
        memory.role = integrated ? core::MemoryRole::Shared : core::MemoryRole::Dedicated;
        memory.size_bytes.offer(size, Source::Driver);
        put_rate(subject, memory);
        device.memories.push_back(memory);
    }
    if (const int bytes = subject.get(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE); bytes > 0) {
        core::Memory cache;
        cache.role = core::MemoryRole::Cache;
        cache.name = "L2";
        cache.size_bytes.offer(static_cast<uint64_t>(bytes), Source::Driver);
        device.memories.push_back(cache);
    }
}

static void put_attrs(const Subject &subject, core::Device &device) {
    const auto number = [&](const char *key, CUdevice_attribute what) {
        if (const int value = subject.get(what); value > 0)
            device.put_attr(core::attr_int(key, value, Source::Driver));
    };
    if (const int major = subject.major(); major > 0)
        device.put_attr(core::attr_text("cuda.compute_capability",
                                        base::format("%d.%d", major, subject.minor()),
                                        Source::Driver));
    device.put_attr(core::attr_int("cuda.ordinal", subject.ordinal, Source::Driver));
    number("cuda.multiprocessors", CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    number("cuda.group_threads", CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    number("cuda.shared_bytes", CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
}

/// Formats that kernels can compute with: CUDA C++ Programming Guide, "Compute Capabilities".
static void put_formats(const Subject &subject, core::Device &device) {
    static constexpr struct {
        int capability; ///< 10 * major + minor
        Dtype dtype;
    } table[] = {
        {10, Dtype::F32},  {10, Dtype::I8},     {10, Dtype::I16},    {10, Dtype::I32},
        {10, Dtype::I64},  {13, Dtype::F64},    {53, Dtype::F16},    {80, Dtype::Bf16},
        {80, Dtype::Tf32}, {89, Dtype::F8E4M3}, {89, Dtype::F8E5M2},
    };
    const int capability = 10 * subject.major() + subject.minor();
    for (const auto &row : table)
        if (capability >= row.capability)
            device.put_compute({row.dtype, Support::Native, 0, 0, Source::Driver});
}

static void put_runtime(const Subject &subject, const std::string &version, core::Device &device) {
    core::Runtime runtime;
    runtime.name = "cuda";
    runtime.flags = core::BackendRunsKernels | core::BackendRunsOps;
    runtime.native_id = base::format("%d", subject.ordinal);
    runtime.version = version;
    runtime.code_mask = core::code_mask("cuda");
    if (subject.get(CU_DEVICE_ATTRIBUTE_COMPUTE_MODE) == CU_COMPUTEMODE_PROHIBITED) {
        runtime.status = Status::Unavailable;
        runtime.message = "the administrator has set its compute mode to \"prohibited\"";
    } else if (HWA_RUNTIME_CUDA == 0) {
        runtime.status = Status::Unsupported;
        runtime.message = "the runtime was left out when the library was built";
    }
    device.runtimes.push_back(std::move(runtime));
}

static base::Done ask_device(const api::Cuda &cuda, int ordinal, Findings &findings) {
    findings.stage("cuDeviceGet");
    HWA_TRY(api::CudaDevice told, api::read_cuda_device(cuda, ordinal));
    const Subject subject{cuda, std::move(told), ordinal};
    findings.stage("cuDeviceGetAttribute");
    core::Device device;
    device.flags = core::DeviceUsable;
    identify(subject, device);
    put_numbers(subject, device);
    put_attrs(subject, device);
    put_formats(subject, device);
    put_runtime(subject, findings.version, device);
    findings.found(std::move(device));
    return {};
}

base::Done ask_cuda(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Cuda cuda, api::load_cuda(library_path));
    findings.library = cuda.library.path;
    findings.version = base::format("%d.%d", cuda.version / 1000, cuda.version % 1000 / 10);
    findings.stage("cuInit");
    if (const CUresult code = cuda.cuInit(0); code != CUDA_SUCCESS)
        return failure(cuda, "cuInit", code);
    findings.stage("cuDeviceGetCount");
    int count = 0;
    if (const CUresult code = cuda.cuDeviceGetCount(&count); code != CUDA_SUCCESS)
        return failure(cuda, "cuDeviceGetCount", code);
    if (count < 0 || static_cast<uint32_t>(count) > device_limit)
        return base::error(Status::Parse, "cuDeviceGetCount told of %d devices, which cannot be",
                           count);
    if (count == 0)
        return base::error(Status::Unavailable, "the driver shows no device to this process");
    int shown = 0;
    base::Done last;
    // One bad device does not hide the others.
    for (int i = 0; i < count; ++i) {
        auto asked = ask_device(cuda, i, findings);
        shown += asked ? 1 : 0;
        if (!asked)
            last = std::move(asked);
    }
    if (shown == 0)
        return last;
    if (!last)
        findings.warning = last.error().message;
    return {};
}

} // namespace hwa::detect
