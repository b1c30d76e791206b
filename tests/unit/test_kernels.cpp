// SPDX-License-Identifier: MIT
// launch/kernels: the CUDA C that operations hand to a queue compiles for every format. The
// compiler is the system's, or the one in the folder that HWA_TEST_NVRTC names; without one this is
// skipped.
#include "check.h"

#include "api/nvrtc.h"
#include "launch/cuda_image.h"
#include "launch/kernels.h"
#include "launch/op.h"

#include <cstdlib>

using namespace hwa;
using namespace hwa::launch;

namespace {

struct Nothing final : Memory {
    uint64_t native() const override { return 0; }
};

/// Compiles what it is to build, and does nothing else.
class Compiler final : public Queue {
  public:
    explicit Compiler(const api::Nvrtc &nvrtc) : nvrtc_(nvrtc) {}
    uint32_t built = 0;

    const Limits &limits() const override { return limits_; }
    void *native() const override { return nullptr; }
    std::string driver() const override { return "compiler"; }
    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &) override {
        return std::shared_ptr<Memory>(std::make_shared<Nothing>());
    }
    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        return allocate(request);
    }
    EventResult write(const std::shared_ptr<Memory> &, uint64_t, const void *, uint64_t) override {
        return std::make_shared<Event>();
    }
    EventResult read(const std::shared_ptr<Memory> &, uint64_t, void *, uint64_t) override {
        return std::make_shared<Event>();
    }
    EventResult copy(const std::shared_ptr<Memory> &, uint64_t, const std::shared_ptr<Memory> &,
                     uint64_t, uint64_t) override {
        return std::make_shared<Event>();
    }
    base::Result<void *> map(const std::shared_ptr<Memory> &) override { return nullptr; }
    base::Done unmap(const std::shared_ptr<Memory> &) override { return {}; }
    EventResult run_many(std::span<const Launch>) override { return std::make_shared<Event>(); }
    base::Result<std::shared_ptr<Program>> record(std::span<const Launch>) override {
        return std::make_shared<Program>();
    }
    base::Result<bool> wait_for(const std::shared_ptr<Event> &, Queue &) override { return true; }
    base::Result<std::shared_ptr<Gate>> gate() override { return std::shared_ptr<Gate>(); }
    void notify(const std::shared_ptr<Event> &, Notice notice) override { notice({}); }
    EventResult run(const std::shared_ptr<Program> &, std::span<const Arg>,
                    const Shape &) override {
        return std::make_shared<Event>();
    }
    base::Done wait(const Event &, uint64_t) override { return {}; }
    base::Done finish(uint64_t) override { return {}; }
    uint64_t elapsed_ns(const Event &) override { return 0; }

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &log) override {
        assert_true(request.kind == core::Code::CudaC);
        const std::string code(request.code.begin(), request.code.end());
        nvrtcProgram program = nullptr;
        assert_int_equal(
            nvrtc_.nvrtcCreateProgram(&program, code.c_str(), "kernel.cu", 0, nullptr, nullptr),
            NVRTC_SUCCESS);
        std::vector<std::string> words = split_options(request.options);
        words.push_back("--gpu-architecture=compute_75");
        std::vector<const char *> options;
        for (const std::string &word : words)
            options.push_back(word.c_str());
        const nvrtcResult result =
            nvrtc_.nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
        size_t size = 0;
        nvrtc_.nvrtcGetProgramLogSize(program, &size);
        log.resize(size);
        nvrtc_.nvrtcGetProgramLog(program, log.data());
        std::string ptx;
        if (result == NVRTC_SUCCESS && nvrtc_.nvrtcGetPTXSize(program, &size) == NVRTC_SUCCESS) {
            ptx.resize(size);
            nvrtc_.nvrtcGetPTX(program, ptx.data());
        }
        nvrtc_.nvrtcDestroyProgram(&program);
        if (result != NVRTC_SUCCESS)
            return base::error(base::Status::Build, "NVRTC refuses it");
        // Its name is not mangled: a queue looks it up as it is.
        if (ptx.find(".entry " + request.entry + "(") == std::string::npos)
            return base::error(base::Status::NotFound, "no entry %s", request.entry.c_str());
        ++built;
        return std::make_shared<Program>();
    }

  private:
    const api::Nvrtc &nvrtc_;
    Limits limits_;
};

/// Operations in every format that makes another kernel of them.
struct Case {
    const char *op;
    const char *dtype;
    const char *reduction;
};
constexpr Case cases[] = {
    {"fill", "u8", ""},       {"fill", "bf16", ""},     {"fill", "f32", ""},
    {"fill", "f64", ""},      {"copy", "i8", ""},       {"copy", "f16", ""},
    {"copy", "f32", ""},      {"copy", "f64", ""},      {"axpby", "f32", ""},
    {"axpby", "f64", ""},     {"reduce", "f32", "sum"}, {"reduce", "f32", "min"},
    {"reduce", "f64", "max"}, {"reduce", "f64", "sum"}, {"reduce", "i32", "sum"},
    {"reduce", "i32", "min"}, {"reduce", "u32", "min"}, {"reduce", "i64", "max"},
    {"reduce", "i64", "min"}, {"reduce", "u64", "min"}, {"gemm", "f32", ""},
    {"gemm", "f64", ""},
};

std::vector<core::Attr> attrs_of(const Case &one) {
    const auto source = core::Source::Unknown;
    std::vector<core::Attr> attrs = {core::attr_text("dtype", one.dtype, source),
                                     core::attr_text("provider", "builtin", source),
                                     core::attr_int("n", 1000, source)};
    if (std::string_view(one.op) == "gemm") {
        attrs.push_back(core::attr_int("m", 1000, source));
        attrs.push_back(core::attr_int("k", 1000, source));
    }
    if (one.reduction[0] != '\0')
        attrs.push_back(core::attr_text("op", one.reduction, source));
    return attrs;
}

void compiles_for_cuda(void **) {
    const char *folder = std::getenv("HWA_TEST_NVRTC");
    const auto nvrtc = api::load_nvrtc(folder == nullptr ? "" : folder, 12);
    if (!nvrtc) {
        print_message("%s\n", nvrtc.error().message.c_str());
        _skip(__FILE__, __LINE__);
    }
    Compiler queue(*nvrtc);
    core::Device device;
    device.kind = core::Kind::Gpu;
    device.put_compute({core::Dtype::F64, core::Support::Native, 0, 0, core::Source::Driver});
    uint32_t count = 0;
    for (const Case &one : cases) {
        const auto attrs = attrs_of(one);
        std::string log;
        OpRequest request;
        request.name = one.op;
        request.attrs = attrs;
        request.queue = &queue;
        request.log = &log;
        request.runtime = "cuda";
        request.device = &device;
        const auto made = make_operation(request);
        if (!made)
            fail_msg("%s %s %s: %s\n%s", one.op, one.dtype, one.reduction,
                     made.error().message.c_str(), log.c_str());
        assert_string_equal(made->provider.c_str(), "builtin cuda");
        assert_int_equal(queue.built, ++count);
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {cmocka_unit_test(compiles_for_cuda)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
