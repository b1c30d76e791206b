// SPDX-License-Identifier: MIT
// launch/gemm: every provider by itself, those too that a better one would keep from being chosen.
#include "check.h"

#include "api/blas.h"
#include "launch/op.h"
#include "launch/opencl.h"
#include "os/latch.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#if defined(__x86_64__)
#define HWA_TRIPLET "x86_64-linux-gnu"
#else
#define HWA_TRIPLET "aarch64-linux-gnu"
#endif

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

/// The only folder to look for libraries in, or "".
static std::string library_path;

/// Whose kernel gemm_kernel is.
static const char *kernel_runtime = "opencl";

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
    request.runtime = make == gemm_kernel ? kernel_runtime : "cpu";
    request.library_path = library_path;
    request.forced = true;
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
    const std::shared_ptr<Memory> memories[] = {filled(queue, a), filled(queue, b),
                                                filled(queue, c)};
    for (size_t i = 0; i < 3; ++i)
        args.push_back({&memories[i], 0, nullptr,
                        (i == 0   ? a
                         : i == 1 ? b
                                  : c)
                                .size() *
                            sizeof(T)});
    for (const auto &value : made->values)
        args.push_back({nullptr, 0, value.data(), value.size()});
    assert_true(bool(queue.run(made->program, args, made->shape)));
    assert_true(bool(queue.read(memories[2], 0, c.data(), c.size() * sizeof(T))));
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
    multiply_all(make, **queue, device, make != gemm_onednn);
}

/// A folder of its own, with libraries under the names that are looked for, or with none.
struct Folder {
    Folder() { assert_non_null(mkdtemp(path)); }
    ~Folder() {
        for (const std::string &place : places)
            unlink(place.c_str());
        rmdir(path);
    }
    void link(const char *library, const char *soname) {
        places.push_back(std::string(path) + "/" + soname);
        assert_int_equal(symlink(library, places.back().c_str()), 0);
    }
    char path[32] = "/tmp/hwa-gemm-XXXXXX";
    std::vector<std::string> places;
};

/// Debian's build with 64-bit integers exports the names of the one with 32.
static void by_wide_openblas(void **) {
    const char *wide = "/usr/lib/" HWA_TRIPLET "/libopenblas64.so.0";
    if (access(wide, R_OK) != 0)
        _skip(__FILE__, __LINE__);
    Folder folder;
    folder.link(wide, "libopenblas.so.0");
    const auto loaded = api::load_openblas(folder.path);
    assert_true(bool(loaded));
    assert_true(loaded->wide);
    Folder other; // also under the name that it comes with
    other.link(wide, "libopenblas64.so.0");
    assert_true(bool(api::load_openblas(other.path)));
    library_path = folder.path;
    on_the_cpu<gemm_openblas>(nullptr);
    library_path.clear();
}

/// Asks for a product of so many rows; the name of who takes it, or the refusal.
static std::string ask(const std::string &folder, int64_t rows, const char *provider) {
    const Runtime *runtime = find_runtime("cpu");
    core::Device device;
    OpenRequest open;
    open.device = &device;
    auto queue = runtime->open(open);
    assert_true(bool(queue));
    auto attrs = attrs_of({rows, rows, rows, 0, 0, 0}, "f32");
    if (provider[0] != '\0')
        attrs.push_back(core::attr_text("provider", provider, core::Source::Unknown));
    std::string log;
    OpRequest request;
    request.name = "gemm";
    request.attrs = attrs;
    request.queue = queue->get();
    request.log = &log;
    request.runtime = "cpu";
    request.device = &device;
    request.library_path = folder;
    const auto made = make_operation(request);
    if (!made)
        assert_true(made.error().status == base::Status::Unsupported);
    return made ? made->provider : made.error().message;
}

static void assert_part(const std::string &whole, const char *part) {
    if (whole.find(part) == std::string::npos)
        fail_msg("\"%s\" lacks \"%s\"", whole.c_str(), part);
}

/// Without a library the next one is asked; if the caller named it, that is refused with a reason.
static void chooses_a_provider(void **) {
    if (find_runtime("cpu") == nullptr)
        _skip(__FILE__, __LINE__);
    const Folder empty;
    assert_string_equal(ask(empty.path, 64, "").c_str(), "builtin");
    assert_string_equal(ask(empty.path, 512, "").c_str(), "builtin");
    for (const char *name : {"onednn", "openblas", "blis"}) {
        const std::string refusal = ask(empty.path, 64, name);
        assert_part(refusal, name);
        assert_part(refusal, empty.path);
    }
    assert_string_equal(ask("", 64, "builtin").c_str(), "builtin");
    assert_part(ask("", 64, "nobody"), "\"nobody\"; it has: onednn, openblas, blis, builtin");
}

/// Where the newest library lacks a function, an older one does.
static void takes_an_older_library(void **) {
    const char *older = "/usr/lib/" HWA_TRIPLET "/libdnnl.so.2";
    const char *other = "/usr/lib/" HWA_TRIPLET "/libm.so.6";
    if (find_runtime("cpu") == nullptr || access(older, R_OK) != 0 || access(other, R_OK) != 0)
        _skip(__FILE__, __LINE__);
    Folder folder;
    folder.link(other, "libdnnl.so.3");
    folder.link(older, "libdnnl.so.2");
    assert_part(ask(folder.path, 64, "onednn"), "onednn 2.");
}

/// A file that is no library at all, and one that lacks the function.
static void refuses_what_is_no_blas(void **) {
    if (find_runtime("cpu") == nullptr)
        _skip(__FILE__, __LINE__);
    Folder text;
    text.link("/etc/passwd", "libopenblas.so.0");
    assert_part(ask(text.path, 64, "openblas"), "libopenblas.so.0");
    assert_string_equal(ask(text.path, 64, "").c_str(), "builtin");
    const char *other = "/usr/lib/" HWA_TRIPLET "/libm.so.6";
    if (access(other, R_OK) != 0)
        return;
    Folder wrong;
    wrong.link(other, "libdnnl.so.3");
    assert_part(ask(wrong.path, 64, "onednn"), "dnnl_sgemm");
}

/// The kernel with tiles is for GPUs; here it runs on whatever OpenCL device there is.
static void with_tiles_by_opencl(void **) {
    const Runtime *runtime = find_runtime("opencl");
    const auto loaded = api::load_opencl("");
    if (runtime == nullptr || !loaded)
        _skip(__FILE__, __LINE__);
    const api::OpenCl &cl = *loaded;
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

/// The same in GLSL, on the first Vulkan device.
static void with_tiles_by_vulkan(void **) {
    const Runtime *runtime = find_runtime("vulkan");
    if (runtime == nullptr)
        _skip(__FILE__, __LINE__);
    core::Device device;
    device.kind = core::Kind::Gpu;
    core::Runtime row;
    row.name = "vulkan";
    row.native_id = "0";
    OpenRequest request;
    request.device = &device;
    request.runtime = &row;
    auto queue = runtime->open(request);
    if (!queue) {
        print_message("%s\n", queue.error().message.c_str());
        _skip(__FILE__, __LINE__);
    }
    kernel_runtime = "vulkan";
    multiply_all(gemm_kernel, **queue, device, false);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(on_the_cpu<gemm_openblas>), cmocka_unit_test(on_the_cpu<gemm_blis>),
        cmocka_unit_test(on_the_cpu<gemm_onednn>),   cmocka_unit_test(on_the_cpu<gemm_builtin>),
        cmocka_unit_test(by_wide_openblas),          cmocka_unit_test(chooses_a_provider),
        cmocka_unit_test(takes_an_older_library),    cmocka_unit_test(refuses_what_is_no_blas),
        cmocka_unit_test(with_tiles_by_opencl),      cmocka_unit_test(with_tiles_by_vulkan),
    };
    const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    // The threads that oneDNN leaves behind have the search for leaks itself crash.
    std::fflush(nullptr);
    std::_Exit(failed);
#endif
#endif
    return failed;
}
