// SPDX-License-Identifier: MIT
// Fills the table of the CUDA driver and names its error codes.
#include "api/cuda.h"

#include <cstring>

namespace hwa::api {

using base::Status;

namespace {

struct Row {
    const char *exported;
    const char *asked;
    int version;
    CudaGroup group;
    size_t offset;
};

/// The two forms of the function that finds all others; see its page in the driver API.
using GetProcAddress = CUresult (*)(const char *symbol, void **function, int version,
                                    uint64_t flags);
using GetProcAddress2 = CUresult (*)(const char *symbol, void **function, int version,
                                     uint64_t flags, CUdriverProcAddressQueryResult *status);

/// Functions that take streams by their legacy meaning, whatever the caller's compiler was told.
constexpr uint64_t legacy_streams = 1;

/// The exported names that are looked at before any row: all may lack.
struct Entries {
    decltype(&::cuGetErrorName) error_name = nullptr;
    decltype(&::cuGetErrorString) error_text = nullptr;
    GetProcAddress2 find2 = nullptr;
    GetProcAddress find = nullptr;
};

constexpr os::Symbol entry_symbols[] = {
    {"cuGetErrorName", false, offsetof(Entries, error_name)},
    {"cuGetErrorString", false, offsetof(Entries, error_text)},
    {"cuGetProcAddress_v2", false, offsetof(Entries, find2)},
    {"cuGetProcAddress", false, offsetof(Entries, find)},
};

constexpr Row rows[] = {
#define HWA_CUDA(name, asked, version, group)                                                      \
    {#name, #asked, version, CudaGroup::group, offsetof(Cuda, name)},
#include "api/cuda.def"
#undef HWA_CUDA
};

/// The same rows as exported names.
constexpr os::Symbol symbols[] = {
#define HWA_CUDA(name, asked, version, group)                                                      \
    {#name, CudaGroup::group == CudaGroup::Core, offsetof(Cuda, name)},
#include "api/cuda.def"
#undef HWA_CUDA
};

void *ask(const Entries &entries, const Row &row) {
    void *function = nullptr;
    auto status = CU_GET_PROC_ADDRESS_SUCCESS;
    const CUresult code =
        entries.find2 != nullptr
            ? entries.find2(row.asked, &function, row.version, legacy_streams, &status)
            : entries.find(row.asked, &function, row.version, legacy_streams);
    return code == CUDA_SUCCESS && status == CU_GET_PROC_ADDRESS_SUCCESS ? function : nullptr;
}

base::Done ask_all(const Entries &entries, Cuda &table) {
    for (const Row &row : rows) {
        void *const function = ask(entries, row);
        if (function == nullptr && row.group == CudaGroup::Core)
            return base::error(Status::Unsupported, "%s: has no %s as of CUDA %d.%d",
                               table.library.path.c_str(), row.asked, row.version / 1000,
                               row.version % 1000 / 10);
        std::memcpy(reinterpret_cast<char *>(&table) + row.offset, &function, sizeof function);
    }
    return {};
}

/// A group counts if none of its functions lacks.
uint32_t whole_groups(const Cuda &table) {
    uint32_t seen = 0;
    uint32_t lacking = 0;
    for (const Row &row : rows) {
        const uint32_t bit = uint32_t{1} << static_cast<uint32_t>(row.group);
        void *function = nullptr;
        std::memcpy(&function, reinterpret_cast<const char *>(&table) + row.offset,
                    sizeof function);
        seen |= bit;
        lacking |= function == nullptr ? bit : 0;
    }
    return seen & ~lacking;
}

} // namespace

base::Result<Cuda> load_cuda(const std::string &directory, CudaLookup lookup) {
    static constexpr const char *sonames[] = {"libcuda.so.1"};
    Cuda table;
    Entries entries;
    HWA_TRY(table.library, os::load(sonames, directory, entry_symbols, &entries));
    const bool by_driver = entries.find2 != nullptr || entries.find != nullptr;
    if (by_driver && lookup == CudaLookup::Best) {
        HWA_CHECK(ask_all(entries, table));
    } else {
        HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    }
    table.cuGetErrorName = entries.error_name;
    table.cuGetErrorString = entries.error_text;
    table.groups = whole_groups(table);
    if (const CUresult code = table.cuDriverGetVersion(&table.version); code != CUDA_SUCCESS) {
        base::Error why = base::error(Status::Unavailable, "cuDriverGetVersion answered %s (%d)",
                                      table.error_name(code), code);
        why.code = code;
        return why;
    }
    return table;
}

namespace {

struct CodeName {
    CUresult code;
    const char *name;
};

} // namespace

#define HWA_CODE(name)                                                                             \
    { name, #name }
static constexpr CodeName code_names[] = {
    HWA_CODE(CUDA_ERROR_INVALID_VALUE),
    HWA_CODE(CUDA_ERROR_OUT_OF_MEMORY),
    HWA_CODE(CUDA_ERROR_NOT_INITIALIZED),
    HWA_CODE(CUDA_ERROR_DEINITIALIZED),
    HWA_CODE(CUDA_ERROR_STUB_LIBRARY),
    HWA_CODE(CUDA_ERROR_DEVICE_UNAVAILABLE),
    HWA_CODE(CUDA_ERROR_NO_DEVICE),
    HWA_CODE(CUDA_ERROR_INVALID_DEVICE),
    HWA_CODE(CUDA_ERROR_INVALID_IMAGE),
    HWA_CODE(CUDA_ERROR_INVALID_CONTEXT),
    HWA_CODE(CUDA_ERROR_NO_BINARY_FOR_GPU),
    HWA_CODE(CUDA_ERROR_ECC_UNCORRECTABLE),
    HWA_CODE(CUDA_ERROR_INVALID_PTX),
    HWA_CODE(CUDA_ERROR_JIT_COMPILER_NOT_FOUND),
    HWA_CODE(CUDA_ERROR_UNSUPPORTED_PTX_VERSION),
    HWA_CODE(CUDA_ERROR_CONTAINED),
    HWA_CODE(CUDA_ERROR_OPERATING_SYSTEM),
    HWA_CODE(CUDA_ERROR_INVALID_HANDLE),
    HWA_CODE(CUDA_ERROR_NOT_FOUND),
    HWA_CODE(CUDA_ERROR_NOT_READY),
    HWA_CODE(CUDA_ERROR_ILLEGAL_ADDRESS),
    HWA_CODE(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES),
    HWA_CODE(CUDA_ERROR_LAUNCH_TIMEOUT),
    HWA_CODE(CUDA_ERROR_MISALIGNED_ADDRESS),
    HWA_CODE(CUDA_ERROR_LAUNCH_FAILED),
    HWA_CODE(CUDA_ERROR_TENSOR_MEMORY_LEAK),
    HWA_CODE(CUDA_ERROR_NOT_PERMITTED),
    HWA_CODE(CUDA_ERROR_NOT_SUPPORTED),
    HWA_CODE(CUDA_ERROR_SYSTEM_NOT_READY),
    HWA_CODE(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH),
    HWA_CODE(CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE),
    HWA_CODE(CUDA_ERROR_UNKNOWN),
};
#undef HWA_CODE

const char *Cuda::error_name(CUresult code) const {
    const char *text = nullptr;
    // The toolkit's stub of this library answers well and leaves the pointer as it was.
    if (cuGetErrorName != nullptr && cuGetErrorName(code, &text) == CUDA_SUCCESS && text != nullptr)
        return text;
    for (const CodeName &row : code_names)
        if (row.code == code)
            return row.name;
    return "an unknown CUDA error";
}

const char *Cuda::error_text(CUresult code) const {
    const char *text = nullptr;
    const bool told = cuGetErrorString != nullptr &&
                      cuGetErrorString(code, &text) == CUDA_SUCCESS && text != nullptr;
    return told ? text : "";
}

} // namespace hwa::api
