// SPDX-License-Identifier: MIT
// What the drivers of graphics on chips of Arm's kind answer through their nodes: Linux
// include/uapi/drm/{asahi,panfrost,panthor}_drm.h. Own declarations; the kernel keeps these layouts
// for good, and adds at the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hwa::os::uapi {

/// The argument of DRM_IOCTL_ASAHI_GET_PARAMS.
struct AsahiParams {
    uint32_t group; ///< 0
    uint32_t pad;
    uint64_t data;
    uint64_t size;
};
static_assert(sizeof(AsahiParams) == 24);

struct AsahiChip {
    uint64_t features;
    uint32_t generation; ///< 13 of "G13G"
    uint32_t variant;    ///< 'G' of that
    uint32_t revision;
    uint32_t chip; ///< 0x8103 of "T8103"
    uint32_t dies;
    uint32_t clusters;
    uint32_t cores_per_cluster; ///< those that do not work included
    uint32_t max_khz;
    uint64_t core_masks[64]; ///< those that work
    uint64_t vm_start, vm_end, vm_kernel_min_size;
    uint32_t max_commands, max_attachments;
    uint64_t timestamp_hz;
};
static_assert(offsetof(AsahiChip, core_masks) == 40);
static_assert(sizeof(AsahiChip) == 592);

/// The argument of DRM_IOCTL_PANFROST_GET_PARAM.
struct PanfrostParam {
    uint32_t param;
    uint32_t pad;
    uint64_t value;
};
static_assert(sizeof(PanfrostParam) == 16);
inline constexpr uint32_t panfrost_product = 0;
inline constexpr uint32_t panfrost_shaders = 2; ///< one bit for each core

/// The argument of DRM_IOCTL_PANTHOR_DEV_QUERY.
struct PanthorQuery {
    uint32_t type; ///< 0: the chip
    uint32_t size;
    uint64_t data;
};
static_assert(sizeof(PanthorQuery) == 16);

struct PanthorChip {
    uint32_t id; ///< the product in the upper half
    uint32_t revision;
    uint32_t features[15];
    uint32_t pad;
    uint64_t shaders; ///< one bit for each core
    uint64_t caches;
    uint64_t tilers;
    uint32_t core_features;
    uint32_t pad_end;
};
static_assert(offsetof(PanthorChip, shaders) == 72);
static_assert(sizeof(PanthorChip) == 104);

} // namespace hwa::os::uapi
