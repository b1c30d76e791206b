// SPDX-License-Identifier: MIT
// Fills the table of NVML, by older names where the driver has no newer one, and names its codes.
#include "api/nvml.h"

#include <cstring>

namespace hwa::api {

namespace {

struct Row {
    const char *name;
    const char *older;
    bool required;
    size_t offset;
};

} // namespace

static constexpr Row rows[] = {
#define HWA_NVML(name, older, required) {#name, #older, required, offsetof(Nvml, name)},
#include "api/nvml.def"
#undef HWA_NVML
};

static constexpr os::Symbol symbols[] = {
#define HWA_NVML(name, older, required) {#name, false, offsetof(Nvml, name)},
#include "api/nvml.def"
#undef HWA_NVML
};

static constexpr os::Symbol older_symbols[] = {
#define HWA_NVML(name, older, required) {#older, false, offsetof(Nvml, name)},
#include "api/nvml.def"
#undef HWA_NVML
};

static void *function_at(const Nvml &table, size_t offset) {
    void *function = nullptr;
    std::memcpy(&function, reinterpret_cast<const char *>(&table) + offset, sizeof function);
    return function;
}

/// Takes over from `older` what `table` lacks; says what lacks in both.
static base::Done complete(const Nvml &older, Nvml &table) {
    for (const Row &row : rows) {
        if (function_at(table, row.offset) != nullptr)
            continue;
        void *const function = function_at(older, row.offset);
        if (function == nullptr && row.required)
            return base::error(base::Status::Unsupported, "%s: has no %s",
                               table.library.path.c_str(), row.older);
        std::memcpy(reinterpret_cast<char *>(&table) + row.offset, &function, sizeof function);
    }
    return {};
}

static base::Result<Nvml> load_from(const std::string &directory) {
    static constexpr const char *sonames[] = {"libnvidia-ml.so.1"};
    Nvml table;
    Nvml older;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    HWA_TRY(older.library, os::load(sonames, directory, older_symbols, &older));
    HWA_CHECK(complete(older, table));
    return table;
}

base::Result<Nvml> load_nvml(const std::string &directory) {
    // Where the loader has not been told of it ("CUDA on WSL User Guide").
    static constexpr const char *windows = "/usr/lib/wsl/lib";
    auto table = load_from(directory);
    if (table || !directory.empty() || table.error().status != base::Status::Unavailable)
        return table;
    auto other = load_from(windows);
    return other ? std::move(other) : std::move(table);
}

const char *nvml_error(nvmlReturn_t code) {
    switch (code) {
#define HWA_CODE(name)                                                                             \
    case name:                                                                                     \
        return #name
        HWA_CODE(NVML_SUCCESS);
        HWA_CODE(NVML_ERROR_UNINITIALIZED);
        HWA_CODE(NVML_ERROR_INVALID_ARGUMENT);
        HWA_CODE(NVML_ERROR_NOT_SUPPORTED);
        HWA_CODE(NVML_ERROR_NO_PERMISSION);
        HWA_CODE(NVML_ERROR_NOT_FOUND);
        HWA_CODE(NVML_ERROR_INSUFFICIENT_POWER);
        HWA_CODE(NVML_ERROR_DRIVER_NOT_LOADED);
        HWA_CODE(NVML_ERROR_TIMEOUT);
        HWA_CODE(NVML_ERROR_IRQ_ISSUE);
        HWA_CODE(NVML_ERROR_LIBRARY_NOT_FOUND);
        HWA_CODE(NVML_ERROR_FUNCTION_NOT_FOUND);
        HWA_CODE(NVML_ERROR_GPU_IS_LOST);
        HWA_CODE(NVML_ERROR_RESET_REQUIRED);
        HWA_CODE(NVML_ERROR_OPERATING_SYSTEM);
        HWA_CODE(NVML_ERROR_LIB_RM_VERSION_MISMATCH);
        HWA_CODE(NVML_ERROR_IN_USE);
        HWA_CODE(NVML_ERROR_MEMORY);
        HWA_CODE(NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
        HWA_CODE(NVML_ERROR_UNKNOWN);
#undef HWA_CODE
    default:
        return "an unknown code";
    }
}

} // namespace hwa::api
