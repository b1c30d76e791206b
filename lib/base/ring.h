// SPDX-License-Identifier: MIT
// Ring: a first-in first-out list that keeps its memory, where std::deque frees and asks again.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace hwa::base {

template <class T> class Ring {
  public:
    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }
    T &front() { return slots_[first_]; }
    T &back() { return slots_[(first_ + size_ - 1) % slots_.size()]; }

    void push_back(T value) {
        if (size_ == slots_.size())
            grow();
        slots_[(first_ + size_) % slots_.size()] = std::move(value);
        ++size_;
    }

    /// What is taken out leaves an empty value behind, so that it holds nothing.
    T pop_front() {
        T taken = std::exchange(slots_[first_], T());
        first_ = (first_ + 1) % slots_.size();
        --size_;
        return taken;
    }

  private:
    void grow() {
        std::vector<T> larger(slots_.empty() ? 16 : slots_.size() * 2);
        for (size_t i = 0; i < size_; ++i)
            larger[i] = std::move(slots_[(first_ + i) % slots_.size()]);
        slots_ = std::move(larger);
        first_ = 0;
    }

    std::vector<T> slots_;
    size_t first_ = 0;
    size_t size_ = 0;
};

} // namespace hwa::base
