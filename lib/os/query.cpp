// SPDX-License-Identifier: MIT
// The table of questions.
#include "os/query.h"

#include "base/text.h"
#include "os/descriptor.h"
#include "os/query_rows.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>

namespace hwa::os {

using base::Result;

static constexpr QueryRow rows[] = {
    {"amdgpu.device", query_amdgpu_device},
    {"amdgpu.memory", query_amdgpu_memory},
    {"asahi.chip", query_asahi_chip},
    {"drm.version", query_drm_version},
    {"habana.chip", query_habana_chip},
    {"i915.", query_i915},
    {"ivpu.param.", query_ivpu},
    {"panfrost.param.", query_panfrost},
    {"panthor.chip", query_panthor_chip},
    {"radeon.memory", query_radeon_memory},
    {"xdna.array", query_xdna_array},
    {"xdna.clocks", query_xdna_clocks},
    {"xdna.firmware", query_xdna_firmware},
    {"xdna.limits", query_xdna_limits},
    {"xe.", query_xe},
};

base::Done ask_kernel(int node, unsigned long request, void *argument) {
    int answer = 0;
    do
        answer = ::ioctl(node, request, argument);
    while (answer < 0 && errno == EINTR);
    if (answer < 0)
        return base::os_error(errno, "ioctl 0x%lx: %s", request, std::strerror(errno));
    return {};
}

/// The row of a question, and the number behind its name.
static const QueryRow *find_row(std::string_view question, uint32_t &number) {
    for (const QueryRow &row : rows) {
        if (row.name == question)
            return &row;
        if (!row.name.ends_with('.') || !question.starts_with(row.name))
            continue;
        const auto value = base::parse_u64(question.substr(row.name.size()));
        if (!value || *value > UINT32_MAX)
            return nullptr;
        number = static_cast<uint32_t>(*value);
        return &row;
    }
    return nullptr;
}

Result<std::string> query_node(const std::string &node, std::string_view question) {
    uint32_t number = 0;
    const QueryRow *row = find_row(question, number);
    if (row == nullptr)
        return base::error(base::Status::NotFound, "%s: there is no question %s", node.c_str(),
                           std::string(question).c_str());
    const Descriptor opened{::open(node.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (opened.get() < 0)
        return base::os_error(errno, "%s: %s", node.c_str(), std::strerror(errno));
    auto answer = row->ask(opened.get(), number);
    if (!answer) {
        base::Error why =
            base::error(answer.error().status, "%s: %s: %s", node.c_str(),
                        std::string(question).c_str(), answer.error().message.c_str());
        why.code = answer.error().code;
        return why;
    }
    return answer;
}

} // namespace hwa::os
