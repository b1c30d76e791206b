// SPDX-License-Identifier: MIT
// The two things a process keeps between calls: how many children run, and which are not reaped.
#include "os/children.h"

#include "os/host.h"
#include "os/process.h"

#include <cerrno>
#include <ctime>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hwa::os {

static constexpr unsigned turns = 4;
/// Children in uninterruptible sleep inside a driver do not end when killed.
static constexpr size_t unreaped_limit = 64;

namespace {

/// One for the process; it needs no constructor and no destructor.
struct Children {
    pthread_mutex_t lock;
    pthread_cond_t turn_free;
    pid_t owner; ///< whose children these are; a forked process starts anew
    unsigned running;
    size_t unreaped_count;
    pid_t unreaped[unreaped_limit];
};

} // namespace

static constinit Children children = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, {},
};

namespace {

/// Holds the lock, and forgets what a parent process had going when it forked this one.
class Locked {
  public:
    Locked() {
        ::pthread_mutex_lock(&children.lock);
        if (const pid_t self = ::getpid(); children.owner != self) {
            children.owner = self;
            children.running = 0;
            children.unreaped_count = 0;
        }
    }
    ~Locked() { ::pthread_mutex_unlock(&children.lock); }
    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;
};

} // namespace

/// True once there is nothing left to reap. Waiting for the group of that number, which only our
/// child leads, cannot take the status of a later child of the caller.
static bool reaped(pid_t pid) {
    return ::waitpid(-pid, nullptr, WNOHANG) != 0;
}

static size_t reap_pass() {
    const Locked locked;
    size_t kept = 0;
    for (size_t i = 0; i < children.unreaped_count; ++i)
        if (!reaped(children.unreaped[i]))
            children.unreaped[kept++] = children.unreaped[i];
    return children.unreaped_count = kept;
}

void leave_unreaped(pid_t pid) {
    const Locked locked;
    if (!reaped(pid) && children.unreaped_count < unreaped_limit)
        children.unreaped[children.unreaped_count++] = pid;
}

bool too_many_unreaped() {
    const Locked locked;
    return children.unreaped_count + turns > unreaped_limit;
}

void reap_children(uint32_t grace_ms) {
    const uint64_t until = clock_ns() + uint64_t{grace_ms} * 1000000;
    while (reap_pass() != 0 && clock_ns() < until) {
        const timespec pause = {0, 200000};
        ::nanosleep(&pause, nullptr);
    }
}

std::optional<Turn> Turn::try_take() {
    const Locked locked;
    if (children.running == turns)
        return std::nullopt;
    ++children.running;
    return Turn();
}

std::optional<Turn> Turn::wait_briefly() {
    timespec until = {};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        ++until.tv_sec;
    }
    const Locked locked;
    if (children.running == turns)
        ::pthread_cond_timedwait(&children.turn_free, &children.lock, &until);
    if (children.running == turns)
        return std::nullopt;
    ++children.running;
    return Turn();
}

Turn::~Turn() {
    if (!held_)
        return;
    const Locked locked;
    if (children.running > 0)
        --children.running;
    ::pthread_cond_signal(&children.turn_free);
}

Turn &Turn::operator=(Turn &&other) noexcept {
    std::swap(held_, other.held_);
    return *this;
}

} // namespace hwa::os
