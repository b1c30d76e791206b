// SPDX-License-Identifier: MIT
// HSA as a witness: AMD's runtime below HIP, which numbers its agents and tells where they are, how
// it calls them and what it takes them for. HSA_OVERRIDE_GFX_VERSION changes the latter, and a
// variable may leave one part of a card alone to be seen; so what it tells stands beside what the
// kernel does, and not in its place.
//
// Document: HSA Runtime Programmer's Reference Manual 1.2, sections "Initialization and Shut Down"
// and "System and Agent Information"; ROCm, "ROCr Runtime", AMD extensions.
#include "detect/hsa.h"

#include "api/hsa.h"
#include "base/text.h"
#include "detect/frames.h"
#include "detect/witness.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

static constexpr uint32_t amd_pci_vendor = 0x1002;

static base::Error failure(const char *call, hsa_status_t status) {
    // Which is what hsa_init answers where the kernel's driver has no node for it.
    const bool none = status == HSA_STATUS_ERROR_OUT_OF_RESOURCES;
    base::Error why =
        base::error(none ? Status::Unavailable : Status::Driver, "%s answered %s (0x%x)", call,
                    api::hsa_status_name(status), static_cast<unsigned>(status));
    why.code = status;
    return why;
}

namespace {

/// Room for any answer, whatever a driver takes its type for.
struct Reply {
    alignas(8) std::array<char, 256> bytes{};

    template <class T> T as() const {
        T value{};
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
};

/// One agent while it is being asked.
struct Subject {
    const api::Hsa &hsa;
    hsa_agent_t agent;

    std::optional<uint32_t> number(hsa_agent_info_t what) const {
        Reply reply;
        if (hsa.hsa_agent_get_info(agent, what, reply.bytes.data()) != HSA_STATUS_SUCCESS)
            return std::nullopt;
        return reply.as<uint32_t>();
    }
    std::string text(hsa_agent_info_t what) const {
        Reply reply;
        if (hsa.hsa_agent_get_info(agent, what, reply.bytes.data()) != HSA_STATUS_SUCCESS)
            return {};
        return field_text(reply.bytes);
    }
};

/// Where an agent is: the card, and which part of it where it is cut. The kernel tells the part in
/// the bits of the function or, by some versions, in the four bits at the top.
struct Place {
    std::string function; ///< "pci-0000:05:00.3"; "" if it is not told
    std::string card;     ///< "pci-0000:05:00.0"
    uint32_t part = 0;
    bool sure = false; ///< the part is no function
};

/// The largest pool of an agent's own memory; several are views of the same.
struct Pools {
    decltype(&::hsa_amd_memory_pool_get_info) get_info;
    uint64_t bytes = 0;
    uint32_t count = 0;
};

} // namespace

static hsa_status_t take_agent(hsa_agent_t agent, void *list) {
    auto &agents = *static_cast<std::vector<hsa_agent_t> *>(list);
    agents.push_back(agent);
    return agents.size() > device_limit ? HSA_STATUS_INFO_BREAK : HSA_STATUS_SUCCESS;
}

static hsa_status_t take_pool(hsa_amd_memory_pool_t pool, void *data) {
    constexpr uint32_t most = 64;
    Pools &pools = *static_cast<Pools *>(data);
    const auto ask = [&](hsa_amd_memory_pool_info_t what) -> std::optional<uint64_t> {
        Reply reply;
        if (pools.get_info(pool, what, reply.bytes.data()) != HSA_STATUS_SUCCESS)
            return std::nullopt;
        return reply.as<uint64_t>();
    };
    const auto segment = ask(HSA_AMD_MEMORY_POOL_INFO_SEGMENT);
    if (segment && static_cast<uint32_t>(*segment) == HSA_AMD_SEGMENT_GLOBAL)
        if (const auto size = ask(HSA_AMD_MEMORY_POOL_INFO_SIZE))
            pools.bytes = std::max(pools.bytes, *size);
    return ++pools.count < most ? HSA_STATUS_SUCCESS : HSA_STATUS_INFO_BREAK;
}

static Place place_of(const Subject &subject) {
    Place place;
    const auto location = subject.number(HSA_AMD_AGENT_INFO_BDFID);
    const auto domain = subject.number(HSA_AMD_AGENT_INFO_DOMAIN);
    if (!location || !domain)
        return place;
    const uint32_t bus = *location >> 8 & 0xff, device = *location >> 3 & 0x1f;
    place.function = pci_id(*domain, bus, device, *location & 7);
    place.card = pci_id(*domain, bus, device, 0);
    place.sure = *location >> 28 != 0;
    place.part = place.sure ? *location >> 28 : *location & 7;
    return place;
}

/// Sixteen digits behind "GPU-"; of a card without, the runtime says "GPU-XX".
static bool is_uuid(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    return text.size() == 20 && text.starts_with("GPU-") &&
           text.substr(4).find_first_not_of(digits) == std::string_view::npos;
}

static void put_attrs(const Subject &subject, uint32_t ordinal, Device &device) {
    const auto text = [&](const char *key, std::string value) {
        if (!value.empty())
            device.put_attr(core::attr_text(key, std::move(value), Source::Driver));
    };
    const auto number = [&](const char *key, hsa_agent_info_t what, uint32_t most, int64_t unit) {
        if (const auto value = subject.number(what); value && *value != 0 && *value < most)
            device.put_attr(core::attr_int(key, int64_t{*value} * unit, Source::Driver));
    };
    constexpr uint32_t sane_mhz = 20000;
    device.put_attr(core::attr_int("hsa.ordinal", ordinal, Source::Driver));
    text("hsa.name", subject.text(HSA_AMD_AGENT_INFO_PRODUCT_NAME));
    text("hsa.gfx", subject.text(HSA_AGENT_INFO_NAME));
    if (std::string uuid = subject.text(HSA_AMD_AGENT_INFO_UUID); is_uuid(uuid))
        text("hsa.uuid", std::move(uuid));
    number("hsa.node", HSA_AMD_AGENT_INFO_DRIVER_NODE_ID, 65536, 1);
    number("hsa.compute_units", HSA_AMD_AGENT_INFO_COMPUTE_UNIT_COUNT, 1 << 20, 1);
    number("hsa.clock_hz", HSA_AMD_AGENT_INFO_MAX_CLOCK_FREQUENCY, sane_mhz, 1000000);
    number("hsa.memory_clock_hz", HSA_AMD_AGENT_INFO_MEMORY_MAX_FREQUENCY, sane_mhz, 1000000);
    if (subject.hsa.hsa_amd_agent_iterate_memory_pools == nullptr ||
        subject.hsa.hsa_amd_memory_pool_get_info == nullptr)
        return;
    Pools pools{subject.hsa.hsa_amd_memory_pool_get_info};
    subject.hsa.hsa_amd_agent_iterate_memory_pools(subject.agent, take_pool, &pools);
    if (pools.bytes != 0 && pools.bytes <= INT64_MAX)
        device.put_attr(
            core::attr_int("hsa.memory_bytes", static_cast<int64_t>(pools.bytes), Source::Driver));
}

/// Several agents of one card are its parts, by the numbers that they have or in their order.
static void put_place(const std::vector<Place> &places, size_t at, Device &device) {
    const Place &own = places[at];
    size_t shared = 0, same = 0, before = 0;
    for (size_t i = 0; i < places.size(); ++i) {
        shared += places[i].card == own.card ? 1 : 0;
        same += places[i].card == own.card && places[i].part == own.part ? 1 : 0;
        before += places[i].card == own.card && i < at ? 1 : 0;
    }
    if (own.card.empty()) {
        device.id = base::format("hsa-%zu", at);
    } else if (shared == 1 && !own.sure) {
        device.id = own.function;
    } else {
        device.id = base::format("%s-xcp%zu", own.card.c_str(), same > 1 ? before : own.part);
        device.parent = own.card;
        device.flags |= core::DevicePartition;
    }
}

static void show_all(const std::vector<Subject> &subjects, Findings &findings) {
    findings.stage("hsa_agent_get_info");
    std::vector<Place> places;
    for (const Subject &subject : subjects)
        places.push_back(place_of(subject));
    for (size_t i = 0; i < subjects.size(); ++i) {
        Device device;
        device.kind = core::Kind::Gpu;
        device.flags = core::DeviceUsable;
        name_vendor(device, amd_pci_vendor);
        device.pci_vendor.offer(amd_pci_vendor, Source::Driver);
        if (const auto chip = subjects[i].number(HSA_AMD_AGENT_INFO_CHIP_ID);
            chip && *chip != 0 && *chip <= 0xffff)
            device.pci_device.offer(*chip, Source::Driver);
        put_place(places, i, device);
        put_attrs(subjects[i], static_cast<uint32_t>(i), device);
        findings.found(std::move(device));
    }
}

static void put_version(const api::Hsa &hsa, Findings &findings) {
    Reply major, minor;
    findings.stage("hsa_system_get_info");
    if (hsa.hsa_system_get_info(HSA_SYSTEM_INFO_VERSION_MAJOR, major.bytes.data()) ==
            HSA_STATUS_SUCCESS &&
        hsa.hsa_system_get_info(HSA_SYSTEM_INFO_VERSION_MINOR, minor.bytes.data()) ==
            HSA_STATUS_SUCCESS)
        findings.version = base::format("HSA %u.%u", unsigned{major.as<uint16_t>()},
                                        unsigned{minor.as<uint16_t>()});
}

base::Done ask_hsa(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Hsa hsa, api::load_hsa(library_path));
    findings.library = hsa.library.path;
    findings.stage("hsa_init");
    if (const hsa_status_t status = hsa.hsa_init(); status != HSA_STATUS_SUCCESS)
        return failure("hsa_init", status);
    put_version(hsa, findings);
    findings.stage("hsa_iterate_agents");
    std::vector<hsa_agent_t> agents;
    const hsa_status_t status = hsa.hsa_iterate_agents(take_agent, &agents);
    if (agents.size() > device_limit)
        return base::error(Status::Parse,
                           "hsa_iterate_agents told of more than %u agents, which "
                           "cannot be",
                           device_limit);
    if (status != HSA_STATUS_SUCCESS)
        return failure("hsa_iterate_agents", status);
    findings.stage("hsa_agent_get_info");
    std::vector<Subject> subjects;
    for (const hsa_agent_t agent : agents)
        if (const Subject subject{hsa, agent};
            subject.number(HSA_AGENT_INFO_DEVICE) == uint32_t{HSA_DEVICE_TYPE_GPU})
            subjects.push_back(subject);
    show_all(subjects, findings);
    if (subjects.empty())
        findings.warning = "the runtime has no GPU to show";
    findings.stage("hsa_shut_down");
    hsa.hsa_shut_down();
    return {};
}

} // namespace hwa::detect
