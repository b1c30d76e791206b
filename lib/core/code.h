// SPDX-License-Identifier: MIT
// Kinds of code, and which runtime takes which.
#pragma once

#include <cstdint>
#include <string_view>

namespace hwa::core {

/// The values of hwa_code_t.
enum class Code : int32_t {
    Unknown = 0,
    Host = 1,
    Ptx = 2,
    Cubin = 3,
    CudaC = 4,
    Hsaco = 5,
    HipC = 6,
    Spirv = 7,
    OpenClC = 8,
    Wgsl = 9,
    Metal = 10,
    SpirvKernel = 11,
    SharedObject = 12,
    C = 13,
    LevelZero = 14,
    MetalLib = 15,
    Xclbin = 16,
    OpenClBinary = 17,
};

/// Short name, such as "opencl c"; "unknown" for what this version does not know.
const char *code_name(Code code);

constexpr uint32_t code_bit(Code code) {
    return uint32_t{1} << static_cast<uint32_t>(code);
}

/// Kinds of code a runtime takes whatever the device, as Runtime::code_mask has them. An OpenCL
/// device that names an intermediate language takes code_bit(Code::SpirvKernel) as well.
constexpr uint32_t code_mask(std::string_view runtime) {
    if (runtime == "cpu")
        return code_bit(Code::Host) | code_bit(Code::SharedObject) | code_bit(Code::C);
    if (runtime == "cuda")
        return code_bit(Code::CudaC) | code_bit(Code::Ptx) | code_bit(Code::Cubin);
    if (runtime == "opencl")
        return code_bit(Code::OpenClC) | code_bit(Code::OpenClBinary);
    if (runtime == "vulkan")
        return code_bit(Code::Spirv);
    return 0;
}

} // namespace hwa::core
