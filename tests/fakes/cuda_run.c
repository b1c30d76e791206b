/* SPDX-License-Identifier: MIT */
/* How the fake CUDA driver runs a kernel: blocks one after another, the threads of each in turns
   where it has barriers, so that all of them meet. */
#include "cuda_fake.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { THREADS = 1024, STACK = 64 << 10, WARP = 32 };

/* One thread of a block: it lives on, and does the next block. */
struct fiber {
    ucontext_t start;
    jmp_buf here;
    bool begun, done;
    unsigned turn, warp_turn; /* how often it has come to a barrier */
};

struct crew {
    struct fiber fibers[THREADS];
    char *stacks;
    unsigned count, now, alive;
    unsigned arrived, passed; /* at the barrier of the block: threads of this turn, full turns */
    unsigned warp_arrived[THREADS / WARP], warp_passed[THREADS / WARP], warp_alive[THREADS / WARP];
    unsigned long moves; /* to see that nobody can go on */
    jmp_buf scheduler;
    char exchange[THREADS * 8];
    struct fake_place *place;
    const struct launch *launch;
};

static _Thread_local struct crew *crew;
static _Thread_local sigjmp_buf fault;
static _Thread_local volatile sig_atomic_t running;
static _Thread_local volatile int fault_code;

static void stop(int code) {
    fault_code = code;
    siglongjmp(fault, 1);
}

static void no_barrier(int warp) {
    (void)warp;
}

static void *no_exchange(void) {
    return NULL;
}

/* ---- Threads that take turns ----------------------------------------------------------------- */

static void place_thread(unsigned index) {
    const unsigned *block = crew->launch->block;
    crew->place->thread.x = index % block[0];
    crew->place->thread.y = index / block[0] % block[1];
    crew->place->thread.z = index / block[0] / block[1];
}

static void yield(void) {
    if (_setjmp(crew->fibers[crew->now].here) == 0)
        _longjmp(crew->scheduler, 1);
}

static void arrive(unsigned *arrived, unsigned *passed, unsigned alive) {
    ++crew->moves;
    if (++*arrived >= alive) {
        *arrived = 0;
        ++*passed;
    }
}

static void barrier(int warp) {
    const unsigned own = crew->now, group = own / WARP;
    struct fiber *fiber = &crew->fibers[own];
    if (warp) {
        const unsigned turn = fiber->warp_turn++;
        arrive(&crew->warp_arrived[group], &crew->warp_passed[group], crew->warp_alive[group]);
        while (crew->warp_passed[group] == turn)
            yield();
    } else {
        const unsigned turn = fiber->turn++;
        arrive(&crew->arrived, &crew->passed, crew->alive);
        while (crew->passed == turn)
            yield();
    }
    ++crew->moves;
}

static void *exchange(void) {
    return crew->exchange + (size_t)(crew->now / WARP) * WARP * 8;
}

/* One that leaves is not waited for any more. */
static void leave(unsigned index) {
    const unsigned group = index / WARP;
    crew->fibers[index].done = true;
    ++crew->moves;
    --crew->alive;
    --crew->warp_alive[group];
    if (crew->alive > 0 && crew->arrived >= crew->alive) {
        crew->arrived = 0;
        ++crew->passed;
    }
    if (crew->warp_alive[group] > 0 && crew->warp_arrived[group] >= crew->warp_alive[group]) {
        crew->warp_arrived[group] = 0;
        ++crew->warp_passed[group];
    }
}

static void fiber_main(void) {
    for (;;) {
        const unsigned index = crew->now;
        crew->launch->function->kernel->run(crew->launch->params);
        leave(index);
        yield();
    }
}

static void fiber_resume(unsigned index) {
    struct fiber *fiber = &crew->fibers[index];
    crew->now = index;
    place_thread(index);
    if (_setjmp(crew->scheduler) != 0)
        return;
    if (fiber->begun)
        _longjmp(fiber->here, 1);
    fiber->begun = true;
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = crew->stacks + (size_t)index * STACK;
    fiber->start.uc_stack.ss_size = STACK;
    fiber->start.uc_link = NULL;
    makecontext(&fiber->start, fiber_main, 0);
    setcontext(&fiber->start);
}

static void block_begin(unsigned count) {
    crew->count = crew->alive = count;
    crew->arrived = crew->passed = 0;
    for (unsigned i = 0; i < THREADS / WARP; ++i) {
        const unsigned first = i * WARP;
        crew->warp_arrived[i] = crew->warp_passed[i] = 0;
        crew->warp_alive[i] = first >= count ? 0 : count - first < WARP ? count - first : WARP;
    }
    for (unsigned i = 0; i < count; ++i) {
        crew->fibers[i].done = false;
        crew->fibers[i].turn = crew->fibers[i].warp_turn = 0;
    }
}

static void block_in_turns(void) {
    const unsigned *block = crew->launch->block;
    block_begin(block[0] * block[1] * block[2]);
    while (crew->alive > 0) {
        const unsigned long moves = crew->moves;
        for (unsigned i = 0; i < crew->count; ++i)
            if (!crew->fibers[i].done)
                fiber_resume(i);
        /* A barrier that not all threads come to. */
        if (moves == crew->moves)
            stop(CUDA_ERROR_LAUNCH_FAILED);
    }
}

static void block_at_once(struct fake_place *place, const struct launch *launch) {
    const unsigned *block = launch->block;
    for (unsigned z = 0; z < block[2]; ++z)
        for (unsigned y = 0; y < block[1]; ++y)
            for (unsigned x = 0; x < block[0]; ++x) {
                place->thread.x = x;
                place->thread.y = y;
                place->thread.z = z;
                launch->function->kernel->run(launch->params);
            }
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static pthread_mutex_t signals = PTHREAD_MUTEX_INITIALIZER;
static int kernels_running;
static struct sigaction before[2];

static void on_fault(int number, siginfo_t *info, void *context) {
    if (running)
        stop(CUDA_ERROR_ILLEGAL_ADDRESS);
    const struct sigaction *old = &before[number == SIGBUS];
    if ((old->sa_flags & SA_SIGINFO) != 0)
        old->sa_sigaction(number, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(number);
    else
        signal(number, SIG_DFL);
}

/* Only while a kernel runs are these signals ours. */
static void watch_faults(int by) {
    pthread_mutex_lock(&signals);
    kernels_running += by;
    if (by > 0 && kernels_running == 1) {
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
        action.sa_sigaction = on_fault;
        sigaction(SIGSEGV, &action, &before[0]);
        sigaction(SIGBUS, &action, &before[1]);
    } else if (by < 0 && kernels_running == 0) {
        sigaction(SIGSEGV, &before[0], NULL);
        sigaction(SIGBUS, &before[1], NULL);
    }
    pthread_mutex_unlock(&signals);
}

static void crew_ready(const struct launch *launch, struct fake_place *place) {
    if (crew == NULL) {
        crew = calloc(1, sizeof *crew);
        if (crew == NULL)
            abort();
        crew->stacks = mmap(NULL, (size_t)THREADS * STACK, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (crew->stacks == MAP_FAILED)
            abort();
    }
    crew->launch = launch;
    crew->place = place;
}

/* A fault leaves threads in the middle of their stacks: they begin anew. */
static void crew_reset(void) {
    if (crew != NULL)
        for (int i = 0; i < THREADS; ++i)
            crew->fibers[i].begun = false;
}

static void grid_run(const struct launch *launch, struct fake_place *place) {
    if (launch->function->barriers)
        crew_ready(launch, place);
    for (unsigned z = 0; z < launch->grid[2]; ++z)
        for (unsigned y = 0; y < launch->grid[1]; ++y)
            for (unsigned x = 0; x < launch->grid[0]; ++x) {
                place->block = (struct fake_uint3){x, y, z};
                if (launch->function->barriers)
                    block_in_turns();
                else
                    block_at_once(place, launch);
            }
}

/* Every address that the kernel was given must be of memory that its context can use, and nothing
   may have been written beside it. */
static CUresult check_pointers(const struct launch *launch, bool after) {
    const struct fake_kernel *kernel = launch->function->kernel;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&the_lock);
    for (unsigned i = 0; i < kernel->params; ++i) {
        void *address = NULL;
        if (!kernel->pointers[i])
            continue;
        memcpy(&address, (const char *)launch->params + kernel->offsets[i], sizeof address);
        const struct memory *memory = memory_at((uintptr_t)address);
        if (address != NULL &&
            (memory == NULL || !memory_reached(launch->function->module->context, memory)))
            result = CUDA_ERROR_ILLEGAL_ADDRESS;
        else if (after && memory != NULL && !memory_whole(memory))
            result = CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    pthread_mutex_unlock(&the_lock);
    return result;
}

CUresult launch_run(const struct launch *launch) {
    struct fake_place *place = launch->function->module->place();
    const CUresult good = check_pointers(launch, false);
    if (good != CUDA_SUCCESS)
        return good;
    place->threads = (struct fake_uint3){launch->block[0], launch->block[1], launch->block[2]};
    place->blocks = (struct fake_uint3){launch->grid[0], launch->grid[1], launch->grid[2]};
    place->sync = launch->function->barriers ? barrier : no_barrier;
    place->exchange = launch->function->barriers ? exchange : no_exchange;
    place->stop = stop;
    place->shared =
        launch->shared == 0 ? NULL : aligned_alloc(256, (launch->shared + 255u) & ~255u);
    fault_code = CUDA_SUCCESS;
    watch_faults(1);
    if (sigsetjmp(fault, 1) == 0) {
        running = 1;
        grid_run(launch, place);
    } else {
        crew_reset();
    }
    running = 0;
    watch_faults(-1);
    free(place->shared);
    return fault_code != CUDA_SUCCESS ? (CUresult)fault_code : check_pointers(launch, true);
}
