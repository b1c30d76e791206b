// SPDX-License-Identifier: MIT
// The PCI bus from sysfs: the file uevent has what the kernel's pci_uevent() puts there
// (PCI_CLASS, PCI_ID, PCI_SUBSYS_ID, DRIVER).
#include "os/pci.h"

#include "base/text.h"

#include <cerrno>

namespace hwa::os {

static constexpr size_t address_limit = 24; // eight digits of domain and then some
static constexpr uint32_t class_limit = 0xffffff;
static constexpr size_t function_limit = 8192; // looked at; large machines have some thousands

static uint32_t hex(std::string_view text) {
    const auto value = base::parse_u64(base::trim(text), 16);
    return value && *value <= UINT32_MAX ? static_cast<uint32_t>(*value) : 0;
}

/// Splits "10DE:2684".
static void read_pair(std::string_view text, uint32_t &vendor, uint32_t &device) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return;
    vendor = hex(text.substr(0, colon)) & 0xffff;
    device = hex(text.substr(colon + 1)) & 0xffff;
}

static bool read_class(std::string_view text, PciFunction &function) {
    const auto value = base::parse_u64(base::trim(text), 16);
    function.class_code = value && *value <= class_limit ? static_cast<uint32_t>(*value) : 0;
    return value && *value <= class_limit;
}

/// False if the text does not tell the class.
static bool read_uevent(std::string_view text, PciFunction &function) {
    bool class_told = false;
    for (const std::string_view line : base::split(text, '\n')) {
        const size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            continue;
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (key == "PCI_CLASS")
            class_told = read_class(value, function);
        else if (key == "PCI_ID")
            read_pair(value, function.vendor, function.device);
        else if (key == "PCI_SUBSYS_ID")
            read_pair(value, function.subsystem_vendor, function.subsystem_device);
        else if (key == "DRIVER")
            function.driver = base::sanitise(value, 64);
    }
    return class_told;
}

/// Trees gathered by others may have the single attributes only. False if they do not tell the
/// class.
static bool read_attributes(const Host &host, const std::string &folder, PciFunction &function) {
    const auto id = [&](const char *name) {
        const auto text = host.read_file(folder + name);
        return text ? hex(*text) & 0xffff : 0;
    };
    const auto text = host.read_file(folder + "/class");
    if (!text || !read_class(*text, function))
        return false;
    function.vendor = id("/vendor");
    function.device = id("/device");
    if (const auto driver = host.read_link(folder + "/driver"))
        function.driver = base::sanitise(driver->substr(driver->rfind('/') + 1), 64);
    return true;
}

/// True for "dddd:bb:dd.f" in lower-case digits, the domain of four or more.
static bool is_address(std::string_view name) {
    if (name.size() < 12 || name.size() > address_limit)
        return false;
    constexpr std::string_view shape = ":00:00.0";
    const std::string_view tail = name.substr(name.size() - shape.size());
    for (size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const size_t from_tail = i + shape.size() - name.size();
        const bool mark = i + shape.size() >= name.size() && shape[from_tail] != '0';
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (mark ? tail[from_tail] != shape[from_tail] : !digit)
            return false;
    }
    return true;
}

/// True if it was this process that lacked something, so that the next file would fail as well.
static bool is_want(int32_t code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM;
}

static bool is_gone(const base::Error &why) {
    return why.status == base::Status::NotFound || why.code == ENODEV;
}

static base::Done read_function(const Host &host, PciFunction &function) {
    const std::string folder = pci_folder + function.address;
    const auto text = host.read_file(folder + "/uevent");
    if (text && read_uevent(*text, function))
        return {};
    if (!host.live() && read_attributes(host, folder, function))
        return {};
    if (!text)
        return text.error();
    return base::error(base::Status::Parse, "%s/uevent: tells no class", folder.c_str());
}

base::Result<PciBus> pci_bus(const Host &host) {
    static constexpr const char *folder = "/sys/bus/pci/devices";
    HWA_TRY(const std::vector<std::string> names, host.list(folder, function_limit + 1));
    if (names.size() > function_limit)
        return base::error(base::Status::Range, "%s: has more than %zu functions", folder,
                           function_limit);
    PciBus bus;
    for (const std::string &name : names) {
        if (!is_address(name))
            continue;
        PciFunction function;
        function.address = name;
        auto done = read_function(host, function);
        if (done)
            bus.functions.push_back(std::move(function));
        else if (is_want(done.error().code))
            return std::move(done.error());
        else if (!is_gone(done.error()) && bus.fault)
            bus.fault = std::move(done);
    }
    return bus;
}

} // namespace hwa::os
