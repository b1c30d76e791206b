// SPDX-License-Identifier: MIT
// hwa alone: the machine on one screen, and the command to try next.
#include "commands.h"
#include "library.h"
#include "text.h"
#include "units.h"

namespace hwa::tool {

namespace {

std::string headline(const hwa_system_info_t &facts) {
    std::vector<std::string> parts = {printable(or_empty(facts.platform))};
    if (parts[0].empty())
        parts[0] = "a machine";
    if (facts.memory_bytes != 0)
        parts.push_back(bytes(facts.memory_bytes) + " of memory");
    if (facts.numa_count > 1)
        parts.push_back(format("%u NUMA nodes", facts.numa_count));
    if ((facts.flags & HWA_SYSTEM_VIRTUAL) != 0)
        parts.push_back("virtual");
    if ((facts.flags & HWA_SYSTEM_CONTAINED) != 0)
        parts.push_back("in a container");
    return join(parts, " · ");
}

struct Next {
    const char *command;
    const char *reason;
};

Next next(const hwa_system_t *system, const hwa_system_info_t &facts) {
    for (uint32_t i = 0; i < facts.backend_count; ++i)
        if (is_trouble(backend_at(system, i).outcome))
            return {"hwa doctor", "a backend could not answer; see why, and what to do"};
    for (const hwa_device_t *device : devices_of(system))
        if (info_of(device).access != HWA_OK)
            return {"hwa doctor", "a device is here that may not be used; see why"};
    return {"hwa plan MODEL", "does a model fit? Give a file, or a size such as 8B"};
}

} // namespace

int summary(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    if (arguments.json) {
        screen.print(or_empty(hwa_system_json(system.get())));
        return ExitDone;
    }
    const hwa_system_info_t facts = info_of(system.get());
    screen.line(headline(facts), Look::Strong);
    screen.line();
    print_devices(system.get(), screen);
    screen.line();
    const Next then = next(system.get(), facts);
    screen.paragraph(std::string("Next: ") + then.command + " – " + then.reason);
    return ExitDone;
}

} // namespace hwa::tool
