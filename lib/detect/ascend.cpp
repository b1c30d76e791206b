// SPDX-License-Identifier: MIT
// Huawei Ascend. Documents: the published driver of CANN, src/sdk_driver/comm/pcie/host/
// {devdrv_pci.h,devdrv_sysfs.c} and dcmi_common.h: ids, and the file dev_id, which is the number of
// the node and readable by root alone.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

// 19e5 is the id of all of Huawei, network and storage included.
static constexpr Chip chips[] = {
    {0x19e5, 0xd100, 0xd100, Kind::Asic, "Huawei Ascend 310", "ascend310"},
    {0x19e5, 0xd105, 0xd105, Kind::Asic, "Huawei Ascend 310B", "ascend310b"},
    {0x19e5, 0xd500, 0xd501, Kind::Asic, "Huawei Ascend 310P", "ascend310p"},
    {0x19e5, 0xd801, 0xd801, Kind::Asic, "Huawei Ascend 910", "ascend910"},
    {0x19e5, 0xd802, 0xd802, Kind::Asic, "Huawei Ascend 910B", "ascend910b"},
    {0x19e5, 0xd803, 0xd804, Kind::Asic, "Huawei Ascend 910C", "ascend910_93"},
    {0x19e5, 0xd806, 0xd807, Kind::Asic, "Huawei Ascend 950", "ascend950"},
};

static std::string node(const PciSubject &subject) {
    constexpr uint64_t most = 1024;
    if (const auto number = subject.number("dev_id"); number && *number < most)
        return "/dev/davinci" + std::to_string(*number);
    return lone_node(subject, "davinci_manager", "davinci");
}

constexpr Family ascend_family = {"devdrv_device_driver", chips, nullptr, node, nullptr, "davinci"};

} // namespace hwa::detect
