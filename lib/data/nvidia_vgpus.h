// SPDX-License-Identifier: MIT
// Names of NVIDIA's virtual GPUs: a guest sees the id of the card, and the type as its subsystem.
#pragma once

#include <cstdint>
#include <string>

namespace hwa::data {

/// The type with that PCI device id and that subsystem of NVIDIA's, such as "GRID A100X-10C"; "" if
/// it is none.
std::string nvidia_vgpu(uint32_t device, uint32_t subsystem);

} // namespace hwa::data
