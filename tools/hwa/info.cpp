// SPDX-License-Identifier: MIT
// hwa info: every fact about one device, and where each comes from.
#include "commands.h"
#include "json.h"
#include "library.h"
#include "table.h"
#include "text.h"
#include "units.h"

#include <iterator>

namespace hwa::tool {

namespace {

const char *source_name(hwa_source_t source) {
    static constexpr const char *names[] = {"", "measured", "driver", "kernel", "table", "derived"};
    const auto index = static_cast<size_t>(source);
    return index < std::size(names) ? names[index] : "";
}

/// Who says so: the library answers the names of its fields as attributes.
const char *source_of(const hwa_device_t *device, const char *field) {
    hwa_attr_t attr = {};
    return hwa_device_attr(device, field, &attr) == HWA_OK ? source_name(attr.source) : "";
}

std::string value_of(const hwa_attr_t &attr) {
    switch (attr.type) {
    case HWA_ATTR_INT:
        return format("%lld", static_cast<long long>(attr.i));
    case HWA_ATTR_REAL:
        return format("%g", attr.r);
    case HWA_ATTR_TEXT:
        return or_empty(attr.s);
    default:
        return "";
    }
}

std::string flag_names(uint32_t flags) {
    std::vector<std::string> names;
    for (const auto &[bit, name] : {std::pair{HWA_DEVICE_USABLE, "usable"},
                                    {HWA_DEVICE_INTEGRATED, "integrated"},
                                    {HWA_DEVICE_PARTITION, "partition"},
                                    {HWA_DEVICE_SOFTWARE, "software"}})
        if ((flags & static_cast<uint32_t>(bit)) != 0)
            names.emplace_back(name);
    return join(names);
}

std::string number(uint32_t value) {
    return value == 0 ? "" : std::to_string(value);
}

void print_facts(const hwa_device_t *device, const hwa_device_info_t &info, Screen &screen) {
    Table table({{"FACT"}, {"VALUE", 0, false, 16}, {"SOURCE", 1}}, 2);
    const auto put = [&](const char *name, const std::string &value, const char *field) {
        if (!value.empty() && value != unknown)
            table.row({{name}, {value, Look::Strong}, {source_of(device, field), Look::Faint}});
    };
    put("kind", hwa_kind_name(info.kind), "kind");
    put("vendor", or_empty(info.vendor), "vendor");
    put("architecture", or_empty(info.architecture), "architecture");
    put("flags", flag_names(info.flags), "flags");
    put("access", info.access == HWA_OK ? "" : hwa_status_name(info.access), "access");
    put("driver", or_empty(info.driver), "driver");
    put("memory", bytes(info.memory_bytes), "memory_bytes");
    put("bandwidth", bandwidth(info.bytes_per_second), "bytes_per_second");
    put("compute units", number(info.compute_units), "compute_units");
    put("clock", hertz(info.clock_hz), "clock_hz");
    put("power limit", info.power_limit_mw == 0 ? "" : format("%g W", info.power_limit_mw / 1e3),
        "power_limit_mw");
    put("NUMA node", info.numa_node < 0 ? "" : std::to_string(info.numa_node), "numa_node");
    put("PCI id", info.pci_vendor == 0 ? "" : format("%04x:%04x", info.pci_vendor, info.pci_device),
        "pci_vendor");
    put("parent", info.parent == nullptr ? "" : or_empty(info_of(info.parent).id), "parent");
    put("seen by", or_empty(info.backends), "backends");
    table.print(screen);
}

void section(Screen &screen, const char *title, const Table &table) {
    if (table.empty())
        return;
    screen.line();
    screen.line(title, Look::Heading);
    table.print(screen);
}

void print_memories(const hwa_device_t *device, const hwa_device_info_t &info, Screen &screen) {
    static constexpr const char *roles[] = {"",       "dedicated", "carve-out",
                                            "shared", "unified",   "cache"};
    Table table({{"MEMORY", 0, false, 8},
                 {"ROLE", 3},
                 {"SIZE", 1, true},
                 {"USABLE", 2, true},
                 {"BANDWIDTH", 2, true},
                 {"BUS", 4, true},
                 {"SOURCE", 3}},
                2);
    for (uint32_t i = 0; i < info.memory_count; ++i) {
        hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
        if (hwa_device_memory(device, i, &memory) != HWA_OK)
            continue;
        const auto role = static_cast<size_t>(memory.role);
        table.row({{or_empty(memory.name)},
                   {role < std::size(roles) ? roles[role] : ""},
                   {bytes(memory.size_bytes), Look::Strong},
                   {bytes(memory.usable_bytes)},
                   {bandwidth(memory.bytes_per_second)},
                   {memory.bus_bits == 0 ? "" : format("%u bit", memory.bus_bits)},
                   {source_name(memory.size_source), Look::Faint}});
    }
    section(screen, "Memories", table);
}

void print_compute(const hwa_device_t *device, Screen &screen) {
    static constexpr const char *supports[] = {"", "none", "storage", "native"};
    Table table({{"FORMAT"}, {"SUPPORT", 2}, {"PEAK", 1, true}, {"SPARSE", 3, true}, {"SOURCE", 2}},
                2);
    for (int value = 1; value < 128; ++value) {
        const auto dtype = static_cast<hwa_dtype_t>(value);
        hwa_compute_info_t compute = HWA_INIT(hwa_compute_info_t);
        if (hwa_device_compute(device, dtype, &compute) != HWA_OK ||
            compute.support == HWA_SUPPORT_UNKNOWN)
            continue;
        const bool floating = dtype < HWA_DTYPE_I32 || dtype >= HWA_DTYPE_Q8_0;
        const auto support = static_cast<size_t>(compute.support);
        table.row({{hwa_dtype_name(dtype)},
                   {support < std::size(supports) ? supports[support] : ""},
                   {operations(compute.ops_per_second, floating), Look::Strong},
                   {operations(compute.sparse_ops_per_second, floating)},
                   {source_name(compute.source), Look::Faint}});
    }
    section(screen, "Number formats", table);
}

void print_runtimes(const hwa_device_t *device, const hwa_device_info_t &info, Screen &screen) {
    Table table(
        {{"RUNTIME"}, {"STATE", 0}, {"VERSION", 2, false, 8}, {"MESSAGE", 1, false, 16, true}}, 2);
    for (uint32_t i = 0; i < info.runtime_count; ++i) {
        const hwa_runtime_info_t runtime = runtime_at(device, i);
        const bool ready = runtime.status == HWA_OK;
        table.row(
            {{or_empty(runtime.name)},
             {ready ? "ready" : hwa_status_name(runtime.status), ready ? Look::Good : Look::Warn},
             {or_empty(runtime.version)},
             {or_empty(runtime.message)}});
    }
    section(screen, "Runtimes", table);
}

void print_attributes(const hwa_device_t *device, const hwa_device_info_t &info, Screen &screen) {
    Table table({{"KEY", 0, false, 20}, {"VALUE", 0, false, 16}, {"SOURCE", 1}}, 2);
    for (uint32_t i = 0; i < info.attr_count; ++i) {
        hwa_attr_t attr = {};
        if (hwa_device_attr_at(device, i, &attr) == HWA_OK)
            table.row({{or_empty(attr.key)},
                       {value_of(attr), Look::Strong},
                       {source_name(attr.source), Look::Faint}});
    }
    section(screen, "Further facts", table);
}

/// The device's own object of the system's document.
std::string json_of(const hwa_system_t *system, const hwa_device_t *device) {
    size_t index = 0;
    while (hwa_system_device(system, static_cast<uint32_t>(index)) != device)
        ++index;
    const std::string whole = or_empty(hwa_system_json(system));
    Json json;
    json.raw("schema", json_member(whole, "schema"));
    json.raw("device", json_element(json_member(whole, "devices"), index));
    return json.finish();
}

} // namespace

int info(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    const hwa_device_t *device =
        arguments.device.empty() ? hwa_system_device(system.get(), 0)
                                 : hwa_system_find_device(system.get(), arguments.device.c_str());
    if (device == nullptr)
        return no_such_device(system.get(), arguments.device);
    if (arguments.json) {
        screen.print(json_of(system.get(), device));
        return ExitDone;
    }
    const hwa_device_info_t facts = info_of(device);
    std::string title = or_empty(facts.id);
    if (facts.name != nullptr)
        title += " · " + printable(facts.name);
    screen.line(title, Look::Strong);
    screen.line();
    print_facts(device, facts, screen);
    print_memories(device, facts, screen);
    print_compute(device, screen);
    print_runtimes(device, facts, screen);
    print_attributes(device, facts, screen);
    return ExitDone;
}

} // namespace hwa::tool
