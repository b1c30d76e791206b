// SPDX-License-Identifier: MIT
// Questions that a driver answers through its device node, by the kernel's stable interfaces alone.
#pragma once

#include "base/status.h"

#include <string>
#include <string_view>

namespace hwa::os {

/// The longest answer there can be.
inline constexpr size_t answer_limit = 32768;

/// Opens the node and asks. The names of questions are those of the table in query.cpp,
/// some with a number behind them ("ivpu.param.11"); the answer is the bytes of the struct that the
/// interface has for it. NotFound: no such question. Opening wakes a device that sleeps.
base::Result<std::string> query_node(const std::string &node, std::string_view question);

} // namespace hwa::os
