// SPDX-License-Identifier: MIT
// hwa list --machines, --models: what the catalogue knows by name.
#include "catalogue.h"

#include "json.h"
#include "library.h"
#include "table.h"
#include "text.h"
#include "units.h"

namespace hwa::tool {

static std::string text_attr(const hwa_system_t *system, const char *key) {
    hwa_attr_t attr;
    return hwa_system_attr(system, key, &attr) == HWA_OK ? or_empty(attr.s) : "";
}

static int print(bool json, Json &names, const Table &table, Screen &screen) {
    names.close();
    if (json)
        screen.print(names.finish());
    else
        table.print(screen);
    return ExitDone;
}

int list_machines(bool json, Screen &screen) {
    Table table({{"MACHINE", 0, false, 20},
                 {"DEVICES", 0, false, 12},
                 {"MEMORY", 2, true},
                 {"HOST", 4, true},
                 {"PRICE/H", 0, true},
                 {"READ", 6}});
    Json names;
    names.integer("schema", 1).open_list("machines");
    for (uint32_t i = 0; const char *name = hwa_catalog_machine(nullptr, i); ++i) {
        System system;
        if (hwa_system_from_catalog(nullptr, name, Out(system), nullptr) != HWA_OK)
            continue;
        const hwa_system_info_t facts = info_of(system.get());
        const hwa_device_info_t first = info_of(hwa_system_device(system.get(), 0));
        const std::string read = text_attr(system.get(), "price.date");
        const uint64_t memory = first.memory_bytes * facts.device_count;
        table.row({{name, Look::Name},
                   {format("%u × ", facts.device_count) + or_empty(first.name)},
                   {bytes(memory)},
                   {bytes(facts.memory_bytes)},
                   {dollars(facts.usd_per_hour)},
                   {read}});
        names.open(nullptr).text("name", name).text("device", first.name);
        names.integer("count", facts.device_count).integer("memory_bytes", memory);
        if (facts.memory_bytes != 0)
            names.integer("host_bytes", facts.memory_bytes);
        else
            names.null("host_bytes");
        names.real("usd_per_hour", facts.usd_per_hour);
        names.text("date", read).text("source", text_attr(system.get(), "price.source")).close();
    }
    return print(json, names, table, screen);
}

int list_models(bool json, Screen &screen) {
    Table table({{"MODEL", 0, false, 20},
                 {"PARAMETERS", 0, true},
                 {"ACTIVE", 0, true},
                 {"CONTEXT", 0, true},
                 {"ARCHITECTURE", 4}});
    Json names;
    names.integer("schema", 1).open_list("models");
    for (uint32_t i = 0; const char *name = hwa_catalog_model(nullptr, i); ++i) {
        Model model;
        if (hwa_model_from_catalog(nullptr, name, Out(model), nullptr) != HWA_OK)
            continue;
        hwa_model_desc_t facts = HWA_INIT(hwa_model_desc_t);
        if (hwa_model_desc(model.get(), &facts) != HWA_OK)
            continue;
        table.row({{name, Look::Name},
                   {count(facts.parameters)},
                   {count(facts.active_parameters)},
                   {std::to_string(facts.context_limit)},
                   {or_empty(facts.architecture)}});
        names.open(nullptr).text("name", name).text("architecture", facts.architecture);
        names.integer("parameters", facts.parameters);
        names.integer("active_parameters", facts.active_parameters);
        names.integer("context_limit", facts.context_limit).close();
    }
    return print(json, names, table, screen);
}

} // namespace hwa::tool
