// SPDX-License-Identifier: MIT
// Uneven pipelines: training over devices of several classes, each stage with as many layers as its
// devices are fast and roomy.
#pragma once

#include "plan/case.h"
#include "plan/search/candidates.h"
#include "plan/search/layouts.h"
#include "plan/search/states.h"

#include <span>
#include <vector>

namespace hwa::plan {

/// Stages of each replica that are on devices of one class; they follow each other.
struct Block {
    const DeviceClass *where = nullptr;
    uint32_t stages = 0;
};

/// Replicas are alike: each has as many stages of each class.
struct UnevenLayout {
    Layout layout;
    std::vector<Block> blocks; ///< in the order that data passes
};

/// Layouts over two or more classes, those of most devices first. Stages of a class are all that
/// the replicas leave to each other, or of up to four a power of two. Tensor ranks lie in one
/// domain.
std::vector<UnevenLayout> uneven_layouts(const Task &task,
                                         std::span<const DeviceClass *const> classes);

/// Which classes are put together: of the maker of the first, with memory of their own, and known
/// rates; of more than four, those with most memory in all.
std::vector<const DeviceClass *> uneven_classes(const Candidates &found);

/// All slices of a layout whose stages are these.
std::vector<Slice> uneven_slices(const Layout &layout, std::span<const Block> blocks,
                                 std::span<const Slice> stages);

/// What came of dealing layers out.
struct Dealt {
    enum What { Done, Slow, NoRoom } what;
    double seconds; ///< of the step
};

/// Deals layers out so that the slowest stage takes least, none of the stages overfilling a device.
class Dealer {
  public:
    Dealer(Case &one, const UnevenLayout &layout, std::span<const Fabric *const> fabrics,
           std::span<ProductMemo *const> products);

    /// In less than `most` seconds a step. The slices of the case become those of the deal.
    Dealt deal(double most);

  private:
    /// What each stage keeps to.
    struct Limit {
        double seconds; ///< it takes less
        bool memory;    ///< it overfills no device
    };
    uint32_t layers() const { return static_cast<uint32_t>(one_.model->layers.size()); }
    Slice slice(uint32_t stage, uint32_t first, uint32_t count) const;
    double seconds();
    bool passes(uint32_t stage, uint32_t first, uint32_t count, Limit limit);
    uint32_t reach(uint32_t stage, uint32_t first, uint32_t most, uint32_t guess, Limit limit);
    bool deal_within(Limit limit);
    double slowest();

    Case &one_;
    Case part_;                              ///< of one stage
    std::span<const Fabric *const> fabrics_; ///< of each block
    std::span<ProductMemo *const> products_;
    std::vector<uint32_t> block_; ///< of each stage
    std::vector<const DeviceClass *> where_;
    std::vector<uint32_t> counts_; ///< layers of each stage, in the last deal that passed
};

} // namespace hwa::plan
