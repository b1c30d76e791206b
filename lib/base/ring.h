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
    T &back() { return slots_[place(size_ - 1)]; }

    void push_back(T value) {
        if (size_ == slots_.size())
            grow();
        slots_[place(size_)] = std::move(value);
        ++size_;
    }

    /// What is taken out leaves an empty value behind, so that it holds nothing.
    T pop_front() {
        T taken = std::exchange(slots_[first_], T());
        first_ = place(1);
        --size_;
        return taken;
    }

  private:
    /// Where the one so many behind the first is; the number of slots is a power of two.
    size_t place(size_t behind) const { return (first_ + behind) & (slots_.size() - 1); }

    void grow() {
        std::vector<T> larger(slots_.empty() ? 16 : slots_.size() * 2);
        for (size_t i = 0; i < size_; ++i)
            larger[i] = std::move(slots_[place(i)]);
        slots_ = std::move(larger);
        first_ = 0;
    }

    std::vector<T> slots_;
    size_t first_ = 0;
    size_t size_ = 0;
};

} // namespace hwa::base
