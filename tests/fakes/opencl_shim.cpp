// SPDX-License-Identifier: MIT
// An OpenCL loader that hands every call on to the system's, counts them, and goes wrong on demand.
//
// Built with SHIM_OLD it has only what the first version of OpenCL had.
#include "opencl_shim.h"

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <tuple>
#include <unistd.h>

namespace {

constexpr int name_limit = 64;
constexpr int table_limit = 4096;

struct Row {
    char name[name_limit];
    unsigned long calls;
    int countdown; ///< calls until the fault; -1: every one
    int code;
};

/// An event of a command that went wrong.
struct Marked {
    cl_event event;
    int status;
};

std::mutex mutex;
Row rows[128];
int row_count;
Marked marked[table_limit];
int marked_count;

Row &row_of(const char *name) {
    for (int i = 0; i < row_count; ++i)
        if (std::strcmp(rows[i].name, name) == 0)
            return rows[i];
    Row &made = rows[row_count++];
    std::snprintf(made.name, sizeof made.name, "%s", name);
    return made;
}

/// Counts a call; CL_SUCCESS unless it is to fail.
int count(const char *name) {
    const std::lock_guard lock(mutex);
    Row &row = row_of(name);
    ++row.calls;
    if (row.code == CL_SUCCESS || (row.countdown > 0 && --row.countdown > 0))
        return CL_SUCCESS;
    const int code = row.code;
    if (row.countdown == 0)
        row.code = CL_SUCCESS;
    return code;
}

void mark(cl_event event, int status) {
    const std::lock_guard lock(mutex);
    if (marked_count < table_limit)
        marked[marked_count++] = {event, status};
}

/// CL_COMPLETE for all but the marked ones.
int mark_of(cl_event event) {
    const std::lock_guard lock(mutex);
    for (int i = marked_count; i-- > 0;)
        if (marked[i].event == event)
            return marked[i].status;
    return CL_COMPLETE;
}

void *real(const char *name) {
    static void *const handle = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    return handle == nullptr ? nullptr : dlsym(handle, name);
}

[[noreturn]] void stop_for_ever() {
    for (;;)
        pause();
}

/// Calls come here under the name of `Name`.
template <class Name, class Function> struct Forward;
template <class Name, class R, class... A> struct Forward<Name, R (*)(A...)> {
    static R call(A... given) {
        static const auto next = reinterpret_cast<R (*)(A...)>(real(Name::text));
        const int code = count(Name::text);
        if (code != CL_SUCCESS || next == nullptr)
            return fail(code != CL_SUCCESS ? code : CL_PLATFORM_NOT_FOUND_KHR, given...);
        return Name::after(next, given...);
    }

    /// What makes something gives NULL and has its code in the last argument.
    static R fail(int code, A... given) {
        if constexpr (std::is_same_v<R, cl_int>) {
            return code;
        } else {
            const auto last = std::get<sizeof...(A) - 1>(std::make_tuple(given...));
            if constexpr (std::is_same_v<decltype(last), cl_int *const>)
                if (last != nullptr)
                    *last = code;
            return R{};
        }
    }
};

/// What most functions do besides: nothing.
struct Plain {
    template <class F, class... A> static auto after(F next, A... given) { return next(given...); }
};

std::atomic<unsigned> slow_ms;
std::atomic<int> building;

struct Build {
    template <class F, class... A> static auto after(F next, A... given) {
        ++building;
        const auto code = next(given...);
        usleep(1000 * slow_ms);
        --building;
        return code;
    }
};

std::atomic<cl_event> latest; ///< kept when shim_slow() was called, so that it can be asked

void keep(cl_event event) {
    static const auto retain = reinterpret_cast<decltype(&clRetainEvent)>(real("clRetainEvent"));
    if (slow_ms != 0 && retain(event) == CL_SUCCESS)
        latest = event;
}

/// Its event is the last argument.
struct Launch {
    template <class F, class... A> static cl_int after(F next, A... given) {
        const cl_int code = next(given...);
        cl_event *const event = std::get<sizeof...(A) - 1>(std::make_tuple(given...));
        const int fault = count("kernel");
        if (code == CL_SUCCESS && event != nullptr) {
            mark(*event, fault);
            keep(*event);
        }
        return code;
    }
};

struct Ask {
    template <class F>
    static cl_int after(F next, cl_event event, cl_event_info what, size_t room, void *into,
                        size_t *size) {
        const cl_int code = next(event, what, room, into, size);
        const int fault = mark_of(event);
        if (what == CL_EVENT_COMMAND_EXECUTION_STATUS && code == CL_SUCCESS && into != nullptr &&
            fault != CL_COMPLETE && (fault > 0 || *static_cast<cl_int *>(into) == CL_COMPLETE))
            *static_cast<cl_int *>(into) = fault;
        return code;
    }
};

struct Wait {
    template <class F> static cl_int after(F next, cl_uint number, const cl_event *events) {
        const cl_int code = next(number, events);
        for (cl_uint i = 0; i < number; ++i) {
            if (mark_of(events[i]) > 0)
                stop_for_ever();
            if (mark_of(events[i]) < 0)
                return CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
        }
        return code;
    }
};

/// A callback of the caller's.
struct Told {
    void(CL_CALLBACK *notify)(cl_event, cl_int, void *);
    void *user;
};

[[maybe_unused]] void CL_CALLBACK tell(cl_event event, cl_int status, void *user) {
    const Told told = *static_cast<Told *>(user);
    const int fault = mark_of(event);
    if (fault > 0)
        return;
    delete static_cast<Told *>(user);
    told.notify(event, fault < 0 ? fault : status, told.user);
}

struct Callback {
    template <class F, class N>
    static cl_int after(F next, cl_event event, cl_int when, N notify, void *user) {
        return next(event, when, tell, new Told{notify, user});
    }
};

std::atomic<clEnqueueCommandBufferKHR_fn> next_buffer;

[[maybe_unused]] cl_int CL_API_CALL enqueue_buffer(cl_uint number, cl_command_queue *queues,
                                                   cl_command_buffer_khr buffer, cl_uint wait_count,
                                                   const cl_event *waits, cl_event *event) {
    const int code = count("clEnqueueCommandBufferKHR");
    return code != CL_SUCCESS
               ? code
               : next_buffer.load()(number, queues, buffer, wait_count, waits, event);
}

struct Extension {
    template <class F> static void *after(F next, cl_platform_id platform, const char *name) {
        void *const found = next(platform, name);
        if (found == nullptr || std::strcmp(name, "clEnqueueCommandBufferKHR") != 0)
            return found;
        next_buffer = reinterpret_cast<clEnqueueCommandBufferKHR_fn>(found);
        return reinterpret_cast<void *>(enqueue_buffer);
    }
};

/// The intermediate language that devices are to take; what is made of it.
const void *il_bytes;
size_t il_size;
const char *il_source;

struct Info {
    template <class F>
    static cl_int after(F next, cl_device_id of, cl_device_info what, size_t room, void *into,
                        size_t *size) {
        if (what != CL_DEVICE_IL_VERSION)
            return next(of, what, room, into, size);
        const char *text = il_source != nullptr ? "SPIR-V_1.2" : "";
        const size_t bytes = std::strlen(text) + 1;
        if (into != nullptr && room < bytes)
            return CL_INVALID_VALUE;
        if (into != nullptr)
            std::memcpy(into, text, bytes);
        if (size != nullptr)
            *size = bytes;
        return CL_SUCCESS;
    }
};

struct Il {
    template <class F>
    static cl_program after(F, cl_context context, const void *bytes, size_t size, cl_int *code) {
        static const auto from_source = reinterpret_cast<decltype(&clCreateProgramWithSource)>(
            real("clCreateProgramWithSource"));
        if (size == il_size && std::memcmp(bytes, il_bytes, size) == 0)
            return from_source(context, 1, &il_source, nullptr, code);
        *code = CL_INVALID_VALUE;
        return nullptr;
    }
};

template <class Name> struct Behaviour : Plain {};
template <> struct Behaviour<struct of_clGetDeviceInfo> : Info {};
template <> struct Behaviour<struct of_clCreateProgramWithIL> : Il {};
template <> struct Behaviour<struct of_clBuildProgram> : Build {};
template <> struct Behaviour<struct of_clEnqueueNDRangeKernel> : Launch {};
template <> struct Behaviour<struct of_clGetEventInfo> : Ask {};
template <> struct Behaviour<struct of_clWaitForEvents> : Wait {};
template <> struct Behaviour<struct of_clSetEventCallback> : Callback {};
template <> struct Behaviour<struct of_clGetExtensionFunctionAddressForPlatform> : Extension {};

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

#define HWA_REQUIRED(name)                                                                         \
    namespace {                                                                                    \
    struct of_##name : Behaviour<struct of_##name> {                                               \
        static constexpr const char *text = #name;                                                 \
    };                                                                                             \
    }                                                                                              \
    extern "C" decltype(&::name) resolve_##name() {                                                \
        return Forward<of_##name, decltype(&::name)>::call;                                        \
    }                                                                                              \
    EXPORT decltype(::name) name __attribute__((ifunc("resolve_" #name)));
#ifdef SHIM_OLD
#define HWA_OPTIONAL(name)
HWA_REQUIRED(clCreateCommandQueue)
#else
#define HWA_OPTIONAL(name) HWA_REQUIRED(name)
#endif
#include "api/opencl.def"

EXPORT unsigned long shim_calls(const char *name) {
    const std::lock_guard lock(mutex);
    if (name != nullptr)
        return row_of(name).calls;
    unsigned long sum = 0;
    for (int i = 0; i < row_count; ++i)
        if (std::strncmp(rows[i].name, "cl", 2) == 0 &&
            std::strncmp(rows[i].name, "clRelease", 9) != 0)
            sum += rows[i].calls;
    return sum;
}

EXPORT void shim_fault(const char *call, int nth, int code) {
    const std::lock_guard lock(mutex);
    Row &row = row_of(call);
    row.countdown = nth;
    row.code = code;
}

EXPORT void shim_il(const void *bytes, size_t size_bytes, const char *source) {
    il_bytes = bytes;
    il_size = size_bytes;
    il_source = source;
}

EXPORT void shim_slow(unsigned milliseconds) {
    slow_ms = milliseconds;
}

EXPORT int shim_busy(void) {
    static const auto ask = reinterpret_cast<decltype(&clGetEventInfo)>(real("clGetEventInfo"));
    cl_int status = CL_COMPLETE;
    if (latest != nullptr)
        ask(latest, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    return building != 0 || status > CL_COMPLETE;
}

EXPORT void shim_reset(void) {
    const std::lock_guard lock(mutex);
    for (int i = 0; i < row_count; ++i)
        rows[i].code = CL_SUCCESS;
    marked_count = 0;
}
