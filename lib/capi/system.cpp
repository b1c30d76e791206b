// SPDX-License-Identifier: MIT
// The public functions that read a system.
#include "capi/attrs.h"
#include "capi/entry.h"
#include "capi/objects.h"

#include "base/text.h"
#include "core/system_join.h"
#include "core/system_json.h"
#include "data/machines.h"

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_system_from_json(const char *json, hwa_system_t **out_system, hwa_error_t *error) {
    return hand_out(out_system, error, [&]() -> base::Result<std::unique_ptr<hwa_system_t>> {
        if (json == nullptr)
            return null_argument("json");
        HWA_TRY(core::System system, core::system_from_json("json", json));
        auto made = std::make_unique<hwa_system_t>();
        made->state = make_state(std::move(system), nullptr, {});
        return made;
    });
}

const char *hwa_catalog_machine(const hwa_catalog_t *catalog, uint32_t index) {
    const auto machines = data::machines();
    return catalog == nullptr && index < machines.size() ? machines[index].name : nullptr;
}

hwa_status_t hwa_system_from_catalog(const hwa_catalog_t *catalog, const char *name,
                                     hwa_system_t **out_system, hwa_error_t *error) {
    return hand_out(out_system, error, [&]() -> base::Result<std::unique_ptr<hwa_system_t>> {
        if (name == nullptr)
            return null_argument("name");
        if (catalog != nullptr)
            return base::error(base::Status::Invalid, "catalog: is none that was opened");
        const data::Machine *machine = data::find_machine(name);
        if (machine == nullptr)
            return base::error(base::Status::NotFound, "no machine for hire is called '%s'",
                               base::sanitise(name, 96).c_str());
        auto made = std::make_unique<hwa_system_t>();
        made->state = make_state(data::hired_system(*machine), nullptr, {});
        return made;
    });
}

hwa_status_t hwa_system_join(const hwa_system_t *const *systems, uint32_t system_count,
                             hwa_system_t **out_system, hwa_error_t *error) {
    return hand_out(out_system, error, [&]() -> base::Result<std::unique_ptr<hwa_system_t>> {
        if (systems == nullptr || system_count == 0)
            return base::error(base::Status::Invalid, "systems: there is none to join");
        std::vector<const core::System *> parts;
        for (uint32_t i = 0; i < system_count; ++i) {
            if (systems[i] == nullptr)
                return base::error(base::Status::Invalid, "systems[%u] is NULL", i);
            parts.push_back(&systems[i]->state->system);
        }
        HWA_TRY(core::System joined, core::join(parts));
        auto made = std::make_unique<hwa_system_t>();
        made->state = make_state(std::move(joined), nullptr, {});
        return made;
    });
}

const char *hwa_system_json(const hwa_system_t *system) {
    if (system == nullptr)
        return nullptr;
    const SystemState &state = *system->state;
    try {
        state.json_once.run([&] { state.json = core::system_to_json(state.system); });
    } catch (...) { // Out of memory; the next call tries again.
        return nullptr;
    }
    return state.json.c_str();
}

void hwa_system_free(hwa_system_t *system) {
    delete system;
}

static hwa_system_info_t info_of(const core::System &system) {
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    info.flags = system.flags;
    info.device_count = static_cast<uint32_t>(system.devices.size());
    info.link_count = static_cast<uint32_t>(system.links.size());
    info.backend_count = static_cast<uint32_t>(system.backends.size());
    info.numa_count = system.numa_count;
    info.attr_count = static_cast<uint32_t>(system.attrs.size());
    info.memory_bytes = system.memory_bytes;
    info.platform = or_null(system.platform);
    info.catalog_name = or_null(system.catalog_name);
    info.usd_per_hour = system.usd_per_hour;
    return info;
}

hwa_status_t hwa_system_info(const hwa_system_t *system, hwa_system_info_t *info) {
    if (system == nullptr)
        return HWA_ERROR_INVALID;
    return fill_out(info, info_of(system->state->system));
}

/// The fields of hwa_system_info_t under their names.
static hwa_status_t give_field(const core::System &system, const char *key, hwa_attr_t *attr) {
    using core::Source;
    const hwa_system_info_t info = info_of(system);
    const core::Fact<uint64_t> memory{system.memory_bytes, Source::Kernel};
    const core::Fact<uint32_t> nodes{system.numa_count, Source::Kernel};
    const hwa_attr_t fields[] = {
        count("flags", info.flags),
        count("device_count", info.device_count),
        count("link_count", info.link_count),
        count("backend_count", info.backend_count),
        count("attr_count", info.attr_count),
        field("numa_count", nodes),
        field("memory_bytes", memory),
        field("platform", system.platform, Source::Kernel),
        field("catalog_name", system.catalog_name, Source::Table),
        field("usd_per_hour", system.usd_per_hour, Source::Table),
    };
    return give_attr(system.attrs, fields, key, attr);
}

hwa_status_t hwa_system_attr(const hwa_system_t *system, const char *key, hwa_attr_t *attr) {
    if (system == nullptr || key == nullptr || attr == nullptr)
        return HWA_ERROR_INVALID;
    return give_field(system->state->system, key, attr);
}

hwa_status_t hwa_system_attr_at(const hwa_system_t *system, uint32_t index, hwa_attr_t *attr) {
    if (system == nullptr || attr == nullptr)
        return HWA_ERROR_INVALID;
    return give_attr(system->state->system.attrs, index, attr);
}

const hwa_device_t *hwa_system_device(const hwa_system_t *system, uint32_t index) {
    if (system == nullptr || index >= system->state->devices.size())
        return nullptr;
    return &system->state->devices[index];
}

const hwa_device_t *hwa_system_find_device(const hwa_system_t *system, const char *id) {
    return system == nullptr || id == nullptr ? nullptr : system->state->find(id);
}

hwa_status_t hwa_system_backend(const hwa_system_t *system, uint32_t index,
                                hwa_backend_info_t *info) {
    if (system == nullptr || info == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= system->state->system.backends.size())
        return HWA_ERROR_RANGE;
    const core::Backend &backend = system->state->system.backends[index];
    hwa_backend_info_t full = HWA_INIT(hwa_backend_info_t);
    full.outcome = static_cast<hwa_outcome_t>(backend.outcome);
    full.flags = backend.flags;
    full.device_count = backend.device_count;
    full.elapsed_ns = backend.elapsed_ns;
    full.name = or_null(backend.name);
    full.version = or_null(backend.version);
    full.library = or_null(backend.library);
    full.stage = or_null(backend.stage);
    full.message = or_null(backend.message);
    return fill_out(info, full);
}

hwa_status_t hwa_system_link(const hwa_system_t *system, uint32_t index, hwa_link_info_t *info) {
    if (system == nullptr || info == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= system->state->system.links.size())
        return HWA_ERROR_RANGE;
    const core::Link &link = system->state->system.links[index];
    hwa_link_info_t full = HWA_INIT(hwa_link_info_t);
    full.kind = static_cast<hwa_link_kind_t>(link.kind);
    full.a = system->state->find(link.a);
    full.b = system->state->find(link.b);
    full.bytes_per_second = link.bytes_per_second;
    full.latency_ns = link.latency_ns;
    full.flags = link.flags;
    full.name = or_null(link.name);
    return fill_out(info, full);
}
