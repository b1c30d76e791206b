// SPDX-License-Identifier: MIT
// What the data sheet of a chip says where nothing better is known.
#pragma once

#include "core/device.h"

namespace hwa::detect {

/// Puts in what data/specs.csv has for the name of the device. Whatever is known stays.
void put_sheet(core::Device &device);

} // namespace hwa::detect
