/* SPDX-License-Identifier: MIT */
/* Lane over the processor itself: memcpy, and a loop that every processor takes its share of. */
#include "lane.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { most_threads = 64 };

static float *a, *b, *c;
static int threads, written;
static atomic_int turn, left, resting;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static uint64_t total;

static void share(int me) {
    const uint64_t first = total * (uint64_t)me / (uint64_t)threads;
    const uint64_t end = total * (uint64_t)(me + 1) / (uint64_t)threads;
    for (uint64_t i = first; i < end; ++i)
        c[i] = a[i] + b[i];
}

/* While there is work the threads look for more without a pause: the least that handing it over can
   cost. */
static void serve(int me) {
    for (int seen = 0;;) {
        while (atomic_load(&turn) == seen)
            if (atomic_load(&resting)) {
                pthread_mutex_lock(&mutex);
                while (atomic_load(&resting))
                    pthread_cond_wait(&wake, &mutex);
                pthread_mutex_unlock(&mutex);
            }
        seen = atomic_load(&turn);
        share(me);
        atomic_fetch_sub(&left, 1);
    }
}

static void *start(void *number) {
    serve((int)(intptr_t)number);
    return NULL;
}

static void set_resting(int value) {
    pthread_mutex_lock(&mutex);
    atomic_store(&resting, value);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&mutex);
}

static void rest(void) {
    set_resting(1);
}

static pthread_t others[most_threads];

static int open_lane(void) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 0;
    threads = CPU_COUNT(&allowed) < most_threads ? CPU_COUNT(&allowed) : most_threads;
    for (int i = 1; i < threads; ++i)
        if (pthread_create(&others[i], NULL, start, (void *)(intptr_t)i) != 0)
            return 0;
    return 1;
}

static uint64_t limit(void) {
    return 0;
}

static void allocate(uint64_t count) {
    float **arrays[] = {&a, &b, &c};
    for (int i = 0; i < 3; ++i) {
        *arrays[i] = aligned_alloc(64, count * sizeof(float));
        if (*arrays[i] == NULL)
            exit(1);
    }
    written = 0;
}

static void write_lane(const float *from, uint64_t count) {
    memcpy(written++ % 2 == 0 ? a : b, from, count * sizeof(float));
}

static void read_lane(float *into, uint64_t count) {
    memcpy(into, c, count * sizeof(float));
}

static void copy(uint64_t count) {
    memcpy(c, a, count * sizeof(float));
}

static void add(uint64_t count) {
    if (atomic_load(&resting))
        set_resting(0);
    total = count;
    atomic_store(&left, threads - 1);
    atomic_fetch_add(&turn, 1);
    share(0);
    while (atomic_load(&left) != 0)
        ;
}

static void release(void) {
    free(a);
    free(b);
    free(c);
}

const lane_t lane_cpu = {open_lane, limit, allocate, write_lane, read_lane,
                         copy,      add,   rest,     release};
