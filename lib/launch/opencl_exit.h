// SPDX-License-Identifier: MIT
// Exit: holds up the end of the process while a driver is at work in it.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <memory>

namespace hwa::launch {

class ClBacklog;

/// Lives as long as a call of a driver that may compile, by whatever thread.
class ClCompiling {
  public:
    ClCompiling();
    ~ClCompiling();
    ClCompiling(const ClCompiling &) = delete;
    ClCompiling &operator=(const ClCompiling &) = delete;

    /// Unavailable once another thread has called exit(): the call is not to be made.
    base::Done allowed() const;
};

/// For a queue whose driver works, and compiles, on threads of this process: exit() waits so long
/// for the end of what was put in, as closing the queue would.
void end_before_exit(const std::shared_ptr<ClBacklog> &backlog, uint64_t timeout_ns);

} // namespace hwa::launch
