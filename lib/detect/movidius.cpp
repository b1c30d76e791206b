// SPDX-License-Identifier: MIT
// Intel Movidius on USB: Neural Compute Sticks and cameras with a Myriad. The ids are those of the
// boot loader and of the firmware. Document: openvinotoolkit/openvino (2022.3)
// thirdparty/movidius/mvnc/src/watchdog, XLink/pc/protocols/usb_boot.
#include "detect/families.h"

#include "detect/usb.h"

namespace hwa::detect {

using core::Kind;

static constexpr const char *boots =
    "it gets its firmware, and other USB ids, when OpenVINO or DepthAI first opens it";

static constexpr UsbProduct products[] = {
    {0x03e7, 0x2150, Kind::Asic, "Intel Movidius Myriad 2", "myriad2", boots},
    {0x03e7, 0x2485, Kind::Asic, "Intel Movidius Myriad X", "myriadx", boots},
    {0x03e7, 0xf63b, Kind::Asic, "Intel Movidius Myriad X", "myriadx", ""},
};

base::Done find_movidius(const Machine &machine, core::System &system) {
    find_usb(machine, "movidius", "intel", products, system);
    return {};
}

} // namespace hwa::detect
