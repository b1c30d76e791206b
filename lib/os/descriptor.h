// SPDX-License-Identifier: MIT
// Descriptor: a file descriptor that closes itself.
#pragma once

#include <unistd.h>
#include <utility>

namespace hwa::os {

/// Owns a descriptor, or none if it is negative.
class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0)
            ::close(number_);
    }
    Descriptor(Descriptor &&other) noexcept : number_(other.release()) {}
    Descriptor &operator=(Descriptor &&other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    int get() const { return number_; }
    /// Gives it to the caller to close.
    int release() { return std::exchange(number_, -1); }

  private:
    int number_;
};

} // namespace hwa::os
