/* SPDX-License-Identifier: MIT */
/* What the shim around the system's OpenCL exports besides OpenCL. */
#ifndef OPENCL_SHIM_H
#define OPENCL_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of that function so far; NULL: of all that release nothing. */
unsigned long shim_calls(const char *name);

/* The nth call from now on of that function answers `code` and does nothing; -1: every one of them.
   The function "kernel" is a launch that goes well and whose event then has that status: a negative
   one has failed, and CL_RUNNING never ends. */
void shim_fault(const char *call, int nth, int code);

/* Whether devices say from now on that they take SPIR-V. What they are given has to be these bytes,
   and is run as this source; NULL: they say that they take none. */
void shim_il(const void *bytes, size_t size_bytes, const char *source);

/* Builds take so much longer from now on. */
void shim_slow(unsigned milliseconds);

/* Whether a build is under way, or the latest launch with an event of its own is not over. */
int shim_busy(void);

/* No faults from here on. */
void shim_reset(void);

#ifdef __cplusplus
}
#endif

#endif
