// SPDX-License-Identifier: MIT
// ProductMemo: seconds of products on devices of one class, kept from one case to the next. Layouts
// differ in how they share out few products.
#pragma once

#include "plan/time/kernels.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace hwa::plan {

class ProductMemo {
  public:
    /// Asked for plain products only, of the chip that the memo was made for.
    double seconds(const Chip &chip, double m, double n, double k, Math math) {
        Entry &entry = entries_[place(m, n, k)];
        if (entry.m != m || entry.n != n || entry.k != k || entry.math != math)
            entry = {m, n, k, math, seconds_of(chip, Gemm{m, n, k, math, 0, false})};
        return entry.seconds;
    }

  private:
    struct Entry {
        double m = 0, n = 0, k = 0;
        Math math = Math::Bf16;
        double seconds = 0;
    };
    static constexpr int bits = 9;

    static size_t place(double m, double n, double k) {
        const auto word = [](double value) {
            uint64_t made;
            std::memcpy(&made, &value, sizeof made);
            return made;
        };
        const uint64_t mixed =
            (word(m) * 0x9e3779b97f4a7c15 ^ word(n)) * 0xc2b2ae3d27d4eb4f ^ word(k);
        return static_cast<size_t>((mixed * 0x9e3779b97f4a7c15) >> (64 - bits));
    }

    std::array<Entry, size_t{1} << bits> entries_;
};

} // namespace hwa::plan
