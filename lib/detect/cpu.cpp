// SPDX-License-Identifier: MIT
// The processor as devices: one for each socket, with the memory of its nodes and its caches.
#include "detect/cpu.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "base/units.h"
#include "config.h"
#include "core/code.h"
#include "data/channels.h"
#include "detect/cpu_facts.h"
#include "detect/cpu_rates.h"
#include "detect/memory.h"
#include "detect/topology.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Source;
using os::Host;
using Processors = std::vector<uint32_t>;

namespace {

/// All there is to know before devices are made of it.
struct Machine {
    CpuFacts facts;
    Topology topology;
    core::Fact<uint64_t> clock; ///< highest of the largest cores
    bool clock_is_nominal = false;
    std::vector<uint64_t> clocks; ///< of each of facts.kinds
    Processors affinity;
};

} // namespace

static Processors common(const Processors &a, const Processors &b) {
    Processors both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

/// The designs of an x86 processor; hybrid ones have two, told apart by the kernel's event sources.
static void find_designs(const Host &host, CpuFacts &facts) {
    const data::CoreDesign *large =
        data::find_x86_core(facts.vendor, facts.family, facts.model, facts.stepping);
    if (large == nullptr)
        return;
    facts.architecture = large->architecture;
    const data::CoreDesign *small = data::find_small_core(large->architecture);
    // CPUID says whether there are two; /proc/cpuinfo does not, so there the design has to.
    facts.hybrid = facts.hybrid || (!facts.by_cpuid && small != nullptr);
    if (!facts.hybrid) {
        facts.kinds = {{large->architecture, {}, *large}};
        return;
    }
    const auto larges = read_list(host, "/sys/devices/cpu_core/cpus");
    const auto smalls = larges ? read_list(host, "/sys/devices/cpu_atom/cpus") : std::nullopt;
    if (!smalls)
        return; // which cores are small is not known, so nor is what they do together
    facts.kinds = {{large->architecture, *larges, *large}};
    if (!smalls->empty())
        facts.kinds.push_back({small != nullptr ? small->architecture : "small", *smalls,
                               small != nullptr ? *small : data::CoreDesign{}});
}

/// What the driver of the frequency says that a processor can reach, in kHz.
static uint64_t driver_clock(const Host &host, uint32_t processor) {
    const auto text = host.read_file(
        base::format("/sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq", processor));
    const auto kilohertz = text ? base::parse_u64(base::trim(*text)) : std::nullopt;
    constexpr uint64_t sane = 100000000;
    return kilohertz && *kilohertz < sane ? *kilohertz * 1000 : 0;
}

/// The nominal clock by the steady counter, whose rate it is. Timed over microseconds, so rounded
/// to the 50 MHz that clocks are sold in.
static uint64_t counted_clock(const Host &host) {
    constexpr uint64_t step = 50000000;
    return (host.counter_hz() + step / 2) / step * step;
}

static void find_clock(const Host &host, const Processors &online, Machine &machine) {
    CpuFacts &facts = machine.facts;
    for (const CoreKind &kind : facts.kinds) {
        const Processors &threads = kind.threads.empty() ? online : kind.threads;
        machine.clocks.push_back(threads.empty() ? 0 : driver_clock(host, threads[0]));
    }
    const uint64_t told = !machine.clocks.empty() ? machine.clocks[0]
                          : online.empty()        ? 0
                                                  : driver_clock(host, online[0]);
    if (told > 0)
        machine.clock = {told, Source::Kernel};
    else if (facts.highest_hz > 0)
        machine.clock = {facts.highest_hz, Source::Kernel};
    else if (facts.nominal_hz > 0)
        machine.clock = {facts.nominal_hz, Source::Derived};
    else if (const uint64_t counted = facts.steady_counter ? counted_clock(host) : 0; counted > 0)
        machine.clock = {counted, Source::Derived};
    machine.clock_is_nominal = machine.clock.source == Source::Derived;
    // One clock for all is the best there is where cores are alike.
    if (machine.clocks.size() == 1 && told == 0)
        machine.clocks[0] = machine.clock.value;
}

static Machine read_machine(const Host &host) {
    Machine machine;
    CpuFacts &facts = machine.facts;
    const Processors online = online_processors(host);
    machine.topology = read_topology(host, online);
    machine.affinity = host.affinity();
    if (!read_x86(host, facts) && !read_arm(host, online, facts))
        read_cpuinfo(host, facts);
    if (facts.kinds.empty())
        find_designs(host, facts);
    if (facts.caches.empty())
        facts.caches = read_caches(host, online.empty() ? 0 : online[0]);
    find_clock(host, online, machine);
    return machine;
}

static void put_int(Device &device, const std::string &key, uint64_t value,
                    Source source = Source::Kernel) {
    device.put_attr(core::attr_int(key, static_cast<int64_t>(value), source));
}

static void put_text(Device &device, const std::string &key, std::string value) {
    device.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

static void put_isa(const CpuFacts &facts, Device &device) {
    std::string names;
    for (uint32_t i = 0; i < static_cast<uint32_t>(Isa::Count); ++i) {
        const Isa isa = static_cast<Isa>(i);
        if (!facts.isa.has(isa))
            continue;
        names += names.empty() ? "" : ",";
        names += isa_name(isa);
        put_int(device, std::string("cpu.") + isa_name(isa), 1);
    }
    if (!names.empty())
        put_text(device, "cpu.isa", names);
    if (facts.sve_bytes > 0)
        put_int(device, "cpu.sve_vector_bits", uint64_t{facts.sve_bytes} * 8);
    if (facts.sme_bytes > 0)
        put_int(device, "cpu.sme_vector_bits", uint64_t{facts.sme_bytes} * 8);
}

static void put_identity(const Machine &machine, Device &device) {
    const CpuFacts &facts = machine.facts;
    if (!facts.name.empty())
        device.name = {facts.name, facts.source};
    if (!facts.vendor.empty())
        device.vendor = {facts.vendor, facts.source};
    if (!facts.architecture.empty())
        device.architecture = {facts.architecture, Source::Table};
    device.clock_hz = machine.clock;
    if (machine.clock.value > 0)
        put_text(device, "cpu.clock", machine.clock_is_nominal ? "nominal" : "highest");
    if (facts.family > 0) {
        put_int(device, "cpu.family", facts.family);
        put_int(device, "cpu.model", facts.model);
        put_int(device, "cpu.stepping", facts.stepping);
    }
}

/// How many caches of one kind a socket has; 0 if that cannot be told.
static uint64_t cache_count(const Cache &cache, uint32_t per_core, const Socket &socket) {
    const uint64_t threads = socket.threads.size();
    if (cache.shared_by == 0 || threads == 0)
        return 0;
    if (!cache.ids_only)
        return base::divide_up(threads, cache.shared_by);
    // Ids are set apart for threads that may be switched off, so it is cores that are counted.
    const uint64_t cores = socket.cores.empty() ? threads : socket.cores.size();
    return base::divide_up(cores, std::max<uint64_t>(1, cache.shared_by / per_core));
}

static void put_caches(const CpuFacts &facts, const Socket &socket, Device &device) {
    const uint32_t per_core =
        facts.caches.empty() ? 1 : std::max<uint32_t>(1, facts.caches[0].shared_by);
    for (const Cache &cache : facts.caches) {
        core::Memory memory;
        memory.kind = core::MemoryKind::Sram;
        memory.role = core::MemoryRole::Cache;
        memory.size_bytes = {cache.size_bytes, Source::Kernel};
        memory.usable_bytes = cache.size_bytes;
        memory.name = 'L' + std::to_string(cache.level);
        if (cache.kind != 'u')
            memory.name += cache.kind;
        // Only caches of the first processor were looked at; other cores may have others.
        const uint64_t count = facts.hybrid ? 0 : cache_count(cache, per_core, socket);
        if (count > 0)
            put_int(device, "cache." + memory.name + ".count", count, Source::Derived);
        device.memories.push_back(std::move(memory));
    }
}

static void put_counts(const Machine &machine, const Socket &socket, Device &device) {
    if (!socket.cores.empty()) {
        device.compute_units = {static_cast<uint32_t>(socket.cores.size()), Source::Kernel};
        put_int(device, "cpu.cores", socket.cores.size());
        put_int(device, "cpu.threads_per_core",
                base::divide_up(socket.threads.size(), socket.cores.size()), Source::Derived);
    }
    if (socket.threads.empty())
        return;
    put_int(device, "cpu.threads", socket.threads.size());
    put_text(device, "cpu.list", base::cpulist_text(socket.threads));
    if (!machine.affinity.empty())
        put_int(device, "cpu.usable_threads", common(machine.affinity, socket.threads).size());
}

/// The share of a node's memory that is counted to a socket: that of its processors. A node of one
/// socket alone is its own in full.
static uint64_t share(uint64_t whole, size_t part, size_t of) {
    return of == 0 ? 0 : static_cast<uint64_t>(static_cast<__uint128_t>(whole) * part / of);
}

/// Main memory of a socket: all where there is one socket, else that of its nodes.
static core::Memory main_memory(const core::System &system, const Topology &topology,
                                const Socket &socket) {
    core::Memory memory;
    memory.role = core::MemoryRole::Dedicated;
    uint64_t nodes_bytes = 0;
    uint64_t bandwidth = 0;
    bool bandwidth_known = !topology.nodes.empty();
    for (const Node &node : topology.nodes) {
        const bool only = topology.nodes.size() == 1;
        const size_t of = only ? topology.sockets.size() : node.threads.size();
        const size_t part = only ? 1 : common(node.threads, socket.threads).size();
        if (part == 0)
            continue;
        nodes_bytes += share(node.memory_bytes, part, of);
        bandwidth += share(node.read_bytes_per_second, part, of);
        bandwidth_known = bandwidth_known && node.read_bytes_per_second > 0;
    }
    const size_t sockets = topology.sockets.size();
    if (sockets == 1 && system.memory_bytes > 0)
        memory.size_bytes = {system.memory_bytes, Source::Kernel};
    else if (nodes_bytes > 0)
        memory.size_bytes = {nodes_bytes, Source::Kernel};
    else if (system.memory_bytes > 0)
        memory.size_bytes = {system.memory_bytes / sockets, Source::Derived};
    if (bandwidth_known && bandwidth > 0)
        memory.bytes_per_second = {bandwidth, Source::Kernel};
    return memory;
}

/// What the memory of a socket is by the data sheet of the processor; the kernel knows better.
static void put_channels(const CpuFacts &facts, core::Memory &memory) {
    const data::Channels *channels =
        data::find_channels(facts.vendor, facts.family, facts.model, facts.name);
    if (channels == nullptr)
        return;
    memory.kind = core::MemoryKind::Ddr;
    memory.bus_bits = channels->count * 64u;
    memory.name = channels->name;
    memory.bytes_per_second.offer(channels->bytes_per_second(), Source::Table);
}

static void put_nodes(const Topology &topology, const Socket &socket, Device &device) {
    if (topology.node_count == 1)
        device.numa_node = {static_cast<int32_t>(topology.nodes[0].number), Source::Kernel};
    Processors own;
    if (topology.nodes.size() > 1)
        for (const Node &node : topology.nodes) {
            if (common(node.threads, socket.threads).empty())
                continue;
            own.push_back(node.number);
            const std::string key = base::format("numa.%u.", node.number);
            put_text(device, key + "cpus", base::cpulist_text(node.threads));
            put_int(device, key + "memory_bytes", node.memory_bytes);
        }
    if (own.size() == 1)
        device.numa_node = {static_cast<int32_t>(own[0]), Source::Kernel};
    if (!own.empty())
        put_text(device, "numa.nodes", base::cpulist_text(own));
}

/// The cores of a socket by design, each with its clock.
static std::vector<CoreGroup> group_cores(const Machine &machine, const Socket &socket,
                                          Device &device) {
    std::vector<CoreGroup> groups;
    const std::vector<CoreKind> &kinds = machine.facts.kinds;
    for (size_t i = 0; i < kinds.size(); ++i) {
        const size_t cores = kinds[i].threads.empty()
                                 ? socket.cores.size()
                                 : common(kinds[i].threads, socket.cores).size();
        if (cores == 0 && kinds.size() > 1)
            continue;
        groups.push_back({kinds[i].design, static_cast<uint32_t>(cores), machine.clocks[i]});
        if (kinds.size() > 1 && !kinds[i].name.empty())
            put_int(device, "cpu.cores." + kinds[i].name, cores);
    }
    return groups;
}

/// Work keeps to those processors of the socket that the process may use.
static void put_runtime(Device &device) {
    core::Runtime runtime;
    runtime.name = "cpu";
    runtime.flags = core::BackendRunsKernels | core::BackendRunsOps;
    runtime.code_mask = core::code_mask("cpu");
    runtime.native_id = device.id;
    if (device.access != base::Status::Ok) {
        runtime.status = device.access;
        runtime.message = device.access_message;
    } else if (HWA_RUNTIME_CPU == 0) {
        runtime.status = base::Status::Unsupported;
        runtime.message = "the runtime was left out when the library was built";
    }
    device.runtimes.push_back(std::move(runtime));
}

static Device make_device(const Machine &machine, size_t index, const core::System &system) {
    const Socket &socket = machine.topology.sockets[index];
    Device device;
    device.id = "cpu-" + std::to_string(index);
    device.kind = core::Kind::Cpu;
    device.backends = {"cpu"};
    device.memories.push_back(main_memory(system, machine.topology, socket));
    put_channels(machine.facts, device.memories.back());
    put_identity(machine, device);
    put_isa(machine.facts, device);
    put_counts(machine, socket, device);
    put_caches(machine.facts, socket, device);
    put_nodes(machine.topology, socket, device);
    put_rates(machine.facts.isa, group_cores(machine, socket, device), device);
    const bool barred = !machine.affinity.empty() && !socket.threads.empty() &&
                        common(machine.affinity, socket.threads).empty();
    device.flags |= barred ? 0u : uint32_t{core::DeviceUsable};
    device.access = barred ? base::Status::Denied : base::Status::Ok;
    if (barred)
        device.access_message = "the affinity mask of this process leaves out all its processors";
    put_runtime(device);
    return device;
}

/// Divides what the process may use in all over the sockets, by their size, so that the parts
/// together stay within the limit.
static void limit_memory(uint64_t usable, std::vector<Device> &sockets) {
    uint64_t whole = 0;
    for (const Device &socket : sockets)
        whole += socket.memory_bytes();
    for (Device &socket : sockets) {
        const uint64_t size = socket.memory_bytes();
        const auto part =
            whole == 0 ? 0 : static_cast<uint64_t>(static_cast<__uint128_t>(usable) * size / whole);
        socket.memories[0].usable_bytes = std::min(size, part);
    }
}

base::Done find_cpu(const Host &host, core::System &system) {
    const Machine machine = read_machine(host);
    std::vector<Device> sockets;
    for (size_t i = 0; i < machine.topology.sockets.size(); ++i)
        sockets.push_back(make_device(machine, i, system));
    limit_memory(usable_memory(system), sockets);
    for (Device &socket : sockets)
        system.devices.push_back(std::move(socket));
    system.numa_count = machine.topology.node_count;
    if (machine.facts.is_virtual)
        system.flags |= core::SystemVirtual;
    if (!machine.facts.hypervisor.empty())
        system.put_attr(core::attr_text("vm.hypervisor", machine.facts.hypervisor, Source::Kernel));
    return {};
}

} // namespace hwa::detect
