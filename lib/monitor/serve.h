// SPDX-License-Identifier: MIT
// The work of a helper process that a monitor owns.
#pragma once

#include "monitor/sampler.h"
#include "os/requests.h"

namespace hwa::monitor {

/// Answers requests with frames on `descriptor` until there are no more. A request has a character
/// for each device, '1' to read it; an answer has a Sample for each of those and ends with End.
base::Done serve(const Sampler &sampler, const std::string &library_path,
                 std::span<const std::string> ids, const os::Requests &requests, int descriptor);

} // namespace hwa::monitor
