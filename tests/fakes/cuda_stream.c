/* SPDX-License-Identifier: MIT */
/* Streams of the fake CUDA driver: each is a thread that does its work in order. */
#include "cuda_fake.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static CUstream streams; /* all that ever were; those given back are used again */

static CUstream context_stream(CUcontext context) {
    return context == NULL ? NULL : context->legacy;
}

static bool stream_known(CUstream stream) {
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at == stream)
            return at->magic == STREAM;
    return false;
}

CUstream stream_of(CUstream handle) {
    if (handle == NULL || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD)
        return context_stream(context_current());
    return stream_known(handle) && context_good(handle->context) ? handle : NULL;
}

/* ---- What a stream does ---------------------------------------------------------------------- */

static void do_fill(const struct work *work) {
    char *to = work->fill.to;
    if (work->fill.width == 1) {
        memset(to, (int)work->fill.value, work->fill.count);
        return;
    }
    for (size_t i = 0; i < work->fill.count; ++i)
        memcpy(to + i * work->fill.width, &work->fill.value, work->fill.width);
}

static bool value_reached(const struct work *work) {
    const uint64_t mask = work->value.width == 4 ? UINT32_MAX : UINT64_MAX;
    const uint64_t now = work->value.width == 4 ? *(volatile uint32_t *)work->value.address
                                                : *(volatile uint64_t *)work->value.address;
    const uint64_t wanted = work->value.value & mask;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    switch (work->value.flags & 3u) {
    case CU_STREAM_WAIT_VALUE_GEQ: /* cyclically */
        return work->value.width == 4 ? (int32_t)(now - wanted) >= 0 : (int64_t)(now - wanted) >= 0;
    case CU_STREAM_WAIT_VALUE_EQ:
        return now == wanted;
    case CU_STREAM_WAIT_VALUE_AND:
        return (now & wanted) != 0;
    default:
        return (~(now | wanted) & mask) != 0;
    }
}

static CUresult wait_value(CUstream stream, const struct work *work) {
    while (!value_reached(work)) {
        if (__atomic_load_n(&stream->context->sticky, __ATOMIC_RELAXED) != CUDA_SUCCESS)
            return CUDA_SUCCESS;
        usleep(50);
    }
    return CUDA_SUCCESS;
}

static void write_value(const struct work *work) {
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (work->value.width == 4)
        *(volatile uint32_t *)work->value.address = (uint32_t)work->value.value;
    else
        *(volatile uint64_t *)work->value.address = work->value.value;
}

static void call_host(CUstream stream, const struct work *work) {
    in_host_function = 1;
    if (work->kind == HOST)
        work->host.call(work->host.user);
    else
        work->host.callback(stream, stream->context->sticky, work->host.user);
    in_host_function = 0;
}

static void wait_stream(const struct work *work) {
    const CUstream other = work->wait.stream;
    pthread_mutex_lock(&the_lock);
    while (other->done < work->wait.place)
        pthread_cond_wait(&progress, &the_lock);
    pthread_mutex_unlock(&the_lock);
}

CUresult work_do(CUstream stream, struct work *work) {
    /* After a fault nothing of the context runs, but what waits is told. */
    const bool dead = stream->context->sticky != CUDA_SUCCESS;
    switch (work->kind) {
    case COPY:
        if (!dead)
            memmove(work->copy.to, work->copy.from, work->copy.size);
        return CUDA_SUCCESS;
    case FILL:
        if (!dead)
            do_fill(work);
        return CUDA_SUCCESS;
    case KERNEL:
        return dead ? CUDA_SUCCESS : launch_run(&work->launch);
    case HOST:
        /* A host function is not run once the context has an error; a callback is told of it. */
        if (dead)
            return CUDA_SUCCESS;
        /* fall through */
    case CALLBACK:
        call_host(stream, work);
        return CUDA_SUCCESS;
    case WAIT:
        wait_stream(work);
        return CUDA_SUCCESS;
    case MARK:
        work->mark->time_ns = now_ns();
        return CUDA_SUCCESS;
    case WAIT_VALUE:
        return wait_value(stream, work);
    case WRITE_VALUE:
        if (!dead)
            write_value(work);
        return CUDA_SUCCESS;
    case RUN:
        return dead ? CUDA_SUCCESS : exec_run(stream, work->exec);
    case FREE:
    case NOP:
        break;
    }
    return CUDA_SUCCESS;
}

/* Under the lock. */
void work_drop(struct work *work) {
    if (work->kind == COPY)
        free(work->copy.staged);
    else if (work->kind == KERNEL)
        free(work->launch.params);
    else if (work->kind == MARK && --work->mark->users == 0)
        free(work->mark);
    else if (work->kind == FREE)
        memory_drop(work->freed);
    else if (work->kind == RUN)
        exec_unuse(work->exec);
}

static void *stream_thread(void *argument) {
    const CUstream stream = argument;
    pthread_mutex_lock(&the_lock);
    for (;;) {
        struct work *work = stream->first;
        if (work == NULL) {
            pthread_cond_wait(&stream->arrival, &the_lock);
            continue;
        }
        pthread_mutex_unlock(&the_lock);
        const CUresult result = work_do(stream, work);
        pthread_mutex_lock(&the_lock);
        if (result != CUDA_SUCCESS && stream->context->sticky == CUDA_SUCCESS)
            stream->context->sticky = result;
        stream->first = work->next;
        if (stream->first == NULL)
            stream->last = &stream->first;
        stream->done = work->place;
        work_drop(work);
        free(work);
        pthread_cond_broadcast(&progress);
    }
    return NULL;
}

/* ---- Putting work in ------------------------------------------------------------------------- */

static CUresult put(CUstream stream, const struct work *work) {
    struct work *item = malloc(sizeof *item);
    if (item == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    *item = *work;
    item->next = NULL;
    item->place = ++stream->put;
    *stream->last = item;
    stream->last = &item->next;
    pthread_cond_signal(&stream->arrival);
    return CUDA_SUCCESS;
}

static CUresult put_wait(CUstream stream, CUstream other) {
    if (other->done == other->put)
        return CUDA_SUCCESS;
    const struct work work = {.kind = WAIT, .wait = {other, other->put}};
    return put(stream, &work);
}

/* The default stream and those not made non-blocking wait for each other. */
static CUresult put_order(CUstream stream) {
    const CUstream legacy = stream->context->legacy;
    if ((stream->flags & CU_STREAM_NON_BLOCKING) != 0)
        return CUDA_SUCCESS;
    if (stream != legacy)
        return put_wait(stream, legacy);
    CUresult result = CUDA_SUCCESS;
    for (CUstream at = streams; at != NULL && result == CUDA_SUCCESS; at = at->next)
        if (at->magic == STREAM && at->context == stream->context && at != legacy &&
            (at->flags & CU_STREAM_NON_BLOCKING) == 0)
            result = put_wait(stream, at);
    return result;
}

CUresult stream_put(CUstream stream, const struct work *work) {
    if (stream->capture != NULL) {
        if (stream->broken)
            return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        return graph_append(stream->capture, work);
    }
    const CUresult result = put_order(stream);
    return result == CUDA_SUCCESS ? put(stream, work) : result;
}

CUresult stream_reach(CUstream stream, uint64_t place) {
    const CUcontext context = stream->context;
    while (stream->done < place)
        pthread_cond_wait(&progress, &the_lock);
    return context->sticky;
}

CUresult context_finish(CUcontext context) {
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at->context == context)
            (void)stream_reach(at, at->put);
    return context->sticky;
}

bool context_busy(CUcontext context) {
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at->context == context && at->done < at->put)
            return true;
    return false;
}

/* ---- Making and ending them ------------------------------------------------------------------ */

static CUstream stream_new(void) {
    CUstream stream = calloc(1, sizeof *stream);
    pthread_t thread;
    pthread_attr_t attributes;
    if (stream == NULL)
        abort();
    stream->last = &stream->first;
    pthread_cond_init(&stream->arrival, NULL);
    stream->next = streams;
    streams = stream;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, stream_thread, stream) != 0)
        abort();
    pthread_attr_destroy(&attributes);
    return stream;
}

/* One given back is used again only when it has nothing more to do; the youngest of those last, so
   that old handles stay wrong for long. */
CUstream stream_make(CUcontext context, unsigned flags, int priority) {
    CUstream stream = NULL;
    int idle = 0;
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at->magic == 0 && at->done == at->put) {
            stream = at;
            ++idle;
        }
    if (idle < 8)
        stream = stream_new();
    stream->magic = STREAM;
    stream->context = context;
    stream->flags = flags;
    stream->priority = priority;
    stream->capture = NULL;
    stream->broken = stream->origin = false;
    return stream;
}

void stream_close(CUstream stream) {
    if (stream->capture != NULL && stream->origin)
        graph_drop(stream->capture);
    stream->capture = NULL;
    stream->magic = 0;
}

void streams_close(CUcontext context) {
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at->context == context && at->magic == STREAM)
            stream_close(at);
}

/* Every stream that takes part in the same capture. */
void capture_end(CUgraph capture, bool broken);
void capture_end(CUgraph capture, bool broken) {
    for (CUstream at = streams; at != NULL; at = at->next)
        if (at->magic == STREAM && at->capture == capture) {
            at->broken = broken;
            if (!broken) {
                at->capture = NULL;
                at->origin = false;
            }
        }
}
