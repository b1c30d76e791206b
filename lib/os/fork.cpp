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

static constinit Stamp no_stamp{0};
constinit std::atomic<const Stamp *> stamp_place{&no_stamp};

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

/// The page of this process, and of its children; NULL where there can be none.
static Stamp *find_page() {
    static std::atomic<Stamp *> shared{nullptr};
    Stamp *page = shared.load(std::memory_order_acquire);
    if (page != nullptr)
        return page;
    page = map_page();
    Stamp *none = nullptr;
    // The loser's page is left to the end of the process; it happens once.
    if (page != nullptr && !shared.compare_exchange_strong(none, page))
        page = none;
    stamp_place.store(page == nullptr ? &no_stamp : page, std::memory_order_release);
    return page;
}

uint64_t make_stamp() {
    Stamp *const page = find_page();
    if (page == nullptr)
        return static_cast<uint64_t>(::getpid());
    uint64_t value = 0;
    const uint64_t fresh = (clock_ns() << 22 ^ static_cast<uint64_t>(::getpid())) | 1;
    return page->compare_exchange_strong(value, fresh) ? fresh : value;
}

} // namespace hwa::os
