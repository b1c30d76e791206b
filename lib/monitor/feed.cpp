// SPDX-License-Identifier: MIT
// Starts the helper, asks it, ends it when it hangs, and starts it again after a while.
#include "monitor/feed.h"

#include "base/text.h"
#include "detect/helper.h"
#include "os/environment.h"
#include "os/host.h"

#include <algorithm>

namespace hwa::monitor {

using base::Status;
using detect::Tag;

/// What a library may take, as in detection, before it is held to hang.
static constexpr uint64_t patience_ns = 5000000000;
/// After the first failure and after many in a row.
static constexpr uint64_t shortest_delay_ns = 1000000000;
static constexpr uint64_t longest_delay_ns = 60000000000;

size_t Feed::add(std::string id) {
    ids_.push_back(std::move(id));
    readings_.emplace_back();
    return ids_.size() - 1;
}

base::Done Feed::start() {
    HWA_TRY(const std::string helper, detect::find_helper());
    std::vector<std::string> arguments = {"hwa-probe", "--monitor", sampler_->name, library_path_};
    arguments.insert(arguments.end(), ids_.begin(), ids_.end());
    os::Command command{helper, std::move(arguments), os::helper_environment()};
    command.takes_requests = true;
    HWA_TRY(child_, os::Child::start(command));
    reader_ = {};
    stage_.clear();
    return {};
}

std::string Feed::in_stage() const {
    return stage_.empty() ? std::string() : " in " + stage_;
}

/// Ends the helper, and with it all it has not said.
void Feed::fail(Status status, std::string message) {
    const uint64_t now_ns = os::clock_ns();
    child_.reset();
    asked_ns_ = 0;
    delay_ns_ = std::clamp(2 * delay_ns_, shortest_delay_ns, longest_delay_ns);
    start_not_before_ns_ = now_ns + delay_ns_;
    for (Reading &reading : readings_) {
        reading = Reading{};
        reading.time_ns = now_ns;
        reading.status = status;
        reading.message = message;
    }
}

void Feed::ask(const std::string &wanted) {
    if (asked_ns_ != 0 || wanted.find('1') == wanted.npos)
        return;
    const uint64_t now_ns = os::clock_ns();
    if (!child_) {
        if (now_ns < start_not_before_ns_)
            return; // what went wrong is in the readings
        if (const base::Done started = start(); !started)
            return fail(Status::Unavailable,
                        "no helper process to ask the driver with: " + started.error().message);
    }
    if (const base::Done sent = child_->ask(wanted); !sent)
        return fail(Status::Crashed, "the driver ended the helper process" + in_stage());
    coming_.assign(ids_.size(), Reading{});
    asked_ns_ = now_ns;
}

/// True once the answer is complete or beyond repair.
bool Feed::take_in(const detect::Frame &frame) {
    switch (frame.tag) {
    case Tag::Stage:
        stage_ = base::sanitise(frame.payload, 64);
        return false;
    case Tag::Sample: {
        auto placed = parse_reading(frame.payload);
        if (!placed || placed->index >= coming_.size()) {
            fail(Status::Crashed, "the driver wrote into the helper's answer: " +
                                      (placed ? "no such device" : placed.error().message));
            return true;
        }
        coming_[placed->index] = std::move(placed->reading);
        return false;
    }
    case Tag::Error: {
        const size_t end = std::min(frame.payload.find('\n'), frame.payload.size());
        const auto status = base::parse_u64(frame.payload.substr(0, end));
        const bool known = status && *status > 0 && *status <= uint64_t(Status::Crashed);
        fail(known ? static_cast<Status>(*status) : Status::Driver,
             base::sanitise(frame.payload.substr(std::min(end + 1, frame.payload.size())), 400));
        return true;
    }
    case Tag::End:
        readings_ = coming_;
        reader_ = {};
        asked_ns_ = 0;
        delay_ns_ = 0;
        return true;
    default:
        fail(Status::Crashed, "the helper's answer has a record that does not belong there");
        return true;
    }
}

/// True once the answer is complete or beyond repair; false when all that has come was taken in.
bool Feed::read_all() {
    const auto last = reader_.drain([this](std::span<char> piece) { return child_->read(piece); },
                                    [this](const detect::Frame &frame) { return take_in(frame); });
    if (!last)
        fail(Status::Crashed, "the driver wrote into the helper's answer: " + last.error().message);
    return !last || *last;
}

bool Feed::advance() {
    if (asked_ns_ == 0)
        return true;
    // The end is asked for before the last read, so that nothing written before it is missed.
    const auto ending = child_->ending();
    if (read_all())
        return true;
    if (ending || child_->closed()) {
        fail(Status::Crashed, "the driver crashed or ended the helper process" + in_stage());
        return true;
    }
    if (os::clock_ns() >= deadline_ns()) {
        fail(Status::Timeout,
             base::format("the driver did not answer within %u s%s",
                          static_cast<unsigned>(patience_ns / 1000000000), in_stage().c_str()));
        return true;
    }
    return false;
}

uint64_t Feed::deadline_ns() const {
    return asked_ns_ + patience_ns;
}

void Feed::settle() {
    if (asked_ns_ == 0)
        return;
    for (Reading &reading : readings_) {
        reading = Reading{};
        reading.time_ns = os::clock_ns();
        reading.status = Status::Timeout;
        reading.message = "the driver has not answered yet" + in_stage();
    }
}

void Feed::disown() {
    if (child_)
        child_->disown();
}

} // namespace hwa::monitor
