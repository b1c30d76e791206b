// SPDX-License-Identifier: MIT
// Topology from sysfs (Linux Documentation/admin-guide/cputopology.rst and
// Documentation/ABI/stable/sysfs-devices-node), at most one file for each core.
#include "detect/topology.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "base/units.h"
#include "detect/cpuinfo.h"
#include "detect/memory.h"

#include <algorithm>
#include <map>
#include <set>

namespace hwa::detect {

using os::Host;
using Processors = std::vector<uint32_t>;

static constexpr size_t list_limit = 65536; // bytes of one list
// What the kernel can be built for at most, so that a mangled list does not send us after more.
static constexpr size_t node_limit = 1024;
// More packages than any machine has; firmware that tells of more calls each core one.
static constexpr size_t socket_limit = 256;

std::optional<Processors> read_list(const Host &host, const std::string &path) {
    const auto text = host.read_file(path, list_limit);
    return text ? base::parse_cpulist(*text) : std::nullopt;
}

/// Numbers of the entries of a folder that are called `prefix` and a number; older kernels have no
/// file that lists them.
static Processors numbered(const Host &host, const std::string &folder, std::string_view prefix) {
    Processors numbers;
    const auto names = host.list(folder, base::cpulist_limit);
    if (names)
        for (const std::string_view name : *names)
            if (const auto number = name.starts_with(prefix)
                                        ? base::parse_u64(name.substr(prefix.size()))
                                        : std::nullopt;
                number && *number < base::cpulist_limit)
                numbers.push_back(static_cast<uint32_t>(*number));
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Processors online_processors(const Host &host) {
    if (const auto online = read_list(host, "/sys/devices/system/cpu/online");
        online && !online->empty())
        return *online;
    const Processors listed = numbered(host, "/sys/devices/system/cpu", "cpu");
    return listed.empty() ? host.affinity() : listed;
}

namespace {

/// Reads the lists of processors that share something, by the newer or the older name of the file.
class SiblingFile {
  public:
    SiblingFile(const Host &host, const char *name, const char *older)
        : host_(host), name_(name), older_(older) {}

    /// Those of `online` that share with `processor`, itself among them; itself only where the file
    /// does not say, or says what cannot be. `known` tells which.
    Processors read(uint32_t processor, const Processors &online, bool &known);

  private:
    const Host &host_;
    const char *name_;
    const char *older_;
};

Processors SiblingFile::read(uint32_t processor, const Processors &online, bool &known) {
    const std::string folder = base::format("/sys/devices/system/cpu/cpu%u/topology/", processor);
    auto list = read_list(host_, folder + name_);
    if (!list && older_ != nullptr) {
        list = read_list(host_, folder + older_);
        if (list)
            name_ = std::exchange(older_, nullptr);
    }
    Processors shared;
    if (list)
        std::set_intersection(list->begin(), list->end(), online.begin(), online.end(),
                              std::back_inserter(shared));
    known = std::binary_search(shared.begin(), shared.end(), processor);
    return known ? shared : Processors{processor};
}

} // namespace

/// The part of `members` that nothing has claimed yet; claims it.
static Processors claim(const Processors &members, std::set<uint32_t> &claimed) {
    Processors fresh;
    for (const uint32_t member : members)
        if (claimed.insert(member).second)
            fresh.push_back(member);
    return fresh;
}

/// True where the kernel knows no packages: it then calls each core one, with the number -1.
static bool lacks_packages(const Host &host, const Processors &online,
                           const std::vector<Socket> &sockets) {
    if (sockets.size() < 2 || sockets[0].cores.size() != 1)
        return false;
    const auto text = host.read_file(
        base::format("/sys/devices/system/cpu/cpu%u/topology/physical_package_id", online[0]));
    return text && base::trim(*text) == "-1";
}

static Socket merged(const Processors &online, const std::vector<Socket> &sockets) {
    Socket all{online, {}};
    for (const Socket &socket : sockets)
        all.cores.insert(all.cores.end(), socket.cores.begin(), socket.cores.end());
    std::sort(all.cores.begin(), all.cores.end());
    return all;
}

static std::vector<Socket> sockets_of_sysfs(const Host &host, const Processors &online) {
    SiblingFile packages(host, "package_cpus_list", "core_siblings_list");
    SiblingFile cores(host, "core_cpus_list", "thread_siblings_list");
    std::vector<Socket> sockets;
    std::set<uint32_t> in_socket;
    std::set<uint32_t> in_core;
    bool cores_known = true;
    for (const uint32_t processor : online) {
        bool known = true;
        if (in_socket.count(processor) == 0) {
            const Processors members = packages.read(processor, online, known);
            if (!known)
                return {};
            if (sockets.size() == socket_limit)
                return {{online, {}}};
            sockets.push_back({claim(members, in_socket), {}});
        }
        if (in_core.count(processor) != 0 || !cores_known)
            continue;
        claim(cores.read(processor, online, cores_known), in_core);
        for (Socket &socket : sockets)
            if (std::binary_search(socket.threads.begin(), socket.threads.end(), processor))
                socket.cores.push_back(processor);
    }
    if (!cores_known)
        for (Socket &socket : sockets)
            socket.cores.clear();
    if (lacks_packages(host, online, sockets))
        return {merged(online, sockets)};
    return sockets;
}

/// By the keys "physical id" and "core id" that x86 has there.
static std::vector<Socket> sockets_of_cpuinfo(const Host &host) {
    std::map<uint64_t, Socket> sockets;
    std::set<std::pair<uint64_t, uint64_t>> cores;
    const Cpuinfo info = read_cpuinfo_file(host);
    for (const std::string_view block : info.blocks) {
        const auto processor = base::parse_u64(cpuinfo_field(block, "processor"));
        const auto package = base::parse_u64(cpuinfo_field(block, "physical id"));
        const auto core = base::parse_u64(cpuinfo_field(block, "core id"));
        if (!processor || *processor >= base::cpulist_limit)
            continue;
        Socket &socket = sockets[package.value_or(0)];
        socket.threads.push_back(static_cast<uint32_t>(*processor));
        if (package && core && cores.insert({*package, *core}).second)
            socket.cores.push_back(static_cast<uint32_t>(*processor));
    }
    std::vector<Socket> list;
    if (sockets.size() > socket_limit)
        return list;
    for (auto &[package, socket] : sockets) {
        std::sort(socket.threads.begin(), socket.threads.end());
        list.push_back(std::move(socket));
    }
    return list;
}

/// Bandwidth that the firmware promises to processors of the node itself, in MB/s.
static uint64_t read_bandwidth(const Host &host, const std::string &folder) {
    const auto text = host.read_file(folder + "access0/initiators/read_bandwidth");
    const auto megabytes = text ? base::parse_u64(base::trim(*text)) : std::nullopt;
    constexpr uint64_t sane = 100000000;
    return megabytes && *megabytes < sane ? *megabytes * 1000000 : 0;
}

/// Those of `wanted` that are still in `rest`; takes them out of it.
static Processors take(const Processors &wanted, Processors &rest) {
    Processors taken;
    Processors left;
    std::set_intersection(rest.begin(), rest.end(), wanted.begin(), wanted.end(),
                          std::back_inserter(taken));
    std::set_difference(rest.begin(), rest.end(), taken.begin(), taken.end(),
                        std::back_inserter(left));
    rest = std::move(left);
    return taken;
}

static void read_nodes(const Host &host, const Processors &online, Topology &topology) {
    auto numbers = read_list(host, "/sys/devices/system/node/online");
    if (!numbers)
        numbers = numbered(host, "/sys/devices/system/node", "node");
    if (numbers->empty() || numbers->size() > node_limit)
        return;
    topology.node_count = static_cast<uint32_t>(numbers->size());
    Processors rest = online; // a processor is of one node
    for (const uint32_t number : *numbers) {
        const std::string folder = base::format("/sys/devices/system/node/node%u/", number);
        Node node;
        node.number = number;
        node.read_bytes_per_second = read_bandwidth(host, folder);
        // Where there is one only, it has all processors and all memory.
        if (numbers->size() > 1) {
            if (!rest.empty())
                node.threads =
                    take(read_list(host, folder + "cpulist").value_or(Processors()), rest);
            if (const auto text = host.read_file(folder + "meminfo"))
                node.memory_bytes = meminfo_bytes(*text, "MemTotal");
        }
        topology.nodes.push_back(std::move(node));
    }
}

Topology read_topology(const Host &host, const Processors &online) {
    Topology topology;
    topology.sockets = sockets_of_sysfs(host, online);
    if (topology.sockets.empty())
        topology.sockets = sockets_of_cpuinfo(host);
    if (topology.sockets.empty())
        topology.sockets.push_back({online, {}});
    read_nodes(host, online, topology);
    return topology;
}

} // namespace hwa::detect
