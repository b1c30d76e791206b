// SPDX-License-Identifier: MIT
// launch/gemm: every provider by itself, those too that a better one would keep from being chosen.
#include "check.h"

#include "launch/op.h"
#include "launch/opencl.h"
#include "os/latch.h"

#include <cmath>
#include <cstring>

using namespace hwa;
using namespace hwa::launch;
using core::AttrType;

/// A case: sizes, transposes, beta.
struct Product {
    int64_t m, n, k, transpose_a, transpose_b, beta;
};

static constexpr Product products[] = {{5, 7, 3, 0, 0, 0},
                                       {97, 130, 65, 0, 0, 1},
                                       {97, 130, 65, 1, 0, 0},
                                       {64, 64, 64, 0, 1, 2},
                                       {101, 300, 270, 1, 1, 0}};

static std::vector<core::Attr> attrs_of(const Product &p, const char *dtype) {
    const auto source = core::Source::Unknown;
    return {core::attr_int("m", p.m, source),
            core::attr_int("n", p.n, source),
            core::attr_int("k", p.k, source),
            core::attr_int("transpose_a", p.transpose_a, source),
            core::attr_int("transpose_b", p.transpose_b, source),
            core::attr_int("beta", p.beta, source),
            core::attr_real("alpha", 0.5, source),
            core::attr_text("dtype", dtype, source)};
}

template <class T> static std::vector<T> numbers(size_t count, uint32_t seed) {
    std::vector<T> made(count);
    for (T &value : made) {
        seed = seed * 1664525u + 1013904223u;
        value = static_cast<T>(seed >> 8) / static_cast<T>(1 << 23) - 1;
    }
    return made;
}

template <class T> static std::shared_ptr<Memory> filled(Queue &queue, const std::vector<T> &with) {
    MemoryRequest request;
    request.size_bytes = with.size() * sizeof(T);
    auto memory = queue.allocate(request);
    assert_true(bool(memory));
    const auto event = queue.write(*memory, 0, with.data(), request.size_bytes);
    assert_true(bool(event) && bool(queue.wait(**event, os::forever_ns)));
    return *memory;
}

template <class T>
static void check(const Product &p, const std::vector<T> &a, const std::vector<T> &b,
                  const std::vector<T> &before, const std::vector<T> &after) {
    const double allowed =
        (sizeof(T) == 8 ? 1e-14 : 1e-6) * std::sqrt(static_cast<double>(p.k)) * 4;
    for (int64_t i = 0; i < p.m; ++i)
        for (int64_t j = 0; j < p.n; ++j) {
            double sum = 0;
            for (int64_t q = 0; q < p.k; ++q)
                sum += double(a[size_t(p.transpose_a ? q * p.m + i : i * p.k + q)]) *
                       double(b[size_t(p.transpose_b ? j * p.k + q : q * p.n + j)]);
            const auto at = static_cast<size_t>(i * p.n + j);
            const double want = 0.5 * sum + double(p.beta) * double(before[at]);
            if (!(std::fabs(double(after[at]) - want) <= allowed))
                fail_msg("%d x %d x %d: C[%d][%d] is %g, not %g", int(p.m), int(p.n), int(p.k),
                         int(i), int(j), double(after[at]), want);
        }
}

using Make = base::Result<Operation> (*)(const OpRequest &);

template <class T>
static void multiply(Make make, Queue &queue, const core::Device &device, const Product &p) {
    const auto attrs = attrs_of(p, sizeof(T) == 8 ? "f64" : "f32");
    OpRequest request;
    request.name = "gemm";
    request.attrs = attrs;
    request.queue = &queue;
    std::string log;
    request.log = &log;
    request.device = &device;
    request.runtime = make == gemm_kernel ? "opencl" : "cpu";
    auto made = make(request);
    if (!made && made.error().status == base::Status::Unavailable) {
        print_message("%s\n", made.error().message.c_str());
        _skip(__FILE__, __LINE__);
    }
    if (!made)
        fail_msg("%s", made.error().message.c_str());
    const auto a = numbers<T>(static_cast<size_t>(p.m * p.k), 1);
    const auto b = numbers<T>(static_cast<size_t>(p.k * p.n), 2);
    auto c = numbers<T>(static_cast<size_t>(p.m * p.n), 3);
    const auto before = c;
    std::vector<Arg> args;
    for (const auto *matrix : {&a, &b, &before})
        args.push_back({filled(queue, *matrix), 0, nullptr, matrix->size() * sizeof(T)});
    for (const auto &value : made->values)
        args.push_back({nullptr, 0, value.data(), value.size()});
    assert_true(bool(queue.run(made->program, args, made->shape)));
    assert_true(bool(queue.read(args[2].memory, 0, c.data(), c.size() * sizeof(T))));
    assert_true(bool(queue.finish(os::forever_ns)));
    check(p, a, b, before, c);
}

static void multiply_all(Make make, Queue &queue, const core::Device &device, bool f64) {
    for (const Product &p : products) {
        multiply<float>(make, queue, device, p);
        if (f64)
            multiply<double>(make, queue, device, p);
    }
}

template <Make make> static void on_the_cpu(void **) {
    const Runtime *runtime = find_runtime("cpu");
    if (runtime == nullptr)
        _skip(__FILE__, __LINE__);
    core::Device device;
    OpenRequest request;
    request.device = &device;
    auto queue = runtime->open(request);
    assert_true(bool(queue));
    multiply_all(make, **queue, device, true);
}

/// The kernel with tiles is for GPUs; here it runs on whatever OpenCL device there is.
static void with_tiles_by_opencl(void **) {
    const Runtime *runtime = find_runtime("opencl");
    if (runtime == nullptr || !opencl())
        _skip(__FILE__, __LINE__);
    const api::OpenCl &cl = *opencl();
    cl_platform_id platform = nullptr;
    cl_device_id handle = nullptr;
    char name[256] = {};
    if (cl.clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS ||
        cl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &handle, nullptr) != CL_SUCCESS ||
        cl.clGetDeviceInfo(handle, CL_DEVICE_NAME, sizeof name - 1, name, nullptr) != CL_SUCCESS)
        _skip(__FILE__, __LINE__);
    core::Device device;
    device.kind = core::Kind::Gpu;
    device.name.offer(name, core::Source::Driver);
    core::Runtime row;
    row.native_id = "0:0";
    OpenRequest request;
    request.device = &device;
    request.runtime = &row;
    auto queue = runtime->open(request);
    if (!queue)
        fail_msg("%s", queue.error().message.c_str());
    multiply_all(gemm_kernel, **queue, device, false);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(on_the_cpu<gemm_openblas>),
        cmocka_unit_test(on_the_cpu<gemm_blis>),
        cmocka_unit_test(on_the_cpu<gemm_builtin>),
        cmocka_unit_test(with_tiles_by_opencl),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
