// SPDX-License-Identifier: MIT
// Starts threads by pthread_create, and counts the processors there are for them.
#include "os/thread.h"

#include <atomic>
#include <csignal>
#include <memory>
#include <sched.h>

namespace hwa::os {

/// The key, and one more, of what is set on our threads; 0 before the first of them. Variables of a
/// thread would be simpler, and have the library name the dynamic loader among those it needs.
static std::atomic<uint64_t> mark{0};

static void make_mark() {
    pthread_key_t key;
    if (mark.load(std::memory_order_acquire) != 0 || ::pthread_key_create(&key, nullptr) != 0)
        return;
    uint64_t none = 0;
    if (!mark.compare_exchange_strong(none, uint64_t{key} + 1, std::memory_order_acq_rel))
        ::pthread_key_delete(key); // another thread was first
}

bool is_own_thread() {
    const uint64_t made = mark.load(std::memory_order_acquire);
    return made != 0 && ::pthread_getspecific(static_cast<pthread_key_t>(made - 1)) != nullptr;
}

static void set_own(bool own) {
    if (const uint64_t made = mark.load(std::memory_order_acquire); made != 0)
        ::pthread_setspecific(static_cast<pthread_key_t>(made - 1), own ? &mark : nullptr);
}

OwnThread::OwnThread() : was_own_(is_own_thread()) {
    set_own(true);
}

OwnThread::~OwnThread() {
    set_own(was_own_);
}

namespace {

struct Start {
    void *(*body)(void *);
    void *state;

    static void *run(void *owned) {
        const std::unique_ptr<Start> start(static_cast<Start *>(owned));
        set_own(true);
        return start->body(start->state);
    }
};

} // namespace

base::Result<Thread> start_thread(const char *name, void *(*body)(void *), void *state) {
    make_mark();
    auto start = std::make_unique<Start>(Start{body, state});
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    Thread thread;
    const int code = ::pthread_create(&thread.handle, nullptr, Start::run, start.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (code != 0)
        return base::os_error(code, "the thread %s could not be started", name);
    start.release();
    ::pthread_setname_np(thread.handle, name);
    return thread;
}

namespace {

/// A set of processors as the kernel wants it.
struct CpuSet {
    explicit CpuSet(int limit)
        : bytes(CPU_ALLOC_SIZE(static_cast<size_t>(limit))),
          set(CPU_ALLOC(static_cast<size_t>(limit))) {}
    ~CpuSet() { CPU_FREE(set); }
    CpuSet(const CpuSet &) = delete;
    CpuSet &operator=(const CpuSet &) = delete;

    size_t bytes;
    cpu_set_t *set;
};

} // namespace

/// Where the calling thread may run; nothing if the kernel does not say. Machines with more
/// processors than a cpu_set_t holds need a longer mask; the kernel answers EINVAL until it is long
/// enough.
static std::unique_ptr<CpuSet> own_cpus() {
    for (int limit = CPU_SETSIZE; limit <= 1 << 17; limit *= 2) {
        auto own = std::make_unique<CpuSet>(limit);
        if (own->set == nullptr)
            return nullptr;
        if (::sched_getaffinity(0, own->bytes, own->set) == 0)
            return own;
    }
    return nullptr;
}

void keep_to(std::span<const uint32_t> cpus) {
    const auto own = own_cpus();
    if (own == nullptr)
        return;
    CpuSet wanted(static_cast<int>(own->bytes * 8));
    if (wanted.set == nullptr)
        return;
    CPU_ZERO_S(wanted.bytes, wanted.set);
    for (const uint32_t cpu : cpus)
        if (CPU_ISSET_S(cpu, own->bytes, own->set))
            CPU_SET_S(cpu, wanted.bytes, wanted.set);
    if (CPU_COUNT_S(wanted.bytes, wanted.set) != 0)
        ::sched_setaffinity(0, wanted.bytes, wanted.set);
}

std::vector<uint32_t> usable_among(std::span<const uint32_t> cpus) {
    const auto own = own_cpus();
    std::vector<uint32_t> found;
    if (own == nullptr)
        return found;
    for (const uint32_t cpu : cpus)
        if (CPU_ISSET_S(cpu, own->bytes, own->set))
            found.push_back(cpu);
    if (found.size() == static_cast<size_t>(CPU_COUNT_S(own->bytes, own->set)))
        found.clear();
    return found;
}

static uint32_t count_cpus() {
    const auto own = own_cpus();
    const int found = own == nullptr ? 0 : CPU_COUNT_S(own->bytes, own->set);
    return found > 0 ? static_cast<uint32_t>(found) : 1;
}

uint32_t usable_cpus() {
    static std::atomic<uint32_t> known{0};
    uint32_t count = known.load(std::memory_order_relaxed);
    if (count == 0) {
        count = count_cpus();
        known.store(count, std::memory_order_relaxed);
    }
    return count;
}

} // namespace hwa::os
