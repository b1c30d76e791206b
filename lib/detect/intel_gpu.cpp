// SPDX-License-Identifier: MIT
// Intel graphics.
#include "detect/families.h"

namespace hwa::detect {

static bool is_intel_gpu(const os::PciFunction &function) {
    return function.vendor == 0x8086 && function.class_code >> 16 == 0x03;
}

static void describe(const PciSubject &subject, core::Device &device) {
    // Intel's own graphics sit on the first bus; its cards never do.
    if (subject.function.address.find(":00:02.") != std::string::npos)
        device.flags |= core::DeviceIntegrated;
}

constexpr Family intel_gpu_family = {"i915 or xe", {}, is_intel_gpu, nullptr, describe};

} // namespace hwa::detect
