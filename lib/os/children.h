// SPDX-License-Identifier: MIT
// What a process must remember of its children after the call that started them has returned.
#pragma once

#include <sys/types.h>

namespace hwa::os {

/// Reaps a killed child now if it has ended, else remembers to.
void leave_unreaped(pid_t pid);

/// True when so many children resist being killed that no more should be started.
bool too_many_unreaped();

} // namespace hwa::os
