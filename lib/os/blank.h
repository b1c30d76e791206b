// SPDX-License-Identifier: MIT
// What a capture must not give away: serial numbers, unique ids, network addresses.
#pragma once

#include <string>
#include <string_view>

namespace hwa::os {

/// The text with every UUID, network address, and unbroken run of twelve or more hexadecimal digits
/// with letters among them replaced by zeros of the same shape. Two texts that name one thing name
/// it alike afterwards, so a path built from a blanked file leads to the blanked place.
std::string blank_ids(std::string_view text);

/// What a file holds as it may be kept: all of it blanked where the name of the file says that it
/// is a serial number, a unique id or an address, else as blank_ids() and without "Serial" lines.
std::string blank_file(std::string_view path, std::string_view content);

} // namespace hwa::os
