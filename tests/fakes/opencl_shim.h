/* SPDX-License-Identifier: MIT */
/* What the shim around the system's OpenCL exports besides OpenCL. */
#ifndef OPENCL_SHIM_H
#define OPENCL_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of that function so far; NULL: of all that release nothing. */
unsigned long shim_calls(const char *name);

/* The nth call from now on of that function answers `code` and does nothing; -1: every one of them.
   The function "kernel" is a launch that goes well and whose event then has that status: a negative
   one has failed, and CL_RUNNING never ends. */
void shim_fault(const char *call, int nth, int code);

/* No faults from here on. */
void shim_reset(void);

#ifdef __cplusplus
}
#endif

#endif
