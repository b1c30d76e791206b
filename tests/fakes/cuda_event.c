/* SPDX-License-Identifier: MIT */
/* The calls of the fake CUDA driver on streams and events. */
#include "cuda_fake.h"

#include <stdlib.h>

struct CUevent_st {
    enum magic magic; /* 0 once it is destroyed */
    CUcontext context;
    unsigned flags;
    struct mark *mark; /* NULL: never recorded */
    CUgraph captured;  /* last recorded in a capture */
    CUevent next;      /* of those given back */
};

void capture_end(CUgraph capture, bool broken);

/* Destroyed ones, first in first out, so that an old handle stays wrong for long. */
static CUevent spare;
static CUevent *spare_end = &spare;

static CUstream found(CUstream handle) {
    return stream_of(handle);
}

/* A call that a capturing stream cannot take breaks the capture. */
static CUresult not_while_capturing(CUstream stream) {
    if (stream->capture == NULL)
        return CUDA_SUCCESS;
    capture_end(stream->capture, true);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult cuStreamCreateWithPriority(CUstream *phStream, unsigned int flags, int priority) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(phStream != NULL && flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
    priority = priority > 0 ? 0 : priority < -5 ? -5 : priority;
    *phStream = stream_make(context_current(), flags, priority);
    END(CUDA_SUCCESS);
}

CUresult cuStreamCreate(CUstream *phStream, unsigned int Flags) {
    return cuStreamCreateWithPriority(phStream, Flags, 0);
}

/* Work in progress goes on without it. */
CUresult cuStreamDestroy_v2(CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(hStream != NULL && hStream != CU_STREAM_LEGACY && hStream != CU_STREAM_PER_THREAD,
                  CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(found(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    stream_close(hStream);
    END(CUDA_SUCCESS);
}

CUresult cuStreamQuery(CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    TRY(not_while_capturing(stream));
    END(stream->done < stream->put ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS);
}

CUresult cuStreamSynchronize(CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    TRY(not_while_capturing(stream));
    END(stream_reach(stream, stream->put));
}

CUresult cuStreamGetFlags(CUstream hStream, unsigned int *flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(found(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(flags != NULL, CUDA_ERROR_INVALID_VALUE);
    *flags = found(hStream)->flags;
    END(CUDA_SUCCESS);
}

CUresult cuStreamGetPriority(CUstream hStream, int *priority) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(found(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(priority != NULL, CUDA_ERROR_INVALID_VALUE);
    *priority = found(hStream)->priority;
    END(CUDA_SUCCESS);
}

CUresult cuStreamGetCtx(CUstream hStream, CUcontext *pctx) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(found(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(pctx != NULL, CUDA_ERROR_INVALID_VALUE);
    *pctx = found(hStream)->context;
    END(CUDA_SUCCESS);
}

CUresult cuLaunchHostFunc(CUstream hStream, CUhostFn fn, void *userData) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(found(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(fn != NULL, CUDA_ERROR_INVALID_VALUE);
    const struct work work = {.kind = HOST, .host = {fn, NULL, userData}};
    END(stream_put(found(hStream), &work));
}

CUresult cuStreamAddCallback(CUstream hStream, CUstreamCallback callback, void *userData,
                             unsigned int flags) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(callback != NULL && flags == 0, CUDA_ERROR_INVALID_VALUE);
    TRY(not_while_capturing(stream));
    const struct work work = {.kind = CALLBACK, .host = {NULL, callback, userData}};
    END(stream_put(stream, &work));
}

/* ---- Waiting for values in memory ------------------------------------------------------------ */

static CUresult put_value(CUstream handle, enum kind kind, CUdeviceptr address, uint64_t value,
                          unsigned flags, unsigned width) {
    const CUstream stream = found(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    const unsigned known = kind == WAIT_VALUE ? 3u | 1u << 30 : 1u;
    if ((flags & ~known) != 0 || address % width != 0)
        return CUDA_ERROR_INVALID_VALUE;
    const int *attributes = devices[stream->context->device].attributes;
    if ((width == 8 && attributes[122] == 0) || (flags & 1u << 30) != 0 ||
        (kind == WAIT_VALUE && (flags & 3u) == CU_STREAM_WAIT_VALUE_NOR && attributes[123] == 0))
        return CUDA_ERROR_NOT_SUPPORTED;
    const CUresult usable = memory_usable(stream->context, address, width);
    if (usable != CUDA_SUCCESS)
        return usable;
    const struct work work = {.kind = kind,
                              .value = {(void *)(uintptr_t)address, value, flags, width}};
    return stream_put(stream, &work);
}

#define VALUE_CALL(name, kind, type)                                                               \
    CUresult name(CUstream stream, CUdeviceptr addr, type value, unsigned int flags) {             \
        BEGIN(NEEDS_CONTEXT);                                                                      \
        END(put_value(stream, kind, addr, value, flags, sizeof value));                            \
    }

VALUE_CALL(cuStreamWaitValue32, WAIT_VALUE, cuuint32_t)
VALUE_CALL(cuStreamWaitValue32_v2, WAIT_VALUE, cuuint32_t)
VALUE_CALL(cuStreamWaitValue64, WAIT_VALUE, cuuint64_t)
VALUE_CALL(cuStreamWaitValue64_v2, WAIT_VALUE, cuuint64_t)
VALUE_CALL(cuStreamWriteValue32, WRITE_VALUE, cuuint32_t)
VALUE_CALL(cuStreamWriteValue32_v2, WRITE_VALUE, cuuint32_t)
VALUE_CALL(cuStreamWriteValue64, WRITE_VALUE, cuuint64_t)
VALUE_CALL(cuStreamWriteValue64_v2, WRITE_VALUE, cuuint64_t)

/* ---- Events ---------------------------------------------------------------------------------- */

/* Handles of the fake are found among its own, never followed blindly. */
static CUevent *all;
static size_t all_count, all_room;

static bool event_good(CUevent event) {
    for (size_t i = all_count; i-- > 0;)
        if (all[i] == event)
            return event->magic == EVENT && context_good(event->context);
    return false;
}

static void remember(CUevent event) {
    if (all_count == all_room) {
        all_room = all_room == 0 ? 64 : 2 * all_room;
        all = realloc(all, all_room * sizeof(CUevent));
        if (all == NULL)
            abort();
    }
    all[all_count++] = event;
}

CUresult cuEventCreate(CUevent *phEvent, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(phEvent != NULL && Flags <= 7, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS((Flags & CU_EVENT_INTERPROCESS) == 0 || (Flags & CU_EVENT_DISABLE_TIMING) != 0,
                  CUDA_ERROR_INVALID_VALUE);
    CUevent event = spare;
    if (event != NULL) {
        spare = event->next;
        if (spare == NULL)
            spare_end = &spare;
    } else {
        event = calloc(1, sizeof *event);
        REFUSE_UNLESS(event != NULL, CUDA_ERROR_OUT_OF_MEMORY);
        remember(event);
    }
    *event = (struct CUevent_st){EVENT, context_current(), Flags, NULL, NULL, NULL};
    *phEvent = event;
    END(CUDA_SUCCESS);
}

static void unmark(CUevent event) {
    if (event->mark != NULL && --event->mark->users == 0)
        free(event->mark);
    event->mark = NULL;
}

CUresult cuEventDestroy_v2(CUevent hEvent) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(event_good(hEvent), CUDA_ERROR_INVALID_HANDLE);
    unmark(hEvent);
    hEvent->magic = 0;
    *spare_end = hEvent;
    spare_end = &hEvent->next;
    END(CUDA_SUCCESS);
}

static CUresult record(CUevent event, CUstream stream) {
    if (stream->capture != NULL) {
        event->captured = stream->capture;
        return stream->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    }
    struct mark *mark = calloc(1, sizeof *mark);
    if (mark == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    unmark(event);
    event->captured = NULL;
    mark->users = 2;
    mark->stream = stream;
    event->mark = mark;
    const struct work work = {.kind = MARK, .mark = mark};
    const CUresult result = stream_put(stream, &work);
    mark->place = stream->put;
    return result;
}

CUresult cuEventRecordWithFlags(CUevent hEvent, CUstream hStream, unsigned int flags) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(event_good(hEvent) && stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(flags <= 1, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(hEvent->context == stream->context, CUDA_ERROR_INVALID_HANDLE);
    END(record(hEvent, stream));
}

CUresult cuEventRecord(CUevent hEvent, CUstream hStream) {
    return cuEventRecordWithFlags(hEvent, hStream, 0);
}

/* True where it was never recorded, or what was recorded is reached. */
static bool reached(CUevent event) {
    return event->mark == NULL || event->mark->stream->done >= event->mark->place;
}

CUresult cuEventQuery(CUevent hEvent) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(event_good(hEvent), CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(hEvent->captured == NULL, CUDA_ERROR_CAPTURED_EVENT);
    END(reached(hEvent) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}

CUresult cuEventSynchronize(CUevent hEvent) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(event_good(hEvent), CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(hEvent->captured == NULL, CUDA_ERROR_CAPTURED_EVENT);
    if (hEvent->mark != NULL)
        TRY(stream_reach(hEvent->mark->stream, hEvent->mark->place));
    END(CUDA_SUCCESS);
}

/* What the event stands for when this is called; nothing where it was never recorded. */
CUresult cuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL && event_good(hEvent), CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(Flags <= 1, CUDA_ERROR_INVALID_VALUE);
    if (hEvent->captured != NULL) {
        /* It joins the capture. Nodes are in the order of the calls, which is one that will do. */
        REFUSE_UNLESS(stream->capture == NULL || stream->capture == hEvent->captured,
                      CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        stream->capture = hEvent->captured;
        END(CUDA_SUCCESS);
    }
    if (stream->capture != NULL)
        TRY(not_while_capturing(stream));
    if (reached(hEvent))
        END(CUDA_SUCCESS);
    const struct work work = {.kind = WAIT, .wait = {hEvent->mark->stream, hEvent->mark->place}};
    END(stream_put(stream, &work));
}

CUresult cuEventElapsedTime(float *pMilliseconds, CUevent hStart, CUevent hEnd) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(event_good(hStart) && event_good(hEnd), CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(pMilliseconds != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(((hStart->flags | hEnd->flags) & CU_EVENT_DISABLE_TIMING) == 0 &&
                      hStart->mark != NULL && hEnd->mark != NULL &&
                      hStart->context == hEnd->context,
                  CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(reached(hStart) && reached(hEnd), CUDA_ERROR_NOT_READY);
    *pMilliseconds =
        (float)((double)((int64_t)hEnd->mark->time_ns - (int64_t)hStart->mark->time_ns) * 1e-6);
    END(CUDA_SUCCESS);
}

CUresult cuEventElapsedTime_v2(float *pMilliseconds, CUevent hStart, CUevent hEnd) {
    return cuEventElapsedTime(pMilliseconds, hStart, hEnd);
}

/* ---- Capture --------------------------------------------------------------------------------- */

CUresult cuStreamBeginCapture_v2(CUstream hStream, CUstreamCaptureMode mode) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS((unsigned)mode <= CU_STREAM_CAPTURE_MODE_RELAXED, CUDA_ERROR_INVALID_VALUE);
    /* The default stream cannot be captured. */
    REFUSE_UNLESS(stream != stream->context->legacy, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    REFUSE_UNLESS(stream->capture == NULL, CUDA_ERROR_ILLEGAL_STATE);
    stream->capture = graph_make();
    stream->origin = true;
    stream->broken = false;
    END(CUDA_SUCCESS);
}

CUresult cuStreamEndCapture(CUstream hStream, CUgraph *phGraph) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(phGraph != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(stream->capture != NULL, CUDA_ERROR_ILLEGAL_STATE);
    REFUSE_UNLESS(stream->origin, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    const CUgraph graph = stream->capture;
    const bool broken = stream->broken;
    capture_end(graph, false);
    for (size_t i = 0; i < all_count; ++i)
        if (all[i]->captured == graph)
            all[i]->captured = NULL;
    *phGraph = broken ? NULL : graph;
    if (broken)
        graph_drop(graph);
    END(broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS);
}

CUresult cuStreamIsCapturing(CUstream hStream, CUstreamCaptureStatus *captureStatus) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = found(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(captureStatus != NULL, CUDA_ERROR_INVALID_VALUE);
    *captureStatus = stream->capture == NULL ? CU_STREAM_CAPTURE_STATUS_NONE
                     : stream->broken        ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                             : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    END(CUDA_SUCCESS);
}
