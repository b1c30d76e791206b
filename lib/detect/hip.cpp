// SPDX-License-Identifier: MIT
// HIP as a witness: the order in which AMD's runtime numbers the devices it shows to this process,
// and how it calls them. What they are the kernel has told already, and better: of a part of a card
// the runtime gives the address of the whole.
//
// Document: HIP Runtime API Reference, "Device Management" and "Initialization and Version".
#include "detect/hip.h"

#include "api/hip.h"
#include "base/text.h"
#include "detect/frames.h"
#include "detect/witness.h"

#include <array>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

static constexpr uint32_t amd_pci_vendor = 0x1002;

bool hip_wanted(const os::Host &host, const core::System &system) {
    bool any = false;
    for (const Device &device : system.devices) {
        if (device.pci_vendor.value != amd_pci_vendor || device.driver.value != "amdgpu")
            continue;
        const core::Attr *power = device.find_attr("power.runtime_status");
        if (power != nullptr && power->s == "suspended")
            return false;
        any = true;
    }
    return any && host.access("/dev/kfd") == Status::Ok;
}

static Status status_of(hipError_t code) {
    switch (code) {
    case hipErrorNoDevice:
    case hipErrorInvalidDevice: // what hipInit answers without any
    case hipErrorInsufficientDriver:
    case hipErrorNotInitialized:
        return Status::Unavailable;
    case hipErrorOutOfMemory:
        return Status::HostMemory;
    default:
        return Status::Driver;
    }
}

static base::Error failure(const api::Hip &hip, const char *call, hipError_t code) {
    base::Error why =
        base::error(status_of(code), "%s answered %s (%d)", call, hip.error_name(code), code);
    why.code = code;
    return why;
}

static std::string text_of(const std::array<char, 256> &field) {
    return field_text(field);
}

/// "pci-" and the address; "" where the runtime does not tell it.
static std::string place_of(const api::Hip &hip, int ordinal) {
    std::array<char, 256> text{};
    if (hip.hipDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()) - 1, ordinal) !=
        hipSuccess)
        return {};
    std::string place = "pci-" + text_of(text);
    for (char &c : place)
        if (c >= 'A' && c <= 'F')
            c = static_cast<char>(c - 'A' + 'a');
    return place;
}

/// Sixteen letters, of which "GPU-" and the kernel's unique id are made; "" where the runtime does
/// not know them.
static std::string uuid_of(const api::Hip &hip, int ordinal) {
    hipUUID uuid = {};
    if (hip.hipDeviceGetUuid == nullptr || hip.hipDeviceGetUuid(&uuid, ordinal) != hipSuccess)
        return {};
    for (const char letter : uuid.bytes)
        if ((letter < '0' || letter > '9') && (letter < 'a' || letter > 'f'))
            return {};
    return "GPU-" + std::string(uuid.bytes, sizeof uuid.bytes);
}

static void put_attrs(const api::Hip &hip, int ordinal, Device &device) {
    const auto put = [&](const char *key, std::string value) {
        if (!value.empty())
            device.put_attr(core::attr_text(key, std::move(value), Source::Driver));
    };
    device.put_attr(core::attr_int("hip.ordinal", ordinal, Source::Driver));
    put("hip.uuid", uuid_of(hip, ordinal));
    size_t bytes = 0;
    if (hip.hipDeviceTotalMem(&bytes, ordinal) == hipSuccess && bytes > 0 && bytes <= INT64_MAX)
        device.put_attr(
            core::attr_int("hip.memory_bytes", static_cast<int64_t>(bytes), Source::Driver));
    std::array<char, 256> name{};
    if (hip.hipDeviceGetName(name.data(), static_cast<int>(name.size()) - 1, ordinal) == hipSuccess)
        put("hip.name", text_of(name));
}

/// Parts of a card, which share its address, come in the order of the card's own numbers.
static void show_all(const api::Hip &hip, const std::vector<std::string> &places,
                     Findings &findings) {
    for (size_t i = 0; i < places.size(); ++i) {
        Device device;
        device.kind = core::Kind::Gpu;
        device.flags = core::DeviceUsable;
        name_vendor(device, amd_pci_vendor);
        device.pci_vendor.offer(amd_pci_vendor, Source::Driver);
        size_t shared = 0, before = 0;
        for (size_t j = 0; j < places.size(); ++j) {
            shared += places[j] == places[i] ? 1 : 0;
            before += places[j] == places[i] && j < i ? 1 : 0;
        }
        device.id = places[i];
        if (shared > 1) {
            device.id += base::format("-xcp%zu", before);
            device.parent = places[i];
            device.flags |= core::DevicePartition;
        }
        put_attrs(hip, static_cast<int>(i), device);
        findings.found(std::move(device));
    }
}

base::Done ask_hip(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Hip hip, api::load_hip(library_path));
    findings.library = hip.library.path;
    findings.stage("hipInit");
    if (const hipError_t code = hip.hipInit(0); code != hipSuccess)
        return failure(hip, "hipInit", code);
    findings.stage("hipRuntimeGetVersion");
    // HIP_VERSION: major * 10^7 + minor * 10^5 + patch.
    if (int version = 0; hip.hipRuntimeGetVersion(&version) == hipSuccess && version > 0)
        findings.version =
            base::format("%d.%d.%d", version / 10000000, version / 100000 % 100, version % 100000);
    findings.stage("hipGetDeviceCount");
    int count = 0;
    if (const hipError_t code = hip.hipGetDeviceCount(&count); code != hipSuccess)
        return failure(hip, "hipGetDeviceCount", code);
    if (count < 0 || static_cast<uint32_t>(count) > device_limit)
        return base::error(Status::Parse, "hipGetDeviceCount told of %d devices, which cannot be",
                           count);
    findings.stage("hipDeviceGetPCIBusId");
    std::vector<std::string> places;
    for (int i = 0; i < count; ++i) {
        places.push_back(place_of(hip, i));
        if (places.back().empty())
            places.back() = base::format("hip-%d", i);
    }
    show_all(hip, places, findings);
    return {};
}

} // namespace hwa::detect
