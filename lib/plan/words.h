// SPDX-License-Identifier: MIT
// Numbers as people read them, whatever the locale.
#pragma once

#include <cstdint>
#include <string>

namespace hwa::plan {

/// With that many digits behind the point: "23.4".
std::string fixed(double value, int digits);

/// Bytes in a unit that suits them: "512 B", "41.2 GiB".
std::string bytes_text(uint64_t bytes);

} // namespace hwa::plan
