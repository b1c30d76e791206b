// SPDX-License-Identifier: MIT
// Child: a process of our own in a group of its own, answering on a private pipe, killed in time.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace hwa::os {

/// Where a child finds the pipe it answers on; 0, 1 and 2 are /dev/null, unless it answers on
/// those.
inline constexpr int reply_descriptor = 3;

/// What to run.
struct Command {
    std::string path;
    std::vector<std::string> arguments;   ///< the program's own name first
    std::vector<std::string> environment; ///< "NAME=value", and nothing else is inherited
    bool answers_on_output = false;       ///< 1 and 2 are the pipe, and nothing else is
    bool takes_requests = false;          ///< 0 is a socket, on which each request is a packet
};

/// How a child ended, as far as this process may know: whoever waits for all children of a process
/// takes that knowledge with it.
struct Ending {
    enum class Kind { Unknown, Exited, Killed } kind = Kind::Unknown;
    int value = 0; ///< exit status or signal number
};

/// A running child. Letting go of it kills what is left of its process group; if the child cannot
/// be reaped at once, the next call of reap_children() that can will do so.
class Child {
  public:
    static base::Result<Child> start(const Command &command);
    ~Child();
    Child(Child &&other) noexcept;
    Child &operator=(Child &&other) noexcept;

    /// Bytes the child has written; 0 if there are none at the moment or there will be none.
    size_t read(std::span<char> into);
    /// Sends a request, without waiting for room. Io if the child no longer takes any.
    base::Done ask(std::string_view request);
    /// True when nobody can write to the pipe any more.
    bool closed() const { return reply_ < 0; }
    /// How it ended, once it has; never waits.
    std::optional<Ending> ending();
    pid_t pid() const { return pid_; }
    /// Lets go of it without ending it: in a forked process, whose child it is not.
    void disown() { ending_ = Ending{}; }

  private:
    friend void wait_for(std::span<Child *const> children, uint64_t until_ns);
    Child(pid_t pid, int pidfd, int reply, int requests)
        : pid_(pid), pidfd_(pidfd), reply_(reply), requests_(requests) {}
    void close_reply();

    pid_t pid_;
    int pidfd_;    ///< -1 where the kernel has none
    int reply_;    ///< -1 once closed
    int requests_; ///< -1 if it takes none
    std::optional<Ending> ending_;
};

/// Waits until one of the children has written or ended, or until `until_ns` on clock_ns().
void wait_for(std::span<Child *const> children, uint64_t until_ns);

/// Reaps children that had not quite ended when they were let go of, waiting `grace_ms` at most.
void reap_children(uint32_t grace_ms);

/// The right to run one child. A process has four of them, so that many threads asking at once
/// queue up in place of flooding the machine.
class Turn {
  public:
    /// Nothing if all are taken.
    static std::optional<Turn> try_take();
    /// Waits for one to become free, 20 ms at most; nothing if none did.
    static std::optional<Turn> wait_briefly();
    ~Turn();
    Turn(Turn &&other) noexcept : held_(other.held_) { other.held_ = false; }
    Turn &operator=(Turn &&other) noexcept;

  private:
    Turn() = default;
    bool held_ = true;
};

} // namespace hwa::os
