// SPDX-License-Identifier: MIT
// Which drivers to ask, all at once in helpers or one by one in process, and what came of it.
#include "detect/driver_tier.h"

#include "base/text.h"
#include "detect/helper.h"
#include "detect/merge.h"
#include "detect/probe.h"
#include "detect/witness.h"
#include "os/caller.h"
#include "os/process.h"

#include <algorithm>
#include <cerrno>
#include <list>

namespace hwa::detect {

using base::Done;
using base::Status;
using core::Outcome;
using core::System;

/// How long a helper that has answered may take to end before it is left for the next detection to
/// reap; most of it goes by while the memory of the driver is given back.
static constexpr uint32_t reap_grace_ms = 10;

/// How often the caller is asked whether to stop, and whether there is a turn for a further helper.
static constexpr uint64_t slice_ns = 20000000;

namespace {

/// One probe from the decision to ask it to its answer.
struct Asking {
    const Probe *probe;
    std::string setting; ///< for the helper's environment
    std::optional<os::Turn> turn;
    std::optional<Inquiry> inquiry;
    Answer answer;
    bool done = false;
};

} // namespace

static void give_up(Asking &asking, Outcome outcome, std::string message) {
    asking.answer.row = open_row(*asking.probe);
    asking.answer.row.outcome = outcome;
    asking.answer.row.message = std::move(message);
    asking.done = true;
}

static bool stopped(const Options &options) {
    return options.cancelled != nullptr && options.cancelled(options.cancelled_user) == 1;
}

/// A device of that maker which asking its driver would wake, or "".
static std::string sleeper(const System &system, std::string_view maker) {
    for (const core::Device &device : system.devices)
        if (device.vendor.value == maker && would_wake(device))
            return device.id;
    return "";
}

/// True if there is something to ask the driver for; else the row says why not.
static bool worth_asking(const os::Host &host, const Options &options, const System &system,
                         Asking &asking) {
    const Probe &probe = *asking.probe;
    if (!options.library_path.empty()) {
        for (const char *soname : probe.driver->sonames)
            if (host.exists(options.library_path + '/' + soname))
                return true;
        give_up(asking, Outcome::Absent,
                base::format("%s has no %s", options.library_path.c_str(),
                             probe.driver->sonames.front()));
        return false;
    }
    if (probe.driver->wanted(host, system))
        return true;
    const std::string_view maker = probe.driver->vendor;
    const auto here =
        std::find_if(system.devices.begin(), system.devices.end(), [&](const auto &d) {
            const bool by_maker = !maker.empty() && d.vendor.value == maker;
            return (d.kind == core::Kind::Gpu && (maker.empty() || by_maker)) ||
                   (d.kind == core::Kind::Asic && by_maker);
        });
    if (here == system.devices.end())
        give_up(asking, Outcome::Absent,
                base::format("no %s driver is installed, and nothing on the PCI bus asks for one",
                             probe.name));
    else if (const std::string asleep = sleeper(system, maker); !asleep.empty())
        give_up(asking, Outcome::Skipped,
                base::format("%s sleeps, and to ask %s would wake it", asleep.c_str(), probe.name));
    else
        give_up(asking, Outcome::Missing,
                base::format("%s is here, but no %s driver that could show it is installed",
                             here->id.c_str(), probe.name));
    return false;
}

/// The outcome when no helper could be started, by what stood in the way.
static Outcome unstarted(const base::Error &why) {
    switch (why.code) {
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return Outcome::Starved;
    case EACCES:
    case EPERM:
        return Outcome::Denied;
    default:
        return why.status == Status::Denied ? Outcome::Denied : Outcome::Missing;
    }
}

/// Leaves it for later where what it takes may come free, because others of this call run.
static void start(Asking &asking, const std::string &program, const Options &options, os::Turn turn,
                  bool others_run) {
    auto started = Inquiry::start(*asking.probe, program, options.library_path, asking.setting,
                                  options.timeout_ms);
    if (!started && others_run && unstarted(started.error()) == Outcome::Starved)
        return;
    if (!started)
        return give_up(asking, unstarted(started.error()),
                       "no helper process to ask the driver with: " + started.error().message);
    asking.turn = std::move(turn);
    asking.inquiry = std::move(*started);
}

/// Starts what can be started. Waits for a turn only while no helper of this call runs, so that
/// calls which hold turns never wait for each other.
static void start_more(std::list<Asking> &askings, const std::string &program,
                       const Options &options) {
    for (Asking &asking : askings) {
        if (asking.done || asking.inquiry)
            continue;
        const bool idle = std::none_of(askings.begin(), askings.end(),
                                       [](const Asking &a) { return a.inquiry.has_value(); });
        auto turn = idle ? os::Turn::wait_briefly() : os::Turn::try_take();
        if (!turn)
            return;
        start(asking, program, options, std::move(*turn), !idle);
    }
}

/// Waits for the helpers that run, and takes in the answers of those that are through.
static void follow(std::list<Asking> &askings, bool in_slices) {
    std::vector<os::Child *> children;
    uint64_t until = UINT64_MAX;
    for (Asking &asking : askings) {
        if (!asking.inquiry)
            continue;
        children.push_back(&asking.inquiry->child());
        until = std::min(until, asking.inquiry->deadline_ns());
    }
    if (in_slices)
        until = std::min(until, os::clock_ns() + slice_ns);
    if (!children.empty())
        os::wait_for(children, until);
    for (Asking &asking : askings) {
        if (!asking.inquiry || !asking.inquiry->advance())
            continue;
        asking.answer = asking.inquiry->take();
        asking.inquiry.reset();
        asking.turn.reset();
        asking.done = true;
    }
}

static Done ask_in_helpers(std::list<Asking> &askings, const Options &options) {
    const auto program = find_helper();
    for (Asking &asking : askings)
        if (!asking.done && !program)
            give_up(asking, unstarted(program.error()),
                    "no helper process to ask the driver with: " + program.error().message);
    const auto open = [](const Asking &a) { return !a.done; };
    const auto waits = [](const Asking &a) { return !a.done && !a.inquiry; };
    while (std::any_of(askings.begin(), askings.end(), open)) {
        if (stopped(options))
            return base::error(Status::Cancelled, "the caller stopped the detection");
        start_more(askings, *program, options);
        follow(askings,
               options.cancelled != nullptr || std::any_of(askings.begin(), askings.end(), waits));
    }
    return {};
}

static Done ask_in_process(std::list<Asking> &askings, const Options &options) {
    for (Asking &asking : askings) {
        if (asking.done)
            continue;
        if (stopped(options))
            return base::error(Status::Cancelled, "the caller stopped the detection");
        if (os::elevated()) {
            give_up(asking, Outcome::Denied,
                    "no driver is loaded into a process with more rights than its user");
            continue;
        }
        const os::CallerState state;
        asking.answer = ask_here(*asking.probe, options.library_path);
        asking.done = true;
    }
    return {};
}

/// Puts an answer into the system.
static void take_in(Asking &asking, System &system) {
    core::Backend &row = asking.answer.row;
    const auto of_all = asking.probe->driver->of_all;
    if (of_all == nullptr)
        return merge(system, row.name, std::move(asking.answer.devices));
    row.device_count = 0;
    for (const core::Device &told : asking.answer.devices)
        row.device_count = tell_all(system, row.name, of_all, told);
    if (row.outcome != Outcome::Found || row.device_count > 0)
        return;
    row.outcome = Outcome::Absent;
    row.message = "its library answers, and there is no device that it could be of";
}

Done ask_drivers(const os::Host &host, const Options &options, System &system) {
    std::list<Asking> askings;
    for (const Probe &probe : probes()) {
        if (probe.driver == nullptr || skip_reason(probe, options))
            continue;
        askings.emplace_back(Asking{&probe, probe.driver->setting(host), {}, {}, {}, false});
        worth_asking(host, options, system, askings.back());
    }
    HWA_CHECK(options.in_process ? ask_in_process(askings, options)
                                 : ask_in_helpers(askings, options));
    for (Asking &asking : askings) {
        take_in(asking, system);
        const core::Backend &row = asking.answer.row;
        HWA_LOG(options.log, base::LogLevel::Info, row.name.c_str(), "%s%s%s",
                core::outcome_name(row.outcome), row.message.empty() ? "" : ": ",
                row.message.c_str());
        system.backends.push_back(std::move(asking.answer.row));
    }
    os::reap_children(reap_grace_ms);
    return {};
}

} // namespace hwa::detect
