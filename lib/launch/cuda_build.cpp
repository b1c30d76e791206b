// SPDX-License-Identifier: MIT
// CUDA: from CUDA C, PTX or a cubin to a kernel that knows its arguments. Document: CUDA Driver
// API, section "Module Management".
#include "base/text.h"
#include "launch/cuda.h"
#include "launch/cuda_compile.h"
#include "launch/cuda_image.h"

#include <algorithm>

namespace hwa::launch {
namespace {

using base::Status;
using core::Code;

/// The log of the driver's own compiler has the room that it is given: more is tried while it is
/// full, up to this.
constexpr size_t log_first_bytes = 64 * 1024;
constexpr size_t log_most_bytes = size_t{16} << 20;

/// Loads an image that is known to be whole. False if the logs were too small for what there is
/// to say.
bool load_once(const api::Cuda &cuda, const char *image, size_t room, CUmodule &module,
               CUresult &code, std::string &log) {
    std::string info(room, '\0');
    std::string errors(room, '\0');
    CUjit_option options[] = {CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
                              CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    // Sizes travel in the pointers themselves.
    void *values[] = {info.data(), reinterpret_cast<void *>(room), errors.data(),
                      reinterpret_cast<void *>(room)};
    code = cuda.cuModuleLoadDataEx(&module, image, 4, options, values);
    info.back() = '\0';
    errors.back() = '\0';
    const std::string_view said_errors = base::trim(errors.c_str());
    const std::string_view said_info = base::trim(info.c_str());
    log = std::string(said_errors);
    if (!said_info.empty())
        log += (log.empty() ? "" : "\n") + std::string(said_info);
    return std::max(said_errors.size(), said_info.size()) + 2 < room;
}

base::Result<CUmodule> load(const api::Cuda &cuda, const std::string &image, std::string &log) {
    CUmodule module = nullptr;
    CUresult code = CUDA_SUCCESS;
    std::string said;
    for (size_t room = log_first_bytes; room <= log_most_bytes; room *= 16) {
        if (module != nullptr)
            cuda.cuModuleUnload(module);
        module = nullptr;
        if (load_once(cuda, image.data(), room, module, code, said))
            break;
    }
    if (!said.empty())
        log += (log.empty() ? "" : "\n") + said;
    if (code == CUDA_SUCCESS)
        return module;
    base::Error why = cuda_failure(cuda, "cuModuleLoadDataEx", code);
    if (why.status == Status::Build && !said.empty())
        why.message = base::sanitise(base::split(said, '\n')[0], 300);
    return why;
}

/// Names of the kernels that are there, as far as can be told.
std::string kernel_names(const api::Cuda &cuda, CUmodule module) {
    unsigned count = 0;
    if (!cuda.has(api::CudaGroup::Functions) ||
        cuda.cuModuleGetFunctionCount(&count, module) != CUDA_SUCCESS)
        return {};
    std::vector<CUfunction> functions(std::min(count, 64u));
    if (cuda.cuModuleEnumerateFunctions(functions.data(), static_cast<unsigned>(functions.size()),
                                        module) != CUDA_SUCCESS)
        return {};
    std::string names;
    for (CUfunction const function : functions) {
        const char *name = nullptr;
        if (cuda.cuFuncGetName(&name, function) == CUDA_SUCCESS && name != nullptr)
            names += (names.empty() ? "" : ", ") + base::sanitise(name, 64);
    }
    return base::sanitise(names, 200);
}

uint32_t attribute(const CudaKernel &kernel, CUfunction_attribute what) {
    int value = 0;
    const CUresult code = kernel.context->cuda.cuFuncGetAttribute(&value, what, kernel.function);
    return code == CUDA_SUCCESS && value > 0 ? static_cast<uint32_t>(value) : 0;
}

/// What the driver tells of a kernel, so that a launch that cannot work is refused beforehand.
void describe(CudaKernel &kernel) {
    const api::Cuda &cuda = kernel.context->cuda;
    kernel.threads_per_group = attribute(kernel, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    kernel.shared_bytes = attribute(kernel, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
    kernel.dynamic_bytes = attribute(kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
    if (!cuda.has(api::CudaGroup::ParamInfo))
        return;
    for (size_t i = 0; i < CudaParams::limit; ++i) {
        size_t offset = 0;
        size_t size = 0;
        const CUresult code = cuda.cuFuncGetParamInfo(kernel.function, i, &offset, &size);
        // There is no count: the first place that is none ends the list.
        kernel.knows_params = code == CUDA_ERROR_INVALID_VALUE;
        if (code != CUDA_SUCCESS)
            break;
        kernel.param_bytes.push_back(size);
    }
}

base::Result<CudaImage> from_source(const CudaContext &context, const CodeRequest &request,
                                    std::string &log) {
    const auto compiler = nvrtc(context.library_path, context.cuda.version / 1000);
    if (!compiler)
        return base::error(Status::Unsupported, "CUDA C needs the compiler NVRTC: %s",
                           compiler.error().message.c_str());
    CompileRequest compile;
    compile.source = request.code;
    compile.entry = request.entry;
    compile.options = request.options;
    compile.capability = context.capability;
    compile.cache = context.cache.get();
    return compile_cuda(**compiler, compile, log);
}

base::Result<CudaImage> from_ptx(const CudaContext &context, const CodeRequest &request) {
    std::string text(request.code.data(), request.code.size());
    const PtxHead head = read_ptx_head(text);
    if (head.capability > context.capability)
        return base::error(Status::Unsupported, "the PTX is made for %s, and this device is sm_%d",
                           head.target.c_str(), context.capability);
    text += '\0';
    return CudaImage{std::move(text), request.entry};
}

base::Result<CudaImage> from_cubin(const CudaContext &context, const CodeRequest &request) {
    HWA_TRY(const Cubin cubin, read_cubin(request.code));
    if (!cubin_runs_on(cubin, context.capability))
        return base::error(Status::Unsupported,
                           "the cubin is made for sm_%d%s, and this device is sm_%d",
                           cubin.capability, cubin.exact ? "a" : "", context.capability);
    return CudaImage{{request.code.begin(), request.code.end()}, request.entry};
}

base::Result<CudaImage> image_of(const CudaContext &context, const CodeRequest &request,
                                 std::string &log) {
    switch (request.kind) {
    case Code::CudaC:
        return from_source(context, request, log);
    case Code::Ptx:
        return from_ptx(context, request);
    case Code::Cubin:
        return from_cubin(context, request);
    default:
        return base::error(Status::Unsupported, "CUDA takes CUDA C, PTX and cubins only");
    }
}

base::Result<std::shared_ptr<Program>> build_library(const CudaContextPtr &context,
                                                     const CodeRequest &request) {
    const CudaCurrent current(*context);
    HWA_CHECK(request.library->prepare());
    auto kernel = std::make_shared<CudaKernel>(context);
    kernel->library = request.library;
    return std::shared_ptr<Program>(std::move(kernel));
}

} // namespace

base::Result<std::shared_ptr<Program>> build_cuda(const CudaContextPtr &context,
                                                  const CodeRequest &request, std::string &log) {
    const api::Cuda &cuda = context->cuda;
    if (request.kind == Code::Host && request.library != nullptr)
        return build_library(context, request);
    HWA_TRY(const CudaImage image, image_of(*context, request, log));
    auto kernel = std::make_shared<CudaKernel>(context);
    HWA_TRY(kernel->module, load(cuda, image.code, log));
    const CUresult code =
        cuda.cuModuleGetFunction(&kernel->function, kernel->module, image.entry.c_str());
    if (code == CUDA_ERROR_NOT_FOUND) {
        const std::string names = kernel_names(cuda, kernel->module);
        return base::error(Status::NotFound, "the program has no kernel \"%s\"%s%s",
                           base::sanitise(request.entry, 64).c_str(),
                           names.empty() ? "" : "; it has: ", names.c_str());
    }
    HWA_CU(cuda, "cuModuleGetFunction", code);
    describe(*kernel);
    return std::shared_ptr<Program>(std::move(kernel));
}

CudaKernel::~CudaKernel() {
    if (module == nullptr && library == nullptr)
        return;
    const CudaCurrent current(*context);
    library.reset();
    if (module != nullptr)
        context->cuda.cuModuleUnload(module);
}

} // namespace hwa::launch
