// SPDX-License-Identifier: MIT
// NVRTC as a table of functions, opened at run time. Own declarations of what is used.
#pragma once

#include "base/status.h"
#include "os/library.h"

extern "C" {

typedef enum nvrtcResult_enum : int {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_OUT_OF_MEMORY = 1,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
    NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
    NVRTC_ERROR_INTERNAL_ERROR = 11
} nvrtcResult;

typedef struct _nvrtcProgram *nvrtcProgram;

// prototypes: never linked; the table takes their types.
const char *nvrtcGetErrorString(nvrtcResult result);
nvrtcResult nvrtcVersion(int *major, int *minor);
nvrtcResult nvrtcGetNumSupportedArchs(int *count);
nvrtcResult nvrtcGetSupportedArchs(int *archs);
nvrtcResult nvrtcCreateProgram(nvrtcProgram *program, const char *source, const char *name,
                               int header_count, const char *const *headers,
                               const char *const *include_names);
nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program);
nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char *const *options);
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *size);
nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log);
nvrtcResult nvrtcGetPTXSize(nvrtcProgram program, size_t *size);
nvrtcResult nvrtcGetPTX(nvrtcProgram program, char *ptx);
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *size);
nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *cubin);
nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char *const name);
nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char *const name, const char **lowered);
// end of prototypes

} // extern "C"

namespace hwa::api {

/// The compiler's functions; optional ones may be NULL.
struct Nvrtc {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) HWA_REQUIRED(name)
#include "api/nvrtc.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    int major = 0;
    int minor = 0;
    os::Library library;

    /// Name of a result, such as NVRTC_ERROR_COMPILATION.
    const char *error_name(nvrtcResult result) const;
};

/// Loads the NVRTC that fits a driver for CUDA `driver_major` best: that of the same release, since
/// an older driver refuses what a newer one makes, then others. From `directory` only, or from
/// where the system finds it if that is empty.
base::Result<Nvrtc> load_nvrtc(const std::string &directory, int driver_major);

} // namespace hwa::api
