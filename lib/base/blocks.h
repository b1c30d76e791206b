// SPDX-License-Identifier: MIT
// Blocks: small pieces of memory that are used again, so that steady work asks the heap for
// nothing.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

namespace hwa::base {

/// Freed pieces of up to block_limit bytes, by size. Any thread may take and give.
class Blocks {
  public:
    static constexpr size_t block_limit = 1024;

    Blocks() = default;
    ~Blocks();
    Blocks(const Blocks &) = delete;
    Blocks &operator=(const Blocks &) = delete;

    void *take(size_t size_bytes);
    /// The same size as it was taken with.
    void give(void *block, size_t size_bytes) noexcept;

  private:
    struct Free {
        Free *next;
    };
    static constexpr size_t step = 64;

    std::mutex mutex_;
    std::array<Free *, block_limit / step> free_{};
};

/// An allocator over blocks that are shared, and live as long as anything made of them. For
/// std::allocate_shared and containers.
template <class T> class BlockAllocator {
  public:
    using value_type = T;

    explicit BlockAllocator(std::shared_ptr<Blocks> blocks) : blocks_(std::move(blocks)) {}
    template <class U> BlockAllocator(const BlockAllocator<U> &other) : blocks_(other.blocks()) {}

    T *allocate(size_t count) { return static_cast<T *>(blocks_->take(count * sizeof(T))); }
    void deallocate(T *block, size_t count) noexcept { blocks_->give(block, count * sizeof(T)); }
    const std::shared_ptr<Blocks> &blocks() const { return blocks_; }

    template <class U> bool operator==(const BlockAllocator<U> &other) const {
        return blocks_ == other.blocks();
    }

  private:
    std::shared_ptr<Blocks> blocks_;
};

} // namespace hwa::base
