// SPDX-License-Identifier: MIT
// hwa capture: save the files that detection reads, so that it can be replayed elsewhere.
#include "commands.h"
#include "json.h"
#include "library.h"
#include "text.h"
#include "units.h"

#include <filesystem>

namespace hwa::tool {

namespace {

namespace fs = std::filesystem;

struct Written {
    uint64_t files = 0;
    uint64_t bytes = 0;
};

/// What lies under a folder now; links count as files without size.
Written count_files(const std::string &folder) {
    Written sum;
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(folder, ignored), end; at != end;
         at.increment(ignored)) {
        const fs::file_status status = at->symlink_status(ignored);
        if (fs::is_directory(status))
            continue;
        ++sum.files;
        if (fs::is_regular_file(status))
            sum.bytes += at->file_size(ignored);
    }
    return sum;
}

} // namespace

int capture(const Arguments &arguments, Screen &screen) {
    std::error_code error;
    fs::create_directory(arguments.folder, error);
    if (!error && !fs::is_empty(arguments.folder, error) && !error)
        return fail(ExitFailed, "'" + arguments.folder + "' has something in it already",
                    "name a folder that is new or empty");
    if (error)
        return fail(error == std::errc::permission_denied ? ExitDenied : ExitFailed,
                    "cannot use '" + arguments.folder + "': " + error.message(),
                    "name a folder in a place that is there and can be written");
    // Drivers leave nothing that a tree could replay.
    LookAt at = arguments.look;
    at.no_drivers = true;
    int exit = ExitDone;
    const System system = look(at, &exit, arguments.folder);
    if (system == nullptr)
        return exit;
    const Written written = count_files(arguments.folder);
    if (arguments.json) {
        Json json;
        json.integer("schema", 1).text("folder", arguments.folder);
        json.integer("files", written.files).integer("bytes", written.bytes);
        screen.print(json.finish());
        return ExitDone;
    }
    screen.line(format("%llu files, %s, in %s", static_cast<unsigned long long>(written.files),
                       bytes_or_zero(written.bytes).c_str(), printable(arguments.folder).c_str()));
    screen.line("Serial numbers were blanked; look through it before you pass it on.");
    screen.line("Replay: hwa list --sysroot " + printable(arguments.folder));
    return ExitDone;
}

} // namespace hwa::tool
