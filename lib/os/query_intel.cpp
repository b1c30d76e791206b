// SPDX-License-Identifier: MIT
// Questions to Intel's drivers, those alone that tell and change nothing: Linux
// include/uapi/drm/xe_drm.h, i915_drm.h and ivpu_accel.h.
#include "os/query.h"
#include "os/query_rows.h"
#include "os/uapi/intel.h"

#include <drm.h>

namespace hwa::os {

using base::Result;
using base::Status;

static base::Error no_such_question(uint32_t number) {
    return base::error(Status::NotFound, "there is no question of number %u", number);
}

static base::Error odd_length(uint64_t length) {
    return base::error(Status::Parse, "an answer of %llu bytes cannot be",
                       static_cast<unsigned long long>(length));
}

/// The answer to DRM_XE_DEVICE_QUERY of that number.
Result<std::string> query_xe(int node, uint32_t number) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x00, uapi::XeQuery);
    if (number != uapi::xe_memory_regions && number != uapi::xe_topology)
        return no_such_question(number);
    uapi::XeQuery query = {};
    query.query = number;
    HWA_CHECK(ask_kernel(node, request, &query));
    if (query.size == 0 || query.size > answer_limit)
        return odd_length(query.size);
    std::string answer(query.size, '\0');
    query.data = reinterpret_cast<uintptr_t>(answer.data());
    HWA_CHECK(ask_kernel(node, request, &query));
    return answer;
}

/// The answer to DRM_I915_QUERY of that number.
Result<std::string> query_i915(int node, uint32_t number) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x39, uapi::I915Query);
    if (number != uapi::i915_topology && number != uapi::i915_memory_regions)
        return no_such_question(number);
    uapi::I915Item item = {};
    item.query = number;
    uapi::I915Query query = {};
    query.count = 1;
    query.items = reinterpret_cast<uintptr_t>(&item);
    HWA_CHECK(ask_kernel(node, request, &query));
    // A negative length is the error of this item alone.
    if (item.length < 0)
        return base::os_error(-item.length, "the driver has no answer");
    if (item.length == 0 || static_cast<uint32_t>(item.length) > answer_limit)
        return odd_length(static_cast<uint32_t>(item.length));
    std::string answer(static_cast<size_t>(item.length), '\0');
    item.data = reinterpret_cast<uintptr_t>(answer.data());
    HWA_CHECK(ask_kernel(node, request, &query));
    if (item.length < 0)
        return base::os_error(-item.length, "the driver has no answer");
    return answer;
}

/// The value of DRM_IVPU_GET_PARAM of that number, of its first instance.
Result<std::string> query_ivpu(int node, uint32_t number) {
    constexpr unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + 0x00, uapi::IvpuParam);
    uapi::IvpuParam param = {};
    param.param = number;
    HWA_CHECK(ask_kernel(node, request, &param));
    return bytes_of(param.value);
}

} // namespace hwa::os
