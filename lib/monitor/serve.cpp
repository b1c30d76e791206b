// SPDX-License-Identifier: MIT
// Opens the library at the first request, so that an asker who changes his mind wakes nothing.
#include "monitor/serve.h"

#include "base/text.h"
#include "detect/frames.h"
#include "os/confine.h"
#include "os/host.h"

namespace hwa::monitor {

using detect::Tag;

namespace {

/// Writes frames, and each new stage once.
class Speaker {
  public:
    explicit Speaker(int descriptor) : descriptor_(descriptor) {}

    void say(Tag tag, std::string_view payload) {
        if (ok_)
            ok_ = os::write_all(descriptor_, detect::pack(tag, payload));
    }
    void stage(const char *call) {
        if (stage_ == call)
            return;
        stage_ = call;
        say(Tag::Stage, stage_);
    }
    base::Done &result() { return ok_; }

  private:
    int descriptor_;
    std::string stage_;
    base::Done ok_;
};

} // namespace

base::Done serve(const Sampler &sampler, const std::string &library_path,
                 std::span<const std::string> ids, const os::Requests &requests, int descriptor) {
    Speaker speaker(descriptor);
    const Stage stage = [&](const char *call) { speaker.stage(call); };
    std::unique_ptr<Meter> meter;
    while (const auto request = requests.next()) {
        if (!meter) {
            auto opened = sampler.open(library_path, ids, stage);
            if (!opened) {
                const base::Error &why = opened.error();
                speaker.say(Tag::Error, base::format("%d\n%s", static_cast<int>(why.status),
                                                     why.message.c_str()));
                return std::move(speaker.result());
            }
            meter = std::move(*opened);
        }
        for (size_t i = 0; i < ids.size() && i < request->size(); ++i) {
            if ((*request)[i] != '1')
                continue;
            Reading reading = meter->read(i);
            reading.time_ns = os::clock_ns();
            speaker.say(Tag::Sample, reading_text(i, reading));
        }
        speaker.say(Tag::End, {});
        HWA_CHECK(std::move(speaker.result()));
    }
    // Not in a destructor of the library, which was not made for this.
    static_cast<void>(meter.release());
    return {};
}

} // namespace hwa::monitor
