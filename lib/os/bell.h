// SPDX-License-Identifier: MIT
// Bell: a descriptor that becomes readable, for event loops.
#pragma once

#include "base/status.h"
#include "os/descriptor.h"

#include <memory>

namespace hwa::os {

/// One of two ends of the same notice: this one rings, and the other, a descriptor, is the caller's
/// to poll and to close whenever it likes.
class Bell {
  public:
    /// The bell, and in `other` its other end.
    static base::Result<std::shared_ptr<Bell>> make(Descriptor &other);

    explicit Bell(Descriptor end) : end_(std::move(end)) {}
    /// From here on the other end is readable. By any thread; never waits.
    void ring() const;

  private:
    Descriptor end_;
};

} // namespace hwa::os
