// SPDX-License-Identifier: MIT
// From CUDA C to code for one kind of device, by NVRTC or out of the cache.
#pragma once

#include "api/nvrtc.h"
#include "launch/cache.h"

#include <span>
#include <string>

namespace hwa::launch {

/// Code that the driver takes, and what the kernel is called in it: names of C++ are mangled.
struct CudaImage {
    std::string code; ///< a cubin, or PTX with its final NUL
    std::string entry;
};

struct CompileRequest {
    std::span<const char> source;
    std::string entry;
    std::string options;
    int capability = 0; ///< of the device, 10 * major + minor
    const Cache *cache = nullptr;
};

/// The compiler, opened when the first CUDA C is built and kept to the end of the process.
base::Result<const api::Nvrtc *> nvrtc(const std::string &library_path, int driver_major);

/// Build with the first complaint if the compiler refuses; the whole of what it said is in `log`.
base::Result<CudaImage> compile_cuda(const api::Nvrtc &compiler, const CompileRequest &request,
                                     std::string &log);

} // namespace hwa::launch
