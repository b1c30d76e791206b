// SPDX-License-Identifier: MIT
// OpenCL as a witness: devices of every installed platform, processors shown by one included.
//
// Documents: OpenCL 3.0 API specification, section 4.2; the extensions cl_khr_device_uuid,
// cl_khr_pci_bus_info, cl_nv_, cl_amd_ and cl_intel_device_attribute_query.
#include "detect/opencl.h"

#include "api/opencl.h"
#include "api/opencl_device.h"
#include "base/text.h"
#include "config.h"
#include "core/code.h"
#include "detect/frames.h"
#include "detect/witness.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

namespace hwa::detect {

using base::Status;
using core::Dtype;
using core::Source;
using core::Support;

/// From cl_intel_device_attribute_query, which the package's header has only in part: the device id
/// of the PCI bus.
static constexpr cl_device_info device_id_intel = 0x4251;

/// Longest answer of text that is taken seriously; lists of extensions take a few KiB.
static constexpr size_t text_limit = 64 * 1024;

static base::Error failure(const char *call, cl_int code) {
    const auto status = code == CL_OUT_OF_HOST_MEMORY ? Status::HostMemory : Status::Driver;
    base::Error why =
        base::error(status, "%s answered %s (%d)", call, api::opencl_error(code), code);
    why.code = code;
    return why;
}

/// Runs `call(size, into, out_size)` for text of any sane length.
template <class Call> static std::string foreign_text(Call &&call) {
    std::array<char, 4096> few;
    size_t size = 0;
    if (call(few.size(), few.data(), &size) == CL_SUCCESS)
        return std::string(few.data(), ::strnlen(few.data(), std::min(size, few.size())));
    if (call(0, nullptr, &size) != CL_SUCCESS || size == 0 || size > text_limit)
        return {};
    std::string many(size, '\0');
    if (call(many.size(), many.data(), nullptr) != CL_SUCCESS)
        return {};
    many.resize(::strnlen(many.data(), many.size()));
    return many;
}

namespace {

/// One device while it is being asked.
struct Subject {
    const api::OpenCl &opencl;
    cl_device_id handle;
    std::string platform;  ///< its name
    std::string native_id; ///< "platform:device", by index
    std::string extensions;

    template <class T> std::optional<T> get(cl_device_info what) const {
        T value{};
        size_t size = 0;
        const cl_int code = opencl.clGetDeviceInfo(handle, what, sizeof value, &value, &size);
        if (code != CL_SUCCESS || size != sizeof value)
            return std::nullopt;
        return value;
    }
    std::string raw_text(cl_device_info what) const {
        return foreign_text([&](size_t room, void *into, size_t *size) {
            return opencl.clGetDeviceInfo(handle, what, room, into, size);
        });
    }
    std::string text(cl_device_info what) const { return base::sanitise(raw_text(what)); }
    bool has(std::string_view extension) const {
        for (const std::string_view name : base::split(extensions, ' '))
            if (name == extension)
                return true;
        return false;
    }
};

} // namespace

static void identify(const Subject &subject, core::Device &device, uint32_t index) {
    const auto type = subject.get<cl_device_type>(CL_DEVICE_TYPE).value_or(0);
    device.kind = (type & CL_DEVICE_TYPE_GPU) != 0   ? core::Kind::Gpu
                  : (type & CL_DEVICE_TYPE_CPU) != 0 ? core::Kind::Cpu
                                                     : core::Kind::Unknown;
    device.name.offer(subject.text(CL_DEVICE_NAME), Source::Driver);
    if (subject.has("cl_amd_device_attribute_query")) {
        // The plain name is that of the instruction set there.
        std::string board = subject.text(CL_DEVICE_BOARD_NAME_AMD);
        if (!board.empty() && device.kind == core::Kind::Gpu)
            device.name.value = std::move(board);
    }
    const uint32_t vendor = subject.get<cl_uint>(CL_DEVICE_VENDOR_ID).value_or(0);
    // Some implementations on processors claim one maker for all of them.
    if (device.kind != core::Kind::Cpu) {
        name_vendor(device, vendor);
        if (vendor != 0 && vendor < 0x10000)
            device.pci_vendor.offer(vendor, Source::Driver);
        if (subject.has("cl_intel_device_attribute_query"))
            if (const auto model = subject.get<cl_uint>(device_id_intel); model && *model != 0)
                device.pci_device.offer(*model, Source::Driver);
    }
    if (const auto uuid = api::opencl_uuid(subject.opencl, subject.handle))
        device.uuid = uuid_text(*uuid);
    if (const auto at = api::opencl_pci(subject.opencl, subject.handle))
        device.id = pci_id(at->domain, at->bus, at->device, at->function);
    else
        name_unlisted(device, "opencl", index);
}

static void put_numbers(const Subject &subject, core::Device &device) {
    if (const auto units = subject.get<cl_uint>(CL_DEVICE_MAX_COMPUTE_UNITS); units && *units > 0)
        device.compute_units.offer(*units, Source::Driver);
    if (const auto mhz = subject.get<cl_uint>(CL_DEVICE_MAX_CLOCK_FREQUENCY); mhz && *mhz > 0)
        device.clock_hz.offer(uint64_t{*mhz} * 1000000, Source::Driver);
    const auto size = subject.get<cl_ulong>(CL_DEVICE_GLOBAL_MEM_SIZE).value_or(0);
    const auto shared = subject.get<cl_bool>(CL_DEVICE_HOST_UNIFIED_MEMORY).value_or(CL_FALSE);
    if (shared == CL_TRUE && device.kind == core::Kind::Gpu)
        device.flags |= core::DeviceIntegrated;
    if (size > 0) {
        core::Memory memory;
        memory.role = shared == CL_TRUE ? core::MemoryRole::Shared : core::MemoryRole::Dedicated;
        memory.size_bytes.offer(size, Source::Driver);
        device.memories.push_back(memory);
    }
}

static void put_attrs(const Subject &subject, core::Device &device) {
    const auto text = [&](const char *key, std::string value) {
        if (!value.empty())
            device.put_attr(core::attr_text(key, std::move(value), Source::Driver));
    };
    const auto number = [&](const char *key, uint64_t value) {
        if (value != 0 && value <= INT64_MAX)
            device.put_attr(core::attr_int(key, static_cast<int64_t>(value), Source::Driver));
    };
    text("opencl.index", subject.native_id);
    text("opencl.platform", subject.platform);
    text("opencl.driver", subject.text(CL_DRIVER_VERSION));
    text("opencl.version", subject.text(CL_DEVICE_VERSION));
    number("opencl.group_threads", subject.get<size_t>(CL_DEVICE_MAX_WORK_GROUP_SIZE).value_or(0));
    number("opencl.shared_bytes", subject.get<cl_ulong>(CL_DEVICE_LOCAL_MEM_SIZE).value_or(0));
    number("opencl.allocation_bytes",
           subject.get<cl_ulong>(CL_DEVICE_MAX_MEM_ALLOC_SIZE).value_or(0));
    if (subject.has("cl_nv_device_attribute_query")) {
        const auto major = subject.get<cl_uint>(CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV);
        const auto minor = subject.get<cl_uint>(CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV);
        if (major && minor)
            text("cuda.compute_capability", base::format("%u.%u", *major, *minor));
    }
}

/// Formats that kernels can compute with; absence proves nothing of the hardware.
static void put_formats(const Subject &subject, core::Device &device) {
    const auto native = [&](Dtype dtype) {
        device.put_compute({dtype, Support::Native, 0, 0, Source::Driver});
    };
    for (const Dtype dtype : {Dtype::F32, Dtype::I8, Dtype::I16, Dtype::I32, Dtype::I64})
        native(dtype);
    if (subject.get<cl_device_fp_config>(CL_DEVICE_DOUBLE_FP_CONFIG).value_or(0) != 0)
        native(Dtype::F64);
    if (subject.has("cl_khr_fp16"))
        native(Dtype::F16);
}

static void put_runtime(const Subject &subject, core::Device &device) {
    core::Runtime runtime;
    runtime.name = "opencl";
    runtime.flags = core::BackendRunsKernels | core::BackendRunsOps;
    runtime.native_id = subject.native_id;
    runtime.device_name = subject.text(CL_DEVICE_NAME); // `device` may have that of the board
    runtime.version = subject.text(CL_DEVICE_VERSION);
    runtime.code_mask = core::code_mask("opencl");
    if (subject.get<cl_bool>(CL_DEVICE_COMPILER_AVAILABLE).value_or(CL_FALSE) != CL_TRUE)
        runtime.code_mask &= ~core::code_bit(core::Code::OpenClC);
    if (subject.text(CL_DEVICE_IL_VERSION).find("SPIR-V") != std::string::npos)
        runtime.code_mask |= core::code_bit(core::Code::SpirvKernel);
    if (subject.get<cl_bool>(CL_DEVICE_AVAILABLE).value_or(CL_TRUE) != CL_TRUE) {
        runtime.status = Status::Unavailable;
        runtime.message = "the driver says that the device is not available";
    } else if (HWA_RUNTIME_OPENCL == 0) {
        runtime.status = Status::Unsupported;
        runtime.message = "the runtime was left out when the library was built";
    }
    device.runtimes.push_back(std::move(runtime));
}

namespace {

/// Numbers that run through all platforms.
struct Counts {
    uint32_t devices = 0;
    uint32_t software = 0;
};

} // namespace

static void ask_device(Subject subject, Counts &counts, Findings &findings) {
    findings.stage("clGetDeviceInfo");
    subject.extensions = subject.raw_text(CL_DEVICE_EXTENSIONS);
    core::Device device;
    device.flags = core::DeviceUsable;
    identify(subject, device, counts.devices++);
    put_numbers(subject, device);
    put_attrs(subject, device);
    put_formats(subject, device);
    put_runtime(subject, device);
    if (device.kind == core::Kind::Cpu) {
        mark_software(device, "opencl", counts.software++);
        device.driver.offer(
            base::sanitise(subject.platform + ' ' + subject.text(CL_DRIVER_VERSION)),
            Source::Driver);
    }
    findings.found(std::move(device));
}

static base::Done ask_platform(const api::OpenCl &opencl, cl_platform_id platform, uint32_t index,
                               Counts &counts, Findings &findings) {
    findings.stage("clGetPlatformInfo");
    const auto text = [&](cl_platform_info what) {
        return base::sanitise(foreign_text([&](size_t room, void *into, size_t *size) {
            return opencl.clGetPlatformInfo(platform, what, room, into, size);
        }));
    };
    const std::string name = text(CL_PLATFORM_NAME);
    // Some add how they were built after two blanks.
    const std::string told = text(CL_PLATFORM_VERSION);
    const std::string version = told.substr(0, told.find("  "));
    if (!version.empty())
        findings.version += (findings.version.empty() ? "" : ", ") + version;
    findings.stage("clGetDeviceIDs");
    cl_uint count = 0;
    cl_int code = opencl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && count == 0)) {
        findings.warning = "the platform " + name + " has no device to show";
        return {};
    }
    if (code != CL_SUCCESS)
        return failure("clGetDeviceIDs", code);
    if (count > device_limit)
        return base::error(Status::Parse, "clGetDeviceIDs told of %u devices, which cannot be",
                           count);
    std::vector<cl_device_id> handles(count);
    code = opencl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, handles.data(), &count);
    if (code != CL_SUCCESS)
        return failure("clGetDeviceIDs", code);
    handles.resize(std::min<size_t>(count, handles.size()));
    for (size_t i = 0; i < handles.size(); ++i)
        ask_device({opencl, handles[i], name, base::format("%u:%zu", index, i), {}}, counts,
                   findings);
    return {};
}

static base::Result<std::vector<cl_platform_id>> list_platforms(const api::OpenCl &opencl) {
    static constexpr const char *call = "clGetPlatformIDs";
    cl_uint count = 0;
    cl_int code = opencl.clGetPlatformIDs(0, nullptr, &count);
    std::vector<cl_platform_id> platforms;
    if (code == CL_PLATFORM_NOT_FOUND_KHR || (code == CL_SUCCESS && count == 0))
        return platforms;
    if (code != CL_SUCCESS)
        return failure(call, code);
    if (count > device_limit)
        return base::error(Status::Parse, "%s told of %u platforms, which cannot be", call, count);
    platforms.resize(count);
    code = opencl.clGetPlatformIDs(count, platforms.data(), &count);
    if (code != CL_SUCCESS)
        return failure(call, code);
    platforms.resize(std::min<size_t>(count, platforms.size()));
    return platforms;
}

base::Done ask_opencl(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::OpenCl opencl, api::load_opencl(library_path));
    findings.library = opencl.library.path;
    findings.stage("clGetPlatformIDs");
    HWA_TRY(const auto platforms, list_platforms(opencl));
    if (platforms.empty())
        return base::error(Status::Unavailable, "no OpenCL driver that is registered could be "
                                                "loaded: clGetPlatformIDs lists no platform");
    Counts counts;
    std::optional<base::Error> failed;
    for (uint32_t i = 0; i < platforms.size(); ++i) {
        const auto asked = ask_platform(opencl, platforms[i], i, counts, findings);
        if (asked)
            continue;
        failed = asked.error();
        failed->message = base::format("platform %u: %s", i, failed->message.c_str());
    }
    // One bad platform does not hide the others, and one without devices is nothing odd then.
    if (failed && counts.devices == 0)
        return *failed;
    if (counts.devices > 0)
        findings.warning = failed ? failed->message : "";
    return {};
}

} // namespace hwa::detect
