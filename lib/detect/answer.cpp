// SPDX-License-Identifier: MIT
// Sends the findings of one probe as frames.
#include "detect/answer.h"

#include "base/text.h"
#include "core/system_json.h"
#include "detect/frames.h"
#include "os/confine.h"

#include <string_view>

namespace hwa::detect {

using base::Status;
using core::Outcome;

Outcome outcome_of(const base::Error &why) {
    switch (why.status) {
    case Status::Unavailable:
    case Status::NotFound:
        return Outcome::Missing;
    case Status::Denied:
        return Outcome::Denied;
    case Status::Parse:
        return Outcome::Garbage;
    case Status::HostMemory:
        return Outcome::Starved;
    default:
        return Outcome::Failed;
    }
}

namespace {

/// Writes frames and keeps within what one answer may hold.
class Sender {
  public:
    explicit Sender(int descriptor) : descriptor_(descriptor) {}

    void send(Tag tag, std::string_view payload) {
        const std::string bytes = pack(tag, payload);
        total_ += bytes.size();
        if (ok_)
            ok_ = os::write_all(descriptor_, bytes);
    }

    /// The foreign call that comes next, unless it is the same again, after what is new of the
    /// library, so that a crash does not take that knowledge along.
    void stage(const Findings &findings, std::string_view call) {
        send_new(Tag::Library, findings.library, library_);
        send_new(Tag::Version, findings.version, version_);
        send_new(Tag::Stage, call, stage_);
    }

    void device(const core::Device &device) {
        const std::string text = core::device_to_json(device);
        // Room is kept for the records that close the answer.
        const bool fits = text.size() <= frame_payload_limit && devices_ < device_limit &&
                          total_ + text.size() <= answer_limit - 2 * frame_payload_limit;
        if (fits) {
            ++devices_;
            send(Tag::Device, text);
        } else {
            ++left_out_;
        }
    }

    base::Done finish(Findings &findings, const base::Done &done) {
        stage(findings, "");
        if (left_out_ > 0)
            send(Tag::Warn, base::format("%u devices were left out for want of room", left_out_));
        if (!findings.warning.empty())
            send(Tag::Warn, findings.warning);
        if (!done)
            send(Tag::Error, std::string(core::outcome_name(outcome_of(done.error()))) + '\n' +
                                 done.error().message);
        send(Tag::End, {});
        return std::move(ok_);
    }

  private:
    void send_new(Tag tag, std::string_view text, std::string &last) {
        if (text.empty() || text == last)
            return;
        last = text;
        send(tag, text);
    }

    int descriptor_;
    size_t total_ = 0;
    uint32_t devices_ = 0;
    uint32_t left_out_ = 0;
    std::string library_;
    std::string version_;
    std::string stage_;
    base::Done ok_;
};

} // namespace

base::Done answer(const Probe &probe, const std::string &library_path, int descriptor) {
    Sender sender(descriptor);
    Findings findings;
    findings.stage = [&](const char *call) { sender.stage(findings, call); };
    findings.found = [&](const core::Device &device) { sender.device(device); };
    const base::Done done = probe.driver->ask(library_path, findings);
    return sender.finish(findings, done);
}

} // namespace hwa::detect
