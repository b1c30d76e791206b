// SPDX-License-Identifier: MIT
// hwa: find the accelerators of a machine, plan a model over them, run work on them.
#include "commands.h"

#include <new>

using namespace hwa::tool;

static int dispatch(const Arguments &arguments, Screen &screen) {
    switch (arguments.command) {
    case Command::Summary:
        return summary(arguments, screen);
    case Command::List:
        return list(arguments, screen);
    case Command::Info:
        return info(arguments, screen);
    case Command::Plan:
        return plan(arguments, screen);
    case Command::Fit:
        return fit(arguments, screen);
    case Command::Run:
        return run(arguments, screen);
    case Command::Watch:
        return watch(arguments, screen);
    case Command::Doctor:
        return doctor(arguments, screen);
    case Command::Capture:
        return capture(arguments, screen);
    case Command::Version:
        return version(arguments, screen);
    }
    return ExitUsage;
}

int main(int argc, char **argv) {
    prepare_streams();
    try {
        const Parsed parsed = parse(argc, argv);
        if (parsed.done)
            return *parsed.done;
        Screen screen(parsed.arguments.colour, parsed.arguments.wide);
        const int exit = dispatch(parsed.arguments, screen);
        return screen.finish(exit);
    } catch (const std::bad_alloc &) {
        return fail(ExitFailed, "out of host memory", "ask for less, or free some memory");
    }
}
