// SPDX-License-Identifier: MIT
// Ladder: how far the layers of a model reach on one kind of stage, and what they cost there.
#pragma once

#include <cstdint>
#include <vector>

namespace hwa::plan {

/// What a search asks of a stage. Bytes grow with the number of layers, and seconds add up.
class StageCosts {
  public:
    virtual ~StageCosts() = default;
    virtual uint32_t layers() const = 0;
    /// Whether all layers cost the same.
    virtual bool uniform() const = 0;
    /// Bytes of so many layers from `from` on; from 0 on with the embedding, to the end with the
    /// output. UINT64_MAX where they cannot be counted.
    virtual uint64_t bytes(uint32_t from, uint32_t count) const = 0;
    /// What the objective counts of a layer; and of a stage, of the first and of the last besides.
    virtual double layer(uint32_t index) const = 0;
    virtual double enter() const = 0;
    virtual double first() const = 0;
    virtual double last() const = 0;
    virtual bool known() const = 0; ///< whether these say anything
};

/// Of a stage with so much room.
struct Ladder {
    std::vector<double> sums;    ///< cost of the layers before the i-th
    std::vector<uint32_t> reach; ///< the furthest end of a stage from the i-th on, short of all
    uint32_t closes = 0;         ///< from here on a stage holds all that is left; not before
    bool whole = false;          ///< it holds the model alone
    double enter = 0, first = 0, last = 0;
    bool known = false;

    uint32_t layers() const { return static_cast<uint32_t>(reach.size()); }
    bool fits(uint32_t from, uint32_t end) const {
        if (end < layers())
            return end <= reach[from];
        return from == 0 ? whole : from >= closes;
    }
};

void climb(const StageCosts &costs, uint64_t room, Ladder &ladder);

} // namespace hwa::plan
