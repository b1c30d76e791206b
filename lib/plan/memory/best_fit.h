// SPDX-License-Identifier: MIT
// BestFit: how high a buffer grows in which pieces are taken and given back, each piece in the
// smallest hole that holds it.
#pragma once

#include <cstdint>
#include <vector>

namespace hwa::plan {

class BestFit {
  public:
    explicit BestFit(uint64_t alignment) : alignment_(alignment) {}

    /// Where the piece lies.
    uint64_t take(uint64_t size);
    void give_back(uint64_t offset, uint64_t size);
    uint64_t peak() const { return peak_; }

  private:
    struct Hole {
        uint64_t offset;
        uint64_t size;
    };

    uint64_t pad(uint64_t size) const { return (size + alignment_ - 1) / alignment_ * alignment_; }

    uint64_t alignment_;
    uint64_t end_ = 0;        ///< nothing lies behind it
    uint64_t peak_ = 0;       ///< the highest that `end_` ever was
    std::vector<Hole> holes_; ///< by offset, none beside another
};

} // namespace hwa::plan
