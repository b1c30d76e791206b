// SPDX-License-Identifier: MIT
// What the codes of the CUDA driver mean to a caller. Document: CUDA Driver API, CUresult.
#include "launch/cuda.h"

namespace hwa::launch {

using base::Status;

namespace {

struct Meaning {
    CUresult code;
    Status status;
    /// By the document, "any further CUDA work will return the same error", or the context or the
    /// driver is gone.
    bool final;
};

constexpr Meaning table[] = {
    {CUDA_ERROR_OUT_OF_MEMORY, Status::DeviceMemory, false},
    {CUDA_ERROR_DEINITIALIZED, Status::Driver, true},
    {CUDA_ERROR_STUB_LIBRARY, Status::Unavailable, false},
    {CUDA_ERROR_DEVICE_UNAVAILABLE, Status::Unavailable, false},
    {CUDA_ERROR_NO_DEVICE, Status::Unavailable, false},
    {CUDA_ERROR_INVALID_DEVICE, Status::Unavailable, false},
    {CUDA_ERROR_DEVICE_NOT_LICENSED, Status::Denied, false},
    {CUDA_ERROR_INVALID_IMAGE, Status::Build, false},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, Status::Unsupported, false},
    {CUDA_ERROR_ECC_UNCORRECTABLE, Status::Lost, true},
    {CUDA_ERROR_INVALID_PTX, Status::Build, false},
    {CUDA_ERROR_NVLINK_UNCORRECTABLE, Status::Lost, true},
    {CUDA_ERROR_JIT_COMPILER_NOT_FOUND, Status::Unsupported, false},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, Status::Unsupported, false},
    {CUDA_ERROR_JIT_COMPILATION_DISABLED, Status::Unsupported, false},
    {CUDA_ERROR_CONTAINED, Status::Lost, true},
    {CUDA_ERROR_INVALID_SOURCE, Status::Build, false},
    {CUDA_ERROR_ILLEGAL_ADDRESS, Status::Driver, true},
    {CUDA_ERROR_LAUNCH_TIMEOUT, Status::Driver, true},
    {CUDA_ERROR_CONTEXT_IS_DESTROYED, Status::Driver, true},
    {CUDA_ERROR_ASSERT, Status::Driver, true},
    {CUDA_ERROR_HARDWARE_STACK_ERROR, Status::Driver, true},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, Status::Driver, true},
    {CUDA_ERROR_MISALIGNED_ADDRESS, Status::Driver, true},
    {CUDA_ERROR_INVALID_ADDRESS_SPACE, Status::Driver, true},
    {CUDA_ERROR_INVALID_PC, Status::Driver, true},
    {CUDA_ERROR_LAUNCH_FAILED, Status::Driver, true},
    {CUDA_ERROR_TENSOR_MEMORY_LEAK, Status::Driver, true},
    {CUDA_ERROR_NOT_PERMITTED, Status::Denied, false},
    {CUDA_ERROR_NOT_SUPPORTED, Status::Unsupported, false},
    {CUDA_ERROR_SYSTEM_NOT_READY, Status::Unavailable, false},
    {CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, Status::Unavailable, false},
    {CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, Status::Unavailable, false},
    {CUDA_ERROR_MPS_CONNECTION_FAILED, Status::Unavailable, false},
    {CUDA_ERROR_MPS_RPC_FAILURE, Status::Unavailable, false},
    {CUDA_ERROR_MPS_SERVER_NOT_READY, Status::Unavailable, false},
    {CUDA_ERROR_MPS_MAX_CLIENTS_REACHED, Status::Unavailable, false},
    {CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED, Status::Unavailable, false},
    {CUDA_ERROR_MPS_CLIENT_TERMINATED, Status::Driver, true},
    {CUDA_ERROR_EXTERNAL_DEVICE, Status::Driver, true},
};

const Meaning *find(CUresult code) {
    for (const Meaning &row : table)
        if (row.code == code)
            return &row;
    return nullptr;
}

} // namespace

base::Error cuda_failure(const api::Cuda &cuda, const char *call, CUresult code) {
    const Meaning *row = find(code);
    const char *text = cuda.error_text(code);
    base::Error why =
        base::error(row != nullptr ? row->status : Status::Driver, "%s answered %s (%d)%s%s", call,
                    cuda.error_name(code), code, *text == '\0' ? "" : ": ", text);
    why.code = code;
    why.backend = "cuda";
    return why;
}

bool cuda_final(CUresult code) {
    const Meaning *row = find(code);
    return row != nullptr && row->final;
}

} // namespace hwa::launch
