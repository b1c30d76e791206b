// SPDX-License-Identifier: MIT
// Host: seconds of what a device leaves in the memory of its host.
#pragma once

#include "plan/time/pass.h"

namespace hwa::plan {

/// Takes so many bytes of weights out of a stage: experts first, of which a step reads a part
/// alone.
Work leave(Work &work, double bytes);

/// A pass through what llama.cpp left on the host: the processor multiplies a few tokens, and many
/// wait until the weights have gone over the link to the device.
PassTime host_time(const Work &left, const Ranks &ranks, const Tokens &tokens, const Speeds &host,
                   const Speeds &device);

} // namespace hwa::plan
