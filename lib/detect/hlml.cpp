// SPDX-License-Identifier: MIT
// HLML as a witness: Gaudi as Intel's management library shows it.
//
// Document: Intel Gaudi documentation, "Habana Labs Management Library (HLML)".
#include "detect/hlml.h"

#include "api/hlml.h"
#include "base/text.h"
#include "detect/families.h"
#include "detect/frames.h"
#include "detect/witness.h"

#include <algorithm>
#include <array>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

static constexpr uint32_t habana_pci_vendor = 0x1da3;

bool hlml_wanted(const os::Host &, const core::System &system) {
    return std::any_of(system.devices.begin(), system.devices.end(), [](const Device &device) {
        return device.pci_vendor.value == habana_pci_vendor && device.driver.value == "habanalabs";
    });
}

static Status status_of(hlml_return_t code) {
    switch (code) {
    case HLML_ERROR_UNINITIALIZED:
    case HLML_ERROR_DRIVER_NOT_LOADED:
    case HLML_ERROR_NOT_FOUND:
        return Status::Unavailable;
    case HLML_ERROR_MEMORY:
        return Status::HostMemory;
    default:
        return Status::Driver;
    }
}

static base::Error failure(const char *call, hlml_return_t code) {
    base::Error why = base::error(status_of(code), "%s answered %s (%d)", call,
                                  api::hlml_error(code), static_cast<int>(code));
    why.code = code;
    return why;
}

namespace {

/// One device while it is being asked.
struct Subject {
    const api::Hlml &hlml;
    hlml_device_t handle;
    uint32_t index;
};

} // namespace

static void identify(const Subject &subject, Device &device) {
    device.kind = core::Kind::Asic;
    name_vendor(device, habana_pci_vendor);
    device.pci_vendor.offer(habana_pci_vendor, Source::Driver);
    std::array<char, 64> name{};
    if (subject.hlml.hlml_device_get_name(subject.handle, name.data(), name.size() - 1) ==
        HLML_SUCCESS)
        device.name.offer(field_text(name), Source::Driver);
    name_unlisted(device, "hlml", subject.index);
    hlml_pci_info_t pci = {};
    if (subject.hlml.hlml_device_get_pci_info(subject.handle, &pci) != HLML_SUCCESS)
        return;
    std::string address = field_text(pci.bus_id);
    std::transform(address.begin(), address.end(), address.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!address.empty())
        device.id = "pci-" + address;
    // The half that is the vendor's tells how the other is to be read.
    if ((pci.pci_device_id & 0xffff) != habana_pci_vendor)
        return;
    const uint32_t chip = pci.pci_device_id >> 16;
    device.pci_device.offer(chip, Source::Driver);
    for (const Chip &row : gaudi_family.chips)
        if (row.first <= chip && chip <= row.last)
            device.architecture.offer(row.architecture, Source::Table);
}

static void put_numbers(const Subject &subject, Device &device) {
    constexpr uint64_t sane_bytes = uint64_t{1} << 50;
    hlml_memory_t told = {};
    if (subject.hlml.hlml_device_get_memory_info(subject.handle, &told) == HLML_SUCCESS &&
        told.total != 0 && told.total < sane_bytes) {
        core::Memory memory;
        memory.role = core::MemoryRole::Dedicated;
        memory.size_bytes.offer(told.total, Source::Driver);
        device.memories.push_back(std::move(memory));
    }
    const auto number = [&](auto &&ask) {
        unsigned value = 0;
        return ask(&value) == HLML_SUCCESS ? value : 0u;
    };
    if (subject.hlml.hlml_device_get_max_clock_info != nullptr)
        if (const unsigned mhz = number([&](unsigned *value) {
                return subject.hlml.hlml_device_get_max_clock_info(subject.handle, HLML_CLOCK_SOC,
                                                                   value);
            });
            mhz != 0 && mhz < 20000)
            device.clock_hz.offer(uint64_t{mhz} * 1000000, Source::Driver);
    if (subject.hlml.hlml_device_get_power_management_default_limit != nullptr)
        if (const unsigned mw = number([&](unsigned *value) {
                return subject.hlml.hlml_device_get_power_management_default_limit(subject.handle,
                                                                                   value);
            });
            mw != 0 && mw < 10000000)
            device.power_limit_mw.offer(mw, Source::Driver);
}

static void put_attrs(const Subject &subject, Device &device) {
    device.put_attr(core::attr_int("hlml.index", subject.index, Source::Driver));
    // No number as others have, so it is kept as the text that Intel's tools take.
    std::array<char, 96> uuid{};
    if (subject.hlml.hlml_device_get_uuid != nullptr &&
        subject.hlml.hlml_device_get_uuid(subject.handle, uuid.data(), uuid.size() - 1) ==
            HLML_SUCCESS)
        if (std::string text = field_text(uuid); !text.empty())
            device.put_attr(core::attr_text("hlml.uuid", std::move(text), Source::Driver));
}

static base::Done ask_device(const api::Hlml &hlml, uint32_t index, Findings &findings) {
    findings.stage("hlml_device_get_handle_by_index");
    hlml_device_t handle = nullptr;
    if (const hlml_return_t code = hlml.hlml_device_get_handle_by_index(index, &handle);
        code != HLML_SUCCESS)
        return failure("hlml_device_get_handle_by_index", code);
    findings.stage("hlml_device_get_pci_info");
    const Subject subject{hlml, handle, index};
    Device device;
    device.flags = core::DeviceUsable;
    identify(subject, device);
    put_numbers(subject, device);
    put_attrs(subject, device);
    findings.found(std::move(device));
    return {};
}

base::Done ask_hlml(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Hlml hlml, api::load_hlml(library_path));
    findings.library = hlml.library.path;
    findings.stage("hlml_init");
    if (const hlml_return_t code = hlml.hlml_init();
        code != HLML_SUCCESS && code != HLML_ERROR_ALREADY_INITIALIZED)
        return failure("hlml_init", code);
    std::array<char, 96> version{};
    if (hlml.hlml_get_driver_version != nullptr &&
        hlml.hlml_get_driver_version(version.data(), version.size() - 1) == HLML_SUCCESS)
        findings.version = field_text(version);
    findings.stage("hlml_device_get_count");
    unsigned count = 0;
    if (const hlml_return_t code = hlml.hlml_device_get_count(&count); code != HLML_SUCCESS)
        return failure("hlml_device_get_count", code);
    if (count > device_limit)
        return base::error(Status::Parse, "hlml_device_get_count told of %u, which cannot be",
                           count);
    unsigned shown = 0;
    base::Done last;
    // One bad device does not hide the others.
    for (unsigned i = 0; i < count; ++i) {
        auto asked = ask_device(hlml, i, findings);
        shown += asked ? 1 : 0;
        if (!asked)
            last = std::move(asked);
    }
    if (shown == 0 && !last)
        return last;
    if (!last)
        findings.warning = last.error().message;
    else if (shown == 0)
        findings.warning = "the driver has no device to show";
    return {};
}

} // namespace hwa::detect
