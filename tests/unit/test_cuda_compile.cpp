// SPDX-License-Identifier: MIT
// launch/cuda_compile: CUDA C through the real NVRTC, where one is installed, HWA_TEST_NVRTC names
// its folder, or a Python package has it. No device is needed.
#include "check.h"

#include "launch/cuda_compile.h"
#include "launch/cuda_image.h"
#include "os/host.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

using namespace hwa;
using base::Status;

namespace {

const api::Nvrtc *compiler;

constexpr const char *source = "extern \"C\" __global__ void add(const float *a, float *b) {\n"
                               "    b[threadIdx.x] += FACTOR * a[threadIdx.x];\n"
                               "}\n"
                               "template <typename T> __global__ void fill(T *to, T value) {\n"
                               "    to[threadIdx.x] = value;\n"
                               "}\n"
                               "namespace mine { __global__ void plain(int *x) { *x = 1; } }\n";

launch::CompileRequest request_for(const char *entry, int capability) {
    launch::CompileRequest request;
    request.source = {source, std::strlen(source)};
    request.entry = entry;
    request.options = "-DFACTOR=2";
    request.capability = capability;
    return request;
}

void makes_cubins(void **) {
    for (const int capability : {80, 90, 100}) {
        std::string log;
        const auto image = launch::compile_cuda(*compiler, request_for("add", capability), log);
        if (!image)
            fail_msg("%s\n%s", image.error().message.c_str(), log.c_str());
        const auto cubin = launch::read_cubin(image->code);
        assert_true(static_cast<bool>(cubin));
        assert_int_equal(cubin->capability, capability);
        assert_string_equal(image->entry.c_str(), "add");
        assert_true(std::count(cubin->kernels.begin(), cubin->kernels.end(), "add") == 1);
    }
}

void finds_names_of_cpp(void **) {
    for (const char *entry : {"fill<float>", "mine::plain"}) {
        std::string log;
        const auto image = launch::compile_cuda(*compiler, request_for(entry, 90), log);
        assert_true(static_cast<bool>(image));
        assert_true(image->entry.starts_with("_Z"));
        const auto cubin = launch::read_cubin(image->code);
        assert_true(static_cast<bool>(cubin));
        assert_true(std::count(cubin->kernels.begin(), cubin->kernels.end(), image->entry) == 1);
    }
}

/// A virtual architecture gives PTX, and so does a device that is newer than the compiler.
void falls_back_to_ptx(void **) {
    launch::CompileRequest asked = request_for("add", 90);
    asked.options += " --gpu-architecture=compute_75";
    for (const auto &request : {asked, request_for("add", 129)}) {
        std::string log;
        const auto image = launch::compile_cuda(*compiler, request, log);
        assert_true(static_cast<bool>(image));
        assert_int_equal(image->code.back(), '\0');
        const auto head = launch::read_ptx_head(image->code);
        assert_true(head.capability >= 75 && head.capability < 129);
    }
}

void quotes_the_whole_log(void **) {
    std::string text = "extern \"C\" __global__ void k(int *x) { *x = first_wrong; }\n";
    for (int i = 0; i < 60; ++i)
        text += "__global__ void k" + std::to_string(i) + "(int *x) { *x = wrong_" +
                std::to_string(i) + "; }\n";
    launch::CompileRequest request = request_for("k", 90);
    request.source = text;
    std::string log;
    const auto image = launch::compile_cuda(*compiler, request, log);
    assert_true(!image && image.error().status == Status::Build);
    assert_true(image.error().message.find("first_wrong") != std::string::npos);
    assert_true(log.find("wrong_59") != std::string::npos);
    request = request_for("add", 90);
    request.options = "--no-such-option";
    const auto refused = launch::compile_cuda(*compiler, request, log);
    assert_true(!refused && refused.error().status == Status::Build);
}

/// The same code and name, and another build for other options.
void takes_what_is_kept(void **) {
    char folder[] = "/tmp/hwa-nvrtc-XXXXXX";
    assert_non_null(::mkdtemp(folder));
    const auto cache = launch::Cache::open(folder);
    assert_true(static_cast<bool>(cache));
    launch::CompileRequest request = request_for("fill<double>", 90);
    request.cache = cache->get();
    std::string log;
    const uint64_t start = os::clock_ns();
    const auto made = launch::compile_cuda(*compiler, request, log);
    const uint64_t between = os::clock_ns();
    const auto kept = launch::compile_cuda(*compiler, request, log);
    const uint64_t end = os::clock_ns();
    assert_true(made && kept);
    assert_true(made->code == kept->code && made->entry == kept->entry);
    print_message("made in %.2f ms, taken in %.3f ms\n", double(between - start) * 1e-6,
                  double(end - between) * 1e-6);
    request.options += " -DOTHER";
    const auto other = launch::compile_cuda(*compiler, request, log);
    assert_true(static_cast<bool>(other));
    std::filesystem::remove_all(folder);
}

} // namespace

int main() {
    const char *folder = std::getenv("HWA_TEST_NVRTC");
    const auto loaded = launch::nvrtc(folder == nullptr ? "" : folder, 12);
    if (!loaded) {
        print_message("%s\n", loaded.error().message.c_str());
        return 77;
    }
    compiler = *loaded;
    print_message("NVRTC %d.%d\n", compiler->major, compiler->minor);
    const CMUnitTest tests[] = {
        cmocka_unit_test(makes_cubins),       cmocka_unit_test(finds_names_of_cpp),
        cmocka_unit_test(falls_back_to_ptx),  cmocka_unit_test(quotes_the_whole_log),
        cmocka_unit_test(takes_what_is_kept),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
