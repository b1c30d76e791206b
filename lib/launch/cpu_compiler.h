// SPDX-License-Identifier: MIT
// C source for the CPU, by the compiler of the system.
#pragma once

#include "launch/runtime.h"

namespace hwa::launch {

/// What a kernel in C sees without including anything: the part of <hwa/hwa.h> it needs.
extern const char *const c_prelude;

struct CSource {
    std::string_view text;
    std::string_view options;     ///< split at blanks
    std::string_view device;      ///< what code made for this processor depends on
    const Cache *cache = nullptr; ///< may be NULL
    uint64_t timeout_ns = 0;      ///< for the compiler
};

/// The arguments among `options`. Invalid for those that name files, load plugins, or make code
/// that cannot be loaded.
base::Result<std::vector<std::string>> c_options(std::string_view options);

/// A shared object in bytes. Whatever the compiler says goes to `log`.
base::Result<std::string> compile_c(const CSource &source, std::string &log);

} // namespace hwa::launch
