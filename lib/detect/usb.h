// SPDX-License-Identifier: MIT
// Devices on USB by their ids.
#pragma once

#include "core/system.h"
#include "detect/machine.h"

#include <cstdint>
#include <span>

namespace hwa::detect {

/// One product by its USB ids.
struct UsbProduct {
    uint16_t vendor, product;
    core::Kind kind;
    const char *name;
    const char *architecture;
    const char *state; ///< what these ids say of its state, as a sentence without a period; or ""
};

/// Adds a device for each that is plugged in. Its id is its place, which stays when its ids change.
void find_usb(const Machine &machine, const char *backend, const char *vendor,
              std::span<const UsbProduct> products, core::System &system);

} // namespace hwa::detect
