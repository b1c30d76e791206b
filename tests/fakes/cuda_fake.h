/* SPDX-License-Identifier: MIT */
/* What the parts of the fake CUDA driver share. One lock guards all of it; the threads of streams
   do their work outside of it. */
#ifndef HWA_TESTS_CUDA_FAKE_H
#define HWA_TESTS_CUDA_FAKE_H

#include "cuda_abi.h"
#include "cuda_kernel.h"
#include "fault.h"

#include <pthread.h>
#include <stdbool.h>

enum { DEVICES = 8, NAMES = 128 };

/* ---- The scenario --------------------------------------------------------------------------- */

struct device {
    char name[NAMES];
    unsigned char uuid[16];
    unsigned domain, bus, slot;
    size_t memory;
    size_t used;
    int attributes[CU_DEVICE_ATTRIBUTE_MAX];
    unsigned peers; /* bit per device that it can reach */
    CUcontext primary;
    unsigned primary_flags;
    CUmemoryPool pool;
};

extern struct device devices[DEVICES];
extern int device_count;
extern int driver_version;
extern int peer_copies; /* whether copies between devices without peer access are staged */

void scenario_read(void);
/* The code that a call is to fail with by the scenario, each call counted; else CUDA_SUCCESS. */
CUresult scenario_result(const char *call);
bool scenario_hides(const char *symbol);

/* ---- Calls ---------------------------------------------------------------------------------- */

enum need { NEEDS_NOTHING, NEEDS_INIT, NEEDS_CONTEXT };

/* Takes the lock, unless it refuses. */
CUresult call_begin(const char *name, enum need need);
/* Lets go of the lock. */
CUresult call_end(CUresult result);

#define BEGIN(need)                                                                                \
    do {                                                                                           \
        const CUresult begun_ = call_begin(__func__, need);                                        \
        if (begun_ != CUDA_SUCCESS)                                                                \
            return begun_;                                                                         \
    } while (0)
#define END(result) return call_end(result)
/* Inside a call: refuses with the code unless the condition holds. */
#define REFUSE_UNLESS(condition, code)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return call_end(code);                                                                 \
    } while (0)
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const CUresult tried_ = (call);                                                            \
        if (tried_ != CUDA_SUCCESS)                                                                \
            return call_end(tried_);                                                               \
    } while (0)

extern pthread_mutex_t the_lock;
extern pthread_cond_t progress; /* something has ended */
extern _Thread_local int in_host_function;
/* What the call that began last is to do wrong. */
extern _Thread_local enum fault call_fault;

/* ---- Contexts ------------------------------------------------------------------------------- */

enum magic { CONTEXT = 0xc0de0001, STREAM, EVENT, MODULE, FUNCTION, GRAPH, NODE, EXEC, POOL };

struct CUctx_st {
    enum magic magic; /* 0 once it is destroyed */
    int device;
    unsigned flags;
    bool primary;
    int retained;
    unsigned peers; /* bit per device whose memory it may use */
    CUresult sticky;
    CUstream legacy; /* its default stream */
    size_t limits[3];
    CUcontext next;
};

CUcontext context_current(void);
bool context_good(CUcontext context);
/* A context in place of NULL or another handle; NULL where there is none. */
CUcontext context_make(int device, unsigned flags, bool primary);
/* Its primary context as the public calls see it: NULL while nobody retains it. */
void context_end(CUcontext context);

/* ---- Memory --------------------------------------------------------------------------------- */

enum memory_kind { ON_DEVICE, PINNED, REGISTERED, OF_MODULE };

struct memory {
    uintptr_t base;
    size_t size;
    enum memory_kind kind;
    int device;
    CUcontext context;
    CUmemoryPool pool;
    unsigned flags;
    void *block;         /* what was taken of the system */
    size_t block_size;   /* of a mapping, else 0 */
    bool going;          /* cuMemFreeAsync() was called */
    const void *library; /* that it is a variable of */
};

struct CUmemPoolHandle_st {
    enum magic magic;
    int device;
    size_t used, used_high, reserved, reserved_high;
    uint64_t threshold;
    unsigned access; /* bit per device */
    bool given;      /* the device's own */
};

/* The memory that an address lies in, one past its end included; NULL for none. */
struct memory *memory_at(uintptr_t address);
/* CUDA_SUCCESS where a range of memory of the device can be used in the context. */
CUresult memory_usable(CUcontext context, CUdeviceptr address, size_t size);
/* How much of a range of the host is page-locked. */
size_t memory_locked(uintptr_t address, size_t size);
bool memory_reached(CUcontext context, const struct memory *memory);
CUresult memory_make(CUcontext context, size_t size, CUmemoryPool pool, CUdeviceptr *into);
void memory_add(const struct memory *memory);
void memory_drop(uintptr_t base);
void memory_end(CUcontext context);
void memory_drop_module(const void *library);
/* False if anything was written beside it. */
bool memory_whole(const struct memory *memory);

/* ---- Streams -------------------------------------------------------------------------------- */

struct mark { /* a record of an event */
    int users;
    CUstream stream;
    uint64_t place;
    uint64_t time_ns; /* 0 until it is reached */
};

struct launch {
    CUfunction function;
    unsigned grid[3], block[3], shared;
    void *params; /* packed, by the offsets of the kernel */
};

enum kind {
    COPY,
    FILL,
    KERNEL,
    HOST,
    CALLBACK,
    WAIT,
    MARK,
    WAIT_VALUE,
    WRITE_VALUE,
    FREE,
    RUN,
    NOP
};

struct work {
    enum kind kind;
    union {
        struct {
            void *to;
            const void *from;
            size_t size;
            void *staged; /* to be freed */
        } copy;
        struct {
            void *to;
            size_t count;
            unsigned width, value;
        } fill;
        struct launch launch;
        struct {
            CUhostFn call;
            CUstreamCallback callback;
            void *user;
        } host;
        struct {
            CUstream stream;
            uint64_t place;
        } wait;
        struct mark *mark;
        struct {
            void *address;
            uint64_t value;
            unsigned flags, width;
        } value;
        uintptr_t freed;
        CUgraphExec exec;
    };
    struct work *next;
    uint64_t place;
};

struct CUstream_st {
    enum magic magic; /* 0 once it is destroyed */
    CUcontext context;
    unsigned flags;
    int priority;
    struct work *first, **last;
    uint64_t put, done; /* work is numbered from 1 on, for as long as the process lives */
    pthread_cond_t arrival;
    CUgraph capture; /* NULL: it does not capture */
    bool origin;     /* of the capture */
    bool broken;     /* the capture is invalid */
    CUstream next;
};

/* The stream of a handle of the current context, the default one for NULL; else NULL. */
CUstream stream_of(CUstream handle);
CUstream stream_make(CUcontext context, unsigned flags, int priority);
void stream_close(CUstream stream);
/* Takes over what the work points to. On a stream that captures, the work becomes a node. */
CUresult stream_put(CUstream stream, const struct work *work);
/* Lets go of the lock until the stream has got that far. */
CUresult stream_reach(CUstream stream, uint64_t place);
CUresult context_finish(CUcontext context);
bool context_busy(CUcontext context);
void streams_close(CUcontext context);
/* Does it, outside the lock. */
CUresult work_do(CUstream stream, struct work *work);
void work_drop(struct work *work);

/* ---- Modules -------------------------------------------------------------------------------- */

struct CUfunc_st {
    enum magic magic;
    CUmodule module;
    const char *name;
    const struct fake_kernel *kernel;
    bool barriers; /* whether its threads may meet */
    int static_shared, dynamic_shared;
    CUfunction next;
};

struct CUmod_st {
    enum magic magic;
    CUcontext context;
    void *library;
    struct fake_place *(*place)(void);
    int architecture, ptx_version;
    CUfunction functions;
    CUmodule next;
};

bool function_good(CUfunction function);
/* Whether a launch is within the limits; fills the packed parameters. */
CUresult launch_check(struct launch *launch, void **params, void **extra);
CUresult launch_run(const struct launch *launch);
void modules_close(CUcontext context);

/* Graphs: what a capturing stream adds to, and what RUN does. */
CUresult graph_append(CUgraph graph, const struct work *work);
CUresult exec_run(CUstream stream, CUgraphExec exec);
void exec_unuse(CUgraphExec exec);
CUgraph graph_make(void);
void graph_drop(CUgraph graph);

uint64_t now_ns(void);

#endif
