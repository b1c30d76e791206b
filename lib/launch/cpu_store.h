// SPDX-License-Identifier: MIT
// Store: the memory of one queue's launches, taken by one thread and given back by any, without a
// lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace hwa::launch {

/// Blocks by size that are used again, so that steady work asks the heap for nothing. It lives
/// until its owner has let go of it and the last block is back.
class Store {
  public:
    /// Lets go of a store.
    struct Close {
        void operator()(Store *store) const noexcept { store->close(); }
    };
    static std::unique_ptr<Store, Close> make();

    /// By one thread at a time. Aligned like any other memory.
    void *take(size_t size_bytes);
    /// By any thread.
    static void give(void *block) noexcept;

  private:
    /// Stands before each block.
    struct alignas(16) Head {
        Store *store;
        Head *next;
        size_t slot;
    };
    static constexpr size_t step = 64;
    static constexpr size_t slots = 16; ///< larger blocks come from the heap and go there
    static constexpr size_t kept_limit = 8192;

    Store() = default;
    ~Store() = default;
    void collect();
    void keep_or_free(Head *head) noexcept;
    void close() noexcept;
    /// Stands in the place of the returned ones once nobody will look there again; leads nowhere.
    Head *closed() { return reinterpret_cast<Head *>(this); }

    std::array<Head *, slots> free_{};
    size_t kept_ = 0;                       ///< in these lists
    int64_t live_ = 0;                      ///< blocks that there are, wherever they are
    std::atomic<Head *> returned_{nullptr}; ///< the latest first
    std::atomic<int64_t> debt_{0};          ///< once closed: blocks that are still to come back
};

/// An allocator over a store, for std::allocate_shared.
template <class T> struct StoreAllocator {
    using value_type = T;

    explicit StoreAllocator(Store &of) : store(&of) {}
    template <class U> StoreAllocator(const StoreAllocator<U> &other) : store(other.store) {}
    T *allocate(size_t count) { return static_cast<T *>(store->take(count * sizeof(T))); }
    void deallocate(T *block, size_t) noexcept { Store::give(block); }
    template <class U> bool operator==(const StoreAllocator<U> &other) const {
        return store == other.store;
    }

    Store *store;
};

} // namespace hwa::launch
