// SPDX-License-Identifier: MIT
// The table of all providers, in the order they are tried.
#include "launch/op.h"

#include "base/text.h"

namespace hwa::launch {

using base::Status;

/// Runtimes that lib/kernels has a language for.
static constexpr const char *with_kernels = "opencl,vulkan,cuda";

// clang-format off: one row to a line
static constexpr Provider table[] = {
    {"fill", "cpu", "builtin", fill_cpu},
    {"fill", with_kernels, "builtin", fill_kernel},
    {"copy", "cpu", "builtin", copy_cpu},
    {"copy", with_kernels, "builtin", copy_kernel},
    {"axpby", "cpu", "builtin", axpby_cpu},
    {"axpby", with_kernels, "builtin", axpby_kernel},
    {"reduce", "cpu", "builtin", reduce_cpu},
    {"reduce", with_kernels, "builtin", reduce_kernel},
    {"gemm", "cpu", "onednn", gemm_onednn_large},
    {"gemm", "cpu", "openblas", gemm_openblas},
    {"gemm", "cpu", "onednn", gemm_onednn},
    {"gemm", "cpu", "blis", gemm_blis},
    {"gemm", "cpu", "builtin", gemm_builtin},
    {"gemm", "cuda", "cublaslt", gemm_cublas},
    {"gemm", with_kernels, "builtin", gemm_kernel},
};
// clang-format on

namespace {

std::string op_names() {
    std::string names;
    for (const Provider &row : table)
        if (!base::list_holds(names, row.op))
            names += (names.empty() ? "" : ",") + std::string(row.op);
    return names;
}

/// The attribute "provider" is everybody's, so it is taken out before an operation reads its own.
base::Result<std::string> take_provider(std::vector<core::Attr> &attrs) {
    std::string named;
    for (size_t i = 0; i < attrs.size();) {
        if (attrs[i].key != "provider") {
            ++i;
            continue;
        }
        if (attrs[i].type != core::AttrType::Text || attrs[i].s.empty())
            return base::error(Status::Invalid, "provider must be the name of one");
        if (!named.empty())
            return base::error(Status::Invalid, "provider is there twice");
        named = attrs[i].s;
        attrs.erase(attrs.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return named;
}

/// What a provider says that cannot do it, as opposed to one that something went wrong for.
bool declines(Status status) {
    return status == Status::Unsupported || status == Status::Unavailable;
}

base::Error nobody(const OpRequest &request, const std::string &named, const std::string &reasons) {
    const std::string op = base::sanitise(request.name, 64);
    const std::string runtime(request.runtime);
    std::string there;
    for (const Provider &row : table)
        if (request.name == row.op && base::list_holds(row.runtime, request.runtime) &&
            there.find(row.name) == std::string::npos)
            there += (there.empty() ? "" : ", ") + std::string(row.name);
    if (there.empty())
        return base::error(Status::Unsupported, "nothing runs %s on %s", op.c_str(),
                           runtime.c_str());
    if (reasons.empty())
        return base::error(Status::Unsupported, "%s on %s has no provider \"%s\"; it has: %s",
                           op.c_str(), runtime.c_str(), base::sanitise(named, 64).c_str(),
                           there.c_str());
    return base::error(Status::Unsupported, "nothing runs %s here (%s)", op.c_str(),
                       reasons.c_str());
}

} // namespace

base::Result<Operation> make_operation(const OpRequest &request) {
    std::vector<core::Attr> attrs(request.attrs.begin(), request.attrs.end());
    HWA_TRY(const std::string named, take_provider(attrs));
    OpRequest own = request;
    own.attrs = attrs;
    own.forced = !named.empty();
    bool known = false;
    std::string reasons;
    base::Error failure; // of the last provider that had one
    failure.status = Status::Ok;
    for (const Provider &row : table) {
        known = known || request.name == row.op;
        if (request.name != row.op || !base::list_holds(row.runtime, request.runtime) ||
            (!named.empty() && named != row.name))
            continue;
        auto made = row.make(own);
        if (made || made.error().status == Status::Invalid)
            return made;
        reasons += base::format("%s%s: %s", reasons.empty() ? "" : "; ", row.name,
                                made.error().message.c_str());
        if (!declines(made.error().status))
            failure = std::move(made.error());
    }
    if (!known)
        return base::error(Status::NotFound, "there is no operation \"%s\"; there is: %s",
                           base::sanitise(request.name, 64).c_str(), op_names().c_str());
    base::Error why = nobody(request, named, reasons);
    if (failure.status == Status::Ok)
        return why;
    failure.message = std::move(why.message);
    return failure;
}

} // namespace hwa::launch
