// SPDX-License-Identifier: MIT
// The caller's side: a helper process at work on one probe, and what came of it.
#pragma once

#include "detect/frames.h"
#include "detect/probe.h"
#include "os/process.h"

#include <optional>
#include <string>
#include <vector>

namespace hwa::detect {

/// What one driver backend came to.
struct Answer {
    core::Backend row;
    std::vector<core::Device> devices;
};

/// A row for a probe of that name, its outcome still open.
core::Backend open_row(const Probe &probe);

/// Path of hwa-probe.
base::Result<std::string> find_helper();

/// A helper process at work on one probe.
class Inquiry {
  public:
    /// `setting` is one more variable for its environment, or ""; `timeout_ms` counts from here.
    static base::Result<Inquiry> start(const Probe &probe, const std::string &helper,
                                       const std::string &library_path, std::string setting,
                                       uint32_t timeout_ms);

    /// Takes in what has come; true once there is nothing more to wait for.
    bool advance();
    uint64_t deadline_ns() const { return deadline_ns_; }
    os::Child &child() { return child_; }
    /// The answer, after advance() said true.
    Answer take() { return std::move(answer_); }

  private:
    Inquiry(const Probe &probe, os::Child child, uint64_t start_ns, uint32_t timeout_ms);
    bool read_all();
    bool take_in(const Frame &frame);
    bool take_device(std::string_view json);
    void take_error(std::string_view payload);
    void conclude(core::Outcome outcome, std::string message);
    void conclude_ended(os::Ending ending);

    os::Child child_;
    uint64_t start_ns_;
    uint64_t deadline_ns_;
    uint32_t timeout_ms_;
    FrameReader reader_;
    Answer answer_;
    std::string stage_; ///< of the foreign call under way
};

/// Runs the driver half of a probe in this very process.
Answer ask_here(const Probe &probe, const std::string &library_path);

} // namespace hwa::detect
