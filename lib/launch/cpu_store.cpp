// SPDX-License-Identifier: MIT
// Store: free blocks by size, and a list of those that other threads have given back.
#include "launch/cpu_store.h"

#include <new>
#include <utility>

namespace hwa::launch {

std::unique_ptr<Store, Store::Close> Store::make() {
    return std::unique_ptr<Store, Close>(new Store);
}

void *Store::take(size_t size_bytes) {
    const size_t slot = (size_bytes + sizeof(Head) - 1) / step;
    if (slot >= slots)
        collect(); // before there is more of what is not kept
    if (slot < slots) {
        if (free_[slot] == nullptr)
            collect();
        if (Head *const found = free_[slot]; found != nullptr) {
            free_[slot] = found->next;
            --kept_;
            return found + 1;
        }
    }
    Head *const made = new (::operator new((slot + 1) * step)) Head{this, nullptr, slot};
    ++live_;
    return made + 1;
}

void Store::give(void *block) noexcept {
    Head *const head = static_cast<Head *>(block) - 1;
    Store &store = *head->store;
    head->next = store.returned_.load(std::memory_order_relaxed);
    while (head->next != store.closed())
        if (store.returned_.compare_exchange_weak(head->next, head, std::memory_order_release,
                                                  std::memory_order_relaxed))
            return;
    ::operator delete(head);
    if (store.debt_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete &store;
}

void Store::keep_or_free(Head *head) noexcept {
    if (head->slot < slots && kept_ < kept_limit) {
        head->next = std::exchange(free_[head->slot], head);
        ++kept_;
        return;
    }
    ::operator delete(head);
    --live_;
}

void Store::collect() {
    Head *first = returned_.exchange(nullptr, std::memory_order_acquire);
    while (first != nullptr)
        keep_or_free(std::exchange(first, first->next));
}

void Store::close() noexcept {
    Head *first = returned_.exchange(closed(), std::memory_order_acq_rel);
    kept_ = kept_limit; // from here on nothing is kept
    while (first != nullptr)
        keep_or_free(std::exchange(first, first->next));
    for (Head *list : free_)
        while (list != nullptr)
            keep_or_free(std::exchange(list, list->next));
    // Those who give back count down, maybe below zero before this counts up: the last one deletes.
    const int64_t missing = live_;
    if (debt_.fetch_add(missing, std::memory_order_acq_rel) + missing == 0)
        delete this;
}

} // namespace hwa::launch
