// SPDX-License-Identifier: MIT
// Questions to amdgpu, radeon and amdxdna: Linux include/uapi/drm/amdgpu_drm.h, radeon_drm.h and
// amdxdna_accel.h.
#include "os/query_rows.h"
#include "os/uapi/amdgpu.h"
#include "os/uapi/amdxdna.h"

// Names no struct inside its unions, which C++ allows as an extension only.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <amdgpu_drm.h>
#pragma GCC diagnostic pop

#include <radeon_drm.h>

namespace hwa::os {

using base::Result;

static_assert(offsetof(drm_amdgpu_info_device, vram_bit_width) ==
              offsetof(uapi::AmdgpuDevice, vram_bits));
static_assert(offsetof(drm_amdgpu_info_device, ids_flags) == offsetof(uapi::AmdgpuDevice, flags));
static_assert(sizeof(drm_amdgpu_memory_info) == sizeof(uapi::AmdgpuMemory));
static_assert(sizeof(drm_radeon_gem_info) == sizeof(uapi::RadeonMemory));

template <class Answer> static Result<std::string> ask_amdgpu(int node, uint32_t what) {
    Answer answer = {};
    struct drm_amdgpu_info question = {};
    question.return_pointer = reinterpret_cast<uintptr_t>(&answer);
    question.return_size = sizeof answer;
    question.query = what;
    HWA_CHECK(ask_kernel(node, DRM_IOCTL_AMDGPU_INFO, &question));
    return bytes_of(answer);
}

Result<std::string> query_amdgpu_device(int node, uint32_t) {
    return ask_amdgpu<uapi::AmdgpuDevice>(node, AMDGPU_INFO_DEV_INFO);
}

Result<std::string> query_amdgpu_memory(int node, uint32_t) {
    return ask_amdgpu<uapi::AmdgpuMemory>(node, AMDGPU_INFO_MEMORY);
}

Result<std::string> query_radeon_memory(int node, uint32_t) {
    uapi::RadeonMemory answer = {};
    HWA_CHECK(ask_kernel(node, DRM_IOCTL_RADEON_GEM_INFO, &answer));
    return bytes_of(answer);
}

template <class Answer> static Result<std::string> ask_xdna(int node, uapi::XdnaParam what) {
    constexpr unsigned get_info = 7; // DRM_AMDXDNA_GET_INFO
    Answer answer = {};
    uapi::XdnaGetInfo question = {};
    question.param = what;
    question.buffer_size = sizeof answer;
    question.buffer = reinterpret_cast<uintptr_t>(&answer);
    HWA_CHECK(
        ask_kernel(node, DRM_IOWR(DRM_COMMAND_BASE + get_info, uapi::XdnaGetInfo), &question));
    return bytes_of(answer);
}

Result<std::string> query_xdna_array(int node, uint32_t) {
    return ask_xdna<uapi::XdnaArray>(node, uapi::XdnaTiles);
}

Result<std::string> query_xdna_clocks(int node, uint32_t) {
    return ask_xdna<uapi::XdnaClockPair>(node, uapi::XdnaClocks);
}

Result<std::string> query_xdna_firmware(int node, uint32_t) {
    return ask_xdna<uapi::XdnaVersion>(node, uapi::XdnaFirmware);
}

Result<std::string> query_xdna_limits(int node, uint32_t) {
    return ask_xdna<uapi::XdnaLimits>(node, uapi::XdnaResources);
}

} // namespace hwa::os
