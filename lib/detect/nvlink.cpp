// SPDX-License-Identifier: MIT
// NVLink by NVML: each device tells what its links lead to, and two that lead to each other or to
// switches are linked (NVML API Reference Guide, "NvLink Methods"; rates of NVIDIA's "NVLink and
// NVLink Switch" pages: 20, 25, 25, 25 and 50 GB/s each way and link in five generations).
#include "base/text.h"
#include "detect/nvml.h"
#include "detect/witness.h"

#include <algorithm>
#include <map>

namespace hwa::detect {

using core::Device;
using core::Source;

static constexpr unsigned link_limit = 36; ///< of one device
static constexpr const char *to_switch = "nvml.nvlink.switch";
static constexpr const char *to_peer = "nvml.nvlink."; ///< then the id of the other device
static constexpr const char *generation = "nvml.nvlink.generation";

/// NVML numbers versions in order of appearance: 1.0, 2.0, 2.2, 3.0, 3.1, 4.0, 5.0.
static unsigned generation_of(unsigned version) {
    static constexpr unsigned table[] = {0, 1, 2, 2, 3, 3, 4, 5};
    return version < std::size(table) ? table[version] : 0;
}

/// Where one link leads, as the key of an attribute; "" if it is off or leads elsewhere.
static std::string end_of(const NvmlSubject &subject, unsigned link) {
    const api::Nvml &nvml = subject.nvml;
    nvmlEnableState_t state = NVML_FEATURE_DISABLED;
    if (nvml.nvmlDeviceGetNvLinkState(subject.handle, link, &state) != NVML_SUCCESS ||
        state != NVML_FEATURE_ENABLED)
        return "";
    nvmlIntNvLinkDeviceType_t type = NVML_NVLINK_DEVICE_TYPE_UNKNOWN;
    if (nvml.nvmlDeviceGetNvLinkRemoteDeviceType != nullptr &&
        nvml.nvmlDeviceGetNvLinkRemoteDeviceType(subject.handle, link, &type) == NVML_SUCCESS &&
        type == NVML_NVLINK_DEVICE_TYPE_SWITCH)
        return to_switch;
    nvmlPciInfo_t pci = {};
    if (nvml.nvmlDeviceGetNvLinkRemotePciInfo_v2 == nullptr ||
        nvml.nvmlDeviceGetNvLinkRemotePciInfo_v2(subject.handle, link, &pci) != NVML_SUCCESS)
        return "";
    return to_peer + pci_id(pci.domain, pci.bus, pci.device, 0);
}

void put_nvlinks(const NvmlSubject &subject, Device &device) {
    if (subject.nvml.nvmlDeviceGetNvLinkState == nullptr)
        return;
    std::map<std::string, int> ends;
    unsigned version = 0;
    for (unsigned link = 0; link < link_limit; ++link) {
        const std::string end = end_of(subject, link);
        if (end.empty())
            continue;
        ++ends[end];
        version = std::max(
            version, subject.number(subject.nvml.nvmlDeviceGetNvLinkVersion, link).value_or(0));
    }
    for (const auto &[end, count] : ends)
        device.put_attr(core::attr_int(end, count, Source::Driver));
    if (!ends.empty() && generation_of(version) != 0)
        device.put_attr(core::attr_int(generation, generation_of(version), Source::Driver));
}

static int64_t number_of(const Device &device, const std::string &key) {
    const core::Attr *attr = device.find_attr(key);
    return attr != nullptr ? attr->i : 0;
}

/// True if NVML lets `device` read memory of the other, which it names by its number.
static bool reads(const Device &device, const Device &other) {
    const core::Attr *peers = device.find_attr("nvml.peers");
    const core::Attr *index = other.find_attr("nvml.index");
    if (peers == nullptr || index == nullptr)
        return false;
    const auto list = base::split(peers->s, ',');
    return std::find(list.begin(), list.end(), std::to_string(index->i)) != list.end();
}

/// Links lead from one to the other, or from both to switches, which connect all with all.
static void link_pair(const Device &a, const Device &b, core::System &system) {
    int64_t count = std::max(number_of(a, to_peer + b.id), number_of(b, to_peer + a.id));
    if (count == 0)
        count = std::min(number_of(a, to_switch), number_of(b, to_switch));
    const int64_t made = std::min(number_of(a, generation), number_of(b, generation));
    if (count <= 0 || count > link_limit)
        return;
    core::Link link;
    link.kind = core::LinkKind::Fabric;
    link.a = a.id;
    link.b = b.id;
    link.name = base::format("nvlink x%d", static_cast<int>(count));
    link.source = Source::Driver;
    if (made > 0 && made <= 5) {
        static constexpr uint64_t rates[] = {0, 20, 25, 25, 25, 50}; // GB/s
        link.name = base::format("nvlink%d x%d", static_cast<int>(made), static_cast<int>(count));
        link.bytes_per_second = rates[made] * 1000000000 * static_cast<uint64_t>(count);
    }
    if (reads(a, b) && reads(b, a))
        link.flags = core::LinkPeerAccess;
    system.links.push_back(std::move(link));
}

void find_nvlinks(core::System &system) {
    std::vector<const Device *> ends;
    for (const Device &device : system.devices)
        if (std::any_of(device.attrs.begin(), device.attrs.end(),
                        [](const core::Attr &attr) { return attr.key.starts_with(to_peer); }))
            ends.push_back(&device);
    for (size_t a = 0; a < ends.size(); ++a)
        for (size_t b = a + 1; b < ends.size(); ++b)
            link_pair(*ends[a], *ends[b], system);
}

} // namespace hwa::detect
