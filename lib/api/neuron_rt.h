// SPDX-License-Identifier: MIT
// AWS's Neuron runtime as a table of functions, opened at run time. Own declarations of what is
// used, by AWS Neuron documentation, "Neuron Runtime API Reference" (nrt.h, nrt_status.h,
// nrt_version.h); no distribution has these headers. nrt_init() is not among them: it takes cores
// away from whoever comes next.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>

extern "C" {

// An enumeration of four bytes in Neuron's own header; what is not named here may come too.
typedef enum NRT_STATUS : int {
    NRT_SUCCESS = 0,
    NRT_FAILURE = 1,
    NRT_INVALID = 2,
    NRT_INVALID_HANDLE = 3,
    NRT_RESOURCE = 4,
    NRT_TIMEOUT = 5,
    NRT_HW_ERROR = 6,
    NRT_LOAD_NOT_ENOUGH_NC = 9,
    NRT_FAIL_HOST_MEM_ALLOC = 11,
    NRT_UNINITIALIZED = 13,
    NRT_CLOSED = 14
} NRT_STATUS;

/// A caller says how much of it there is, so that it may grow.
typedef struct nrt_version {
    uint64_t rt_major;
    uint64_t rt_minor;
    uint64_t rt_patch;
    uint64_t rt_maintenance;
    char rt_detail[128];
    char git_hash[64];
} nrt_version_t;
static_assert(offsetof(nrt_version_t, rt_detail) == 32);
static_assert(offsetof(nrt_version_t, git_hash) == 160);
static_assert(sizeof(nrt_version_t) == 224);

NRT_STATUS nrt_get_version(nrt_version_t *version, size_t size);
// NeuronCores of the machine and those that the environment leaves to this process; virtual ones,
// of which each has one or several, by a runtime that exports the latter two.
NRT_STATUS nrt_get_total_nc_count(uint32_t *count);
NRT_STATUS nrt_get_visible_nc_count(uint32_t *count);
NRT_STATUS nrt_get_total_vnc_count(uint32_t *count);
NRT_STATUS nrt_get_visible_vnc_count(uint32_t *count);

} // extern "C"

namespace hwa::api {

/// What may lack is NULL then.
struct NeuronRt {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/neuron_rt.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    os::Library library;
};

inline constexpr const char *neuron_rt_sonames[] = {"libnrt.so.1"};

/// Loads the runtime from `directory` only, or, if that is empty, from where the system finds it or
/// AWS's packages put it. It is not initialised by it.
base::Result<NeuronRt> load_neuron_rt(const std::string &directory);

/// Name of a status, such as NRT_TIMEOUT; "an unknown status" of others.
const char *neuron_rt_status(NRT_STATUS status);

} // namespace hwa::api
