// SPDX-License-Identifier: MIT
// CUDA: arguments as the driver takes them, launches, and many of them as one graph.
#include "launch/cuda.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;

using Number = unsigned long long;

static bool is_scratch(const Arg &arg) {
    return arg.memory == nullptr && arg.data == nullptr;
}

/// CUDA has one block of scratch for a group; a kernel sees it as an array of its own, not among
/// its arguments.
static base::Error too_many_blocks(uint32_t blocks) {
    return base::error(Status::Unsupported,
                       "CUDA gives a kernel one block of scratch, by one argument or by "
                       "options.shared_bytes, not %u",
                       blocks);
}

/// More than 48 KiB are to be asked for beforehand (CUDA C++ Programming Guide, "Shared Memory").
static base::Done allow_scratch(CudaKernel &kernel, uint32_t bytes) {
    const api::Cuda &cuda = kernel.context->cuda;
    const CudaCurrent current(*kernel.context);
    const std::lock_guard lock(kernel.mutex);
    if (bytes <= kernel.dynamic_bytes.load(std::memory_order_relaxed))
        return {};
    HWA_CU(cuda, "cuFuncSetAttribute",
           cuda.cuFuncSetAttribute(kernel.function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                   static_cast<int>(bytes)));
    kernel.dynamic_bytes.store(bytes, std::memory_order_relaxed);
    return {};
}

static base::Error misfit(const CudaKernel &kernel, size_t at, size_t index, const Arg &arg) {
    const size_t wanted = kernel.param_bytes[at];
    if (arg.memory != nullptr)
        return base::error(Status::Invalid,
                           "args[%zu]: the kernel takes a value of %zu bytes here, not a buffer",
                           index, wanted);
    return base::error(Status::Invalid,
                       "args[%zu]: the kernel takes %zu bytes here, not a value of %llu", index,
                       wanted, Number{arg.size_bytes});
}

base::Done pack_cuda(CudaKernel &kernel, std::span<const Arg> args, const Shape &shape,
                     CudaParams &into) {
    uint64_t scratch = shape.shared_bytes;
    uint32_t blocks = scratch != 0 ? 1 : 0;
    // What is written below could be any of these, for all that a compiler knows.
    void **const list = into.list;
    CUdeviceptr *const addresses = into.addresses;
    const size_t *const wanted = kernel.param_bytes.data();
    const size_t known = kernel.knows_params ? kernel.param_bytes.size() : 0;
    size_t count = 0;
    for (const Arg &arg : args) {
        if (is_scratch(arg)) {
            scratch += arg.size_bytes;
            ++blocks;
            continue;
        }
        if (count == CudaParams::limit)
            return base::error(Status::Unsupported, "more than %zu arguments", CudaParams::limit);
        const bool is_buffer = arg.memory != nullptr;
        // Of the size that the kernel takes there; an address of device memory is one of those.
        if (count < known && wanted[count] != (is_buffer ? sizeof(CUdeviceptr) : arg.size_bytes))
            return misfit(kernel, count, static_cast<size_t>(&arg - args.data()), arg);
        list[count] = const_cast<void *>(arg.data);
        if (is_buffer) {
            addresses[count] = static_cast<const CudaMemory &>(**arg.memory).address + arg.offset;
            list[count] = &addresses[count];
        }
        ++count;
    }
    if (kernel.knows_params && count != known)
        return base::error(Status::Invalid,
                           "the kernel takes %zu arguments besides scratch, not %zu", known, count);
    into.count = count;
    if (blocks > 1)
        return too_many_blocks(blocks);
    into.shared_bytes = static_cast<uint32_t>(std::min<uint64_t>(scratch, INT32_MAX));
    if (into.shared_bytes > kernel.dynamic_bytes.load(std::memory_order_relaxed))
        return allow_scratch(kernel, into.shared_bytes);
    return {};
}

CUresult launch_cuda(const CudaKernel &kernel, CudaParams &params, const Shape &shape,
                     CUstream stream, base::Done &said) {
    if (kernel.library != nullptr) {
        static_assert(sizeof(CUdeviceptr) == sizeof(uint64_t));
        const auto *first = reinterpret_cast<const uint64_t *>(params.addresses);
        said = kernel.library->enqueue(stream, {first, params.count});
        return said ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    }
    return kernel.context->cuda.cuLaunchKernel(
        kernel.function, shape.grid[0], shape.grid[1], shape.grid[2], shape.group[0],
        shape.group[1], shape.group[2], params.shared_bytes, stream, params.list, nullptr);
}

// ---- Recordings ----

CudaRecording::~CudaRecording() {
    if (graph == nullptr || !context->cuda.has(api::CudaGroup::Graphs))
        return;
    const CudaCurrent current(*context);
    context->cuda.cuGraphExecDestroy(graph);
}

CUresult CudaRecording::replay(CUstream stream, base::Done &said) {
    if (graph != nullptr && context->cuda.has(api::CudaGroup::Graphs)) {
        const std::lock_guard lock(mutex);
        return context->cuda.cuGraphLaunch(graph, stream);
    }
    CudaParamRoom room;
    CudaParams params = room.params();
    for (const Step &step : steps) {
        auto &kernel = static_cast<CudaKernel &>(*step.program);
        if (!pack_cuda(kernel, step.args, step.shape, params))
            return CUDA_ERROR_INVALID_VALUE;
        const CUresult code = launch_cuda(kernel, params, step.shape, stream, said);
        if (code != CUDA_SUCCESS)
            return code;
    }
    return CUDA_SUCCESS;
}

void CudaRecording::keep(const Launch &launch) {
    if (static_cast<const CudaProgram &>(*launch.program).recording) {
        for (const Step &step : static_cast<const CudaRecording &>(*launch.program).steps)
            keep({step.program, step.args, step.shape});
        return;
    }
    Step step{launch.program, {launch.args.begin(), launch.args.end()}, {}, {}, launch.shape};
    step.memories.reserve(launch.args.size()); // for their places to stay
    for (Arg &arg : step.args)
        if (arg.memory != nullptr) {
            arg.memory = &step.memories.emplace_back(*arg.memory);
        } else if (arg.data != nullptr) {
            const auto *bytes = static_cast<const std::byte *>(arg.data);
            step.values.emplace_back(bytes, bytes + arg.size_bytes);
            arg.data = step.values.back().data();
        }
    steps.push_back(std::move(step));
}

/// One node after the other; the driver copies the arguments of each.
static CUresult add_nodes(const CudaRecording &recording, CUgraph graph) {
    const api::Cuda &cuda = recording.context->cuda;
    if (!cuda.has(api::CudaGroup::Graphs))
        return CUDA_ERROR_NOT_SUPPORTED;
    CudaParamRoom room;
    CudaParams params = room.params();
    CUgraphNode last = nullptr;
    for (const auto &step : recording.steps) {
        auto &kernel = static_cast<CudaKernel &>(*step.program);
        if (!pack_cuda(kernel, step.args, step.shape, params))
            return CUDA_ERROR_INVALID_VALUE;
        CUDA_KERNEL_NODE_PARAMS_v2 node = {};
        node.func = kernel.function;
        node.gridDimX = step.shape.grid[0];
        node.gridDimY = step.shape.grid[1];
        node.gridDimZ = step.shape.grid[2];
        node.blockDimX = step.shape.group[0];
        node.blockDimY = step.shape.group[1];
        node.blockDimZ = step.shape.group[2];
        node.sharedMemBytes = params.shared_bytes;
        node.kernelParams = params.list;
        CUgraphNode made = nullptr;
        const CUresult code = cuda.cuGraphAddKernelNode_v2(
            &made, graph, last == nullptr ? nullptr : &last, last == nullptr ? 0 : 1, &node);
        if (code != CUDA_SUCCESS)
            return code;
        last = made;
    }
    return CUDA_SUCCESS;
}

static base::Done make_graph(CudaRecording &recording) {
    const api::Cuda &cuda = recording.context->cuda;
    bool kernels = cuda.has(api::CudaGroup::Graphs);
    for (const auto &step : recording.steps)
        kernels = kernels && static_cast<const CudaKernel &>(*step.program).library == nullptr;
    if (!kernels)
        return {};
    CUgraph graph = nullptr;
    HWA_CU(cuda, "cuGraphCreate", cuda.cuGraphCreate(&graph, 0));
    const char *call = "cuGraphAddKernelNode";
    CUresult code = add_nodes(recording, graph);
    if (code == CUDA_SUCCESS) {
        call = "cuGraphInstantiateWithFlags";
        code = cuda.cuGraphInstantiateWithFlags(&recording.graph, graph, 0);
    }
    cuda.cuGraphDestroy(graph);
    HWA_CU(cuda, call, code);
    return {};
}

base::Result<std::shared_ptr<Program>> record_cuda(const CudaContextPtr &context,
                                                   std::span<const Launch> launches) {
    auto recording = std::make_shared<CudaRecording>(context);
    recording->knows_args = true; // that there are none
    CudaParamRoom room;
    CudaParams params = room.params();
    for (const Launch &launch : launches) {
        recording->keep(launch);
        if (!static_cast<CudaProgram &>(*launch.program).recording)
            HWA_CHECK(pack_cuda(static_cast<CudaKernel &>(*launch.program), launch.args,
                                launch.shape, params));
    }
    HWA_CHECK(make_graph(*recording));
    return std::shared_ptr<Program>(std::move(recording));
}

} // namespace hwa::launch
