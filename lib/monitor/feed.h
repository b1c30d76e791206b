// SPDX-License-Identifier: MIT
// Feed: readings of some devices from one vendor's library, by a helper process that is kept.
#pragma once

#include "detect/frames.h"
#include "monitor/sampler.h"
#include "os/process.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hwa::monitor {

class Feed {
  public:
    Feed(const Sampler &sampler, std::string library_path)
        : sampler_(&sampler), library_path_(std::move(library_path)) {}

    const Sampler &sampler() const { return *sampler_; }
    /// Adds a device; gives its place. Only before the first ask().
    size_t add(std::string id);
    size_t size() const { return ids_.size(); }
    /// When the request under way is given up.
    uint64_t deadline_ns() const;
    const Reading &reading(size_t place) const { return readings_[place]; }

    /// Asks for the devices marked '1', starting the helper if it does not run and may. While an
    /// earlier request is under way, its answer will do.
    void ask(const std::string &wanted);
    /// Takes in what has come; true once there is nothing to wait for.
    bool advance();
    /// What has not come by now is unknown, for want of time.
    void settle();
    /// The helper at work, or NULL.
    os::Child *child() { return child_ ? &*child_ : nullptr; }
    /// In a forked process: the helper is the parent's.
    void disown();

  private:
    base::Done start();
    bool take_in(const detect::Frame &frame);
    bool read_all();
    void fail(base::Status status, std::string message);
    std::string in_stage() const;

    const Sampler *sampler_;
    std::string library_path_;
    std::vector<std::string> ids_;
    std::vector<Reading> readings_;
    std::vector<Reading> coming_; ///< of the answer under way
    std::optional<os::Child> child_;
    detect::FrameReader reader_;
    std::string stage_;
    uint64_t asked_ns_ = 0; ///< when the request under way was sent; 0: there is none
    uint64_t start_not_before_ns_ = 0;
    uint64_t delay_ns_ = 0; ///< before the next start after a failure
};

} // namespace hwa::monitor
