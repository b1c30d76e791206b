// SPDX-License-Identifier: MIT
// Graph: the tensors that a step computes, in order, and how much room they need at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace hwa::plan {

/// Tensors in the order in which they are computed. Nothing is computed here: only sizes and uses
/// count, as an allocator sees them that frees a tensor once its last reader has run.
class Graph {
  public:
    using Id = int32_t;
    static constexpr Id none = -1;

    /// One that is there before the first is computed.
    Id input(uint64_t bytes);
    /// One that takes room of its own.
    Id tensor(uint64_t bytes, std::initializer_list<Id> from);
    /// One that may be written over the first of `from` that nobody else reads and that has its
    /// size.
    Id in_place(uint64_t bytes, std::initializer_list<Id> from);
    /// Another look at one.
    Id view(Id of);
    /// Reads tensors and makes none, as a write to the cache does.
    void reads(std::initializer_list<Id> from) { tensor(0, from); }
    /// It is never freed.
    void keep(Id id) { nodes_[static_cast<size_t>(id)].kept = true; }

    /// Bytes of the buffer that holds all of it. Of more than one copy of the inputs none is freed.
    uint64_t peak(uint64_t copies, uint64_t alignment) const;

  private:
    static constexpr int width = 3;
    struct Node {
        uint64_t bytes = 0;
        Id from[width] = {none, none, none};
        Id base = none; ///< that a view looks at
        bool is_input = false;
        bool may_reuse = false;
        bool kept = false;
    };
    class Run;

    Id add(uint64_t bytes, std::initializer_list<Id> from);

    std::vector<Node> nodes_;
};

} // namespace hwa::plan
