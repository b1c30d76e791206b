// SPDX-License-Identifier: MIT
// What the drivers of several vendors have in common when they describe a device.
#pragma once

#include "core/device.h"

#include <cstdint>
#include <span>
#include <string>

namespace hwa::detect {

/// The id that the kernel tier gives the device at that address: "pci-0000:c1:00.0".
std::string pci_id(uint32_t domain, uint32_t bus, uint32_t device, uint32_t function);

/// 32 hex digits; "" if all bytes are equal, which some drivers say for want of a better answer.
std::string uuid_text(std::span<const uint8_t, 16> bytes);

/// Text in a field of fixed size, which may lack its final NUL.
std::string field_text(std::span<const char> field);

/// Says whose a device is by the vendor id that its driver gives, which is the PCI bus's or, from
/// 0x10000 on, the Khronos registry's.
void name_vendor(core::Device &device, uint32_t vendor);

/// True of a device that sleeps and that the library of its maker would wake, if asked. What is
/// kept for a virtual machine, or has a driver without such a library, is out of its reach.
bool would_wake(const core::Device &device);

/// Marks a device as emulated by the processor: the `index`-th that `backend` shows.
void mark_software(core::Device &device, const char *backend, uint32_t index);

/// Gives a device of its own an id that lasts: by uuid, else the `index`-th of `backend`.
void name_unlisted(core::Device &device, const char *backend, uint32_t index);

} // namespace hwa::detect
