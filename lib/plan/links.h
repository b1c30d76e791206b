// SPDX-License-Identifier: MIT
// Links: how two devices reach each other, found without going through all links.
#pragma once

#include "core/system.h"

#include <cstdint>
#include <vector>

namespace hwa::plan {

/// A way between two devices; a rate of 0 is not known.
struct Way {
    core::LinkKind kind = core::LinkKind::Unknown;
    uint64_t bytes_per_second = 0;
    uint32_t latency_ns = 0;
};

/// Holds for as long as the system does, whose devices and no others may be asked for.
class Links {
  public:
    explicit Links(const core::System &system);

    /// The fastest link of known speed, else one of unknown speed, else the network of two hosts.
    Way between(const core::Device &one, const core::Device &other) const;

    /// Of all its links; 0 where no speed is known.
    uint64_t fastest(const core::Device &device) const {
        return fastest_.empty() ? 0 : fastest_[index_of(device)];
    }

    /// A link between devices that the system names by index, `a` < `b`.
    struct Wire {
        uint32_t a = 0, b = 0;
        Way way;
    };
    /// By their ends, each pair once.
    const std::vector<Wire> &wires() const { return wires_; }
    uint32_t index_of(const core::Device &device) const {
        return static_cast<uint32_t>(&device - system_->devices.data());
    }

  private:
    const core::System *system_;
    std::vector<Wire> wires_;
    std::vector<uint64_t> fastest_; ///< by device; empty without links
};

/// The machine that a device of a joined system belongs to; empty where there is but one.
std::string_view host_of(const core::Device &device);

} // namespace hwa::plan
