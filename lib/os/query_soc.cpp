// SPDX-License-Identifier: MIT
// Questions to the drivers of graphics on chips of Arm's kind, those alone that tell and change
// nothing: Linux include/uapi/drm/{asahi,panfrost,panthor}_drm.h.
#include "os/query_rows.h"
#include "os/uapi/soc.h"

#include <drm.h>

namespace hwa::os {

using base::Result;

/// The global parameters of DRM_ASAHI_GET_PARAMS.
Result<std::string> query_asahi_chip(int node, uint32_t) {
    constexpr unsigned long request = DRM_IOW(DRM_COMMAND_BASE + 0x00, uapi::AsahiParams);
    uapi::AsahiChip chip = {};
    uapi::AsahiParams params = {};
    params.data = reinterpret_cast<uintptr_t>(&chip);
    params.size = sizeof chip;
    HWA_CHECK(ask_kernel(node, request, &params));
    return bytes_of(chip);
}

/// The value of DRM_PANFROST_GET_PARAM of that number.
Result<std::string> query_panfrost(int node, uint32_t number) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x04, uapi::PanfrostParam);
    uapi::PanfrostParam param = {};
    param.param = number;
    HWA_CHECK(ask_kernel(node, request, &param));
    return bytes_of(param.value);
}

/// What DRM_PANTHOR_DEV_QUERY tells of the chip.
Result<std::string> query_panthor_chip(int node, uint32_t) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x00, uapi::PanthorQuery);
    uapi::PanthorChip chip = {};
    uapi::PanthorQuery query = {};
    query.size = sizeof chip;
    query.data = reinterpret_cast<uintptr_t>(&chip);
    HWA_CHECK(ask_kernel(node, request, &query));
    return bytes_of(chip);
}

} // namespace hwa::os
