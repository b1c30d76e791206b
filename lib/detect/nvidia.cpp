// SPDX-License-Identifier: MIT
// NVIDIA graphics and accelerators.
#include "detect/families.h"

namespace hwa::detect {

static bool is_nvidia_gpu(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return function.vendor == 0x10de && (base_class == 0x03 || base_class == 0x12);
}

/// NVIDIA's own driver is opened by a node for all cards; others have render nodes.
static std::string node(const PciSubject &subject) {
    return subject.function.driver == "nvidia" ? "/dev/nvidiactl" : render_node(subject);
}

constexpr Family nvidia_family = {"nvidia", {}, is_nvidia_gpu, node, nullptr};

} // namespace hwa::detect
