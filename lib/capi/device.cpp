// SPDX-License-Identifier: MIT
// The public functions that read a device.
#include "capi/attrs.h"
#include "capi/entry.h"
#include "capi/objects.h"

using namespace hwa;
using namespace hwa::capi;

static hwa_device_info_t info_of(const hwa_device_t &device) {
    const core::Device &facts = *device.facts;
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    info.kind = static_cast<hwa_kind_t>(facts.kind);
    info.flags = facts.flags;
    info.numa_node = facts.numa_node.value;
    info.pci_vendor = facts.pci_vendor.value;
    info.pci_device = facts.pci_device.value;
    info.compute_units = facts.compute_units.value;
    info.memory_count = static_cast<uint32_t>(facts.memories.size());
    info.attr_count = static_cast<uint32_t>(facts.attrs.size());
    info.power_limit_mw = facts.power_limit_mw.value;
    info.runtime_count = static_cast<uint32_t>(facts.runtimes.size());
    info.access = static_cast<hwa_status_t>(facts.access);
    info.clock_hz = facts.clock_hz.value;
    info.memory_bytes = facts.memory_bytes();
    info.bytes_per_second = facts.bytes_per_second();
    info.parent = device.parent;
    info.id = or_null(facts.id);
    info.name = or_null(facts.name.value);
    info.vendor = or_null(facts.vendor.value);
    info.architecture = or_null(facts.architecture.value);
    info.driver = or_null(facts.driver.value);
    info.backends = or_null(device.backends);
    return info;
}

hwa_status_t hwa_device_info(const hwa_device_t *device, hwa_device_info_t *info) {
    return device == nullptr ? HWA_ERROR_INVALID : fill_out(info, info_of(*device));
}

hwa_status_t hwa_device_memory(const hwa_device_t *device, uint32_t index,
                               hwa_memory_info_t *info) {
    if (device == nullptr || info == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= device->facts->memories.size())
        return HWA_ERROR_RANGE;
    const core::Memory &memory = device->facts->memories[index];
    hwa_memory_info_t full = HWA_INIT(hwa_memory_info_t);
    full.kind = static_cast<hwa_memory_kind_t>(memory.kind);
    full.size_bytes = memory.size_bytes.value;
    full.bytes_per_second = memory.bytes_per_second.value;
    full.bus_bits = memory.bus_bits;
    full.source = static_cast<hwa_source_t>(memory.bytes_per_second.source);
    full.usable_bytes = memory.usable_bytes;
    full.role = static_cast<hwa_memory_role_t>(memory.role);
    full.size_source = static_cast<hwa_source_t>(memory.size_bytes.source);
    full.name = or_null(memory.name);
    return fill_out(info, full);
}

hwa_status_t hwa_device_compute(const hwa_device_t *device, hwa_dtype_t dtype,
                                hwa_compute_info_t *info) {
    if (device == nullptr)
        return HWA_ERROR_INVALID;
    hwa_compute_info_t full = HWA_INIT(hwa_compute_info_t);
    const core::Compute *row = device->facts->find_compute(static_cast<core::Dtype>(number(dtype)));
    if (row != nullptr) {
        full.support = static_cast<hwa_support_t>(row->support);
        full.ops_per_second = row->ops_per_second;
        full.sparse_ops_per_second = row->sparse_ops_per_second;
        full.source = static_cast<hwa_source_t>(row->source);
    }
    return fill_out(info, full);
}

hwa_status_t hwa_device_runtime(const hwa_device_t *device, uint32_t index,
                                hwa_runtime_info_t *info) {
    if (device == nullptr || info == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= device->facts->runtimes.size())
        return HWA_ERROR_RANGE;
    const core::Runtime &runtime = device->facts->runtimes[index];
    hwa_runtime_info_t full = HWA_INIT(hwa_runtime_info_t);
    full.status = static_cast<hwa_status_t>(runtime.status);
    full.flags = runtime.flags;
    full.code_mask = runtime.code_mask;
    full.name = or_null(runtime.name);
    full.native_id = or_null(runtime.native_id);
    full.version = or_null(runtime.version);
    full.message = or_null(runtime.message);
    return fill_out(info, full);
}

/// The fields of hwa_device_info_t under their names, each with the source of its fact; what the
/// library itself made of the facts is derived.
static hwa_status_t give_field(const hwa_device_t &device, const char *key, hwa_attr_t *attr) {
    using core::Source;
    const core::Device &facts = *device.facts;
    const core::Memory none;
    const core::Memory &memory = facts.memories.empty() ? none : facts.memories[0];
    const hwa_device_info_t info = info_of(device);
    const hwa_attr_t fields[] = {
        count("flags", info.flags),
        count("memory_count", info.memory_count),
        count("attr_count", info.attr_count),
        count("runtime_count", info.runtime_count),
        count("access", static_cast<uint64_t>(info.access)),
        field("access_message", facts.access_message, Source::Derived),
        field("kind", info.kind, info.kind != HWA_KIND_UNKNOWN, Source::Derived),
        field("id", facts.id, Source::Derived),
        field("parent", facts.parent, Source::Derived),
        field("backends", device.backends, Source::Derived),
        field("memory_bytes", memory.size_bytes),
        field("bytes_per_second", memory.bytes_per_second),
        field("name", facts.name),
        field("vendor", facts.vendor),
        field("architecture", facts.architecture),
        field("driver", facts.driver),
        field("numa_node", facts.numa_node),
        field("pci_vendor", facts.pci_vendor),
        field("pci_device", facts.pci_device),
        field("compute_units", facts.compute_units),
        field("power_limit_mw", facts.power_limit_mw),
        field("clock_hz", facts.clock_hz),
    };
    return give_attr(facts.attrs, fields, key, attr);
}

hwa_status_t hwa_device_attr(const hwa_device_t *device, const char *key, hwa_attr_t *attr) {
    if (device == nullptr || key == nullptr || attr == nullptr)
        return HWA_ERROR_INVALID;
    return give_field(*device, key, attr);
}

hwa_status_t hwa_device_attr_at(const hwa_device_t *device, uint32_t index, hwa_attr_t *attr) {
    if (device == nullptr || attr == nullptr)
        return HWA_ERROR_INVALID;
    return give_attr(device->facts->attrs, index, attr);
}
