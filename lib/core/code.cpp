// SPDX-License-Identifier: MIT
// Names of the kinds of code.
#include "core/code.h"

#include <cstddef>
#include <iterator>

namespace hwa::core {

static constexpr const char *code_names[] = {
    "unknown",       "host",  "ptx",        "cubin",    "cuda c", "hsaco",
    "hip c",         "spirv", "opencl c",   "wgsl",     "metal",  "spirv kernel",
    "shared object", "c",     "level zero", "metallib", "xclbin", "opencl binary",
};

const char *code_name(Code code) {
    const auto index = static_cast<size_t>(code);
    return index < std::size(code_names) ? code_names[index] : "unknown";
}

} // namespace hwa::core
