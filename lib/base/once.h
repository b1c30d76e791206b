// SPDX-License-Identifier: MIT
// Once: runs a function a single time, whichever thread comes first.
#pragma once

#include <atomic>
#include <mutex>

namespace hwa::base {

/// In place of std::once_flag, whose thread-local variables would have the library name the dynamic
/// loader among the libraries it needs.
class Once {
  public:
    /// Others wait for the first caller. What ends in an exception leaves it to the next one.
    template <class Function> void run(const Function &function) {
        if (done_.load(std::memory_order_acquire))
            return;
        const std::lock_guard lock(mutex_);
        if (done_.load(std::memory_order_relaxed))
            return;
        function();
        done_.store(true, std::memory_order_release);
    }

  private:
    std::mutex mutex_;
    std::atomic<bool> done_ = false;
};

} // namespace hwa::base
