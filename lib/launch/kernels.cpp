// SPDX-License-Identifier: MIT
// Finds a kernel in the language of a runtime and has the queue build it.
#include "launch/kernels.h"

#include "base/text.h"

namespace hwa::launch {

using core::Dtype;

namespace {

/// What a runtime is given. The prelude comes before every text.
struct Language {
    const char *runtime;
    core::Code kind;
    const char *suffix;
    const char *prelude; ///< NULL: compiled already, and every entry is called "main"
};
constexpr Language languages[] = {
    {"opencl", core::Code::OpenClC, ".cl", "threads.cl"},
    {"cuda", core::Code::CudaC, ".cu", "threads.cu"},
    {"vulkan", core::Code::Spirv, ".spv", nullptr},
};

/// Types as OpenCL C and CUDA C name them. SPIR-V is compiled for each of them.
struct TypeRow {
    Dtype dtype;
    const char *opencl;
    const char *cuda;
};
constexpr TypeRow types[] = {
    {Dtype::F32, "float", "float"},
    {Dtype::F64, "double", "double"},
    {Dtype::I32, "int", "int"},
    {Dtype::U32, "uint", "unsigned"},
    {Dtype::I64, "long", "long long"},
    {Dtype::U64, "ulong", "unsigned long long"},
    {Dtype::U16, "ushort", "unsigned short"},
    {Dtype::U8, "uchar", "unsigned char"},
};

const KernelFile *find_file(const std::string &name) {
    for (const KernelFile &file : kernel_files())
        if (name == file.name)
            return &file;
    return nullptr;
}

std::string_view text_of(const KernelFile &file) {
    return {static_cast<const char *>(file.data), file.size_bytes};
}

} // namespace

Style style_of(const OpRequest &request) {
    if (request.device->kind != core::Kind::Cpu)
        return Style::Groups;
    const std::string driver = request.queue->driver();
    const bool lanes = request.runtime == "vulkan" || driver.find("rusticl") != std::string::npos;
    return lanes ? Style::Lanes : Style::Runs;
}

const char *type_name(std::string_view runtime, Dtype dtype) {
    for (const TypeRow &row : types)
        if (row.dtype == dtype)
            return runtime == "cuda" ? row.cuda : row.opencl;
    return "";
}

base::Result<std::shared_ptr<Program>> build_kernel(const OpRequest &request,
                                                    const KernelChoice &choice) {
    const std::string runtime(request.runtime);
    for (const Language &language : languages) {
        if (runtime != language.runtime)
            continue;
        const bool text = language.prelude != nullptr;
        const std::string name = choice.file + (text ? "" : choice.variant) + language.suffix;
        const KernelFile *file = find_file(name);
        if (file == nullptr)
            return base::error(base::Status::Unsupported,
                               "this build of the library has no kernel %s", name.c_str());
        std::string code;
        if (const KernelFile *prelude = text ? find_file(language.prelude) : nullptr)
            code = text_of(*prelude);
        code += text_of(*file);
        CodeRequest made;
        made.kind = language.kind;
        made.code = code;
        made.entry = text ? choice.entry : "main";
        made.options = text ? choice.options : "";
        return request.queue->build(made, *request.log);
    }
    return base::error(base::Status::Unsupported, "there are no kernels for the runtime %s",
                       runtime.c_str());
}

std::vector<std::byte> real_bytes(Dtype dtype, double value) {
    return dtype == Dtype::F64 ? bytes_of(value) : bytes_of(static_cast<float>(value));
}

} // namespace hwa::launch
