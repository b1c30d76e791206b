// SPDX-License-Identifier: MIT
// The commands, one file each. A command prints its answer and returns the exit status.
#pragma once

#include "arguments.h"
#include "screen.h"

#include <hwa/hwa.h>

namespace hwa::tool {

int summary(const Arguments &arguments, Screen &screen);
int list(const Arguments &arguments, Screen &screen);
int info(const Arguments &arguments, Screen &screen);
int plan(const Arguments &arguments, Screen &screen);
int fit(const Arguments &arguments, Screen &screen);
int run(const Arguments &arguments, Screen &screen);
int watch(const Arguments &arguments, Screen &screen);
int doctor(const Arguments &arguments, Screen &screen);
int capture(const Arguments &arguments, Screen &screen);
int version(const Arguments &arguments, Screen &screen);

/// The table of devices that summary and list share.
void print_devices(const hwa_system_t *system, Screen &screen);

} // namespace hwa::tool
