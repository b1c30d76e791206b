// SPDX-License-Identifier: MIT
// What the files about NVIDIA's devices share.
#pragma once

#include "detect/family.h"

#include <optional>
#include <string>
#include <string_view>

namespace hwa::detect {

inline constexpr uint16_t nvidia_pci_vendor = 0x10de;

/// The text behind "KEY:" on a line of its own in a file of /proc/driver/nvidia; "" if there is
/// none.
std::string proc_value(std::string_view text, std::string_view key);

/// "GPU-8A5F...", with or without the word before it, as 32 hexadecimal digits; "" if it is none.
std::string nvidia_uuid(std::string_view text);

/// The parts that NVIDIA's driver has divided its devices into (MIG).
void find_mig(const os::Host &host, core::System &system);

/// Graphics of a system on a chip, which the device tree describes.
void find_tegra(const Machine &machine, core::System &system);

/// Its engines for inference, likewise.
void find_dla(const Machine &machine, core::System &system);

/// Gives a device that has no memory of its own all of the host's.
void share_host_memory(const core::System &system, core::Device &device);

/// Peak rates, and memory of those that share the host's, once all witnesses were heard.
void finish_nvidia(core::System &system);

/// What takes more than one device to tell: versions, switches, parts of devices, shared memory.
base::Done find_nvidia(const Machine &machine, core::System &system);

} // namespace hwa::detect
