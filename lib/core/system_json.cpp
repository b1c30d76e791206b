// SPDX-License-Identifier: MIT
// Writes a system, or one of its devices, as JSON.
#include "core/system_json.h"

#include "core/facts.h"
#include "core/names.h"

#include <cmath>

namespace hwa::core {

using base::JsonWriter;

static void put(JsonWriter &out, const std::string &text) {
    out.text(text);
}
static void put(JsonWriter &out, uint32_t quantity) {
    out.u64(quantity);
}
static void put(JsonWriter &out, uint64_t quantity) {
    out.u64(quantity);
}
static void put(JsonWriter &out, int32_t node) {
    out.i64(node);
}
static void put(JsonWriter &out, double quantity) {
    out.real(quantity);
}

/// A member that is always there; null says that its value is not known.
template <class T> static void field(JsonWriter &out, const char *key, const T &value) {
    out.key(key);
    if (known(value))
        put(out, value);
    else
        out.null();
}

template <class Enum>
static void word(JsonWriter &out, const char *key, std::span<const Name> names, Enum value) {
    out.key(key).text(name_of(names, value));
}

static void flags(JsonWriter &out, std::span<const Name> names, uint32_t bits) {
    out.key("flags").begin_array();
    for (const Name &name : names)
        if ((bits & name.value) != 0)
            out.text(name.text);
    out.end_array();
}

static void texts(JsonWriter &out, const char *key, const std::vector<std::string> &list) {
    out.key(key).begin_array();
    for (const std::string &text : list)
        out.text(text);
    out.end_array();
}

/// A real is marked as one, because 2.0 and 2 are the same number to JSON.
static void attr(JsonWriter &out, const Attr &attr) {
    out.key(attr.key).begin_object();
    if (attr.type == AttrType::Int)
        out.key("value").i64(attr.i);
    else if (attr.type == AttrType::Real)
        out.key("value").real(attr.r).key("type").text("real");
    else
        out.key("value").text(attr.s);
    word(out, "source", source_names, attr.source);
    out.end_object();
}

static void attrs(JsonWriter &out, const std::vector<Attr> &list) {
    out.key("attrs").begin_object();
    for (const Attr &row : list)
        if (row.type != AttrType::None && std::isfinite(row.r))
            attr(out, row);
    out.end_object();
}

static void memory(JsonWriter &out, const Memory &memory) {
    out.begin_object();
    word(out, "kind", memory_kind_names, memory.kind);
    word(out, "role", memory_role_names, memory.role);
    field(out, "name", memory.name);
    field(out, "size_bytes", memory.size_bytes.value);
    field(out, "usable_bytes", memory.usable_bytes);
    field(out, "bytes_per_second", memory.bytes_per_second.value);
    field(out, "bus_bits", memory.bus_bits);
    word(out, "source", source_names, memory.bytes_per_second.source);
    word(out, "size_source", source_names, memory.size_bytes.source);
    out.end_object();
}

static void compute(JsonWriter &out, const std::vector<Compute> &list) {
    out.key("compute").begin_object();
    for (const Compute &row : list) {
        if (row.dtype == Dtype::Unknown)
            continue;
        out.key(dtype_name(row.dtype)).begin_object();
        word(out, "support", support_names, row.support);
        field(out, "ops_per_second", row.ops_per_second);
        field(out, "sparse_ops_per_second", row.sparse_ops_per_second);
        word(out, "source", source_names, row.source);
        out.end_object();
    }
    out.end_object();
}

static void runtime(JsonWriter &out, const Runtime &runtime) {
    out.begin_object();
    field(out, "name", runtime.name);
    out.key("status").text(base::status_name(runtime.status));
    flags(out, backend_flag_names, runtime.flags);
    out.key("code_mask").u64(runtime.code_mask);
    field(out, "native_id", runtime.native_id);
    field(out, "version", runtime.version);
    field(out, "message", runtime.message);
    field(out, "device_name", runtime.device_name);
    field(out, "device_uuid", runtime.device_uuid);
    out.end_object();
}

static void sources(JsonWriter &out, const Device &device) {
    out.key("sources").begin_object();
    each_fact(device, [&](const char *name, const auto &fact) {
        if (known(fact.value) && fact.source != Source::Unknown)
            word(out, name, source_names, fact.source);
    });
    out.end_object();
}

static void put_device(JsonWriter &out, const Device &device) {
    out.begin_object();
    field(out, "id", device.id);
    field(out, "parent", device.parent);
    out.key("kind").text(kind_name(device.kind));
    flags(out, device_flag_names, device.flags);
    out.key("access").text(base::status_name(device.access));
    field(out, "access_message", device.access_message);
    each_fact(device, [&](const char *name, const auto &fact) { field(out, name, fact.value); });
    field(out, "uuid", device.uuid);
    out.key("memories").begin_array();
    for (const Memory &row : device.memories)
        memory(out, row);
    out.end_array();
    compute(out, device.compute);
    out.key("runtimes").begin_array();
    for (const Runtime &row : device.runtimes)
        runtime(out, row);
    out.end_array();
    attrs(out, device.attrs);
    texts(out, "backends", device.backends);
    sources(out, device);
    out.end_object();
}

static void put_link(JsonWriter &out, const Link &link) {
    out.begin_object();
    word(out, "kind", link_kind_names, link.kind);
    out.key("a").text(link.a);
    out.key("b").text(link.b);
    field(out, "bytes_per_second", link.bytes_per_second);
    field(out, "latency_ns", link.latency_ns);
    flags(out, link_flag_names, link.flags);
    field(out, "name", link.name);
    word(out, "source", source_names, link.source);
    out.end_object();
}

static void put_backend(JsonWriter &out, const Backend &backend) {
    out.begin_object();
    field(out, "name", backend.name);
    out.key("outcome").text(outcome_name(backend.outcome));
    flags(out, backend_flag_names, backend.flags);
    out.key("device_count").u64(backend.device_count);
    out.key("elapsed_ns").u64(backend.elapsed_ns);
    field(out, "version", backend.version);
    field(out, "library", backend.library);
    field(out, "stage", backend.stage);
    field(out, "message", backend.message);
    out.end_object();
}

std::string device_to_json(const Device &device) {
    JsonWriter out(0);
    put_device(out, device);
    return out.take();
}

std::string system_to_json(const System &system) {
    JsonWriter out;
    out.begin_object();
    out.key("schema").u64(system_schema);
    field(out, "platform", system.platform);
    flags(out, system_flag_names, system.flags);
    field(out, "memory_bytes", system.memory_bytes);
    field(out, "numa_count", system.numa_count);
    // Only a machine for hire has a name in the catalogue and a price.
    if (known(system.catalog_name))
        out.key("catalog_name").text(system.catalog_name);
    if (known(system.usd_per_hour))
        out.key("usd_per_hour").real(system.usd_per_hour);
    out.key("devices").begin_array();
    for (const Device &device : system.devices)
        put_device(out, device);
    out.end_array().key("links").begin_array();
    for (const Link &link : system.links)
        put_link(out, link);
    out.end_array().key("backends").begin_array();
    for (const Backend &backend : system.backends)
        put_backend(out, backend);
    out.end_array();
    attrs(out, system.attrs);
    texts(out, "notes", system.notes);
    return out.end_object().take() + "\n";
}

} // namespace hwa::core
