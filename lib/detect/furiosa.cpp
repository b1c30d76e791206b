// SPDX-License-Identifier: MIT
// FuriosaAI's Warboy and RNGD. Their device classes hang below no PCI device; each member names the
// address of its own in the file busname. Documents: furiosa-ai/device-api device-api/src/arch and
// its test_data; ids by the public PCI ID list.
#include "detect/families.h"

#include "base/text.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x1ed2, 0x0000, 0x0000, Kind::Asic, "FuriosaAI Warboy", "warboy"},
    {0x1ed2, 0x0001, 0x0001, Kind::Asic, "FuriosaAI RNGD", "rngd"},
    {0x1ed2, 0x0002, 0x0002, Kind::Asic, "FuriosaAI RNGD-Plus", "rngd"},
    {0x1ed2, 0x2222, 0x2222, Kind::Asic, "FuriosaAI RNGD-S", "rngd"},
};

namespace {

struct Place {
    const char *folder; ///< of the class
    const char *suffix; ///< of the node that manages a device
};

} // namespace

static constexpr Place places[] = {{"/sys/class/rngd_mgmt", "mgmt"},
                                   {"/sys/class/npu_mgmt", "_mgmt"}};

/// Folder of the function in its class, or "".
static std::string class_folder(const PciSubject &subject) {
    for (const Place &place : places)
        if (const auto names = subject.host.list(place.folder, 64))
            for (const std::string &name : *names) {
                if (!name.ends_with(place.suffix))
                    continue;
                const std::string folder = std::string(place.folder) + '/' + name;
                const auto bus = subject.host.read_file(folder + "/busname", 64);
                if (bus && base::trim(*bus) == subject.function.address)
                    return folder;
            }
    return "";
}

static std::string node(const PciSubject &subject) {
    std::string name = class_folder(subject);
    name.erase(0, name.rfind('/') + 1);
    for (char &c : name)
        c = c == '!' ? '/' : c;
    return name.empty() ? "" : "/dev/" + name;
}

/// "0,1,2,3,0-1,2-3": processing elements, and how they may be fused.
static uint32_t count_elements(std::string_view text) {
    uint32_t count = 0;
    for (const std::string_view part : base::split(text, ','))
        count += base::parse_u64(part) ? 1 : 0;
    return count;
}

static void describe(const PciSubject &subject, Device &device) {
    const core::Attr *at = device.find_attr("device.node");
    if (at == nullptr)
        return;
    std::string folder = at->s.starts_with("/dev/rngd/")
                             ? "/sys/class/rngd_mgmt/rngd!" + at->s.substr(at->s.rfind('/') + 1)
                             : "/sys/class/npu_mgmt/" + at->s.substr(at->s.rfind('/') + 1);
    const auto text = [&](const char *file) {
        const auto content = subject.host.read_file(folder + file);
        return content ? base::legible(*content, 128) : std::string();
    };
    if (const uint32_t elements = count_elements(text("/cur_pe_ids")); elements != 0)
        device.compute_units = {elements, Source::Kernel};
    put_version(device, "furiosa.firmware", text("/fw_version"));
    put_version(device, "furiosa.driver_version", text("/version"));
}

constexpr Family furiosa_family = {"npu_mgmt or rngd", chips, nullptr, node, describe};

} // namespace hwa::detect
