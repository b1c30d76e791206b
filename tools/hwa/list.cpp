// SPDX-License-Identifier: MIT
// hwa list: one line per device, best first.
#include "catalogue.h"
#include "commands.h"
#include "library.h"
#include "table.h"
#include "text.h"
#include "units.h"

namespace hwa::tool {

namespace {

/// The fastest format a device computes in, with its name: "1.21 TFLOP/s f32".
std::string peak(const hwa_device_t *device) {
    static constexpr hwa_dtype_t formats[] = {HWA_DTYPE_F16, HWA_DTYPE_BF16, HWA_DTYPE_F32};
    double best = 0;
    const char *name = "";
    for (const hwa_dtype_t dtype : formats) {
        hwa_compute_info_t info = HWA_INIT(hwa_compute_info_t);
        if (hwa_device_compute(device, dtype, &info) == HWA_OK && info.ops_per_second > best &&
            info.support == HWA_SUPPORT_NATIVE) {
            best = info.ops_per_second;
            name = hwa_dtype_name(dtype);
        }
    }
    return best > 0 ? operations(best) + " " + name : "";
}

/// Names of the runtimes that can drive a device now.
std::string runtimes(const hwa_device_t *device, const hwa_device_info_t &info) {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < info.runtime_count; ++i) {
        const hwa_runtime_info_t runtime = runtime_at(device, i);
        if (runtime.status == HWA_OK)
            names.push_back(or_empty(runtime.name));
    }
    return join(names, ",");
}

Cell access(const hwa_device_info_t &info) {
    if (info.access != HWA_OK)
        return {hwa_status_name(info.access), Look::Warn};
    if ((info.flags & HWA_DEVICE_SOFTWARE) != 0)
        return {"software", Look::Faint};
    if ((info.flags & HWA_DEVICE_USABLE) != 0)
        return {"usable", Look::Good};
    return {};
}

} // namespace

void print_devices(const hwa_system_t *system, Screen &screen) {
    Table table({{"DEVICE"},
                 {"KIND", 3},
                 {"NAME", 1, false, 12},
                 {"MEMORY", 2, true},
                 {"BANDWIDTH", 6, true},
                 {"PEAK", 7, true},
                 {"ACCESS", 5},
                 {"RUNS", 4},
                 {"DRIVER", 8, false, 8}});
    const std::vector<const hwa_device_t *> devices = devices_of(system);
    if (devices.empty())
        return screen.line("no devices");
    for (const hwa_device_t *device : devices) {
        const hwa_device_info_t info = info_of(device);
        table.row({{or_empty(info.id), Look::Name},
                   {hwa_kind_name(info.kind)},
                   {or_empty(info.name)},
                   {bytes(info.memory_bytes)},
                   {bandwidth(info.bytes_per_second)},
                   {peak(device)},
                   access(info),
                   {runtimes(device, info)},
                   {or_empty(info.driver)}});
    }
    table.print(screen);
}

int list(const Arguments &arguments, Screen &screen) {
    if (arguments.machines)
        return list_machines(arguments.json, screen);
    if (arguments.named)
        return list_models(arguments.json, screen);
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    const hwa_system_info_t facts = info_of(system.get());
    bool accelerator = false;
    for (const hwa_device_t *device : devices_of(system.get()))
        accelerator = accelerator || is_accelerator(info_of(device));
    bool trouble = false;
    for (uint32_t i = 0; i < facts.backend_count; ++i)
        trouble = trouble || is_trouble(backend_at(system.get(), i).outcome);
    if (arguments.json)
        screen.print(or_empty(hwa_system_json(system.get())));
    else
        print_devices(system.get(), screen);
    if (arguments.require && !accelerator)
        return fail(ExitNothing, "there is no accelerator", "'hwa doctor' says where it looked");
    if (trouble && !arguments.json)
        warn("not every backend could answer; 'hwa doctor' says why");
    return arguments.strict && trouble ? ExitPartial : ExitDone;
}

} // namespace hwa::tool
