// SPDX-License-Identifier: MIT
// Functions of the process, of libraries that are named, and of C that is compiled here.
#include "launch/cpu_code.h"

#include "base/text.h"
#include "launch/cpu_compiler.h"
#include "os/host.h"
#include "os/image.h"
#include "os/trust.h"

namespace hwa::launch {
namespace {

using base::Status;
using ProgramResult = base::Result<std::shared_ptr<CpuProgram>>;

ProgramResult from_entry(const CodeRequest &request, os::Image image, const char *where) {
    void *const entry = image.find(request.entry);
    if (entry == nullptr)
        return base::error(Status::NotFound, "%s exports no \"%s\"", where,
                           base::sanitise(request.entry, 120).c_str());
    const auto kept = std::make_shared<os::Image>(std::move(image));
    auto program = std::make_shared<CpuProgram>();
    program->kernel = request.host;
    program->state = Lease(kept, entry);
    return program;
}

base::Done check_rights(const char *what) {
    if (os::elevated())
        return base::error(Status::Denied,
                           "%s: not in a process that has more rights than its user", what);
    return {};
}

ProgramResult from_library(const CodeRequest &request) {
    HWA_CHECK(check_rights("a shared object"));
    std::string path(request.code.data(), request.code.size());
    while (path.ends_with('\0'))
        path.pop_back();
    const std::string shown = base::sanitise(path, 200);
    if (!path.starts_with('/') || path.find('\0') != std::string::npos)
        return base::error(Status::Invalid, "\"%s\" is not a path that starts with /",
                           shown.c_str());
    HWA_TRY(const os::TrustedFile file, os::trust(path, os::Owner::RootOrCaller));
    HWA_TRY(os::Image image, os::Image::open_file(file.path));
    return from_entry(request, std::move(image), shown.c_str());
}

ProgramResult from_c(const CodeSite &site, const CodeRequest &request, std::string &log) {
    if (!site.compiler)
        return base::error(Status::Unsupported,
                           "the queue was opened without HWA_QUEUE_COMPILER, which lets it run the "
                           "compiler of the system");
    HWA_CHECK(check_rights("the compiler of the system"));
    CSource source;
    source.text = {request.code.data(), request.code.size()};
    source.options = request.options;
    source.device = site.device;
    source.cache = site.cache.get();
    source.timeout_ns = site.timeout_ns;
    HWA_TRY(const std::string object, compile_c(source, log));
    HWA_TRY(os::Image image, os::Image::from_bytes(object));
    return from_entry(request, std::move(image), "the code");
}

ProgramResult from_function(const CodeRequest &request) {
    auto program = std::make_shared<CpuProgram>();
    program->kernel = request.host;
    program->state = request.state;
    program->bound = request.same_thread;
    return program;
}

} // namespace

std::string code_identity(const core::Device *device) {
    if (device == nullptr)
        return {};
    std::string identity = device->name.value;
    for (const core::Attr &attr : device->attrs)
        if (attr.key == "cpu.isa")
            identity += "\n" + attr.s;
        else if (attr.key == "cpu.family" || attr.key == "cpu.model" || attr.key == "cpu.stepping")
            identity += base::format("\n%lld", static_cast<long long>(attr.i));
    return identity;
}

ProgramResult build_cpu(const CodeSite &site, const CodeRequest &request, std::string &log) {
    switch (request.kind) {
    case core::Code::Host:
        return from_function(request);
    case core::Code::SharedObject:
        return from_library(request);
    case core::Code::C:
        return from_c(site, request, log);
    default:
        return base::error(Status::Unsupported,
                           "the cpu runtime takes functions, shared objects and C");
    }
}

} // namespace hwa::launch
