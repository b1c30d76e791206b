// SPDX-License-Identifier: MIT
// What the files of the CUDA runtime share: the driver, a device's context, memory and programs.
#pragma once

#include "api/cuda_device.h"
#include "base/blocks.h"
#include "launch/runtime.h"

#include <array>
#include <atomic>
#include <mutex>

namespace hwa::launch {

/// A failed call: what its code means to a caller, with the driver's own name and words for it.
base::Error cuda_failure(const api::Cuda &cuda, const char *call, CUresult code);

/// True if nothing works any more in the context after this: CUDA keeps the fault of a kernel and
/// answers it to every later call.
bool cuda_final(CUresult code);

#define HWA_CU(cuda, call, code)                                                                   \
    do {                                                                                           \
        if (const CUresult code_ = (code); code_ != CUDA_SUCCESS)                                  \
            return cuda_failure(cuda, call, code_);                                                \
    } while (false)

/// The driver, once initialised in this process; it stays to the end.
base::Result<const api::Cuda *> cuda_driver(const std::string &library_path);

/// Events of a context that wait for their next use: making one costs more than a launch.
class CudaEvents {
  public:
    /// What the driver said, if it has none to give.
    CUresult take(const api::Cuda &cuda, bool timed, CUevent &event);
    void give(CUevent event, bool timed);
    void destroy(const api::Cuda &cuda);

  private:
    std::mutex mutex_;
    std::array<std::vector<CUevent>, 2> free_; ///< without times, and with
};

struct CudaContext;
using CudaContextPtr = std::shared_ptr<CudaContext>;

/// Page-locked memory of a context, for copies that may not make the caller wait.
class CudaPinned {
  public:
    struct Block {
        void *host = nullptr;
        uint64_t size_bytes = 0;
    };

    /// At least so much, given back when the last owner lets go of it; NULL if there is no more.
    static std::shared_ptr<Block> take(const CudaContextPtr &context, uint64_t size_bytes);
    void destroy(const api::Cuda &cuda);

  private:
    void give(const CudaContext &context, Block block);

    std::mutex mutex_;
    std::vector<Block> free_;
    uint64_t free_bytes_ = 0;
};

/// One device opened: its primary context, which the rest of the process may use as well. Queues
/// that share have one of these.
struct CudaContext {
    const api::Cuda &cuda;
    CUdevice device = 0;
    int ordinal = 0; ///< in this process
    CUcontext handle = nullptr;
    int capability = 0; ///< 10 * major + minor
    Limits limits;
    std::string driver;       ///< its version and the device's name
    std::string library_path; ///< where to look for the compiler
    std::shared_ptr<Cache> cache;
    CUmemoryPool pool = nullptr; ///< NULL: the device has none
    CUstream memory = nullptr;   ///< for the pool; never has work of its own to wait for
    std::shared_ptr<base::Blocks> blocks = std::make_shared<base::Blocks>();
    CudaEvents events;
    CudaPinned pinned;
    std::mutex peer_mutex;
    std::vector<CUdevice> peers; ///< whose memory was made known to this device

    explicit CudaContext(const api::Cuda &table) : cuda(table) {}
    ~CudaContext();
    CudaContext(const CudaContext &) = delete;
    CudaContext &operator=(const CudaContext &) = delete;
};

/// Makes a context current to this thread while it lives; then what was current is so again.
class CudaCurrent {
  public:
    explicit CudaCurrent(const CudaContext &context) : cuda_(context.cuda) {
        CUcontext now = nullptr;
        if (cuda_.cuCtxGetCurrent(&now) == CUDA_SUCCESS && now == context.handle)
            return;
        // Where this fails, so will the call that is to follow, and say why.
        pushed_ = cuda_.cuCtxPushCurrent_v2(context.handle) == CUDA_SUCCESS;
    }
    ~CudaCurrent() {
        CUcontext ignored = nullptr;
        if (pushed_)
            cuda_.cuCtxPopCurrent_v2(&ignored);
    }
    CudaCurrent(const CudaCurrent &) = delete;
    CudaCurrent &operator=(const CudaCurrent &) = delete;

  private:
    const api::Cuda &cuda_;
    bool pushed_ = false;
};

/// Finds the device that detection saw and retains its primary context.
base::Result<CudaContextPtr> open_cuda(const OpenRequest &request);

/// Host memory that was registered with the driver, as long as anybody uses it.
struct CudaRange : std::enable_shared_from_this<CudaRange> {
    CudaRange() = default;
    ~CudaRange();
    CudaRange(const CudaRange &) = delete;
    CudaRange &operator=(const CudaRange &) = delete;

    Lease lease;            ///< dropped after the destructor has run
    CudaContextPtr context; ///< whose call it was; NULL: it is not registered
    void *where = nullptr;
    uint64_t size_bytes = 0;
    bool read_only = false;
    CudaRange *next = nullptr; ///< of those of the process
};

struct CudaMemory final : Memory {
    /// How it is let go of.
    enum class Origin { Pool, Device, Host, Borrowed };

    CudaMemory(CudaContextPtr owner, Origin from) : context(std::move(owner)), origin(from) {}
    ~CudaMemory() override;
    uint64_t native() const override { return address; }
    void *host() const override { return where; }

    Lease lease;                      ///< dropped after the destructor has run
    std::shared_ptr<CudaRange> range; ///< of host memory in place
    CudaContextPtr context;
    Origin origin;
    CUdeviceptr address = 0;
    void *where = nullptr; ///< for the host; NULL: out of its reach
};

base::Result<std::shared_ptr<Memory>> allocate_cuda(const CudaContextPtr &context,
                                                    const MemoryRequest &request);
base::Result<std::shared_ptr<Memory>> wrap_cuda(const CudaContextPtr &context,
                                                const MemoryRequest &request);

/// True if the driver knows this host memory, by both its ends, as page-locked, so that copies need
/// no staging.
bool cuda_pinned(const CudaContext &context, const void *host, uint64_t size_bytes);

/// Lets copies between the two go from device to device, where the hardware can.
void connect_cuda(CudaContext &to, CudaContext &from);

/// What a queue can run: a kernel, or a recording of many.
struct CudaProgram : Program {
    CudaProgram(CudaContextPtr owner, bool is_recording)
        : context(std::move(owner)), recording(is_recording) {}

    CudaContextPtr context;
    const bool recording;
};

struct CudaKernel final : CudaProgram {
    explicit CudaKernel(CudaContextPtr owner) : CudaProgram(std::move(owner), false) {}
    ~CudaKernel() override;

    CUmodule module = nullptr;
    CUfunction function = nullptr;
    std::shared_ptr<LibraryWork> library; ///< puts its work in itself; then there is no function
    bool knows_params = false;
    std::vector<size_t> param_bytes;        ///< by place; scratch has none
    std::mutex mutex;                       ///< while the next one is raised
    std::atomic<uint32_t> dynamic_bytes{0}; ///< scratch that a launch may ask for as it is
};

/// Builds a kernel; what a compiler said goes to `log`.
base::Result<std::shared_ptr<Program>> build_cuda(const CudaContextPtr &context,
                                                  const CodeRequest &request, std::string &log);

/// The arguments of one launch as the driver takes them: an address of each. The room for them is
/// somebody else's, for as many as the launch has.
struct CudaParams {
    static constexpr size_t limit = 2048;

    void **list = nullptr;
    CUdeviceptr *addresses = nullptr;
    size_t count = 0;
    uint32_t shared_bytes = 0;
};

/// Room for one launch at a time.
struct CudaParamRoom {
    std::array<void *, CudaParams::limit> list;
    std::array<CUdeviceptr, CudaParams::limit> addresses;

    CudaParams params() { return {list.data(), addresses.data()}; }
};

/// Checks the arguments against what the kernel takes, and lays them out.
base::Done pack_cuda(CudaKernel &kernel, std::span<const Arg> args, const Shape &shape,
                     CudaParams &into);

/// Both, with the context current. What a library says besides goes to `said`.
CUresult launch_cuda(const CudaKernel &kernel, CudaParams &params, const Shape &shape,
                     CUstream stream, base::Done &said);

/// Many launches in one: a graph, or without such their list.
struct CudaRecording final : CudaProgram {
    explicit CudaRecording(CudaContextPtr owner) : CudaProgram(std::move(owner), true) {}
    ~CudaRecording() override;

    /// Adds a launch, with all that it uses. Recordings are taken apart.
    void keep(const Launch &launch);

    /// With the context current. What a library says besides goes to `said`.
    CUresult replay(CUstream stream, base::Done &said);

    /// One launch, with arguments of its own.
    struct Step {
        std::shared_ptr<Program> program;
        std::vector<Arg> args;
        std::vector<std::shared_ptr<Memory>> memories; ///< what the arguments point to
        std::vector<std::vector<std::byte>> values;    ///< and their data
        Shape shape;
    };

    std::vector<Step> steps;
    CUgraphExec graph = nullptr;
    std::mutex mutex; ///< a graph is launched by one thread at a time
};

base::Result<std::shared_ptr<Program>> record_cuda(const CudaContextPtr &context,
                                                   std::span<const Launch> launches);

} // namespace hwa::launch
