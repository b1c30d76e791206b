// SPDX-License-Identifier: MIT
// Ports from sysfs: those of RDMA devices (Linux Documentation/ABI/stable/sysfs-class-infiniband),
// and network interfaces with hardware behind them (Documentation/ABI/testing/sysfs-class-net).
#include "detect/network.h"

#include "base/text.h"

#include <set>

namespace hwa::detect {

using core::Source;
using os::Host;

static constexpr size_t port_limit = 64;

namespace {

struct Port {
    std::string name;
    std::string kind;
    std::string pci;
    uint64_t bits_per_second = 0;
    std::string state; ///< "up", "down", or "" if not known
};

} // namespace

static std::string line_of(const Host &host, const std::string &path) {
    const auto text = host.read_file(path, 256);
    return text ? base::legible(*text, 128) : std::string();
}

/// Last part of the link "device": the PCI function, or a device of a bus above it such as
/// "virtio2";
/// "" where there is no hardware.
static std::string function_of(const Host &host, const std::string &folder) {
    const auto target = host.read_link(folder + "/device");
    return target ? base::sanitise(target->substr(target->rfind('/') + 1), 64) : std::string();
}

uint64_t rdma_rate(std::string_view text) {
    const size_t blank = text.find(' ');
    const auto gigabits = base::parse_real(text.substr(0, blank));
    constexpr double most = 1e5;
    if (blank == text.npos || !text.substr(blank).starts_with(" Gb/sec") || !gigabits ||
        *gigabits <= 0 || *gigabits > most)
        return 0;
    return static_cast<uint64_t>(*gigabits * 1e9);
}

/// Carries data, or does not for whatever reason.
static std::string state_of(const std::string &text) {
    for (const char *word : {"4: ACTIVE", "up"})
        if (text == word)
            return "up";
    for (const char *word : {"1: DOWN", "2: INIT", "3: ARMED", "5: ACTIVE_DEFER", "down",
                             "lowerlayerdown", "dormant", "notpresent"})
        if (text == word)
            return "down";
    return {};
}

static std::optional<Port> rdma_port(const Host &host, const std::string &name) {
    const std::string folder = "/sys/class/infiniband/" + name;
    Port port;
    port.name = base::sanitise(name, 64);
    port.pci = function_of(host, folder);
    const std::string layer = line_of(host, folder + "/ports/1/link_layer");
    port.kind = layer == "Ethernet" ? "roce" : layer == "InfiniBand" ? "infiniband" : "";
    port.bits_per_second = rdma_rate(line_of(host, folder + "/ports/1/rate"));
    port.state = state_of(line_of(host, folder + "/ports/1/state"));
    return port;
}

/// A port that is down has no speed, or one of -1.
static std::optional<Port> net_port(const Host &host, const std::string &name) {
    const std::string folder = "/sys/class/net/" + name;
    Port port;
    port.pci = function_of(host, folder);
    if (port.pci.empty())
        return std::nullopt;
    port.name = base::sanitise(name, 64);
    port.kind = "ethernet";
    constexpr uint64_t most = 10000000; // megabits
    if (const auto rate = base::parse_u64(line_of(host, folder + "/speed")); rate && *rate <= most)
        port.bits_per_second = *rate * 1000000;
    port.state = state_of(line_of(host, folder + "/operstate"));
    return port;
}

static void put_port(const Port &port, size_t index, core::System &system) {
    const std::string key = base::format("network.%zu.", index);
    const auto put = [&](const char *what, const std::string &value) {
        if (!value.empty())
            system.put_attr(core::attr_text(key + what, value, Source::Kernel));
    };
    put("name", port.name);
    put("kind", port.kind);
    if (port.pci.find(':') != port.pci.rfind(':'))
        put("pci", port.pci);
    put("state", port.state);
    if (port.bits_per_second > 0)
        system.put_attr(core::attr_int(key + "bytes_per_second",
                                       static_cast<int64_t>(port.bits_per_second / 8),
                                       Source::Kernel));
}

void find_network(const Host &host, core::System &system) {
    size_t index = 0;
    std::set<std::string> functions;
    const auto take = [&](const char *folder,
                          std::optional<Port> (*read)(const Host &, const std::string &)) {
        const auto names = host.list(folder, 4096);
        if (!names)
            return;
        for (const std::string &name : *names) {
            if (index == port_limit)
                return;
            const auto port = read(host, name);
            // An RDMA device has an interface as well, which is the same port.
            if (port && (port->pci.empty() || functions.insert(port->pci).second))
                put_port(*port, index++, system);
        }
    };
    take("/sys/class/infiniband", rdma_port);
    take("/sys/class/net", net_port);
}

} // namespace hwa::detect
