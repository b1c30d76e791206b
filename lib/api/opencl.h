// SPDX-License-Identifier: MIT
// OpenCL as a table of functions, opened at run time.
#pragma once

#include "base/status.h"
#include "os/library.h"

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>

namespace hwa::api {

/// The loader's functions; optional ones may be NULL.
struct OpenCl {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) HWA_REQUIRED(name)
#include "api/opencl.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    os::Library library;
};

/// Loads the loader from `directory` only, or from where the system finds it if that is empty.
base::Result<OpenCl> load_opencl(const std::string &directory);

/// Name of an error code, such as CL_OUT_OF_RESOURCES.
const char *opencl_error(cl_int code);

} // namespace hwa::api
