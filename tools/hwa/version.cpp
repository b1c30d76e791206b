// SPDX-License-Identifier: MIT
// hwa version: of the tool, and of the library it found.
#include "commands.h"
#include "json.h"
#include "text.h"

namespace hwa::tool {

int version(const Arguments &arguments, Screen &screen) {
    const uint32_t library = hwa_version();
    const std::string tool =
        format("%d.%d.%d", HWA_VERSION_MAJOR, HWA_VERSION_MINOR, HWA_VERSION_PATCH);
    const std::string found =
        format("%u.%u.%u", library >> 16, library >> 8 & 0xff, library & 0xff);
    if (arguments.json) {
        Json json;
        json.integer("schema", 1).text("tool", tool).text("library", found);
        screen.print(json.finish());
        return ExitDone;
    }
    screen.line("hwa " + tool + (tool == found ? "" : ", with libhwa " + found));
    return ExitDone;
}

} // namespace hwa::tool
