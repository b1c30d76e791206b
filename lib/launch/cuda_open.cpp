// SPDX-License-Identifier: MIT
// CUDA: the driver, the choice of the device that detection saw, its context and its limits.
#include "base/text.h"
#include "launch/cuda.h"
#include "launch/match.h"
#include "os/caller.h"
#include "os/fork.h"

#include <algorithm>

namespace hwa::launch {
namespace {

using base::Status;

/// The initialised driver, where it was looked for, and the process that opened it. It is never
/// closed: a driver keeps threads.
struct Loader {
    api::Cuda cuda;
    std::string folder;
    uint64_t stamp;
};

base::Result<const Loader *> load(const std::string &library_path) {
    const os::CallerState state;
    HWA_TRY(api::Cuda cuda, api::load_cuda(library_path));
    HWA_CU(cuda, "cuInit", cuda.cuInit(0));
    return static_cast<const Loader *>(
        new Loader{std::move(cuda), library_path, os::process_stamp()});
}

/// A driver of another folder cannot be loaded beside the first: they have one soname.
base::Done check_loader(const Loader &loader, const std::string &library_path) {
    if (loader.stamp != os::process_stamp())
        return base::error(Status::Forked,
                           "CUDA was in use when this process was forked, and its driver does not "
                           "survive that; open the first queue after the fork");
    if (!library_path.empty() && library_path != loader.folder)
        return base::error(Status::Unavailable, "this process uses the CUDA driver %s already",
                           loader.cuda.library.path.c_str());
    return {};
}

base::Result<std::vector<api::CudaDevice>> list_devices(const api::Cuda &cuda) {
    int count = 0;
    HWA_CU(cuda, "cuDeviceGetCount", cuda.cuDeviceGetCount(&count));
    std::vector<api::CudaDevice> devices;
    for (int i = 0; i < count; ++i) {
        HWA_TRY(api::CudaDevice device, api::read_cuda_device(cuda, i));
        devices.push_back(std::move(device));
    }
    return devices;
}

/// The ordinal in this process, which a variable may have changed since the detection.
base::Result<int> choose(const api::Cuda &cuda, const OpenRequest &request) {
    HWA_TRY(const auto devices, list_devices(cuda));
    std::vector<Shown> shown;
    for (size_t i = 0; i < devices.size(); ++i) {
        Shown one;
        one.index = base::format("%zu", i);
        one.name = devices[i].name;
        one.uuid = devices[i].uuid;
        // A part is at the address of the whole, which it must not be taken for.
        one.pci = devices[i].whole_uuid.empty() ? devices[i].pci : "";
        shown.push_back(std::move(one));
    }
    HWA_TRY(const size_t at, match_device(*request.device, *request.runtime, shown));
    return static_cast<int>(at);
}

/// A driver without a device does not start; why that may be so is for the match to say.
base::Error not_started(base::Error why, const OpenRequest &request) {
    if (why.code != CUDA_ERROR_NO_DEVICE)
        return why;
    const auto none = match_device(*request.device, *request.runtime, {});
    why.message += "; " + none.error().message;
    return why;
}

uint32_t attribute(const CudaContext &context, CUdevice_attribute what) {
    return static_cast<uint32_t>(
        std::max(api::cuda_attribute(context.cuda, context.device, what), 0));
}

/// CUDA C++ Programming Guide, "Compute Capabilities", table of technical specifications; what all
/// arguments of a kernel may take is in "__global__ Function Parameters".
Limits read_limits(const CudaContext &context) {
    const auto at = [&](CUdevice_attribute what) { return attribute(context, what); };
    Limits limits;
    limits.threads_per_group = at(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    limits.group = {at(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X),
                    at(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y),
                    at(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)};
    limits.grid = {at(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X), at(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y),
                   at(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)};
    limits.subgroup_size = at(CU_DEVICE_ATTRIBUTE_WARP_SIZE);
    limits.shared_bytes = std::max(at(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK),
                                   at(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    limits.value_bytes = context.capability >= 70 && context.cuda.version >= 12010 ? 32764 : 4096;
    limits.buffers = limits.value_bytes / static_cast<uint32_t>(sizeof(CUdeviceptr));
    limits.timer_ns = 500; // cuEventElapsedTime: "a resolution of around 0.5 microseconds"
    size_t bytes = 0;
    if (context.cuda.cuDeviceTotalMem_v2(&bytes, context.device) == CUDA_SUCCESS)
        limits.buffer_bytes = bytes;
    limits.scratch_by_launch = true;
    return limits;
}

/// How much freed memory a context keeps for the next allocation.
constexpr uint64_t pool_keeps_bytes = uint64_t{64} << 20;

/// A pool of our own, so that nobody else's settings change. Without one, memory comes by calls
/// that wait for the whole device.
void open_pool(CudaContext &context) {
    const api::Cuda &cuda = context.cuda;
    if (!cuda.has(api::CudaGroup::Pools) ||
        attribute(context, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 0)
        return;
    CUmemPoolProps props = {};
    props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    props.handleTypes = CU_MEM_HANDLE_TYPE_NONE;
    props.location = {CU_MEM_LOCATION_TYPE_DEVICE, context.device};
    if (cuda.cuMemPoolCreate(&context.pool, &props) != CUDA_SUCCESS) {
        context.pool = nullptr;
        return;
    }
    uint64_t keeps = pool_keeps_bytes;
    cuda.cuMemPoolSetAttribute(context.pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &keeps);
    if (cuda.cuStreamCreate(&context.memory, CU_STREAM_NON_BLOCKING) == CUDA_SUCCESS)
        return;
    cuda.cuMemPoolDestroy(context.pool);
    context.pool = nullptr;
    context.memory = nullptr;
}

} // namespace

base::Result<const api::Cuda *> cuda_driver(const std::string &library_path) {
    static std::mutex mutex;
    static std::atomic<const Loader *> opened = nullptr;
    // Looked at without the mutex: in a child, a thread that is not there any more may hold it.
    const Loader *loader = opened.load(std::memory_order_acquire);
    if (loader == nullptr) {
        const std::lock_guard lock(mutex);
        loader = opened.load(std::memory_order_relaxed);
        if (loader == nullptr) {
            HWA_TRY(loader, load(library_path));
            opened.store(loader, std::memory_order_release);
        }
    }
    HWA_CHECK(check_loader(*loader, library_path));
    return &loader->cuda;
}

base::Result<CudaContextPtr> open_cuda(const OpenRequest &request) {
    const auto driver = cuda_driver(request.library_path);
    if (!driver)
        return not_started(driver.error(), request);
    const api::Cuda *const cuda = *driver;
    const os::CallerState state;
    HWA_TRY(const int ordinal, choose(*cuda, request));
    HWA_TRY(const api::CudaDevice chosen, api::read_cuda_device(*cuda, ordinal));
    auto context = std::make_shared<CudaContext>(*cuda);
    context->device = chosen.handle;
    context->ordinal = ordinal;
    HWA_CU(*cuda, "cuDevicePrimaryCtxRetain",
           cuda->cuDevicePrimaryCtxRetain(&context->handle, chosen.handle));
    context->capability =
        static_cast<int>(10 * attribute(*context, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
                         attribute(*context, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
    context->limits = read_limits(*context);
    context->driver = base::format("CUDA %d.%d, %s", cuda->version / 1000,
                                   cuda->version % 1000 / 10, chosen.name.c_str());
    context->library_path = request.library_path;
    context->cache = request.cache;
    const CudaCurrent current(*context);
    open_pool(*context);
    return context;
}

CudaContext::~CudaContext() {
    if (handle == nullptr)
        return;
    {
        const CudaCurrent current(*this);
        pinned.destroy(cuda);
        events.destroy(cuda);
        if (pool != nullptr && cuda.has(api::CudaGroup::Pools))
            cuda.cuMemPoolDestroy(pool);
        if (memory != nullptr)
            cuda.cuStreamDestroy_v2(memory);
    }
    cuda.cuDevicePrimaryCtxRelease_v2(device);
}

} // namespace hwa::launch
