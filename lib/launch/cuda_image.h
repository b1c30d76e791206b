// SPDX-License-Identifier: MIT
// What can be told of device code before the driver sees it: its loader takes no length, and reads
// on past the end of what was cut off.
#pragma once

#include "base/status.h"

#include <span>
#include <string>
#include <vector>

namespace hwa::launch {

/// A cubin that lies within its bytes.
struct Cubin {
    int capability = 0; ///< 10 * major + minor; 0: written in a way that is not known
    bool exact = false; ///< for that capability alone ("sm_90a")
    std::vector<std::string> kernels;
};

/// Reads an ELF file for CUDA. Build, naming the place, if it is damaged; Unsupported if it is a
/// container of several.
base::Result<Cubin> read_cubin(std::span<const char> bytes);

/// True if code made for `cubin` runs on a device of that capability: of the same major number, and
/// a minor one that is not less (CUDA C++ Programming Guide, "Binary Compatibility").
bool cubin_runs_on(const Cubin &cubin, int capability);

/// What PTX says it is made for.
struct PtxHead {
    int capability = 0; ///< of ".target sm_90"; 0: it does not say
    std::string target; ///< "sm_90a"
};

PtxHead read_ptx_head(std::string_view text);

/// Options as a command line has them: parted by blanks, which double quotes keep.
std::vector<std::string> split_options(std::string_view text);

} // namespace hwa::launch
