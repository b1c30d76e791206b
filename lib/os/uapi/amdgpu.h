// SPDX-License-Identifier: MIT
// What amdgpu and radeon answer to questions: Linux include/uapi/drm/amdgpu_drm.h and radeon_drm.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hwa::os::uapi {

/// The beginning of struct drm_amdgpu_info_device, which every version of it has.
struct AmdgpuDevice {
    uint32_t device_id, chip_rev, external_rev, pci_rev, family;
    uint32_t shader_engines, arrays_per_engine, counter_khz;
    uint64_t max_engine_khz, max_memory_khz;
    uint32_t active_units, always_on;
    uint32_t unit_bitmap[4][4];
    uint32_t render_mask, render_pipes, contexts, pad;
    uint64_t flags; ///< amdgpu_fusion
    uint64_t address_first, address_last;
    uint32_t address_alignment, fragment, page_size, constant_ram;
    uint32_t vram_type, vram_bits;
};
static_assert(sizeof(AmdgpuDevice) == 184);

/// AMDGPU_IDS_FLAGS_FUSION: on one chip with the processor.
inline constexpr uint64_t amdgpu_fusion = 1;

struct AmdgpuHeap {
    uint64_t total, usable, used, largest;
};

/// struct drm_amdgpu_memory_info.
struct AmdgpuMemory {
    AmdgpuHeap vram, visible_vram, gtt;
};
static_assert(sizeof(AmdgpuMemory) == 96);

/// struct drm_radeon_gem_info.
struct RadeonMemory {
    uint64_t gart, vram, visible_vram;
};
static_assert(sizeof(RadeonMemory) == 24);

} // namespace hwa::os::uapi
