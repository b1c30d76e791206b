// SPDX-License-Identifier: MIT
// Watcher: one thread, which takes events from the front of a list.
#include "launch/watcher.h"

#include "os/thread.h"

namespace hwa::launch {

namespace {

struct Watched {
    std::shared_ptr<Event> event;
    Notice notice;
};

} // namespace

/// Shared by the watcher and its thread, whichever lives longer.
struct Watcher::State {
    explicit State(Wait how) : wait(std::move(how)) {}

    std::mutex mutex;
    std::condition_variable wake;
    base::Ring<Watched> list;
    bool running = false;
    bool stopping = false;
    const Wait wait;

    /// False when there is nothing left to do.
    bool serve_one() {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || !list.empty(); });
        if (list.empty())
            return false;
        const Watched next = list.pop_front();
        lock.unlock();
        next.notice(outcome(*next.event));
        return true;
    }

    /// Of what failed; texts this short take no memory themselves.
    base::Done outcome(const Event &event) const {
        try {
            return wait(event);
        } catch (const std::bad_alloc &) { // A thread has nobody to throw at.
            return base::Error{base::Status::HostMemory, 0, {}, "no host memory"};
        }
    }

    static void *serve(void *owned) {
        const std::unique_ptr<std::shared_ptr<State>> state(
            static_cast<std::shared_ptr<State> *>(owned));
        while ((*state)->serve_one()) {
        }
        return nullptr;
    }
};

Watcher::Watcher(Wait wait) : state_(std::make_shared<State>(std::move(wait))) {}

Watcher::~Watcher() {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->wake.notify_one();
}

void Watcher::watch(std::shared_ptr<Event> event, Notice notice) {
    std::unique_lock lock(state_->mutex);
    if (!state_->running) {
        auto owned = std::make_unique<std::shared_ptr<State>>(state_);
        auto started = os::start_thread("hwa-watch", State::serve, owned.get());
        if (!started) {
            lock.unlock();
            notice(started.error());
            return;
        }
        owned.release();
        started->detach();
        state_->running = true;
    }
    state_->list.push_back({std::move(event), std::move(notice)});
    state_->wake.notify_one();
}

} // namespace hwa::launch
