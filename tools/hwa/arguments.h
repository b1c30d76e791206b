// SPDX-License-Identifier: MIT
// Arguments: what the command line asked for, checked as far as it can be without the library.
#pragma once

#include "screen.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hwa::tool {

enum class Command { Summary, List, Info, Plan, Fit, Run, Watch, Doctor, Capture, Version };

/// Which machine, and how to look at it.
struct LookAt {
    std::string sysroot;
    /// files of `hwa list --json` in place of a machine, joined where several; "-" is stdin
    std::vector<std::string> systems;
    std::string machine; ///< name of one for hire, in place of a machine
    std::string backends;
    std::string library_path;
    uint32_t timeout_ms = 0;
    bool no_drivers = false;
};

/// What a plan is for. Text that is empty and numbers that are 0 leave it to the library.
struct PlanFor {
    std::string format;
    std::string cache_format;
    std::string recipe;
    uint32_t context = 0; ///< tokens, as the next two
    uint32_t prompt = 0;
    uint32_t output = 0;
    uint32_t batch = 0;
    std::string objective;
    double headroom = 0; ///< 0 to 1
    uint32_t max_devices = 0;
    double usd_per_hour = 0;
    std::vector<std::string> pins; ///< KEY=VALUE
    std::string program;           ///< to export to
    // Training and tuning.
    std::string mode;
    uint32_t sequence = 0;
    uint32_t micro_batch = 0;
    uint32_t rank = 0;
    std::string optimizer;
    std::optional<uint32_t> zero;
    std::string recompute;
};

struct Arguments {
    Command command = Command::Summary;
    bool json = false;
    bool wide = false;
    Colour colour = Colour::Auto;

    LookAt look;
    bool strict = false;   ///< trouble of a backend is exit 5
    bool machines = false; ///< list: those for hire
    bool named = false;    ///< list: those with a name
    bool require = false;  ///< no accelerator is exit 3

    std::string device;              ///< info, run
    double interval = 1;             ///< watch, seconds
    uint32_t readings = 0;           ///< watch; 0: until it is stopped
    std::string model;               ///< plan: file or count
    std::vector<std::string> models; ///< fit: the same
    std::string devices;             ///< plan, watch
    PlanFor plan;
    std::string operation; ///< run; "": several
    std::string runtime;   ///< run
    std::string provider;  ///< run
    bool all = false;      ///< run: on every route
    uint32_t size = 0;     ///< run; 0: as the operation has it
    uint32_t repeat = 0;   ///< run; 0: as many as do not take long
    /// run: for whatever is waited for on a device
    uint32_t patience_ms = 600000;
    std::string folder; ///< capture
    std::string help;   ///< help
};

/// Reads the command line. Where there is nothing left to do (help was shown, or the usage was
/// wrong and said so), `done` is the exit status.
struct Parsed {
    Arguments arguments;
    std::optional<int> done;
};

Parsed parse(int argc, char **argv);

} // namespace hwa::tool
