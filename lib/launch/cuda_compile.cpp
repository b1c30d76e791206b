// SPDX-License-Identifier: MIT
// CUDA C by NVRTC: options, architectures, names and the log. Document: NVRTC.
#include "launch/cuda_compile.h"

#include "base/text.h"
#include "launch/cuda_image.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace hwa::launch {
namespace {

using base::Status;

base::Error failure(const api::Nvrtc &compiler, const char *call, nvrtcResult code) {
    base::Error why =
        base::error(code == NVRTC_ERROR_OUT_OF_MEMORY ? Status::HostMemory : Status::Driver,
                    "%s answered %s (%d)", call, compiler.error_name(code), code);
    why.code = code;
    why.backend = "nvrtc";
    return why;
}

/// One run of the compiler.
class Compilation {
  public:
    explicit Compilation(const api::Nvrtc &compiler) : compiler_(compiler) {}
    ~Compilation() {
        if (program_ != nullptr)
            compiler_.nvrtcDestroyProgram(&program_);
    }
    Compilation(const Compilation &) = delete;
    Compilation &operator=(const Compilation &) = delete;

    base::Done create(const std::string &source, const std::string &name) {
        nvrtcResult code = compiler_.nvrtcCreateProgram(&program_, source.c_str(), "kernel.cu", 0,
                                                        nullptr, nullptr);
        if (code != NVRTC_SUCCESS)
            return failure(compiler_, "nvrtcCreateProgram", code);
        if (!name.empty())
            code = compiler_.nvrtcAddNameExpression(program_, name.c_str());
        if (code != NVRTC_SUCCESS)
            return failure(compiler_, "nvrtcAddNameExpression", code);
        return {};
    }

    base::Done compile(const std::vector<std::string> &options, std::string &log) {
        std::vector<const char *> list;
        for (const std::string &option : options)
            list.push_back(option.c_str());
        const nvrtcResult code =
            compiler_.nvrtcCompileProgram(program_, static_cast<int>(list.size()), list.data());
        log = text(compiler_.nvrtcGetProgramLogSize, compiler_.nvrtcGetProgramLog);
        if (code == NVRTC_SUCCESS)
            return {};
        base::Error why = failure(compiler_, "nvrtcCompileProgram", code);
        if (code == NVRTC_ERROR_COMPILATION || code == NVRTC_ERROR_INVALID_OPTION) {
            why.status = Status::Build;
            why.message = complaint(log, why.message);
        }
        return why;
    }

    /// A cubin where the architecture is a real one, else PTX; "" if there is neither.
    std::string code() const {
        size_t size = 0;
        if (compiler_.nvrtcGetCUBINSize != nullptr && compiler_.nvrtcGetCUBIN != nullptr &&
            compiler_.nvrtcGetCUBINSize(program_, &size) == NVRTC_SUCCESS && size > 1) {
            std::string cubin(size, '\0');
            if (compiler_.nvrtcGetCUBIN(program_, cubin.data()) == NVRTC_SUCCESS)
                return cubin;
        }
        std::string ptx = text(compiler_.nvrtcGetPTXSize, compiler_.nvrtcGetPTX);
        if (!ptx.empty())
            ptx += '\0';
        return ptx;
    }

    std::string lowered(const std::string &name) const {
        const char *found = nullptr;
        if (compiler_.nvrtcGetLoweredName(program_, name.c_str(), &found) != NVRTC_SUCCESS ||
            found == nullptr)
            return {};
        return found;
    }

  private:
    /// Text of any length, without its final NULs and line ends.
    template <class Size, class Get> std::string text(Size &&size_of, Get &&get) const {
        size_t size = 0;
        if (size_of(program_, &size) != NVRTC_SUCCESS || size <= 1)
            return {};
        std::string all(size, '\0');
        if (get(program_, all.data()) != NVRTC_SUCCESS)
            return {};
        return std::string(base::trim(all));
    }

    static std::string complaint(const std::string &log, const std::string &otherwise) {
        const auto lines = base::split(log, '\n');
        for (const std::string_view line : lines)
            if (line.find("error") != std::string_view::npos)
                return base::sanitise(line, 300);
        return lines.empty() ? otherwise : base::sanitise(lines[0], 300);
    }

    const api::Nvrtc &compiler_;
    nvrtcProgram program_ = nullptr;
};

/// True if the compiler makes code for that very capability.
bool makes(const api::Nvrtc &compiler, int capability) {
    int count = 0;
    if (compiler.nvrtcGetNumSupportedArchs == nullptr ||
        compiler.nvrtcGetSupportedArchs == nullptr ||
        compiler.nvrtcGetNumSupportedArchs(&count) != NVRTC_SUCCESS || count <= 0 || count > 4096)
        return true;
    std::vector<int> all(static_cast<size_t>(count));
    if (compiler.nvrtcGetSupportedArchs(all.data()) != NVRTC_SUCCESS)
        return true;
    return std::find(all.begin(), all.end(), capability) != all.end();
}

/// The newest that the compiler knows and the device runs; 0 if there is none.
int newest(const api::Nvrtc &compiler, int capability) {
    for (int below = capability; below > 0; --below)
        if (makes(compiler, below))
            return below;
    return 0;
}

bool names_architecture(const std::string &option) {
    return option.starts_with("--gpu-architecture") || option.starts_with("-arch");
}

/// For a device that the compiler does not know, PTX that the driver makes the rest of.
base::Result<std::vector<std::string>> options_of(const api::Nvrtc &compiler,
                                                  const CompileRequest &request) {
    std::vector<std::string> options = split_options(request.options);
    if (std::any_of(options.begin(), options.end(), names_architecture))
        return options;
    const int found = newest(compiler, request.capability);
    if (found == 0)
        return base::error(Status::Unsupported,
                           "NVRTC %d.%d makes no code for devices of compute capability %d.%d",
                           compiler.major, compiler.minor, request.capability / 10,
                           request.capability % 10);
    options.push_back(base::format("--gpu-architecture=%s_%d",
                                   found == request.capability ? "sm" : "compute", found));
    return options;
}

/// A kernel of C++ has another name in the code than in the source, so where there is none of the
/// plain name it is asked for. `extern "C"` spares the second run.
bool has_plain_name(const CompileRequest &request, const std::string &code) {
    if (code.starts_with("\x7f"
                         "ELF")) {
        const auto cubin = read_cubin(code);
        if (!cubin)
            return true;
        return std::find(cubin->kernels.begin(), cubin->kernels.end(), request.entry) !=
               cubin->kernels.end();
    }
    return code.find(' ' + request.entry + '(') != std::string::npos;
}

} // namespace

base::Result<const api::Nvrtc *> nvrtc(const std::string &library_path, int driver_major) {
    static std::mutex mutex;
    static const api::Nvrtc *opened = nullptr;
    const std::lock_guard lock(mutex);
    if (opened == nullptr) {
        HWA_TRY(api::Nvrtc loaded, api::load_nvrtc(library_path, driver_major));
        opened = new api::Nvrtc(std::move(loaded));
    }
    return opened;
}

static base::Result<CudaImage> compile(const api::Nvrtc &compiler, const CompileRequest &request,
                                       const std::vector<std::string> &options, std::string &log) {
    const std::string source(request.source.data(), request.source.size());
    CudaImage image;
    {
        Compilation plain(compiler);
        HWA_CHECK(plain.create(source, ""));
        HWA_CHECK(plain.compile(options, log));
        image = {plain.code(), request.entry};
    }
    if (!has_plain_name(request, image.code)) {
        Compilation named(compiler);
        std::string complaints;
        if (named.create(source, request.entry) && named.compile(options, complaints))
            if (std::string name = named.lowered(request.entry); !name.empty())
                image = {named.code(), std::move(name)};
    }
    if (image.code.empty())
        return base::error(Status::Driver, "NVRTC made neither a cubin nor PTX");
    return image;
}

base::Result<CudaImage> compile_cuda(const api::Nvrtc &compiler, const CompileRequest &request,
                                     std::string &log) {
    HWA_TRY(const auto options, options_of(compiler, request));
    std::string list;
    for (const std::string &option : options)
        list += option + '\n';
    const std::string version = base::format("nvrtc %d.%d", compiler.major, compiler.minor);
    const std::string_view source(request.source.data(), request.source.size());
    const std::string key = cache_key({"cuda", version, list, request.entry, source});
    const Cache *const cache = reads_files(source, request.options) ? nullptr : request.cache;
    if (cache != nullptr)
        if (const auto found = cache->find(key)) {
            const size_t end = found->find('\0');
            if (end != std::string::npos)
                return CudaImage{found->substr(end + 1), found->substr(0, end)};
        }
    HWA_TRY(CudaImage image, compile(compiler, request, options, log));
    if (cache != nullptr)
        cache->store(key, image.entry + '\0' + image.code);
    return image;
}

} // namespace hwa::launch
