// SPDX-License-Identifier: MIT
// Reads a system, or one of its devices, from JSON, and checks that it hangs together.
#include "core/system_json.h"

#include "base/text.h"
#include "core/facts.h"
#include "core/names.h"

#include <algorithm>
#include <limits>
#include <map>

namespace hwa::core {

using base::Done;
using base::JsonValue;
using base::Result;

/// Texts of a document are shown to people, so they are made fit for that on the way in.
static constexpr size_t text_bytes = 4096;
static constexpr size_t key_bytes = 256;
/// Written out, an empty row takes a hundred times its text. These bound what a document of such
/// rows costs, and lie above what a cluster of 2,048 machines with 8 cards has.
static constexpr size_t device_limit = 18432;
static constexpr size_t row_limit = 65536;

static Done read(const JsonValue &value, std::string &into) {
    HWA_TRY(const std::string text, value.text());
    into = base::sanitise(text, text_bytes);
    return {};
}

static Done read(const JsonValue &value, uint64_t &into) {
    HWA_TRY(into, value.u64());
    return {};
}

static Done read(const JsonValue &value, uint32_t &into) {
    HWA_TRY(const uint64_t wide, value.u64());
    if (wide > std::numeric_limits<uint32_t>::max())
        return value.error("%llu is beyond 2^32 - 1", static_cast<unsigned long long>(wide));
    into = static_cast<uint32_t>(wide);
    return {};
}

/// Of a memory node, where -1 says that it is not known.
static Done read(const JsonValue &value, int32_t &into) {
    HWA_TRY(const int64_t wide, value.i64());
    if (wide < -1 || wide > std::numeric_limits<int32_t>::max())
        return value.error("%lld is no memory node", static_cast<long long>(wide));
    into = static_cast<int32_t>(wide);
    return {};
}

static Done read(const JsonValue &value, double &into) {
    HWA_TRY(into, value.real());
    if (into < 0)
        return value.error("should be 0 or more");
    return {};
}

/// Leaves `into` as it is where the member is absent or null.
template <class T> static Done field(const JsonValue &object, const char *key, T &into) {
    const std::optional<JsonValue> value = object.find(key);
    return value ? read(*value, into) : Done();
}

/// A word this version does not know is the enumeration's unknown.
template <class Enum>
static Done word(const JsonValue &object, const char *key, std::span<const Name> names,
                 Enum &into) {
    std::string text;
    HWA_CHECK(field(object, key, text));
    into = static_cast<Enum>(value_of(names, text));
    return {};
}

static Done status(const JsonValue &object, const char *key, base::Status &into) {
    std::string text;
    HWA_CHECK(field(object, key, text));
    into = text.empty() ? base::Status::Ok : status_from_name(text);
    return {};
}

/// The elements of a member that is an array if it is there.
static Result<std::vector<JsonValue>> elements(const JsonValue &object, const char *key) {
    const std::optional<JsonValue> list = object.find(key);
    if (list && !list->is_array())
        return list->error("should be an array");
    return list ? list->children() : std::vector<JsonValue>();
}

/// The members of a member that is an object if it is there.
static Result<std::vector<JsonValue>> members(const JsonValue &object, const char *key) {
    const std::optional<JsonValue> list = object.find(key);
    if (list && !list->is_object())
        return list->error("should be an object");
    return list ? list->children() : std::vector<JsonValue>();
}

static Done flags(const JsonValue &object, std::span<const Name> names, uint32_t &into) {
    HWA_TRY(const std::vector<JsonValue> list, elements(object, "flags"));
    for (const JsonValue &value : list) {
        HWA_TRY(const std::string text, value.text());
        into |= value_of(names, text);
    }
    return {};
}

static Done texts(const JsonValue &object, const char *key, std::vector<std::string> &into) {
    HWA_TRY(const std::vector<JsonValue> list, elements(object, key));
    into.reserve(list.size());
    for (const JsonValue &value : list)
        HWA_CHECK(read(value, into.emplace_back()));
    return {};
}

static Done attr_value(const JsonValue &object, Attr &attr) {
    HWA_TRY(const JsonValue value, object.require("value"));
    std::string type;
    HWA_CHECK(field(object, "type", type));
    if (value.is_text()) {
        attr.type = AttrType::Text;
        return read(value, attr.s);
    }
    HWA_TRY(attr.r, value.real());
    const Result<int64_t> whole = value.i64();
    attr.type = type == "real" || !whole ? AttrType::Real : AttrType::Int;
    if (attr.type == AttrType::Int)
        attr.i = static_cast<int64_t>(std::exchange(attr.r, 0));
    return {};
}

/// Sorted at the end, so that a document with a hundred thousand of them costs no more than that.
static Done attrs(const JsonValue &object, std::vector<Attr> &into) {
    HWA_TRY(const std::vector<JsonValue> list, members(object, "attrs"));
    into.reserve(list.size());
    for (const JsonValue &value : list) {
        Attr attr;
        attr.key = base::sanitise(value.key(), key_bytes);
        if (attr.key.empty())
            return value.error("an attribute has a key");
        HWA_CHECK(attr_value(value, attr));
        HWA_CHECK(word(value, "source", source_names, attr.source));
        into.push_back(std::move(attr));
    }
    const auto before = [](const Attr &a, const Attr &b) { return a.key < b.key; };
    const auto same = [](const Attr &a, const Attr &b) { return a.key == b.key; };
    std::stable_sort(into.begin(), into.end(), before);
    into.erase(std::unique(into.begin(), into.end(), same), into.end());
    return {};
}

static Result<Memory> memory(const JsonValue &object) {
    if (!object.is_object())
        return object.error("should be an object");
    Memory memory;
    HWA_CHECK(word(object, "kind", memory_kind_names, memory.kind));
    HWA_CHECK(word(object, "role", memory_role_names, memory.role));
    HWA_CHECK(field(object, "name", memory.name));
    HWA_CHECK(field(object, "size_bytes", memory.size_bytes.value));
    HWA_CHECK(field(object, "usable_bytes", memory.usable_bytes));
    HWA_CHECK(field(object, "bytes_per_second", memory.bytes_per_second.value));
    HWA_CHECK(field(object, "bus_bits", memory.bus_bits));
    HWA_CHECK(word(object, "source", source_names, memory.bytes_per_second.source));
    HWA_CHECK(word(object, "size_source", source_names, memory.size_bytes.source));
    return memory;
}

/// `memories` in full, or `memory_bytes` in short.
static Done memories(const JsonValue &object, std::vector<Memory> &into) {
    if (const std::optional<JsonValue> bytes = object.find("memory_bytes"))
        return read(*bytes, into.emplace_back().size_bytes.value);
    HWA_CHECK(object.require("memories"));
    HWA_TRY(const std::vector<JsonValue> list, elements(object, "memories"));
    into.reserve(list.size());
    for (const JsonValue &value : list) {
        HWA_TRY(Memory row, memory(value));
        into.push_back(std::move(row));
    }
    return {};
}

static Done compute(const JsonValue &object, Device &device) {
    HWA_TRY(const std::vector<JsonValue> list, members(object, "compute"));
    for (const JsonValue &value : list) {
        Compute row;
        row.dtype = dtype_from_name(value.key());
        if (!value.is_object())
            return value.error("should be an object");
        HWA_CHECK(word(value, "support", support_names, row.support));
        HWA_CHECK(field(value, "ops_per_second", row.ops_per_second));
        HWA_CHECK(field(value, "sparse_ops_per_second", row.sparse_ops_per_second));
        HWA_CHECK(word(value, "source", source_names, row.source));
        if (row.dtype != Dtype::Unknown)
            device.put_compute(row);
    }
    return {};
}

static Done runtimes(const JsonValue &object, std::vector<Runtime> &into) {
    HWA_TRY(const std::vector<JsonValue> list, elements(object, "runtimes"));
    into.reserve(list.size());
    for (const JsonValue &value : list) {
        Runtime runtime;
        HWA_CHECK(value.require("name"));
        HWA_CHECK(field(value, "name", runtime.name));
        HWA_CHECK(status(value, "status", runtime.status));
        HWA_CHECK(flags(value, backend_flag_names, runtime.flags));
        HWA_CHECK(field(value, "code_mask", runtime.code_mask));
        HWA_CHECK(field(value, "native_id", runtime.native_id));
        HWA_CHECK(field(value, "version", runtime.version));
        HWA_CHECK(field(value, "message", runtime.message));
        HWA_CHECK(field(value, "device_name", runtime.device_name));
        HWA_CHECK(field(value, "device_uuid", runtime.device_uuid));
        into.push_back(std::move(runtime));
    }
    return {};
}

/// The facts of a device, each with its source if the document has one.
static Done facts(const JsonValue &object, Device &device) {
    const std::optional<JsonValue> sources = object.find("sources");
    if (sources && !sources->is_object())
        return sources->error("should be an object");
    Done done;
    each_fact(device, [&](const char *name, auto &fact) {
        if (done)
            done = field(object, name, fact.value);
        if (done && sources && known(fact.value))
            done = word(*sources, name, source_names, fact.source);
    });
    return done;
}

Result<Device> device_from_json(const JsonValue &object) {
    Device device;
    std::string kind;
    HWA_TRY(const JsonValue id, object.require("id"));
    HWA_CHECK(read(id, device.id));
    if (device.id.empty())
        return id.error("an id is not empty");
    HWA_TRY(const JsonValue kind_value, object.require("kind"));
    HWA_CHECK(read(kind_value, kind));
    device.kind = kind_from_name(kind);
    HWA_CHECK(field(object, "parent", device.parent));
    HWA_CHECK(flags(object, device_flag_names, device.flags));
    HWA_CHECK(status(object, "access", device.access));
    HWA_CHECK(field(object, "access_message", device.access_message));
    HWA_CHECK(facts(object, device));
    HWA_CHECK(field(object, "uuid", device.uuid));
    HWA_CHECK(memories(object, device.memories));
    HWA_CHECK(compute(object, device));
    HWA_CHECK(runtimes(object, device.runtimes));
    HWA_CHECK(attrs(object, device.attrs));
    HWA_CHECK(texts(object, "backends", device.backends));
    return device;
}

static Result<Link> link(const JsonValue &object) {
    Link link;
    HWA_TRY(const JsonValue a, object.require("a"));
    HWA_TRY(const JsonValue b, object.require("b"));
    HWA_CHECK(read(a, link.a));
    HWA_CHECK(read(b, link.b));
    HWA_CHECK(word(object, "kind", link_kind_names, link.kind));
    HWA_CHECK(field(object, "bytes_per_second", link.bytes_per_second));
    HWA_CHECK(field(object, "latency_ns", link.latency_ns));
    HWA_CHECK(flags(object, link_flag_names, link.flags));
    HWA_CHECK(field(object, "name", link.name));
    HWA_CHECK(word(object, "source", source_names, link.source));
    return link;
}

static Result<Backend> backend(const JsonValue &object) {
    Backend backend;
    std::string outcome;
    HWA_CHECK(object.require("name"));
    HWA_CHECK(field(object, "name", backend.name));
    HWA_CHECK(field(object, "outcome", outcome));
    backend.outcome = outcome_from_name(outcome);
    HWA_CHECK(flags(object, backend_flag_names, backend.flags));
    HWA_CHECK(field(object, "device_count", backend.device_count));
    HWA_CHECK(field(object, "elapsed_ns", backend.elapsed_ns));
    HWA_CHECK(field(object, "version", backend.version));
    HWA_CHECK(field(object, "library", backend.library));
    HWA_CHECK(field(object, "stage", backend.stage));
    HWA_CHECK(field(object, "message", backend.message));
    return backend;
}

/// Index of a device by its id. Ordered, because a table of hashes could be made to collide.
using Index = std::map<std::string_view, size_t>;

static Result<Index> index_devices(const System &system, const std::vector<JsonValue> &places) {
    Index index;
    for (size_t i = 0; i < system.devices.size(); ++i)
        if (!index.emplace(system.devices[i].id, i).second)
            return places[i].error("a second device of the id \"%s\"",
                                   system.devices[i].id.c_str());
    return index;
}

/// Every parent is a device, and no device is an ancestor of itself.
static Done check_parents(const System &system, const Index &index,
                          const std::vector<JsonValue> &places) {
    // Who was last met on the way up from which device; ways that meet an older one end well.
    std::vector<size_t> met(system.devices.size(), std::numeric_limits<size_t>::max());
    for (size_t start = 0; start < system.devices.size(); ++start) {
        for (size_t at = start; met[at] == std::numeric_limits<size_t>::max();) {
            met[at] = start;
            const std::string &parent = system.devices[at].parent;
            if (parent.empty())
                break;
            const auto found = index.find(parent);
            if (found == index.end())
                return places[at].error("its parent \"%s\" is no device here", parent.c_str());
            at = found->second;
            if (met[at] == start)
                return places[at].error("the device is an ancestor of itself");
        }
    }
    return {};
}

static Done read_devices(const JsonValue &root, System &system) {
    HWA_CHECK(root.require("devices"));
    HWA_TRY(const std::vector<JsonValue> places, elements(root, "devices"));
    if (places.size() > device_limit)
        return root.error("has %zu devices, more than the %zu allowed", places.size(),
                          device_limit);
    system.devices.reserve(places.size());
    size_t rows = 0;
    for (const JsonValue &place : places) {
        HWA_TRY(Device device, device_from_json(place));
        rows += device.memories.size() + device.runtimes.size();
        if (rows > row_limit)
            return place.error("more than %zu memories and runtimes up to here", row_limit);
        system.devices.push_back(std::move(device));
    }
    HWA_TRY(const Index index, index_devices(system, places));
    HWA_CHECK(check_parents(system, index, places));
    HWA_TRY(const std::vector<JsonValue> links, elements(root, "links"));
    system.links.reserve(links.size());
    for (const JsonValue &place : links) {
        HWA_TRY(Link row, link(place));
        for (const std::string *end : {&row.a, &row.b})
            if (!index.contains(*end))
                return place.error("its end \"%s\" is no device here", end->c_str());
        system.links.push_back(std::move(row));
    }
    return {};
}

static Done read_schema(const JsonValue &root, System &system) {
    uint64_t schema = system_schema;
    HWA_CHECK(field(root, "schema", schema));
    if (schema == 0)
        return root.error("schema 0 does not exist");
    if (schema > system_schema)
        system.notes.push_back(base::format(
            "The document is of schema %llu; what schema %llu does not know was passed over.",
            static_cast<unsigned long long>(schema),
            static_cast<unsigned long long>(system_schema)));
    return {};
}

Result<System> system_from_json(std::string_view name, std::string_view text) {
    HWA_TRY(const base::JsonDocument document, base::JsonDocument::parse(name, text));
    const JsonValue root = document.root();
    System system;
    HWA_CHECK(root.require("devices"));
    HWA_CHECK(texts(root, "notes", system.notes));
    HWA_CHECK(read_schema(root, system));
    HWA_CHECK(field(root, "platform", system.platform));
    HWA_CHECK(flags(root, system_flag_names, system.flags));
    HWA_CHECK(field(root, "memory_bytes", system.memory_bytes));
    HWA_CHECK(field(root, "numa_count", system.numa_count));
    HWA_CHECK(field(root, "catalog_name", system.catalog_name));
    HWA_CHECK(field(root, "usd_per_hour", system.usd_per_hour));
    HWA_CHECK(read_devices(root, system));
    HWA_TRY(const std::vector<JsonValue> backends, elements(root, "backends"));
    if (backends.size() > row_limit)
        return root.error("has %zu backends, more than the %zu allowed", backends.size(),
                          row_limit);
    system.backends.reserve(backends.size());
    for (const JsonValue &place : backends) {
        HWA_TRY(Backend row, backend(place));
        system.backends.push_back(std::move(row));
    }
    HWA_CHECK(attrs(root, system.attrs));
    // What a document tells of may be elsewhere or gone, so nothing in it can be opened.
    system.flags &= ~uint32_t{SystemLive};
    return system;
}

} // namespace hwa::core
