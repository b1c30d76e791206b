// SPDX-License-Identifier: MIT
// Starts hwa-probe, puts its answer together, and words what went wrong with it.
#include "detect/helper.h"

#include "base/json.h"
#include "base/text.h"
#include "config.h"
#include "core/system_json.h"
#include "detect/answer.h"
#include "os/environment.h"
#include "os/program.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;
using core::Outcome;

core::Backend open_row(const Probe &probe) {
    core::Backend row;
    row.name = probe.name;
    row.flags = probe.flags;
    return row;
}

base::Result<std::string> find_helper() {
    // As installed, where the library's folder has one more level, beside it, and as built.
    static constexpr const char *beside[] = {"../libexec/hwa-probe", "../../libexec/hwa-probe",
                                             "hwa-probe", "helper/hwa-probe"};
    return os::find_program(beside, HWA_HELPER_PATH);
}

Inquiry::Inquiry(const Probe &probe, os::Child child, uint64_t start_ns, uint32_t timeout_ms)
    : child_(std::move(child)), start_ns_(start_ns),
      deadline_ns_(start_ns + uint64_t{timeout_ms} * 1000000), timeout_ms_(timeout_ms) {
    answer_.row = open_row(probe);
}

base::Result<Inquiry> Inquiry::start(const Probe &probe, const std::string &helper,
                                     const std::string &library_path, std::string setting,
                                     uint32_t timeout_ms) {
    const uint64_t start_ns = os::clock_ns();
    auto environment = os::helper_environment();
    if (!setting.empty())
        environment.push_back(std::move(setting));
    HWA_TRY(os::Child child,
            os::Child::start(
                {helper, {"hwa-probe", probe.name, library_path}, std::move(environment)}));
    return Inquiry(probe, std::move(child), start_ns, timeout_ms);
}

/// Names of the signals that faults in foreign code come as.
static std::string signal_text(int number) {
    static constexpr struct {
        int number;
        const char *name;
    } names[] = {{4, "SIGILL"},  {5, "SIGTRAP"},  {6, "SIGABRT"},  {7, "SIGBUS"},   {8, "SIGFPE"},
                 {9, "SIGKILL"}, {11, "SIGSEGV"}, {13, "SIGPIPE"}, {24, "SIGXCPU"}, {31, "SIGSYS"}};
    for (const auto &row : names)
        if (row.number == number)
            return base::format("signal %d, %s", number, row.name);
    return base::format("signal %d", number);
}

void Inquiry::conclude(Outcome outcome, std::string message) {
    core::Backend &row = answer_.row;
    row.outcome = outcome;
    if (!message.empty())
        row.message = base::sanitise(message, 400);
    if (outcome != Outcome::Found && outcome != Outcome::Absent)
        row.stage = stage_;
    row.device_count = static_cast<uint32_t>(answer_.devices.size());
    row.elapsed_ns = os::clock_ns() - start_ns_;
}

static std::string in_stage(const std::string &stage) {
    return stage.empty() ? std::string(" before its first call") : " in " + stage;
}

/// The outcome says that foreign code did it, unless none had been called yet.
void Inquiry::conclude_ended(os::Ending ending) {
    const std::string where = in_stage(stage_);
    const char *who = stage_.empty() ? "hwa-probe" : "the driver";
    if (ending.kind == os::Ending::Kind::Killed)
        conclude(Outcome::Crashed, base::format("%s crashed%s (%s)", who, where.c_str(),
                                                signal_text(ending.value).c_str()));
    else if (ending.kind == os::Ending::Kind::Exited)
        conclude(stage_.empty() ? Outcome::Failed : Outcome::Exited,
                 base::format("%s ended the process%s (exit status %d)", who, where.c_str(),
                              ending.value));
    else
        conclude(Outcome::Exited, base::format("%s ended%s; how is not known, because the caller "
                                               "reaps all its children",
                                               who, where.c_str()));
}

bool Inquiry::take_device(std::string_view json) {
    const auto document = base::JsonDocument::parse("device", json);
    auto device = document ? core::device_from_json(document->root())
                           : base::Result<core::Device>(document.error());
    if (!device || answer_.devices.size() >= device_limit) {
        conclude(Outcome::Garbage, "the answer has a device that makes no sense: " +
                                       (device ? "too many" : device.error().message));
        return true;
    }
    answer_.devices.push_back(std::move(*device));
    return false;
}

void Inquiry::take_error(std::string_view payload) {
    const size_t line_end = std::min(payload.find('\n'), payload.size());
    const Outcome outcome = core::outcome_from_name(payload.substr(0, line_end));
    answer_.row.outcome = outcome == Outcome::Unknown ? Outcome::Failed : outcome;
    if (line_end < payload.size())
        answer_.row.message = payload.substr(line_end + 1);
}

/// True once the answer is complete or beyond repair.
bool Inquiry::take_in(const Frame &frame) {
    core::Backend &row = answer_.row;
    switch (frame.tag) {
    case Tag::Stage:
        stage_ = base::sanitise(frame.payload, 64);
        return false;
    case Tag::Library:
        row.library = base::sanitise(frame.payload, 4096);
        return false;
    case Tag::Version:
        row.version = base::sanitise(frame.payload);
        return false;
    case Tag::Device:
        return take_device(frame.payload);
    case Tag::Warn:
        row.message = frame.payload;
        return false;
    case Tag::Error:
        take_error(frame.payload);
        return false;
    case Tag::Sample:
        conclude(Outcome::Garbage, "the answer has a reading that nobody asked for");
        return true;
    case Tag::End:
        break;
    }
    if (row.outcome == Outcome::Unknown)
        row.outcome = answer_.devices.empty() ? Outcome::Absent : Outcome::Found;
    conclude(row.outcome, std::string(row.message));
    return true;
}

/// True once the answer is complete or beyond repair; false when all that has come was taken in.
bool Inquiry::read_all() {
    const auto last = reader_.drain([this](std::span<char> piece) { return child_.read(piece); },
                                    [this](const Frame &frame) { return take_in(frame); });
    if (!last)
        conclude(Outcome::Garbage,
                 "the driver wrote into the helper's answer: " + last.error().message);
    return !last || *last;
}

bool Inquiry::advance() {
    // The end is asked for before the last read, so that nothing written before it is missed.
    const auto ending = child_.ending();
    if (read_all())
        return true;
    if (ending) {
        conclude_ended(*ending);
        return true;
    }
    if (os::clock_ns() >= deadline_ns_) {
        conclude(Outcome::Timeout, base::format("the driver did not answer within %u ms%s",
                                                timeout_ms_, in_stage(stage_).c_str()));
        return true;
    }
    return false;
}

Answer ask_here(const Probe &probe, const std::string &library_path) {
    Answer answer;
    answer.row = open_row(probe);
    const uint64_t start_ns = os::clock_ns();
    Findings findings;
    std::string stage;
    findings.stage = [&](const char *call) { stage = call; };
    const base::Done done = probe.driver->ask(library_path, findings);
    core::Backend &row = answer.row;
    row.outcome = findings.devices.empty() ? Outcome::Absent : Outcome::Found;
    row.message = findings.warning;
    if (!done) {
        row.outcome = outcome_of(done.error());
        row.message = done.error().message;
        row.stage = stage;
    }
    row.library = findings.library;
    row.version = findings.version;
    answer.devices = std::move(findings.devices);
    row.device_count = static_cast<uint32_t>(answer.devices.size());
    row.elapsed_ns = os::clock_ns() - start_ns;
    return answer;
}

} // namespace hwa::detect
