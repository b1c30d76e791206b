// SPDX-License-Identifier: MIT
// OpenCL: what a driver made of a program, kept and taken back. Drivers trust such binaries: pocl
// 3.1 and Mesa 22.3 end the process over one that was cut short, so it is looked at before.
#include "base/text.h"
#include "launch/opencl.h"

#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;
using Bytes = std::span<const char>;

template <class T> std::optional<T> value_at(Bytes bytes, uint64_t at) {
    T value;
    if (at > bytes.size() || bytes.size() - at < sizeof value)
        return {};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

bool starts_with(Bytes bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

/// pocl, format 9, the only one known here: a head, the files of the program and one record for
/// each kernel, which start with how long they are. Nothing lies behind the last.
bool is_whole_pocl(Bytes bytes) {
    constexpr uint64_t head_bytes = 77;
    const auto version = value_at<uint32_t>(bytes, 16);
    const auto kernels = value_at<uint32_t>(bytes, 20);
    const auto files = value_at<uint64_t>(bytes, head_bytes);
    if (!starts_with(bytes, std::string_view("poclbin\0", 8)) || version != 9u || !kernels ||
        !files)
        return false;
    uint64_t at = head_bytes + sizeof *files;
    if (*files > bytes.size() - at)
        return false;
    at += *files;
    for (uint32_t i = 0; i < *kernels; ++i) {
        const auto length = value_at<uint64_t>(bytes, at);
        if (!length || *length < sizeof *length || *length > bytes.size() - at)
            return false;
        at += *length;
    }
    return at == bytes.size();
}

/// rusticl, format 1: version, length, kind, and so much SPIR-V.
bool is_whole_rusticl(Bytes bytes) {
    constexpr uint64_t head_bytes = 12;
    constexpr uint32_t spirv_magic = 0x07230203;
    const auto length = value_at<uint32_t>(bytes, 4);
    return value_at<uint32_t>(bytes, 0) == 1u && length && *length == bytes.size() - head_bytes &&
           value_at<uint32_t>(bytes, head_bytes) == spirv_magic;
}

/// Most others give an ELF file, whose table of sections comes last. Document: System V ABI,
/// chapter 4, with the sizes of 64 bits.
bool is_whole_elf(Bytes bytes) {
    constexpr uint64_t class_at = 4, table_at = 0x28, entry_bytes_at = 0x3a, entries_at = 0x3c;
    constexpr uint8_t class_64 = 2;
    if (!starts_with(bytes, "\x7f"
                            "ELF") ||
        value_at<uint8_t>(bytes, class_at) != class_64)
        return true;
    const auto table = value_at<uint64_t>(bytes, table_at);
    const auto entry_bytes = value_at<uint16_t>(bytes, entry_bytes_at);
    const auto entries = value_at<uint16_t>(bytes, entries_at);
    if (!table || !entry_bytes || !entries || *table > bytes.size())
        return false;
    return uint64_t{*entry_bytes} * *entries <= bytes.size() - *table;
}

struct Format {
    const char *driver; ///< how its name starts; the last fits all
    bool (*is_whole)(Bytes bytes);
};

constexpr Format formats[] = {{"Portable Computing Language", is_whole_pocl},
                              {"rusticl", is_whole_rusticl},
                              {"", is_whole_elf}};

bool is_whole(const ClContext &context, Bytes bytes) {
    for (const Format &format : formats)
        if (starts_with(context.driver, format.driver))
            return format.is_whole(bytes);
    return false;
}

} // namespace

base::Result<cl_program> program_from_binary(const ClContext &context, Bytes bytes) {
    if (bytes.empty() || !is_whole(context, bytes))
        return base::error(Status::Unsupported, "the binary is not one of %s, or not whole",
                           context.driver.c_str());
    const auto *data = reinterpret_cast<const unsigned char *>(bytes.data());
    const size_t size = bytes.size();
    cl_int taken = CL_SUCCESS;
    cl_int code = CL_SUCCESS;
    cl_program program = context.cl.clCreateProgramWithBinary(context.handle, 1, &context.device,
                                                              &size, &data, &taken, &code);
    if (code == CL_SUCCESS && taken == CL_SUCCESS)
        return program;
    if (code == CL_SUCCESS)
        context.cl.clReleaseProgram(program);
    base::Error why =
        opencl_failure("clCreateProgramWithBinary", code != CL_SUCCESS ? code : taken);
    // It is for another device or driver: another variant may fit.
    if (why.code == CL_INVALID_BINARY || why.code == CL_INVALID_VALUE)
        why.status = Status::Unsupported;
    return why;
}

std::string binary_of(const ClContext &context, cl_program program) {
    const auto ask = context.cl.clGetProgramInfo;
    size_t size = 0;
    if (ask(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS)
        return {};
    std::string binary(size, '\0');
    char *into = binary.data();
    if (size == 0 || ask(program, CL_PROGRAM_BINARIES, sizeof into, &into, nullptr) != CL_SUCCESS)
        return {};
    // What would not be taken back is not worth keeping.
    return is_whole(context, binary) ? binary : std::string();
}

} // namespace hwa::launch
