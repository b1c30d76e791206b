// SPDX-License-Identifier: MIT
// Vendor libraries: opened once by dlopen, their symbols put into a typed table, never closed.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <span>
#include <string>

namespace hwa::os {

/// One row of a library's table: where the address of an exported name goes.
struct Symbol {
    const char *name;
    bool required;
    size_t offset; ///< of the pointer in the table
};

/// An open library.
struct Library {
    void *handle = nullptr;
    std::string path; ///< the file that was mapped
};

/// Refuses a file that is no whole ELF library: dlopen hangs on a FIFO and dies on a truncated one.
base::Done check_library(const std::string &path);

/// Opens the first of `sonames` that is there and has what is required, in `directory` only unless
/// that is empty, and fills `table`. Unavailable if none is there; Unsupported, naming the symbol,
/// if those that are there lack one.
base::Result<Library> load(std::span<const char *const> sonames, const std::string &directory,
                           std::span<const Symbol> symbols, void *table);

} // namespace hwa::os
