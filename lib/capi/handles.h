// SPDX-License-Identifier: MIT
// Handles: the memory of a queue's event handles, which goes round without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

namespace hwa::capi {

/// Pieces of one size. Any thread gives; only the queue's own takes, and takes all that were given
/// at once, so that no piece can come back between two looks at the list.
class Handles {
  public:
    Handles() = default;
    ~Handles() {
        drop(ready_);
        drop(given_.load(std::memory_order_acquire));
    }
    Handles(const Handles &) = delete;
    Handles &operator=(const Handles &) = delete;

    void *take(size_t size_bytes) {
        if (ready_ == nullptr)
            ready_ = given_.exchange(nullptr, std::memory_order_acquire);
        if (ready_ == nullptr)
            return ::operator new(size_bytes);
        Piece *const taken = ready_;
        ready_ = taken->next;
        return taken;
    }

    void give(void *block) noexcept {
        auto *const piece = new (block) Piece{given_.load(std::memory_order_relaxed)};
        while (!given_.compare_exchange_weak(piece->next, piece, std::memory_order_release,
                                             std::memory_order_relaxed)) {
        }
    }

  private:
    struct Piece {
        Piece *next;
    };

    static void drop(Piece *first) {
        while (first != nullptr) {
            Piece *const next = first->next;
            ::operator delete(first);
            first = next;
        }
    }

    Piece *ready_ = nullptr;
    std::atomic<Piece *> given_{nullptr};
};

} // namespace hwa::capi
