// SPDX-License-Identifier: MIT
// CallerState: what drivers change behind the caller's back, put back when the call is over.
#pragma once

namespace hwa::os {

/// While one lives, a vendor library may do what it likes to the dispositions of signals and to
/// the environment; when it goes, both are as they were when the first of those alive now began.
/// What another thread of the caller changes meanwhile is put back too, so keep it short.
class CallerState {
  public:
    CallerState();
    ~CallerState();
    CallerState(const CallerState &) = delete;
    CallerState &operator=(const CallerState &) = delete;
};

} // namespace hwa::os
