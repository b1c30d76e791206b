// SPDX-License-Identifier: MIT
// Snapshot and restoration of signal dispositions and of the environment.
#include "os/caller.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace hwa::os {
namespace {

constexpr int signal_count = 64;
/// The kernel's own struct sigaction, whatever the architecture; read and written back unseen.
using Disposition = std::array<unsigned char, 64>;

struct Snapshot {
    std::array<Disposition, signal_count> signals;
    std::vector<std::string> environment;
};

/// Those that the C library keeps for its threads: 32 and 33 with glibc, 34 with musl as well. They
/// come with the first thread and must stay.
bool reserved(int number) {
    return number >= 32 && number < SIGRTMIN;
}

/// The system call and not sigaction(): sanitizers replace the latter, and drivers may too.
Disposition read_signal(int number) {
    Disposition found = {};
    ::syscall(SYS_rt_sigaction, number, nullptr, found.data(), signal_count / 8);
    return found;
}

void restore_signals(const Snapshot &snapshot) {
    for (int number = 1; number <= signal_count; ++number) {
        const Disposition &before = snapshot.signals[static_cast<size_t>(number - 1)];
        if (!reserved(number) && read_signal(number) != before)
            ::syscall(SYS_rt_sigaction, number, before.data(), nullptr, signal_count / 8);
    }
}

std::string name_of(std::string_view entry) {
    return std::string(entry.substr(0, entry.find('=')));
}

bool holds(const std::vector<std::string> &entries, std::string_view entry) {
    return std::find(entries.begin(), entries.end(), entry) != entries.end();
}

std::vector<std::string> environment() {
    std::vector<std::string> entries;
    for (char **entry = ::environ; entry != nullptr && *entry != nullptr; ++entry)
        entries.emplace_back(*entry);
    return entries;
}

Snapshot take() {
    Snapshot snapshot;
    for (int i = 0; i < signal_count; ++i)
        snapshot.signals[static_cast<size_t>(i)] = read_signal(i + 1);
    snapshot.environment = environment();
    return snapshot;
}

/// Touches only what changed, for other threads may be reading the rest.
void restore_environment(const std::vector<std::string> &before) {
    const std::vector<std::string> now = environment();
    if (now == before)
        return;
    for (const std::string &entry : now)
        if (!holds(before, entry))
            ::unsetenv(name_of(entry).c_str());
    for (const std::string &entry : before)
        if (const size_t equals = entry.find('=');
            equals != std::string::npos && !holds(now, entry))
            ::setenv(name_of(entry).c_str(), entry.c_str() + equals + 1, 1);
}

struct Shared {
    std::mutex mutex;
    uint32_t alive = 0;
    Snapshot *first = nullptr;
};

Shared shared;

} // namespace

CallerState::CallerState() {
    const std::lock_guard lock(shared.mutex);
    if (shared.alive == 0)
        shared.first = new Snapshot(take());
    ++shared.alive;
}

CallerState::~CallerState() {
    const std::lock_guard lock(shared.mutex);
    restore_signals(*shared.first);
    restore_environment(shared.first->environment);
    if (--shared.alive == 0) {
        delete shared.first;
        shared.first = nullptr;
    }
}

} // namespace hwa::os
