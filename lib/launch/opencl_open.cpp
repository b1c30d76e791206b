// SPDX-License-Identifier: MIT
// OpenCL: the loader, the choice of the device that detection saw, and what it can take.
#include "api/opencl_device.h"
#include "base/text.h"
#include "launch/match.h"
#include "launch/opencl.h"
#include "os/caller.h"
#include "os/fork.h"

#include <algorithm>
#include <array>

namespace hwa::launch {
namespace {

using base::Status;

Status status_of(cl_int code) {
    switch (code) {
    case CL_OUT_OF_HOST_MEMORY:
        return Status::HostMemory;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
        return Status::DeviceMemory;
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_PLATFORM_NOT_FOUND_KHR:
    case CL_DEVICE_NOT_FOUND:
        return Status::Unavailable;
    default:
        return Status::Driver;
    }
}

/// Longest text of a device that is believed; lists of extensions are the longest there are.
constexpr size_t text_limit = size_t{1} << 16;

/// A device as this process sees it.
struct Candidate {
    cl_platform_id platform;
    cl_device_id device;
};

/// All of them, and what `match_device` compares, place by place.
struct Candidates {
    std::vector<Candidate> all;
    std::vector<Shown> shown;
};

template <class T> T device_value(const api::OpenCl &cl, cl_device_id device, cl_device_info what) {
    T value{};
    if (cl.clGetDeviceInfo(device, what, sizeof value, &value, nullptr) != CL_SUCCESS)
        return T{};
    return value;
}

/// Empty where the driver does not tell.
std::string raw_text(const api::OpenCl &cl, cl_device_id device, cl_device_info what) {
    size_t size = 0;
    if (cl.clGetDeviceInfo(device, what, 0, nullptr, &size) != CL_SUCCESS || size > text_limit)
        return {};
    std::string text(size + 1, '\0');
    if (cl.clGetDeviceInfo(device, what, size, text.data(), nullptr) != CL_SUCCESS)
        return {};
    return text.c_str();
}

std::string device_text(const api::OpenCl &cl, cl_device_id device, cl_device_info what) {
    return base::sanitise(raw_text(cl, device, what));
}

bool has_word(const std::string &text, std::string_view word) {
    const auto words = base::split(text, ' ');
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string platform_text(const api::OpenCl &cl, cl_platform_id platform, cl_platform_info what) {
    char text[1024] = {};
    if (cl.clGetPlatformInfo(platform, what, sizeof text - 1, text, nullptr) != CL_SUCCESS)
        return {};
    return base::sanitise(text);
}

base::Result<std::vector<cl_platform_id>> platforms(const api::OpenCl &cl) {
    cl_uint count = 0;
    const cl_int code = cl.clGetPlatformIDs(0, nullptr, &count);
    if (code != CL_PLATFORM_NOT_FOUND_KHR) // else the list is empty
        HWA_CL("clGetPlatformIDs", code);
    std::vector<cl_platform_id> found(count);
    if (count != 0)
        HWA_CL("clGetPlatformIDs", cl.clGetPlatformIDs(count, found.data(), nullptr));
    return found;
}

std::vector<cl_device_id> devices(const api::OpenCl &cl, cl_platform_id platform) {
    cl_uint count = 0;
    if (cl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS)
        return {};
    std::vector<cl_device_id> found(count);
    if (count == 0 ||
        cl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, found.data(), nullptr) != CL_SUCCESS)
        return {};
    return found;
}

Shown describe(const api::OpenCl &cl, cl_device_id device, std::string index) {
    Shown shown;
    shown.index = std::move(index);
    shown.name = device_text(cl, device, CL_DEVICE_NAME);
    if (const auto uuid = api::opencl_uuid(cl, device))
        for (const uint8_t byte : *uuid)
            shown.uuid += base::format("%02x", byte);
    if (const auto at = api::opencl_pci(cl, device))
        shown.pci =
            base::format("%04x:%02x:%02x.%x", at->domain, at->bus, at->device, at->function);
    return shown;
}

base::Result<Candidates> candidates(const api::OpenCl &cl) {
    HWA_TRY(const auto all, platforms(cl));
    Candidates found;
    for (size_t p = 0; p < all.size(); ++p) {
        const std::vector<cl_device_id> here = devices(cl, all[p]);
        for (size_t d = 0; d < here.size(); ++d) {
            found.all.push_back({all[p], here[d]});
            found.shown.push_back(describe(cl, here[d], base::format("%zu:%zu", p, d)));
        }
    }
    return found;
}

uint32_t narrow(uint64_t value) {
    return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
}

Limits read_limits(const api::OpenCl &cl, cl_device_id device) {
    Limits limits;
    limits.threads_per_group =
        narrow(device_value<size_t>(cl, device, CL_DEVICE_MAX_WORK_GROUP_SIZE));
    std::array<size_t, 8> sizes{};
    if (cl.clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes.data(),
                           nullptr) == CL_SUCCESS)
        for (size_t i = 0; i < limits.group.size(); ++i)
            limits.group[i] = narrow(sizes[i]);
    limits.shared_bytes = narrow(device_value<cl_ulong>(cl, device, CL_DEVICE_LOCAL_MEM_SIZE));
    limits.value_bytes = narrow(device_value<size_t>(cl, device, CL_DEVICE_MAX_PARAMETER_SIZE));
    // The limit is in bits, and that of a range of a buffer.
    limits.offset_alignment =
        std::max(device_value<cl_uint>(cl, device, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8, 1u);
    limits.timer_ns =
        narrow(device_value<size_t>(cl, device, CL_DEVICE_PROFILING_TIMER_RESOLUTION));
    limits.buffer_bytes = device_value<cl_ulong>(cl, device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    if (device_value<cl_uint>(cl, device, CL_DEVICE_ADDRESS_BITS) == 32)
        limits.index_limit = UINT32_MAX;
    return limits;
}

/// OpenCL 3.0, section 4.2: empty where no intermediate language is taken; unknown before 2.1.
bool takes_il(const api::OpenCl &cl, cl_device_id device) {
    return cl.clCreateProgramWithIL != nullptr &&
           device_text(cl, device, CL_DEVICE_IL_VERSION).find("SPIR-V") != std::string::npos;
}

/// Command buffers that may run again before they are over, in queues of any kind; without those
/// two, replaying one by one is as good.
ClCommandBuffers read_buffers(const api::OpenCl &cl, cl_platform_id platform, cl_device_id device) {
    const auto find = cl.clGetExtensionFunctionAddressForPlatform;
    const auto can = device_value<cl_device_command_buffer_capabilities_khr>(
        cl, device, CL_DEVICE_COMMAND_BUFFER_CAPABILITIES_KHR);
    const auto must = device_value<cl_command_queue_properties>(
        cl, device, CL_DEVICE_COMMAND_BUFFER_REQUIRED_QUEUE_PROPERTIES_KHR);
    const std::string names = raw_text(cl, device, CL_DEVICE_EXTENSIONS);
    if (find == nullptr || !has_word(names, "cl_khr_command_buffer") || must != 0 ||
        (can & CL_COMMAND_BUFFER_CAPABILITY_SIMULTANEOUS_USE_KHR) == 0)
        return {};
    ClCommandBuffers all;
    const auto take = [&](auto &into, const char *name) {
        into = reinterpret_cast<std::decay_t<decltype(into)>>(find(platform, name));
        return into != nullptr;
    };
    if (take(all.create, "clCreateCommandBufferKHR") &&
        take(all.finalize, "clFinalizeCommandBufferKHR") &&
        take(all.release, "clReleaseCommandBufferKHR") &&
        take(all.enqueue, "clEnqueueCommandBufferKHR") &&
        take(all.launch, "clCommandNDRangeKernelKHR"))
        return all;
    return {};
}

} // namespace

base::Error opencl_failure(const char *call, cl_int code) {
    base::Error why =
        base::error(status_of(code), "%s answered %s (%d)", call, api::opencl_error(code), code);
    why.code = code;
    why.backend = "opencl";
    return why;
}

base::Error opencl_failure(const ClContext &context, const char *call, cl_int code) {
    base::Error why = opencl_failure(call, code);
    const bool gone =
        code == CL_DEVICE_NOT_AVAILABLE ||
        (code == CL_OUT_OF_RESOURCES &&
         device_value<cl_bool>(context.cl, context.device, CL_DEVICE_AVAILABLE) != CL_TRUE);
    if (gone) {
        why.status = Status::Lost;
        why.message = "the device is gone: " + why.message;
    }
    return why;
}

/// The loader of one folder, and the process that opened it; both stay to the end.
struct Loader {
    std::string directory;
    base::Result<api::OpenCl> cl;
    uint64_t stamp;
    const Loader *next;
};

static const Loader &loader(const std::string &directory) {
    static std::mutex mutex;
    static const Loader *first = nullptr;
    const std::lock_guard lock(mutex);
    for (const Loader *known = first; known != nullptr; known = known->next)
        if (known->directory == directory)
            return *known;
    const os::CallerState state;
    first = new Loader{directory, api::load_opencl(directory), os::process_stamp(), first};
    return *first;
}

base::Result<ClContextPtr> open_context(const OpenRequest &request) {
    const Loader &opened = loader(request.library_path);
    // Drivers keep threads, and threads do not follow a fork: a call from the child may never
    // return.
    if (opened.stamp != os::process_stamp())
        return base::error(Status::Forked,
                           "OpenCL was in use when this process was forked, and drivers do not "
                           "survive that; open the first queue after the fork");
    const auto &loaded = opened.cl;
    if (!loaded)
        return loaded.error();
    const api::OpenCl &cl = *loaded;
    const os::CallerState state;
    HWA_TRY(const Candidates here, candidates(cl));
    HWA_TRY(const size_t place, match_device(*request.device, *request.runtime, here.shown));
    const Candidate chosen = here.all[place];
    if (device_value<cl_bool>(cl, chosen.device, CL_DEVICE_AVAILABLE) != CL_TRUE)
        return base::error(Status::Unavailable, "the driver says that %s is not available",
                           here.shown[place].name.c_str());
    auto context = std::make_shared<ClContext>(cl);
    context->device = chosen.device;
    context->limits = read_limits(cl, chosen.device);
    context->unified =
        device_value<cl_bool>(cl, chosen.device, CL_DEVICE_HOST_UNIFIED_MEMORY) == CL_TRUE;
    context->takes_il = takes_il(cl, chosen.device);
    context->driver = platform_text(cl, chosen.platform, CL_PLATFORM_NAME) + " " +
                      device_text(cl, chosen.device, CL_DRIVER_VERSION);
    context->identity =
        cache_key({context->driver, platform_text(cl, chosen.platform, CL_PLATFORM_VERSION),
                   device_text(cl, chosen.device, CL_DEVICE_VERSION), here.shown[place].name,
                   here.shown[place].uuid});
    context->compiles_late = context->driver.starts_with("Portable Computing Language");
    // It holds the lock of an event while the command runs (seen in Mesa 22.3.6).
    context->polls_block = platform_text(cl, chosen.platform, CL_PLATFORM_NAME) == "rusticl";
    context->buffers = read_buffers(cl, chosen.platform, chosen.device);
    const cl_context_properties properties[] = {
        CL_CONTEXT_PLATFORM, reinterpret_cast<cl_context_properties>(chosen.platform), 0};
    cl_int code = CL_SUCCESS;
    context->handle = cl.clCreateContext(properties, 1, &chosen.device, nullptr, nullptr, &code);
    HWA_CL("clCreateContext", code);
    return ClContextPtr(std::move(context));
}

} // namespace hwa::launch
