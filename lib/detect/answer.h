// SPDX-License-Identifier: MIT
// The helper's side: one probe is run, and what it finds is sent on as it comes.
#pragma once

#include "detect/probe.h"

#include <string>

namespace hwa::detect {

/// Runs the driver half of a probe and writes its answer, as frames, to `descriptor`. An error is
/// one of writing; what the driver does wrong is part of the answer.
base::Done answer(const Probe &probe, const std::string &library_path, int descriptor);

/// The outcome that an error of a driver amounts to.
core::Outcome outcome_of(const base::Error &why);

} // namespace hwa::detect
