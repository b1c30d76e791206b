// SPDX-License-Identifier: MIT
// What the table of questions is made of.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hwa::os {

/// One question. `number` is what follows a name that ends in a dot.
struct QueryRow {
    std::string_view name;
    base::Result<std::string> (*ask)(int node, uint32_t number);
};

/// ioctl(2), again if a signal came first.
base::Done ask_kernel(int node, unsigned long request, void *argument);

/// The bytes of a struct.
template <class T> std::string bytes_of(const T &answer) {
    return {reinterpret_cast<const char *>(&answer), sizeof answer};
}

base::Result<std::string> query_amdgpu_device(int node, uint32_t number);
base::Result<std::string> query_amdgpu_memory(int node, uint32_t number);
base::Result<std::string> query_asahi_chip(int node, uint32_t number);
base::Result<std::string> query_drm_version(int node, uint32_t number);
base::Result<std::string> query_habana_chip(int node, uint32_t number);
base::Result<std::string> query_i915(int node, uint32_t number);
base::Result<std::string> query_ivpu(int node, uint32_t number);
base::Result<std::string> query_panfrost(int node, uint32_t number);
base::Result<std::string> query_panthor_chip(int node, uint32_t number);
base::Result<std::string> query_radeon_memory(int node, uint32_t number);
base::Result<std::string> query_xdna_array(int node, uint32_t number);
base::Result<std::string> query_xdna_clocks(int node, uint32_t number);
base::Result<std::string> query_xdna_firmware(int node, uint32_t number);
base::Result<std::string> query_xdna_limits(int node, uint32_t number);
base::Result<std::string> query_xe(int node, uint32_t number);

} // namespace hwa::os
