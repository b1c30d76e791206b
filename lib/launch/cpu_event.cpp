// SPDX-License-Identifier: MIT
// The list of listeners of an event: pushed by any thread, taken as a whole at the end.
#include "launch/cpu_event.h"

#include <new>

namespace hwa::launch {

CpuEvent::~CpuEvent() {
    Listener *first = listeners_.load(std::memory_order_acquire);
    while (first != nullptr && first != closed())
        delete std::exchange(first, first->next);
}

base::Done CpuEvent::outcome() const {
    if (failure_.first == nullptr)
        return {};
    return failure_.later ? after(*failure_.first) : *failure_.first;
}

base::Done CpuEvent::told() const noexcept {
    try {
        return outcome();
    } catch (const std::bad_alloc &) {
        return base::Error{failure_.first->status, 0, "cpu", "no host memory"};
    }
}

void CpuEvent::notify(Notice notice) {
    auto *const mine = new Listener{std::move(notice), nullptr};
    mine->next = listeners_.load(std::memory_order_acquire);
    while (mine->next != closed())
        if (listeners_.compare_exchange_weak(mine->next, mine, std::memory_order_acq_rel))
            return;
    mine->notice(told());
    delete mine;
}

void CpuEvent::end(Failure failure, uint64_t elapsed_ns) noexcept {
    failure_ = std::move(failure);
    elapsed_ns_ = elapsed_ns;
    // First the latch: who hears of the end and then asks whether it is over is told that it is.
    done_.open();
    Listener *last = listeners_.exchange(closed(), std::memory_order_acq_rel);
    Listener *first = nullptr;
    while (last != nullptr) {
        Listener *const before = std::exchange(last->next, first);
        first = std::exchange(last, before);
    }
    while (first != nullptr) {
        first->notice(told());
        delete std::exchange(first, first->next);
    }
}

} // namespace hwa::launch
