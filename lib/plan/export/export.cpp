// SPDX-License-Identifier: MIT
// The table of formats.
#include "plan/export/export.h"

#include "base/text.h"
#include "plan/export/exporters.h"

namespace hwa::plan {

namespace {

struct Row {
    std::string_view format;
    base::Result<std::string> (*write)(const Planned &);
};

constexpr Row table[] = {
    {"llama.cpp", export_llamacpp},
    {"vllm", export_vllm},
    {"torchrun", export_torchrun},
    {"deepspeed", export_deepspeed},
    {"deepspeed-hostfile", export_deepspeed_hostfile},
    {"deepspeed-launch", export_deepspeed_launch},
};

} // namespace

base::Result<std::string> export_plan(const Planned &planned, std::string_view format) {
    std::string names;
    for (const Row &row : table) {
        if (row.format == format)
            return row.write(planned);
        names += (names.empty() ? "" : ", ") + std::string(row.format);
    }
    return base::error(base::Status::NotFound, "there is no export to '%s', only to %s",
                       base::sanitise(format, 64).c_str(), names.c_str());
}

std::vector<std::string_view> export_formats() {
    std::vector<std::string_view> names;
    for (const Row &row : table)
        names.push_back(row.format);
    return names;
}

} // namespace hwa::plan
