// SPDX-License-Identifier: MIT
// Questions to any DRM driver: Linux include/uapi/drm/drm.h.
#include "os/query_rows.h"

#include <array>
#include <drm.h>

namespace hwa::os {

/// The name of the driver.
base::Result<std::string> query_drm_version(int node, uint32_t) {
    std::array<char, 64> name{};
    struct drm_version version = {};
    version.name = name.data();
    version.name_len = name.size() - 1;
    HWA_CHECK(ask_kernel(node, DRM_IOCTL_VERSION, &version));
    return std::string(name.data());
}

} // namespace hwa::os
