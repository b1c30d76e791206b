// SPDX-License-Identifier: MIT
// Exit: what the exit status of the tool says; man page and tests hold it to these.
#pragma once

namespace hwa::tool {

enum Exit : int {
    ExitDone = 0,
    ExitFailed = 1,
    ExitUsage = 2,
    ExitNothing = 3, ///< no such device, or no accelerator where one was required
    ExitNoFit = 4,
    ExitPartial = 5, ///< with --strict: a backend had trouble
    ExitDenied = 6,
    ExitLost = 7,
    ExitTimeout = 124,
};

} // namespace hwa::tool
