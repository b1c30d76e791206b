// SPDX-License-Identifier: MIT
// OpenCL: launches recorded once and replayed. Document: OpenCL extension specification,
// cl_khr_command_buffer 0.9.
#include "launch/opencl_queue.h"

namespace hwa::launch {

ClRecording::~ClRecording() {
    if (buffer != nullptr)
        context->buffers.release(buffer);
    for (const cl_kernel kernel : kernels)
        context->cl.clReleaseKernel(kernel);
}

/// A kernel object with these arguments for good.
base::Result<ClStep> ClQueue::record_step(ClRecording &into, const Launch &launch) {
    auto &program = static_cast<ClProgram &>(*launch.program);
    program.launched = true;
    cl_int code = CL_SUCCESS;
    ClKernel kernel;
    kernel.handle = context_->cl.clCreateKernel(program.handle, program.entry.c_str(), &code);
    HWA_CL("clCreateKernel", code);
    into.kernels.push_back(kernel.handle);
    ClHolds holds{base::BlockAllocator<char>(context_->blocks)};
    HWA_CHECK(set_args(kernel, launch.args, holds, false));
    into.holds.insert(into.holds.end(), holds.begin(), holds.end());
    return step_of(kernel.handle, launch.shape);
}

base::Result<std::shared_ptr<Program>> ClQueue::record(std::span<const Launch> launches) {
    auto program = std::make_shared<ClProgram>(context_);
    program->knows_args = true;
    program->recording = std::make_unique<ClRecording>(context_);
    ClRecording &recording = *program->recording;
    for (const Launch &launch : launches) {
        recording.holds.push_back(launch.program);
        HWA_TRY(const ClStep step, record_step(recording, launch));
        recording.steps.push_back(step);
    }
    recording.lane = lane_;
    recording.timed = backlog_->timed();
    make_buffer(recording);
    return std::shared_ptr<Program>(std::move(program));
}

/// Without a command buffer the steps are put in one by one: what a driver refuses here costs
/// time, not the recording.
void ClQueue::make_buffer(ClRecording &recording) {
    const ClCommandBuffers &calls = context_->buffers;
    if (calls.create == nullptr || recording.steps.empty())
        return;
    const cl_command_buffer_properties_khr properties[] = {
        CL_COMMAND_BUFFER_FLAGS_KHR, CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR, 0};
    cl_int code = CL_SUCCESS;
    recording.buffer = calls.create(1, &lane_->handle, properties, &code);
    if (code != CL_SUCCESS)
        recording.buffer = nullptr;
    if (recording.buffer == nullptr)
        return;
    for (const ClStep &step : recording.steps) {
        code = calls.launch(recording.buffer, nullptr, nullptr, step.kernel, step.rank, nullptr,
                            step.global.data(), step.local.data(), 0, nullptr, nullptr, nullptr);
        if (code != CL_SUCCESS)
            break;
    }
    if (code == CL_SUCCESS && calls.finalize(recording.buffer) == CL_SUCCESS)
        return;
    calls.release(recording.buffer);
    recording.buffer = nullptr;
}

base::Done ClQueue::put_recording(ClWork &work, const ClRecording &recording, bool last) {
    work.event->lengthy = true;
    // A command buffer runs on queues of the same properties as the one it was made for.
    if (recording.buffer != nullptr && recording.timed == backlog_->timed())
        return put(
            work, "clEnqueueCommandBufferKHR", last,
            [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
                const bool same = queue == recording.lane->handle;
                return context_->buffers.enqueue(same ? 0 : 1, same ? nullptr : &queue,
                                                 recording.buffer, count, waits, event);
            });
    const size_t count = recording.steps.size();
    for (size_t i = 0; i < count; ++i)
        HWA_CHECK(put_step(work, recording.steps[i], last && i + 1 == count));
    return {};
}

} // namespace hwa::launch
