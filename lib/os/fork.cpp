// SPDX-License-Identifier: MIT
// The stamp lives in a page that the kernel wipes in every child (MADV_WIPEONFORK, Linux 4.14).
// Unlike a pthread_atfork handler it also sees a raw clone(), and unlike getpid() it costs no call.
#include "os/fork.h"

#include "os/host.h"

#include <atomic>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

namespace hwa::os {

using Stamp = std::atomic<uint64_t>;

/// The page, or NULL where the kernel is too old to wipe it.
static Stamp *map_page() {
    const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    void *page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return nullptr;
    if (::madvise(page, size, MADV_WIPEONFORK) == 0)
        return static_cast<Stamp *>(page);
    ::munmap(page, size);
    return nullptr;
}

uint64_t process_stamp() {
    static std::atomic<Stamp *> shared{nullptr};
    Stamp *stamp = shared.load(std::memory_order_acquire);
    if (stamp == nullptr) {
        stamp = map_page();
        Stamp *none = nullptr;
        if (stamp == nullptr)
            return static_cast<uint64_t>(::getpid());
        // The loser's page is left to the end of the process; it happens once.
        if (!shared.compare_exchange_strong(none, stamp))
            stamp = none;
    }
    uint64_t value = stamp->load(std::memory_order_acquire);
    if (value == 0) {
        const uint64_t fresh = (clock_ns() << 22 ^ static_cast<uint64_t>(::getpid())) | 1;
        stamp->compare_exchange_strong(value, fresh);
        value = stamp->load(std::memory_order_acquire);
    }
    return value;
}

} // namespace hwa::os
