// SPDX-License-Identifier: MIT
// CUDA: memory of the device, of the host within its reach, and what is kept to be used again.
#include "launch/cuda.h"
#include "os/latch.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hwa::launch {

using base::Status;

// ---- Events ----

CUresult CudaEvents::take(const api::Cuda &cuda, bool timed, CUevent &event) {
    {
        const std::lock_guard lock(mutex_);
        auto &list = free_[timed ? 1 : 0];
        if (!list.empty()) {
            event = list.back();
            list.pop_back();
            return CUDA_SUCCESS;
        }
    }
    const unsigned flags = CU_EVENT_BLOCKING_SYNC | (timed ? 0u : CU_EVENT_DISABLE_TIMING);
    return cuda.cuEventCreate(&event, flags);
}

void CudaEvents::give(CUevent event, bool timed) {
    if (event == nullptr)
        return;
    const std::lock_guard lock(mutex_);
    free_[timed ? 1 : 0].push_back(event);
}

void CudaEvents::destroy(const api::Cuda &cuda) {
    for (auto &list : free_)
        for (CUevent const event : list)
            cuda.cuEventDestroy_v2(event);
}

// ---- Page-locked memory ----

/// What is kept of it at most, and the smallest piece.
static constexpr uint64_t pinned_keeps_bytes = uint64_t{64} << 20;
static constexpr uint64_t pinned_least_bytes = 4096;

std::shared_ptr<CudaPinned::Block> CudaPinned::take(const CudaContextPtr &context,
                                                    uint64_t size_bytes) {
    if (size_bytes > uint64_t{1} << 40)
        return nullptr;
    Block block{nullptr, std::bit_ceil(std::max(size_bytes, pinned_least_bytes))};
    {
        CudaPinned &self = context->pinned;
        const std::lock_guard lock(self.mutex_);
        const auto found = std::find_if(self.free_.begin(), self.free_.end(), [&](const Block &b) {
            return b.size_bytes == block.size_bytes;
        });
        if (found != self.free_.end()) {
            block = *found;
            *found = self.free_.back();
            self.free_.pop_back();
            self.free_bytes_ -= block.size_bytes;
        }
    }
    const unsigned flags = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP;
    if (block.host == nullptr &&
        context->cuda.cuMemHostAlloc(&block.host, block.size_bytes, flags) != CUDA_SUCCESS)
        return nullptr;
    return {new Block(block), [context](Block *taken) {
                context->pinned.give(*context, *taken);
                delete taken;
            }};
}

void CudaPinned::give(const CudaContext &context, Block block) {
    {
        const std::lock_guard lock(mutex_);
        if (free_bytes_ + block.size_bytes <= pinned_keeps_bytes) {
            free_bytes_ += block.size_bytes;
            free_.push_back(block);
            return;
        }
    }
    const CudaCurrent current(context);
    context.cuda.cuMemFreeHost(block.host);
}

void CudaPinned::destroy(const api::Cuda &cuda) {
    for (const Block &block : free_)
        cuda.cuMemFreeHost(block.host);
}

static bool is_pinned(const CudaContext &context, uintptr_t address) {
    unsigned type = 0;
    return context.cuda.cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address) ==
               CUDA_SUCCESS &&
           type == CU_MEMORYTYPE_HOST;
}

bool cuda_pinned(const CudaContext &context, const void *host, uint64_t size_bytes) {
    const auto start = reinterpret_cast<uintptr_t>(host);
    return is_pinned(context, start) && is_pinned(context, start + size_bytes - 1);
}

// ---- Host memory in place ----

/// What is registered, by whatever queue of whatever device: for the driver there is one list in a
/// process. Newest first.
static constinit std::mutex range_mutex;
static constinit CudaRange *ranges = nullptr;

CudaRange::~CudaRange() {
    if (context == nullptr)
        return;
    {
        const CudaCurrent current(*context);
        context->cuda.cuMemHostUnregister(where);
    }
    const std::lock_guard lock(range_mutex);
    CudaRange **at = &ranges;
    while (*at != this)
        at = &(*at)->next;
    *at = next;
}

/// A range that holds all of some memory, or else whether a part of that is just let go of.
struct Found {
    std::shared_ptr<CudaRange> whole;
    bool going = false;
};

static Found find_range(uintptr_t start, uintptr_t end) {
    Found found;
    const std::lock_guard lock(range_mutex);
    for (CudaRange *one = ranges; one != nullptr; one = one->next) {
        const auto from = reinterpret_cast<uintptr_t>(one->where);
        const uintptr_t to = from + one->size_bytes;
        if (start >= to || end <= from)
            continue;
        found.going = found.going || one->weak_from_this().expired();
        if (start >= from && end <= to)
            found.whole = one->weak_from_this().lock();
    }
    return found;
}

/// Registers a range, if the driver lets it.
static CUresult register_range(const CudaContextPtr &context, unsigned flags,
                               const std::shared_ptr<CudaRange> &range) {
    const std::lock_guard lock(range_mutex);
    const CUresult code =
        context->cuda.cuMemHostRegister_v2(range->where, range->size_bytes, flags);
    if (code == CUDA_SUCCESS) {
        range->context = context;
        range->next = std::exchange(ranges, range.get());
    }
    return code;
}

/// How often, a millisecond each, to look for the end of a range that is being let go of.
static constexpr int going_looks = 200;

/// The range registered, or one that holds it, which then lives as long; NULL where memory of
/// somebody else's is locked for CUDA already, to be used as it is.
static base::Result<std::shared_ptr<CudaRange>>
take_range(const CudaContextPtr &context, const MemoryRequest &request, unsigned flags) {
    auto range = std::make_shared<CudaRange>();
    range->where = request.host;
    range->size_bytes = request.size_bytes;
    range->read_only = (flags & CU_MEMHOSTREGISTER_READ_ONLY) != 0;
    const auto start = reinterpret_cast<uintptr_t>(request.host);
    CUresult code = CUDA_SUCCESS;
    for (int looks = 0; looks < going_looks; ++looks) {
        code = register_range(context, flags, range);
        if (code != CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED)
            break;
        Found found = find_range(start, start + request.size_bytes);
        if (found.whole != nullptr)
            return std::move(found.whole);
        if (!found.going)
            break;
        os::Latch().wait(1'000'000);
    }
    if (code == CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED)
        return std::shared_ptr<CudaRange>();
    HWA_CU(context->cuda, "cuMemHostRegister", code);
    range->lease = request.lease;
    return range;
}

// ---- Buffers ----

CudaMemory::~CudaMemory() {
    const api::Cuda &cuda = context->cuda;
    const CudaCurrent current(*context);
    switch (origin) {
    case Origin::Pool:
        // All work that used it is over, so its turn in any stream will do.
        if (cuda.has(api::CudaGroup::Pools))
            cuda.cuMemFreeAsync(address, context->memory);
        break;
    case Origin::Device:
        cuda.cuMemFree_v2(address);
        break;
    case Origin::Host:
        cuda.cuMemFreeHost(where);
        break;
    case Origin::Borrowed:
        break;
    }
}

/// The address must be good for every stream, so the allocation is waited for: there is nothing
/// else in its stream.
static CUresult allocate_from_pool(const CudaContext &context, uint64_t size_bytes,
                                   CUdeviceptr &address) {
    const api::Cuda &cuda = context.cuda;
    if (!cuda.has(api::CudaGroup::Pools))
        return CUDA_ERROR_NOT_SUPPORTED;
    const auto allocate = [&] {
        return cuda.cuMemAllocFromPoolAsync(&address, size_bytes, context.pool, context.memory);
    };
    CUresult code = allocate();
    if (code == CUDA_ERROR_OUT_OF_MEMORY) {
        cuda.cuStreamSynchronize(context.memory);
        cuda.cuMemPoolTrimTo(context.pool, 0);
        code = allocate();
    }
    return code == CUDA_SUCCESS ? cuda.cuStreamSynchronize(context.memory) : code;
}

static base::Result<std::shared_ptr<Memory>> allocate_host(const CudaContextPtr &context,
                                                           uint64_t size_bytes) {
    const api::Cuda &cuda = context->cuda;
    void *host = nullptr;
    const unsigned flags = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP;
    const CUresult code = cuda.cuMemHostAlloc(&host, size_bytes, flags);
    if (code == CUDA_ERROR_OUT_OF_MEMORY) {
        base::Error why = cuda_failure(cuda, "cuMemHostAlloc", code);
        why.status = Status::HostMemory;
        return why;
    }
    HWA_CU(cuda, "cuMemHostAlloc", code);
    auto made = std::make_shared<CudaMemory>(context, CudaMemory::Origin::Host);
    made->where = host;
    HWA_CU(cuda, "cuMemHostGetDevicePointer",
           cuda.cuMemHostGetDevicePointer_v2(&made->address, host, 0));
    return std::shared_ptr<Memory>(std::move(made));
}

base::Result<std::shared_ptr<Memory>> allocate_cuda(const CudaContextPtr &context,
                                                    const MemoryRequest &request) {
    const CudaCurrent current(*context);
    if (request.host_visible)
        return allocate_host(context, request.size_bytes);
    const api::Cuda &cuda = context->cuda;
    CUdeviceptr address = 0;
    if (context->pool != nullptr) {
        HWA_CU(cuda, "cuMemAllocFromPoolAsync",
               allocate_from_pool(*context, request.size_bytes, address));
    } else {
        HWA_CU(cuda, "cuMemAlloc", cuda.cuMemAlloc_v2(&address, request.size_bytes));
    }
    auto made = std::make_shared<CudaMemory>(
        context, context->pool != nullptr ? CudaMemory::Origin::Pool : CudaMemory::Origin::Device);
    made->address = address;
    return std::shared_ptr<Memory>(std::move(made));
}

/// Host memory in place. What is locked for CUDA already is used as it is: by another of our
/// buffers, which then lives as long as this one, or by somebody whose memory it is.
static base::Result<std::shared_ptr<Memory>> wrap_host(const CudaContextPtr &context,
                                                       const MemoryRequest &request) {
    const api::Cuda &cuda = context->cuda;
    unsigned flags = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP;
    if (request.read_only &&
        api::cuda_attribute(cuda, context->device,
                            CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED) != 0)
        flags |= CU_MEMHOSTREGISTER_READ_ONLY;
    auto range = take_range(context, request, flags);
    if (!range) {
        base::Error why = std::move(range.error());
        if (why.code == CUDA_ERROR_NOT_SUPPORTED || why.code == CUDA_ERROR_INVALID_VALUE ||
            why.code == CUDA_ERROR_NOT_PERMITTED)
            why.status = Status::Unsupported;
        return why;
    }
    if (*range == nullptr && !cuda_pinned(*context, request.host, request.size_bytes))
        return base::error(Status::Unsupported,
                           "a part of that host memory is locked for CUDA already, and the rest "
                           "cannot be");
    if (*range != nullptr && (*range)->read_only && !request.read_only)
        return base::error(Status::Unsupported,
                           "that host memory is locked for CUDA already, to be read only");
    auto made = std::make_shared<CudaMemory>(context, CudaMemory::Origin::Borrowed);
    made->where = request.host;
    made->range = std::move(*range);
    HWA_CU(cuda, "cuMemHostGetDevicePointer",
           cuda.cuMemHostGetDevicePointer_v2(&made->address, request.host, 0));
    made->lease = request.lease;
    return std::shared_ptr<Memory>(std::move(made));
}

/// True if the byte is memory that the driver knows on this device.
static bool on_device(const CudaContext &context, CUdeviceptr address) {
    CUdevice device = -1;
    return context.cuda.cuPointerGetAttribute(&device, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                                              address) == CUDA_SUCCESS &&
           device == context.device;
}

/// Memory of the caller's. One allocation may be mapped of several pieces, each of which the driver
/// tells apart; so where it ends too soon, the last byte must still be of this device.
static base::Result<std::shared_ptr<Memory>> wrap_native(const CudaContextPtr &context,
                                                         const MemoryRequest &request) {
    const CUdeviceptr address = request.native;
    if (!on_device(*context, address))
        return base::error(Status::Invalid, "0x%llx is no address of memory on this CUDA device",
                           address);
    CUdeviceptr start = 0;
    size_t size = 0;
    HWA_CU(context->cuda, "cuMemGetAddressRange",
           context->cuda.cuMemGetAddressRange_v2(&start, &size, address));
    const uint64_t rest = start + size - address;
    if (rest < request.size_bytes && !on_device(*context, address + request.size_bytes - 1))
        return base::error(Status::Invalid,
                           "the CUDA memory has %llu bytes from that address on, fewer than asked",
                           static_cast<unsigned long long>(rest));
    auto made = std::make_shared<CudaMemory>(context, CudaMemory::Origin::Borrowed);
    made->address = address;
    made->lease = request.lease;
    return std::shared_ptr<Memory>(std::move(made));
}

base::Result<std::shared_ptr<Memory>> wrap_cuda(const CudaContextPtr &context,
                                                const MemoryRequest &request) {
    const CudaCurrent current(*context);
    return request.native != 0 ? wrap_native(context, request) : wrap_host(context, request);
}

// ---- From device to device ----

void connect_cuda(CudaContext &to, CudaContext &from) {
    const api::Cuda &cuda = to.cuda;
    if (!cuda.has(api::CudaGroup::Peer))
        return;
    const std::lock_guard lock(to.peer_mutex);
    if (std::find(to.peers.begin(), to.peers.end(), from.device) != to.peers.end())
        return;
    to.peers.push_back(from.device);
    int can = 0;
    if (cuda.cuDeviceCanAccessPeer(&can, to.device, from.device) != CUDA_SUCCESS || can == 0)
        return;
    // What fails here costs speed, not the copy: the driver then goes through the host.
    const CudaCurrent current(to);
    cuda.cuCtxEnablePeerAccess(from.handle, 0);
    if (from.pool != nullptr && cuda.has(api::CudaGroup::Pools)) {
        const CUmemAccessDesc access = {{CU_MEM_LOCATION_TYPE_DEVICE, to.device},
                                        CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
        cuda.cuMemPoolSetAccess(from.pool, &access, 1);
    }
}

} // namespace hwa::launch
