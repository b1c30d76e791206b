// SPDX-License-Identifier: MIT
// What amdxdna answers to questions: Linux include/uapi/drm/amdxdna_accel.h.
#pragma once

#include <cstdint>

namespace hwa::os::uapi {

/// struct amdxdna_drm_get_info: the question, with where its answer goes.
struct XdnaGetInfo {
    uint32_t param;
    uint32_t buffer_size;
    uint64_t buffer;
};
static_assert(sizeof(XdnaGetInfo) == 16);

/// enum amdxdna_drm_get_param.
enum XdnaParam : uint32_t { XdnaTiles = 1, XdnaClocks = 3, XdnaFirmware = 8, XdnaResources = 12 };

struct XdnaTileRows {
    uint16_t rows, first_row, dma_channels, locks, events, pad[3];
};

/// struct amdxdna_drm_query_aie_metadata.
struct XdnaArray {
    uint32_t column_bytes;
    uint16_t columns, rows;
    uint32_t major, minor;
    XdnaTileRows core, memory, shim;
};
static_assert(sizeof(XdnaArray) == 64);

struct XdnaClock {
    char name[16];
    uint32_t mhz, pad;
};

/// struct amdxdna_drm_query_clock_metadata.
struct XdnaClockPair {
    XdnaClock controller, array;
};
static_assert(sizeof(XdnaClockPair) == 48);

/// struct amdxdna_drm_query_firmware_version.
struct XdnaVersion {
    uint32_t major, minor, patch, build;
};
static_assert(sizeof(XdnaVersion) == 16);

/// struct amdxdna_drm_get_resource_info.
struct XdnaLimits {
    uint64_t max_array_mhz, max_tops, max_tasks, tops, tasks;
};
static_assert(sizeof(XdnaLimits) == 40);

} // namespace hwa::os::uapi
