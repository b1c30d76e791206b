// SPDX-License-Identifier: MIT
// Questions to driver habanalabs: Linux include/uapi/drm/habanalabs_accel.h. Up to Linux 6.7 its
// requests were of a kind of their own (include/uapi/misc/habanalabs.h).
#include "os/query_rows.h"
#include "os/uapi/habana.h"

#include <cerrno>
#include <drm.h>

namespace hwa::os {

/// HL_INFO_HW_IP_INFO.
base::Result<std::string> query_habana_chip(int node, uint32_t) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x00, uapi::HabanaInfo);
    constexpr unsigned long old_request = _IOWR('H', 0x01, uapi::HabanaInfo);
    uapi::HabanaChip chip = {};
    uapi::HabanaInfo info = {};
    info.answer = reinterpret_cast<uintptr_t>(&chip);
    info.size = sizeof chip;
    auto done = ask_kernel(node, request, &info);
    if (!done && done.error().code == ENOTTY)
        done = ask_kernel(node, old_request, &info);
    HWA_CHECK(std::move(done));
    return bytes_of(chip);
}

} // namespace hwa::os
