// SPDX-License-Identifier: MIT
// NVLink by NVML: each device tells what its links lead to, and two that lead to each other or to
// switches are linked, as are a device and a processor with links between them (NVML API Reference
// Guide, "NvLink Methods" and "Field Value Enums"; nominal rates of NVIDIA's "NVLink and NVLink
// Switch" pages and of the white paper of GA102).
#include "base/text.h"
#include "detect/links.h"
#include "detect/nvml.h"
#include "detect/witness.h"

#include <algorithm>
#include <map>

namespace hwa::detect {

using core::Device;
using core::Source;

static constexpr unsigned link_limit = 36; ///< of one device
static constexpr const char *to_switch = "nvml.nvlink.switch";
static constexpr const char *to_host = "nvml.nvlink.host";
static constexpr const char *to_peer = "nvml.nvlink."; ///< then the id of the other device
static constexpr const char *generation = "nvml.nvlink.generation";
static constexpr const char *rate = "nvml.nvlink.bytes_per_second"; ///< each way, of one link
static constexpr const char *chip_links = "nvml.c2c.links";
static constexpr const char *chip_rate = "nvml.c2c.bytes_per_second"; ///< each way, of all

/// NVML numbers versions in order of appearance: 1.0, 2.0, 2.2, 3.0, 3.1, 4.0, 5.0, 6.0.
static unsigned generation_of(unsigned version) {
    static constexpr unsigned table[] = {0, 1, 2, 2, 3, 3, 4, 5, 6};
    return version < std::size(table) ? table[version] : 0;
}

/// What one link of a generation moves each way; 0 where no document says.
static uint64_t nominal_rate(unsigned made, const Device &device) {
    static constexpr uint64_t rates[] = {
        0, 20'000'000'000, 25'000'000'000, 25'000'000'000, 25'000'000'000, 50'000'000'000};
    const core::Attr *capability = device.find_attr("cuda.compute_capability");
    const bool ga102 = capability != nullptr && capability->s == "8.6";
    if (made == 3 && ga102)
        return 14'062'500'000;
    return made < std::size(rates) ? rates[made] : 0;
}

/// A field of NVML's that is a number.
static std::optional<uint64_t> field(const NvmlSubject &subject, unsigned what, unsigned link) {
    nvmlFieldValue_t told = {};
    told.fieldId = what;
    told.scopeId = link;
    if (subject.nvml.nvmlDeviceGetFieldValues == nullptr ||
        subject.nvml.nvmlDeviceGetFieldValues(subject.handle, 1, &told) != NVML_SUCCESS ||
        told.nvmlReturn != NVML_SUCCESS)
        return std::nullopt;
    switch (told.valueType) {
    case NVML_VALUE_TYPE_UNSIGNED_INT:
        return told.value.uiVal;
    case NVML_VALUE_TYPE_UNSIGNED_LONG:
        return told.value.ulVal;
    case NVML_VALUE_TYPE_UNSIGNED_LONG_LONG:
        return told.value.ullVal;
    }
    return std::nullopt;
}

/// A speed in bytes a second; 0 if it is not told.
static uint64_t speed(const NvmlSubject &subject, unsigned what, unsigned link) {
    constexpr uint64_t most = 10'000'000;
    const uint64_t megabytes = field(subject, what, link).value_or(0);
    return megabytes < most ? megabytes * 1'000'000 : 0;
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
        nvml.nvmlDeviceGetNvLinkRemoteDeviceType(subject.handle, link, &type) == NVML_SUCCESS) {
        if (type == NVML_NVLINK_DEVICE_TYPE_SWITCH)
            return to_switch;
        if (type == NVML_NVLINK_DEVICE_TYPE_IBMNPU)
            return to_host;
    }
    nvmlPciInfo_t pci = {};
    if (nvml.nvmlDeviceGetNvLinkRemotePciInfo_v2 == nullptr ||
        nvml.nvmlDeviceGetNvLinkRemotePciInfo_v2(subject.handle, link, &pci) != NVML_SUCCESS)
        return "";
    return to_peer + pci_id(pci.domain, pci.bus, pci.device, 0);
}

/// The driver counts what is on the wire, of which a part is for its coding; the nominal rate is
/// what is left. It tells less where links are narrower or slower than those of their generation.
static uint64_t settle(uint64_t told, uint64_t nominal) {
    return told == 0 || nominal == 0 ? std::max(told, nominal) : std::min(told, nominal);
}

void put_nvlinks(const NvmlSubject &subject, Device &device) {
    if (subject.nvml.nvmlDeviceGetNvLinkState == nullptr)
        return;
    std::map<std::string, int> ends;
    unsigned version = 0;
    uint64_t slowest = UINT64_MAX;
    for (unsigned link = 0; link < link_limit; ++link) {
        const std::string end = end_of(subject, link);
        if (end.empty())
            continue;
        ++ends[end];
        version = std::max(
            version, subject.number(subject.nvml.nvmlDeviceGetNvLinkVersion, link).value_or(0));
        slowest = std::min(slowest, speed(subject, NVML_FI_DEV_NVLINK_GET_SPEED, link));
    }
    if (ends.empty())
        return;
    for (const auto &[end, count] : ends)
        device.put_attr(core::attr_int(end, count, Source::Driver));
    const unsigned made = generation_of(version);
    if (made != 0)
        device.put_attr(core::attr_int(generation, made, Source::Driver));
    if (const uint64_t settled = settle(slowest, nominal_rate(made, device)); settled != 0)
        device.put_attr(core::attr_int(rate, static_cast<int64_t>(settled),
                                       settled == slowest ? Source::Driver : Source::Table));
}

void put_chip_links(const NvmlSubject &subject, Device &device) {
    const uint64_t count = field(subject, NVML_FI_DEV_C2C_LINK_COUNT, 0).value_or(0);
    int64_t working = 0;
    uint64_t sum = 0;
    bool all_told = true;
    for (unsigned link = 0; link < std::min<uint64_t>(count, link_limit); ++link) {
        if (field(subject, NVML_FI_DEV_C2C_LINK_GET_STATUS, link).value_or(0) != 1)
            continue;
        const uint64_t told = speed(subject, NVML_FI_DEV_C2C_LINK_GET_MAX_BW, link);
        all_told = all_told && told != 0;
        sum += told;
        ++working;
    }
    if (working == 0)
        return;
    device.put_attr(core::attr_int(chip_links, working, Source::Driver));
    if (all_told)
        device.put_attr(core::attr_int(chip_rate, static_cast<int64_t>(sum), Source::Driver));
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

/// "nvlink4 x18", or without what is not known.
static core::Link link_of(const char *kind, int64_t made, int64_t count) {
    core::Link link;
    link.kind = core::LinkKind::Fabric;
    link.name =
        made > 0 ? base::format("%s%d x%d", kind, static_cast<int>(made), static_cast<int>(count))
                 : base::format("%s x%d", kind, static_cast<int>(count));
    link.source = Source::Driver;
    return link;
}

static bool sane_count(int64_t count) {
    return count > 0 && count <= link_limit;
}

static uint64_t rate_of(const Device &device) {
    return static_cast<uint64_t>(std::max<int64_t>(0, number_of(device, rate)));
}

/// Links lead from one to the other, or from both to switches, which connect all with all.
static void link_pair(const Device &a, const Device &b, core::System &system) {
    int64_t count = std::max(number_of(a, to_peer + b.id), number_of(b, to_peer + a.id));
    if (count == 0)
        count = std::min(number_of(a, to_switch), number_of(b, to_switch));
    if (!sane_count(count))
        return;
    core::Link link =
        link_of("nvlink", std::min(number_of(a, generation), number_of(b, generation)), count);
    link.a = a.id;
    link.b = b.id;
    link.bytes_per_second = std::min(rate_of(a), rate_of(b)) * static_cast<uint64_t>(count);
    if (reads(a, b) && reads(b, a))
        link.flags = core::LinkPeerAccess;
    system.links.push_back(std::move(link));
}

/// What leads to the processor keeps the caches of both coherent: NVLink of POWER9, NVLink-C2C of
/// Grace ("NVIDIA Grace Hopper Superchip Architecture").
static void link_host(const Device &device, const Device &socket, core::System &system) {
    const auto add = [&](core::Link link, uint64_t bytes_per_second) {
        link.a = device.id;
        link.b = socket.id;
        link.bytes_per_second = bytes_per_second;
        link.flags = core::LinkCoherent;
        system.links.push_back(std::move(link));
    };
    if (const int64_t count = number_of(device, to_host); sane_count(count))
        add(link_of("nvlink", number_of(device, generation), count),
            rate_of(device) * static_cast<uint64_t>(count));
    if (const int64_t count = number_of(device, chip_links); sane_count(count))
        add(link_of("nvlink-c2c", 0, count),
            static_cast<uint64_t>(std::max<int64_t>(0, number_of(device, chip_rate))));
}

static bool has_links(const Device &device) {
    return std::any_of(device.attrs.begin(), device.attrs.end(), [](const core::Attr &attr) {
        return attr.key.starts_with(to_peer) || attr.key == chip_links;
    });
}

void find_nvlinks(core::System &system) {
    std::vector<const Device *> ends;
    for (const Device &device : system.devices)
        if (has_links(device))
            ends.push_back(&device);
    for (size_t a = 0; a < ends.size(); ++a) {
        if (const Device *socket = socket_of(system, *ends[a]))
            link_host(*ends[a], *socket, system);
        for (size_t b = a + 1; b < ends.size(); ++b)
            link_pair(*ends[a], *ends[b], system);
    }
}

} // namespace hwa::detect
