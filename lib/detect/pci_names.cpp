// SPDX-License-Identifier: MIT
// pci.ids, the public list of PCI ids: a line "10de  NVIDIA Corporation" for a maker, and below it
// lines "\t2684  AD102 [GeForce RTX 4090]" for what it makes.
#include "detect/pci_names.h"

#include "base/text.h"
#include "base/units.h"

namespace hwa::detect {

using core::Device;

/// Where distributions put it.
static constexpr const char *places[] = {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"};

static constexpr size_t size_limit = 8 * base::MiB; // it has 1.5 MiB, and grows by some KiB a year

/// What follows a line's number, which is looked for from `from` up to the next line of a maker.
static std::string_view find_model(std::string_view list, size_t from, uint32_t device) {
    const std::string key = base::format("\n\t%04x  ", device);
    const size_t at = list.find(key, from);
    if (at == std::string_view::npos)
        return {};
    // The next maker's line starts with neither a tabulator nor a comment's mark.
    for (size_t line = list.find('\n', from); line < at; line = list.find('\n', line + 1))
        if (line + 1 < list.size() && list[line + 1] != '\t' && list[line + 1] != '#')
            return {};
    const size_t start = at + key.size();
    return list.substr(start, list.find('\n', start) - start);
}

static std::string_view find_name(std::string_view list, uint32_t vendor, uint32_t device) {
    const std::string key = base::format("\n%04x  ", vendor);
    const size_t at = list.find(key);
    return at == std::string_view::npos ? std::string_view()
                                        : find_model(list, at + key.size(), device);
}

static bool is_nameless(const Device &device) {
    return device.id.starts_with("pci-") && device.name.source == core::Source::Derived;
}

static void name(std::string_view list, Device &device) {
    const std::string_view found =
        find_name(list, device.pci_vendor.value, device.pci_device.value);
    if (found.empty())
        return;
    const std::string maker = device.vendor.value.empty() ? "" : device.vendor.value + ' ';
    device.name = {maker + base::sanitise(base::trim(found), 120), core::Source::Table};
}

void name_by_system(const os::Host &host, core::System &system) {
    bool wanted = false;
    for (const Device &device : system.devices)
        wanted = wanted || is_nameless(device);
    for (const char *place : places) {
        if (!wanted)
            return;
        const auto list = host.read_file(place, size_limit);
        if (!list)
            continue;
        for (Device &device : system.devices)
            if (is_nameless(device))
                name(*list, device);
        return;
    }
}

} // namespace hwa::detect
