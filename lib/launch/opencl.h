// SPDX-License-Identifier: MIT
// What the files of the OpenCL runtime share: the context, what lives in it, and its work.
#pragma once

#include "api/opencl.h"
#include "launch/runtime.h"
#include "os/latch.h"

#include <atomic>
#include <deque>
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

/// One device opened; queues that share have one context.
struct ClContext {
    const api::OpenCl &cl;
    cl_device_id device = nullptr;
    cl_context handle = nullptr;
    Limits limits;
    std::string driver;   ///< platform, its version and that of the driver
    bool unified = false; ///< device and host use the same memory
    bool takes_il = false;

    explicit ClContext(const api::OpenCl &table) : cl(table) {}
    ~ClContext() {
        if (handle != nullptr)
            cl.clReleaseContext(handle);
    }
    ClContext(const ClContext &) = delete;
    ClContext &operator=(const ClContext &) = delete;
};
using ClContextPtr = std::shared_ptr<const ClContext>;

/// The loader, opened when the first queue asks for it and kept to the end of the process.
const base::Result<api::OpenCl> &opencl();

/// Finds the device that detection saw and makes a context on it.
base::Result<ClContextPtr> open_context(const core::Device &device, const core::Runtime &runtime);

struct ClMemory final : Memory {
    ClMemory(ClContextPtr owner, cl_mem memory) : context(std::move(owner)), handle(memory) {}
    ~ClMemory() override { context->cl.clReleaseMemObject(handle); }
    uint64_t native() const override { return reinterpret_cast<uintptr_t>(handle); }

    Lease lease;                    ///< dropped after the destructor has run
    std::shared_ptr<Memory> parent; ///< of a range of another memory
    ClContextPtr context;
    cl_mem handle;
};

struct ClProgram final : Program {
    explicit ClProgram(ClContextPtr owner) : context(std::move(owner)) {}
    ~ClProgram() override {
        if (kernel != nullptr)
            context->cl.clReleaseKernel(kernel);
        if (handle != nullptr)
            context->cl.clReleaseProgram(handle);
    }

    ClContextPtr context;
    cl_program handle = nullptr;
    cl_kernel kernel = nullptr; ///< keeps the arguments last set
    std::mutex mutex;           ///< from the first argument set to the launch
};

/// Builds a kernel; what the compiler said goes to `log`.
base::Result<std::shared_ptr<Program>> build_opencl(const ClContextPtr &context,
                                                    const CodeRequest &request, std::string &log);

/// One command. Its queue settles it, in order, once the driver says that it has ended.
struct ClEvent final : Event {
    explicit ClEvent(ClContextPtr owner) : context(std::move(owner)) {}
    ~ClEvent() override {
        if (handle != nullptr)
            context->cl.clReleaseEvent(handle);
    }

    ClContextPtr context;
    cl_event handle = nullptr;
    std::vector<std::shared_ptr<const void>> holds; ///< what the command uses
    std::atomic<bool> settled{false};
    std::optional<base::Error> failure; ///< this and the next are set before `settled`
    uint64_t elapsed_ns = 0;

    std::mutex mutex;                 ///< for the next one alone
    std::shared_ptr<os::Latch> ended; ///< opened by the driver, once somebody waits with a deadline
};

/// The commands of a queue that have not been settled, oldest first.
class ClBacklog {
  public:
    explicit ClBacklog(bool timed) : timed_(timed) {}

    void push(std::shared_ptr<ClEvent> event);
    /// Timeout, or how it went.
    base::Done wait(const ClEvent &event, uint64_t timeout_ns);
    base::Done wait_all(uint64_t timeout_ns);
    /// Settles what has ended; false once a command is known to have failed.
    bool tidy();
    uint64_t elapsed_ns(const ClEvent &event);

  private:
    using Holds = std::vector<std::shared_ptr<const void>>;

    void settle_through(const ClEvent &event);
    std::shared_ptr<ClEvent> settle_front(Holds &held);

    std::mutex mutex_;
    std::deque<std::shared_ptr<ClEvent>> open_;
    std::shared_ptr<ClEvent> last_;
    std::optional<base::Error> failure_;
    bool timed_;
};

} // namespace hwa::launch
