// SPDX-License-Identifier: MIT
// What the drivers of Intel's graphics and NPUs answer through their nodes: Linux
// include/uapi/drm/{xe,i915,ivpu}_drm.h and ivpu_accel.h, of which older headers lack the most. Own
// declarations; the kernel keeps these layouts for good.
#pragma once

#include <cstdint>

namespace hwa::os::uapi {

// Questions of DRM_IOCTL_XE_DEVICE_QUERY.
inline constexpr uint32_t xe_memory_regions = 1;
inline constexpr uint32_t xe_topology = 5;
// Questions of DRM_IOCTL_I915_QUERY.
inline constexpr uint32_t i915_topology = 1;
inline constexpr uint32_t i915_memory_regions = 4;

/// Memory of the device, as opposed to the host's (0): both drivers count alike.
inline constexpr uint16_t device_memory = 1;

struct XeQuery {
    uint64_t extensions;
    uint32_t query;
    uint32_t size; ///< 0 asks for what the answer takes
    uint64_t data;
    uint64_t reserved[2];
};
static_assert(sizeof(XeQuery) == 40);

/// Before the regions of either driver's answer: their number, then what fills up the head.
struct XeRegions {
    uint32_t count;
    uint32_t pad;
};
static_assert(sizeof(XeRegions) == 8);

struct XeRegion {
    uint16_t memory_class;
    uint16_t instance;
    uint32_t min_page_size;
    uint64_t total_size;
    uint64_t used; ///< 0 without CAP_PERFMON
    uint64_t cpu_visible_size;
    uint64_t cpu_visible_used;
    uint64_t reserved[6];
};
static_assert(sizeof(XeRegion) == 88);

/// One mask of one GT; the answer is a row of them, each followed by its bytes.
struct XeMask {
    uint16_t gt;
    uint16_t type;
    uint32_t bytes;
};
static_assert(sizeof(XeMask) == 8);
inline constexpr uint16_t xe_geometry = 1;
inline constexpr uint16_t xe_compute = 2;
inline constexpr uint16_t xe_units = 4;        ///< vector engines of each Xe-core
inline constexpr uint16_t xe_units_simd16 = 5; ///< the same from Xe2 on

struct I915Item {
    uint64_t query;
    int32_t length; ///< 0 asks for what the answer takes; below 0 it is an errno
    uint32_t flags;
    uint64_t data;
};
static_assert(sizeof(I915Item) == 24);

struct I915Query {
    uint32_t count;
    uint32_t flags;
    uint64_t items;
};
static_assert(sizeof(I915Query) == 16);

struct I915Regions {
    uint32_t count;
    uint32_t pad[3];
};
static_assert(sizeof(I915Regions) == 16);

struct I915Region {
    uint16_t memory_class;
    uint16_t instance;
    uint32_t pad;
    uint64_t probed_size;
    uint64_t unallocated_size;
    uint64_t cpu_visible_size;
    uint64_t reserved[7];
};
static_assert(sizeof(I915Region) == 88);

/// Offsets count from behind this head.
struct I915Topology {
    uint16_t flags;
    uint16_t max_slices;
    uint16_t max_subslices;
    uint16_t max_units;
    uint16_t subslice_offset;
    uint16_t subslice_stride;
    uint16_t unit_offset;
    uint16_t unit_stride;
};
static_assert(sizeof(I915Topology) == 16);

struct IvpuParam {
    uint32_t param;
    uint32_t index;
    uint64_t value;
};
static_assert(sizeof(IvpuParam) == 16);

} // namespace hwa::os::uapi
