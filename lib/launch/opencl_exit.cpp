// SPDX-License-Identifier: MIT
// Exit: exit() takes apart a driver and its compiler, and a thread of theirs that is at work brings
// the process down meanwhile (seen in pocl 3.1 over LLVM 14). So it waits, but not for ever.
#include "launch/opencl_exit.h"

#include "launch/opencl.h"
#include "os/fork.h"
#include "os/host.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace hwa::launch {
namespace {

/// More than a compiler takes, on a busy machine too.
constexpr uint64_t compiler_ns = 30'000'000'000;
constexpr uint64_t nap_ns = 1'000'000;

struct Watched {
    std::weak_ptr<ClBacklog> backlog;
    uint64_t timeout_ns;
};

std::atomic<int> compiling{0};
std::atomic<size_t> leaver{0};           ///< the thread that is in exit()
std::atomic<uint64_t> maker{0};          ///< the process whose drivers these are
std::mutex mutex;                        ///< for the next one
std::vector<Watched> *watched = nullptr; ///< here to the end

/// An id itself has no constant to start from.
size_t this_thread() {
    return std::hash<std::thread::id>()(std::this_thread::get_id());
}

bool is_over(const Watched &one, uint64_t passed_ns) {
    const std::shared_ptr<ClBacklog> backlog = one.backlog.lock();
    return passed_ns >= one.timeout_ns || backlog == nullptr || backlog->is_idle();
}

bool is_quiet(uint64_t passed_ns) {
    if (passed_ns < compiler_ns && compiling.load() != 0)
        return false;
    const std::lock_guard lock(mutex);
    return watched == nullptr ||
           std::all_of(watched->begin(), watched->end(),
                       [&](const Watched &one) { return is_over(one, passed_ns); });
}

/// In a child none of the parent's threads is left to wait for.
void wait_at_exit() {
    if (maker.load(std::memory_order_relaxed) != os::process_stamp())
        return;
    // What other threads begin from here on is refused, so that it becomes quiet and stays so.
    leaver.store(this_thread());
    const uint64_t start = os::clock_ns();
    while (!is_quiet(os::clock_ns() - start))
        os::Latch().wait(nap_ns);
}

/// Handlers run from the last registered back: to come before those that the driver registers when
/// it is loaded and when it first compiles, this is registered after both.
void register_once(std::atomic<bool> &registered) {
    if (registered.load(std::memory_order_relaxed) || registered.exchange(true))
        return;
    maker.store(os::process_stamp(), std::memory_order_relaxed);
    (void)std::atexit(wait_at_exit); // Where there is no room, the end is as it would be.
}

std::atomic<bool> loaded{false};
std::atomic<bool> compiled{false};

} // namespace

ClCompiling::ClCompiling() {
    register_once(loaded);
    // In one order with the other: either the one who leaves sees this call, or it sees who leaves.
    compiling.fetch_add(1);
}

ClCompiling::~ClCompiling() {
    register_once(compiled);
    compiling.fetch_sub(1, std::memory_order_release);
}

base::Done ClCompiling::allowed() const {
    const size_t who = leaver.load();
    if (who == 0 || who == this_thread() ||
        maker.load(std::memory_order_relaxed) != os::process_stamp())
        return {};
    return base::error(base::Status::Unavailable, "the process is about to end");
}

void end_before_exit(const std::shared_ptr<ClBacklog> &backlog, uint64_t timeout_ns) {
    const std::lock_guard lock(mutex);
    if (watched == nullptr)
        watched = new std::vector<Watched>;
    std::erase_if(*watched, [](const Watched &one) { return one.backlog.expired(); });
    watched->push_back({backlog, timeout_ns});
}

} // namespace hwa::launch
