// SPDX-License-Identifier: MIT
// Version, names, and the report of an error to the caller.
#include "capi/entry.h"

#include "base/text.h"
#include "core/device.h"
#include "core/dtype.h"

#include <algorithm>

namespace hwa::capi {

template <size_t N> static void put_text(char (&into)[N], const std::string &text) {
    const size_t length = std::min(text.size(), N - 1);
    std::memcpy(into, text.data(), length);
    std::memset(into + length, 0, N - length);
}

hwa_status_t report(const base::Error &why, hwa_error_t *error) noexcept {
    if (error != nullptr) {
        error->status = static_cast<hwa_status_t>(why.status);
        error->code = why.code;
        put_text(error->backend, why.backend);
        put_text(error->message, why.message);
    }
    return static_cast<hwa_status_t>(why.status);
}

base::Error null_argument(const char *name) {
    return base::error(base::Status::Invalid, "%s is NULL", name);
}

} // namespace hwa::capi

using namespace hwa;

uint32_t hwa_version(void) {
    return HWA_VERSION_MAJOR << 16 | HWA_VERSION_MINOR << 8 | HWA_VERSION_PATCH;
}

const char *hwa_status_name(hwa_status_t status) {
    return base::status_name(static_cast<base::Status>(capi::number(status)));
}

const char *hwa_kind_name(hwa_kind_t kind) {
    return core::kind_name(static_cast<core::Kind>(capi::number(kind)));
}

const char *hwa_dtype_name(hwa_dtype_t dtype) {
    return core::dtype_name(static_cast<core::Dtype>(capi::number(dtype)));
}

hwa_dtype_t hwa_dtype_from_name(const char *name) {
    return static_cast<hwa_dtype_t>(core::dtype_from_name(name == nullptr ? "" : name));
}

double hwa_dtype_bits(hwa_dtype_t dtype) {
    return core::dtype_bits(static_cast<core::Dtype>(capi::number(dtype)));
}
