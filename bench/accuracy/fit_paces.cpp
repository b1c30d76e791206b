// SPDX-License-Identifier: MIT
// The library with a table of paces that can be changed while it runs: what fit_inference.py fits
// is the mechanism that is shipped, not a copy of it.
#include "plan/memory/inference.h"
#include "plan/time/pace.h"

#include <hwa/hwa.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace hwa::plan {

static std::vector<PaceFactor> &table() {
    static std::vector<PaceFactor> rows;
    return rows;
}

std::span<const PaceFactor> pace_table() {
    return table();
}

/// Times alone are fitted.
base::Result<Footprint> inference_bytes(const Case &, const Slice &) {
    return Footprint{};
}

} // namespace hwa::plan

using hwa::plan::PaceFactor;

extern "C" {

/// Empties the table.
HWA_API void fit_clear(void);
/// Adds a row; rows are to come in the order of the paces. Returns its index.
HWA_API int32_t fit_add(const char *pace, int32_t engine, int32_t backend, int32_t chip,
                        int32_t bits, uint32_t traits, double factor);
/// Of one version of the engine alone, such as "0.8.5".
HWA_API void fit_version(int32_t index, const char *version);
HWA_API void fit_set(int32_t index, double factor);
/// What the paces and the library's functions are kept for.
HWA_API const void *fit_functions(uint32_t index);

void fit_clear(void) {
    hwa::plan::table().clear();
}

int32_t fit_add(const char *pace, int32_t engine, int32_t backend, int32_t chip, int32_t bits,
                uint32_t traits, double factor) {
    const size_t which = hwa::plan::pace_from_name(pace);
    if (which == hwa::plan::pace_count)
        return -1;
    hwa::plan::table().push_back(
        PaceFactor{static_cast<hwa::plan::Pace>(which), static_cast<hwa::plan::Engine>(engine),
                   static_cast<hwa::plan::Backend>(backend), static_cast<int8_t>(chip),
                   static_cast<uint8_t>(bits), traits, factor, hwa::plan::Version{}});
    return static_cast<int32_t>(hwa::plan::table().size()) - 1;
}

void fit_set(int32_t index, double factor) {
    hwa::plan::table()[static_cast<size_t>(index)].factor = factor;
}

void fit_version(int32_t index, const char *version) {
    unsigned parts[3] = {};
    if (std::sscanf(version, "%u.%u.%u", &parts[0], &parts[1], &parts[2]) == 3)
        hwa::plan::table()[static_cast<size_t>(index)].version =
            hwa::plan::version(parts[0], parts[1], parts[2]);
}

const void *fit_functions(uint32_t index) {
    static const void *const kept[] = {
        reinterpret_cast<const void *>(hwa_plan),
        reinterpret_cast<const void *>(hwa_plan_info),
        reinterpret_cast<const void *>(hwa_plan_json),
        reinterpret_cast<const void *>(hwa_plan_free),
        reinterpret_cast<const void *>(hwa_system_from_json),
        reinterpret_cast<const void *>(hwa_system_info),
        reinterpret_cast<const void *>(hwa_system_device),
        reinterpret_cast<const void *>(hwa_system_find_device),
        reinterpret_cast<const void *>(hwa_system_free),
        reinterpret_cast<const void *>(hwa_model_from_file),
        reinterpret_cast<const void *>(hwa_model_from_desc),
        reinterpret_cast<const void *>(hwa_model_desc),
        reinterpret_cast<const void *>(hwa_model_free),
        reinterpret_cast<const void *>(hwa_dtype_from_name),
        reinterpret_cast<const void *>(hwa_model_footprint),
    };
    return index < std::size(kept) ? kept[index] : nullptr;
}

} // extern "C"
