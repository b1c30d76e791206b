// SPDX-License-Identifier: MIT
// OpenCL: from source text or SPIR-V to a kernel that knows its arguments.
#include "base/text.h"
#include "launch/opencl_exit.h"
#include "launch/opencl_queue.h"
#include "os/caller.h"

namespace hwa::launch {
namespace {

using base::Status;
using core::Code;

/// The whole of what the compiler said, without trailing blank lines.
std::string read_log(const ClContext &context, cl_program program) {
    size_t size = 0;
    if (context.cl.clGetProgramBuildInfo(program, context.device, CL_PROGRAM_BUILD_LOG, 0, nullptr,
                                         &size) != CL_SUCCESS ||
        size <= 1)
        return {};
    std::string log(size, '\0');
    if (context.cl.clGetProgramBuildInfo(program, context.device, CL_PROGRAM_BUILD_LOG, size,
                                         log.data(), nullptr) != CL_SUCCESS)
        return {};
    return std::string(base::trim(log.c_str()));
}

/// The first complaint in a log, for the one sentence there is room for.
std::string first_complaint(std::string_view log) {
    const auto lines = base::split(log, '\n');
    for (const std::string_view line : lines)
        if (line.find("error") != std::string_view::npos)
            return base::sanitise(line, 300);
    return lines.empty() ? "the compiler gave no reason" : base::sanitise(lines[0], 300);
}

base::Result<cl_program> create(const ClContext &context, const CodeRequest &request) {
    const char *text = request.code.data();
    const size_t size = request.code.size();
    cl_int code = CL_SUCCESS;
    cl_program made = nullptr;
    switch (request.kind) {
    case Code::OpenClBinary:
        return program_from_binary(context, request.code);
    case Code::SpirvKernel:
        if (context.cl.clCreateProgramWithIL == nullptr || !context.takes_il)
            return base::error(Status::Unsupported, "this OpenCL device takes no SPIR-V");
        made = context.cl.clCreateProgramWithIL(context.handle, text, size, &code);
        HWA_CL("clCreateProgramWithIL", code);
        return made;
    case Code::OpenClC:
        made = context.cl.clCreateProgramWithSource(context.handle, 1, &text, &size, &code);
        HWA_CL("clCreateProgramWithSource", code);
        return made;
    default:
        return base::error(Status::Unsupported,
                           "OpenCL takes its C, its binaries and SPIR-V kernels only");
    }
}

base::Done compile(const ClContext &context, const CodeRequest &request, cl_program program,
                   std::string &log) {
    const os::CallerState state;
    const ClCompiling compiling;
    HWA_CHECK(compiling.allowed());
    // Without this option a driver may forget what the arguments are.
    const std::string options = "-cl-kernel-arg-info " + request.options;
    const cl_int code =
        context.cl.clBuildProgram(program, 1, &context.device, options.c_str(), nullptr, nullptr);
    log = read_log(context, program);
    if (code == CL_SUCCESS)
        return {};
    base::Error why = opencl_failure("clBuildProgram", code);
    if (request.kind == Code::OpenClBinary &&
        (code == CL_BUILD_PROGRAM_FAILURE || code == CL_INVALID_BINARY)) {
        why.status = Status::Unsupported;
        return why;
    }
    if (code == CL_BUILD_PROGRAM_FAILURE || code == CL_INVALID_BUILD_OPTIONS) {
        why.status = Status::Build;
        why.message = first_complaint(log);
    }
    return why;
}

std::string kernel_names(const ClContext &context, cl_program program) {
    const auto ask = context.cl.clGetProgramInfo;
    size_t size = 0;
    if (ask(program, CL_PROGRAM_KERNEL_NAMES, 0, nullptr, &size) != CL_SUCCESS)
        return {};
    std::string names(size, '\0');
    if (ask(program, CL_PROGRAM_KERNEL_NAMES, size, names.data(), nullptr) != CL_SUCCESS)
        return {};
    return base::sanitise(names.c_str(), 200);
}

Want want_of(const ClContext &context, cl_kernel kernel, cl_uint index) {
    if (context.cl.clGetKernelArgInfo == nullptr)
        return Want::Any;
    cl_kernel_arg_address_qualifier space = 0;
    if (context.cl.clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space,
                                      &space, nullptr) != CL_SUCCESS)
        return Want::Any;
    switch (space) {
    case CL_KERNEL_ARG_ADDRESS_GLOBAL:
    case CL_KERNEL_ARG_ADDRESS_CONSTANT:
        return Want::Buffer;
    case CL_KERNEL_ARG_ADDRESS_LOCAL:
        return Want::Scratch;
    default:
        return Want::Value;
    }
}

/// What the driver tells of a kernel, so that a launch that cannot work is refused beforehand.
void describe(const ClContext &context, ClProgram &program) {
    cl_uint count = 0;
    program.knows_args = context.cl.clGetKernelInfo(program.kernel.handle, CL_KERNEL_NUM_ARGS,
                                                    sizeof count, &count, nullptr) == CL_SUCCESS;
    for (cl_uint i = 0; i < count; ++i)
        program.args.push_back(want_of(context, program.kernel.handle, i));
    const auto ask = [&](cl_kernel_work_group_info what, size_t size, void *into) {
        return context.cl.clGetKernelWorkGroupInfo(program.kernel.handle, context.device, what,
                                                   size, into, nullptr) == CL_SUCCESS;
    };
    size_t threads = 0;
    if (ask(CL_KERNEL_WORK_GROUP_SIZE, sizeof threads, &threads))
        program.threads_per_group = static_cast<uint32_t>(std::min<size_t>(threads, UINT32_MAX));
    std::array<size_t, 3> group{};
    if (ask(CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof group, group.data()))
        for (size_t i = 0; i < group.size(); ++i)
            program.group[i] = static_cast<uint32_t>(group[i]);
    cl_ulong shared = 0;
    if (ask(CL_KERNEL_LOCAL_MEM_SIZE, sizeof shared, &shared))
        program.shared_bytes = shared;
}

/// Keeps the binary if there is more of it than there was. A cache that has no room costs time, no
/// more.
void keep(ClKept &kept, const ClContext &context, cl_program program) noexcept {
    try {
        const os::CallerState state;
        const std::string binary = binary_of(context, program);
        if (binary.size() <= kept.size_bytes)
            return;
        kept.cache->store(kept.key, binary);
        kept.size_bytes = binary.size();
    } catch (const std::bad_alloc &) {
    }
}

} // namespace

ClProgram::ClProgram(ClContextPtr owner) : context(std::move(owner)) {}

ClProgram::~ClProgram() {
    if (launched && kept.cache != nullptr)
        keep(kept, *context, handle);
    if (kernel.handle != nullptr)
        context->cl.clReleaseKernel(kernel.handle);
    if (handle != nullptr)
        context->cl.clReleaseProgram(handle);
}

static base::Result<std::shared_ptr<Program>> build(const ClContextPtr &context,
                                                    const CodeRequest &request, std::string &log) {
    auto program = std::make_shared<ClProgram>(context);
    HWA_TRY(program->handle, create(*context, request));
    HWA_CHECK(compile(*context, request, program->handle, log));
    cl_int code = CL_SUCCESS;
    program->kernel.handle =
        context->cl.clCreateKernel(program->handle, request.entry.c_str(), &code);
    if (code == CL_INVALID_KERNEL_NAME) {
        const std::string names = kernel_names(*context, program->handle);
        return base::error(Status::NotFound, "the program has no kernel \"%s\"; it has: %s",
                           base::sanitise(request.entry, 64).c_str(),
                           names.empty() ? "none" : names.c_str());
    }
    HWA_CL("clCreateKernel", code);
    program->entry = request.entry;
    describe(*context, *program);
    return std::shared_ptr<Program>(std::move(program));
}

/// Where its binary is kept; "" for a program that takes in files, which no key can stand for.
static std::string key_of(const ClContext &context, const CodeRequest &request) {
    const std::string_view source(request.code.data(), request.code.size());
    if (request.kind != Code::OpenClC || reads_files(source, request.options))
        return {};
    return cache_key({"opencl", context.identity, request.options, source});
}

base::Result<std::shared_ptr<Program>> build_opencl(const ClContextPtr &context,
                                                    const CodeRequest &request,
                                                    const std::shared_ptr<Cache> &cache,
                                                    std::string &log) {
    ClKept kept{cache, cache == nullptr ? "" : key_of(*context, request), 0};
    if (kept.key.empty())
        return build(context, request, log);
    if (const auto found = cache->find(kept.key)) {
        CodeRequest binary = request;
        binary.kind = Code::OpenClBinary;
        binary.code = *found;
        // Whatever is wrong with it, there is the source.
        if (auto built = build(context, binary, log))
            return built;
        log.clear();
    }
    HWA_TRY(auto built, build(context, request, log));
    auto &program = static_cast<ClProgram &>(*built);
    if (!context->compiles_late) {
        keep(kept, *context, program.handle);
        return built;
    }
    // Whoever has no launch before the end finds this; it takes a tenth of the first build.
    std::string same;
    if (const auto twin = build(context, request, same))
        keep(kept, *context, static_cast<const ClProgram &>(**twin).handle);
    program.kept = std::move(kept);
    return built;
}

} // namespace hwa::launch
