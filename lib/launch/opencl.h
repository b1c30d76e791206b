// SPDX-License-Identifier: MIT
// What the files of the OpenCL runtime share: the context, what lives in it, and its work.
#pragma once

#include "api/opencl.h"
#include "base/blocks.h"
#include "base/ring.h"
#include "launch/cache.h"
#include "launch/runtime.h"
#include "os/latch.h"

#include <atomic>
#include <mutex>
#include <optional>

namespace hwa::launch {

/// A failed call: what its code means to a caller, and the driver's own name for it.
base::Error opencl_failure(const char *call, cl_int code);

#define HWA_CL(call, code)                                                                         \
    do {                                                                                           \
        if (const cl_int code_ = (code); code_ != CL_SUCCESS)                                      \
            return opencl_failure(call, code_);                                                    \
    } while (false)

/// cl_khr_command_buffer, where the device has it: lists of commands that are put in as one.
struct ClCommandBuffers {
    clCreateCommandBufferKHR_fn create = nullptr; ///< NULL: there are none
    clFinalizeCommandBufferKHR_fn finalize = nullptr;
    clReleaseCommandBufferKHR_fn release = nullptr;
    clEnqueueCommandBufferKHR_fn enqueue = nullptr;
    clCommandNDRangeKernelKHR_fn launch = nullptr;
};

struct ClContext;

/// The same for work of an open device, which may be gone by now.
base::Error opencl_failure(const ClContext &context, const char *call, cl_int code);

/// One device opened; queues that share have one context.
struct ClContext {
    const api::OpenCl &cl;
    cl_device_id device = nullptr;
    cl_context handle = nullptr;
    Limits limits;
    ClCommandBuffers buffers;
    std::string driver;   ///< platform, its version and that of the driver
    std::string identity; ///< all that decides whether a built program fits
    bool unified = false; ///< device and host use the same memory
    bool takes_il = false;
    /// pocl compiles a kernel for the size of a group when that is first launched, and tells of it
    /// in the binary, but of each program object what it was when first asked.
    bool compiles_late = false;
    /// User events that work may wait for, less those that went well. When one of them fails, pocl
    /// 3.1 tells whoever asks, but neither wakes who is in clWaitForEvents nor calls back.
    mutable std::atomic<uint32_t> gates{0};
    /// Held while a command is put in that waits for something: no gate may fail just then, for it
    /// would never begin either.
    mutable std::mutex door;
    bool polls_block = false; ///< asking about an event waits for it, and so does a callback
    mutable std::atomic<uint32_t> lanes{0}; ///< queues that it has
    mutable std::atomic<uint64_t> parts{0}; ///< buffer objects so far
    std::shared_ptr<base::Blocks> blocks = std::make_shared<base::Blocks>(); ///< of its events

    explicit ClContext(const api::OpenCl &table) : cl(table) {}
    ~ClContext() {
        if (handle != nullptr)
            cl.clReleaseContext(handle);
    }
    ClContext(const ClContext &) = delete;
    ClContext &operator=(const ClContext &) = delete;
};
using ClContextPtr = std::shared_ptr<const ClContext>;

/// Finds the device that detection saw and makes a context on it. The loader is opened when the
/// first queue asks for it, and kept to the end of the process.
base::Result<ClContextPtr> open_context(const OpenRequest &request);

/// A buffer object, or a part of one that is an argument.
struct ClPart {
    ClPart(ClContextPtr owner, cl_mem memory)
        : context(std::move(owner)), handle(memory), number(++context->parts) {}
    ~ClPart() { context->cl.clReleaseMemObject(handle); }
    ClPart(const ClPart &) = delete;
    ClPart &operator=(const ClPart &) = delete;

    ClContextPtr context;
    cl_mem handle;
    uint64_t number; ///< no other of the context has or had it, as may be with a handle
};

struct ClMemory final : Memory {
    ClMemory(ClContextPtr owner, cl_mem memory) : part(std::move(owner), memory) {}
    uint64_t native() const override { return reinterpret_cast<uintptr_t>(part.handle); }

    /// A kernel is told no offset: a range that does not start at 0 is an object of its own. The
    /// latest of them are kept, for the next launch mostly asks for the same.
    base::Result<std::shared_ptr<ClPart>> range(uint64_t offset, uint64_t size_bytes);

    Lease lease;             ///< dropped after `part`
    uint64_t size_bytes = 0; ///< as it was asked for
    ClPart part;
    void *mapped = nullptr; ///< while it is

  private:
    struct Range {
        uint64_t offset = 0;
        uint64_t size_bytes = 0;
        std::shared_ptr<ClPart> part;
    };
    std::mutex mutex_; ///< for the ranges
    std::array<Range, 8> ranges_;
    size_t oldest_ = 0;
};

/// What a kernel was last told of one argument, so that it need not be told again.
struct ClTold {
    static constexpr uint64_t nothing = 0;
    static constexpr uint64_t part = UINT64_MAX;

    uint64_t kind = nothing; ///< one of these, or the size of a value
    uint64_t content = 0;    ///< the number of the part, or the value

    bool operator==(const ClTold &) const = default;
};

/// A kernel object; it keeps the arguments last set.
struct ClKernel {
    cl_kernel handle = nullptr;
    std::vector<ClTold> told; ///< by place
};

/// Where the binary of a program is kept, and how much of it.
struct ClKept {
    std::shared_ptr<const Cache> cache; ///< NULL: nowhere
    std::string key;
    size_t size_bytes = 0;
};

struct ClRecording;

struct ClProgram final : Program {
    explicit ClProgram(ClContextPtr owner);
    ~ClProgram() override;

    ClContextPtr context;
    cl_program handle = nullptr;
    ClKernel kernel;
    std::string entry;
    std::mutex mutex; ///< from the first argument set to the launch, where queues share
    std::unique_ptr<ClRecording> recording; ///< in place of a kernel
    ClKept kept;                            ///< set where launches add to the binary
    bool launched = false;
};

/// Builds a kernel, or takes it from the cache, which may be NULL; what the compiler said goes to
/// `log`.
base::Result<std::shared_ptr<Program>> build_opencl(const ClContextPtr &context,
                                                    const CodeRequest &request,
                                                    const std::shared_ptr<Cache> &cache,
                                                    std::string &log);

/// A program from what binary_of() gave. Unsupported if it is damaged or of another device.
base::Result<cl_program> program_from_binary(const ClContext &context, std::span<const char> bytes);

/// What the driver made of a built program; "" if it does not tell, or in a form not known here.
std::string binary_of(const ClContext &context, cl_program program);

/// What a command uses, from the blocks of its context.
using ClHolds =
    std::vector<std::shared_ptr<const void>, base::BlockAllocator<std::shared_ptr<const void>>>;

/// Something that work waits for in the driver: an event of another queue, or a gate.
struct ClCause {
    virtual ~ClCause() = default;
    /// How it went. It is over already, unless the driver let the work go for another reason.
    virtual base::Done outcome() = 0;
};
using ClCauses = std::vector<std::shared_ptr<ClCause>>;

/// What the driver tells of the end of a command when it calls back.
struct ClEnd {
    os::Latch latch;
    cl_int status = CL_QUEUED; ///< set before the latch is opened
};

class ClBacklog;

/// One piece of work. Its queue settles it, in order, once the driver says that it has ended.
struct ClEvent final : Event {
    explicit ClEvent(ClContextPtr owner)
        : context(std::move(owner)), holds(base::BlockAllocator<char>(context->blocks)) {}
    ~ClEvent() override { release(); }
    void release();
    /// Makes it as good as new for other work; nobody else has it.
    void renew();

    ClContextPtr context;
    cl_event handle = nullptr; ///< of its last command
    cl_event first = nullptr;  ///< of its first, where there are several and the queue is timed
    ClHolds holds;
    bool lengthy = false;                 ///< many commands: not worth looking at all the time
    std::atomic<cl_int> known{CL_QUEUED}; ///< its last status, once that was told unasked
    std::atomic<bool> caused{false};      ///< whether there are `causes`
    std::optional<base::Error> doom;      ///< why it fails, known when it was put in
    std::optional<base::Error> failure;   ///< this and the next are set before `settled`
    uint64_t elapsed_ns = 0;
    bool taken = false; ///< out of the backlog, whose mutex this is under, by one who settles it
    os::Latch settled;  ///< opened when what it held is let go

    std::shared_ptr<ClEnd> armed; ///< in place of asking, where that blocks; set from the start

    std::mutex mutex;             ///< for the next two alone
    std::shared_ptr<ClEnd> ended; ///< once somebody waits with a deadline
    ClCauses causes;
};

/// Has the driver call back when the work ends; NULL if it cannot.
std::shared_ptr<ClEnd> arm(const ClEvent &event);

/// The work of a queue that has not been settled, oldest first.
class ClBacklog {
  public:
    explicit ClBacklog(bool timed) : timed_(timed) {}

    /// An event for work to come: one that has served, if its last user is gone.
    std::shared_ptr<ClEvent> begin(const ClContextPtr &context);
    /// Takes in work that the driver has; with `tidying` it settles what has ended before that.
    void push(std::shared_ptr<ClEvent> event, bool tidying);
    /// Takes in work that was not given to the driver, or not all of it. Once all before it is
    /// over, it fails with `why`, or for what failed first if that is NULL.
    void doom(std::shared_ptr<ClEvent> event, const base::Error *why);
    /// Timeout, or how it went. Without a deadline it waits in the driver, else in callbacks.
    base::Done wait(const ClEvent &event, uint64_t timeout_ns);
    base::Done wait_all(uint64_t timeout_ns);
    /// Settles what has ended.
    void tidy();
    /// False once something put in is known to fail.
    bool is_sound() const { return sound_.load(std::memory_order_relaxed); }
    uint64_t elapsed_ns(const ClEvent &event);
    /// The latest work; NULL if there was none.
    std::shared_ptr<ClEvent> last();
    /// Whether the driver is done with all that was put in. Asks it, and settles nothing.
    bool is_idle();
    bool timed() const { return timed_; }

  private:
    std::shared_ptr<ClEvent> settle(std::unique_lock<std::mutex> &lock, const ClEvent *through);
    void conclude(ClEvent &event, cl_int status);

    std::mutex mutex_;
    base::Ring<std::shared_ptr<ClEvent>> open_;
    base::Ring<std::shared_ptr<ClEvent>> spare_; ///< settled, and perhaps still looked at
    std::shared_ptr<ClEvent> next_;              ///< taken from there; the queue's thread alone
    std::shared_ptr<ClEvent> last_;              ///< that was put in
    std::optional<base::Error> failure_;         ///< the first one, of work that is over
    std::atomic<size_t> open_count_{0};          ///< how many are in open_
    std::atomic<bool> sound_{true};              ///< false once something put in is known to fail
    const bool timed_;
};

} // namespace hwa::launch
