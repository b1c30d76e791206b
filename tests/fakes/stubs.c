/* SPDX-License-Identifier: MIT */
/* Every other function that the library's table of OpenCL demands; none of them is ever called. */
#define HWA_REQUIRED(name)                                                                         \
    __attribute__((weak, visibility("default"))) void name(void);                                  \
    void name(void) {}
#define HWA_OPTIONAL(name)
#include "api/opencl.def"
