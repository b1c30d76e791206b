// SPDX-License-Identifier: MIT
// launch/cuda_run and cuda_error: arguments as the driver takes them, and what its codes mean.
#include "check.h"

#include "launch/cuda.h"

#include <algorithm>
#include <cstring>
#include <deque>

using namespace hwa;
using namespace hwa::launch;
using base::Status;

namespace {

/// Calls of the driver that are played, and what they saw.
int current_calls;
int attribute_set;
int attribute_bytes;

CUresult get_current(CUcontext *context) {
    ++current_calls;
    *context = nullptr;
    return CUDA_SUCCESS;
}
CUresult push(CUcontext) {
    return CUDA_SUCCESS;
}
CUresult pop(CUcontext *) {
    return CUDA_SUCCESS;
}
CUresult set_attribute(CUfunction, CUfunction_attribute what, int value) {
    ++attribute_set;
    attribute_bytes = what == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ? value : -1;
    return value > 200000 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/// A kernel of a context that was never opened, so that nothing else is called.
struct Played {
    api::Cuda cuda;
    CudaContextPtr context;
    std::shared_ptr<CudaKernel> kernel;
    std::deque<std::shared_ptr<Memory>> memories;

    Played() {
        cuda.cuCtxGetCurrent = get_current;
        cuda.cuCtxPushCurrent_v2 = push;
        cuda.cuCtxPopCurrent_v2 = pop;
        cuda.cuFuncSetAttribute = set_attribute;
        context = std::make_shared<CudaContext>(cuda);
        kernel = std::make_shared<CudaKernel>(context);
        kernel->dynamic_bytes = 48 * 1024;
    }

    Arg buffer(uint64_t address, uint64_t offset) {
        auto memory = std::make_shared<CudaMemory>(context, CudaMemory::Origin::Borrowed);
        memory->address = address;
        return Arg{&memories.emplace_back(std::move(memory)), offset, nullptr, 64};
    }
};

void lays_arguments_out(void **) {
    Played played;
    const uint32_t number = 7;
    const double real = 2.5;
    const Arg args[] = {played.buffer(0x1000, 0), Arg{nullptr, 0, &number, sizeof number},
                        Arg{nullptr, 0, nullptr, 640}, played.buffer(0x2000, 3),
                        Arg{nullptr, 0, &real, sizeof real}};
    CudaParamRoom room;
    CudaParams params = room.params();
    assert_true(static_cast<bool>(pack_cuda(*played.kernel, args, {}, params)));
    assert_int_equal(*static_cast<CUdeviceptr *>(params.list[0]), 0x1000);
    assert_ptr_equal(params.list[1], &number);
    assert_int_equal(*static_cast<CUdeviceptr *>(params.list[2]), 0x2003);
    assert_ptr_equal(params.list[3], &real);
    assert_int_equal(params.shared_bytes, 640);
    assert_int_equal(attribute_set, 0);
}

void checks_what_the_kernel_takes(void **) {
    Played played;
    played.kernel->knows_params = true;
    played.kernel->param_bytes = {8, 4};
    const uint32_t number = 7;
    const Arg address = played.buffer(0x1000, 0);
    const Arg word{nullptr, 0, &number, 4};
    const Arg half{nullptr, 0, &number, 2};
    const Arg scratch{nullptr, 0, nullptr, 64};
    const struct {
        std::vector<Arg> args;
        Status status;
        const char *says;
    } table[] = {
        {{address, word}, Status::Ok, ""},
        {{address, scratch, word}, Status::Ok, ""},
        {{address}, Status::Invalid, "takes 2 arguments besides scratch, not 1"},
        {{address, word, word}, Status::Invalid, "not 3"},
        {{address, half}, Status::Invalid, "args[1]: the kernel takes 4 bytes here"},
        {{address, scratch, half}, Status::Invalid, "args[2]"},
        {{address, address}, Status::Invalid, "not a buffer"},
        {{address, word, scratch, scratch}, Status::Unsupported, "one block of scratch"},
    };
    for (const auto &row : table) {
        CudaParamRoom room;
        CudaParams params = room.params();
        const auto done = pack_cuda(*played.kernel, row.args, {}, params);
        assert_int_equal(static_cast<bool>(done), row.status == Status::Ok);
        if (done)
            continue;
        assert_true(done.error().status == row.status);
        assert_non_null(std::strstr(done.error().message.c_str(), row.says));
    }
    Shape shape;
    shape.shared_bytes = 16;
    CudaParamRoom room;
    CudaParams params = room.params();
    const Arg both[] = {address, word, scratch};
    assert_false(static_cast<bool>(pack_cuda(*played.kernel, both, shape, params)));
}

/// Beyond 48 KiB the driver is asked once, and never for less again.
void asks_for_much_scratch_once(void **) {
    Played played;
    CudaParamRoom room;
    CudaParams params = room.params();
    Shape shape;
    attribute_set = 0;
    static constexpr struct {
        uint32_t bytes;
        int asked;
    } table[] = {{48 * 1024, 0}, {64 * 1024, 1}, {64 * 1024, 1}, {50 * 1024, 1}, {100 * 1024, 2}};
    for (const auto &row : table) {
        shape.shared_bytes = row.bytes;
        assert_true(static_cast<bool>(pack_cuda(*played.kernel, {}, shape, params)));
        assert_int_equal(params.shared_bytes, row.bytes);
        assert_int_equal(attribute_set, row.asked);
    }
    assert_int_equal(attribute_bytes, 100 * 1024);
    shape.shared_bytes = 220 * 1024;
    const auto refused = pack_cuda(*played.kernel, {}, shape, params);
    assert_true(!refused && refused.error().code == CUDA_ERROR_INVALID_VALUE);
}

void knows_what_codes_mean(void **) {
    static constexpr struct {
        CUresult code;
        Status status;
        bool final;
        const char *name;
    } table[] = {
        {CUDA_ERROR_INVALID_VALUE, Status::Driver, false, "CUDA_ERROR_INVALID_VALUE"},
        {CUDA_ERROR_OUT_OF_MEMORY, Status::DeviceMemory, false, "CUDA_ERROR_OUT_OF_MEMORY"},
        {CUDA_ERROR_NO_DEVICE, Status::Unavailable, false, "CUDA_ERROR_NO_DEVICE"},
        {CUDA_ERROR_ECC_UNCORRECTABLE, Status::Lost, true, "CUDA_ERROR_ECC_UNCORRECTABLE"},
        {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, Status::Unsupported, false,
         "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
        {CUDA_ERROR_INVALID_PTX, Status::Build, false, "CUDA_ERROR_INVALID_PTX"},
        {CUDA_ERROR_ILLEGAL_ADDRESS, Status::Driver, true, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {CUDA_ERROR_LAUNCH_TIMEOUT, Status::Driver, true, "CUDA_ERROR_LAUNCH_TIMEOUT"},
        {CUDA_ERROR_LAUNCH_FAILED, Status::Driver, true, "CUDA_ERROR_LAUNCH_FAILED"},
        {CUDA_ERROR_CONTAINED, Status::Lost, true, "CUDA_ERROR_CONTAINED"},
        {CUDA_ERROR_TENSOR_MEMORY_LEAK, Status::Driver, true, "CUDA_ERROR_TENSOR_MEMORY_LEAK"},
        {CUDA_ERROR_NOT_PERMITTED, Status::Denied, false, "CUDA_ERROR_NOT_PERMITTED"},
        {CUDA_ERROR_UNKNOWN, Status::Driver, false, "CUDA_ERROR_UNKNOWN"},
        {static_cast<CUresult>(12345), Status::Driver, false, "an unknown CUDA error"},
    };
    const api::Cuda cuda; // tells no names itself
    for (const auto &row : table) {
        const base::Error why = cuda_failure(cuda, "cuThing", row.code);
        assert_true(why.status == row.status);
        assert_int_equal(why.code, row.code);
        assert_string_equal(why.backend.c_str(), "cuda");
        assert_true(why.message == std::string("cuThing answered ") + row.name + " (" +
                                       std::to_string(row.code) + ")");
        assert_int_equal(cuda_final(row.code), row.final);
    }
}

/// All of which the document says that "any further CUDA work will return the same error", that the
/// process is to be started again, or that what the work needs is gone; and only those.
void knows_what_ends_a_context(void **) {
    static constexpr int final[] = {4,   214, 220, 226, 700, 702, 709, 710, 714,
                                    715, 716, 717, 718, 719, 721, 810, 911};
    for (int code = 0; code < 1000; ++code)
        assert_int_equal(cuda_final(static_cast<CUresult>(code)),
                         std::find(std::begin(final), std::end(final), code) != std::end(final));
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(lays_arguments_out),
        cmocka_unit_test(checks_what_the_kernel_takes),
        cmocka_unit_test(asks_for_much_scratch_once),
        cmocka_unit_test(knows_what_codes_mean),
        cmocka_unit_test(knows_what_ends_a_context),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
