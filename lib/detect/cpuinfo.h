// SPDX-License-Identifier: MIT
// /proc/cpuinfo: blocks of "key : value" lines, one block for each processor (proc(5)).
#pragma once

#include "os/host.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::detect {

/// The file in blocks; the views are into `text`, which stays where it is when the struct moves.
struct Cpuinfo {
    std::unique_ptr<const std::string> text = std::make_unique<const std::string>();
    std::vector<std::string_view> blocks;
};

Cpuinfo read_cpuinfo_file(const os::Host &host);

/// Value of the first line with that key, trimmed; "" if there is none.
std::string_view cpuinfo_field(std::string_view block, std::string_view key);

} // namespace hwa::detect
