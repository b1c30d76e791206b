// SPDX-License-Identifier: MIT
// Watcher: a thread that waits for events, for runtimes whose drivers call nobody back.
#pragma once

#include "base/ring.h"
#include "launch/runtime.h"

#include <condition_variable>
#include <mutex>

namespace hwa::launch {

/// Waits for the events of one queue in the order they were put in, on a thread that starts with
/// the first of them.
class Watcher {
  public:
    /// How to wait for an event without a deadline. It must not need the queue to live: it is
    /// called until every event it was given is over.
    using Wait = std::function<base::Done(const Event &event)>;

    explicit Watcher(Wait wait);
    /// Does not wait: the thread ends by itself after the last event.
    ~Watcher();
    Watcher(const Watcher &) = delete;
    Watcher &operator=(const Watcher &) = delete;

    /// By any thread. Where no thread is to be had, the notice is called with that reason.
    void watch(std::shared_ptr<Event> event, Notice notice);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace hwa::launch
