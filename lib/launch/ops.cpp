// SPDX-License-Identifier: MIT
// The table of all providers, in the order they are tried.
#include "launch/op.h"

#include "config.h"

#include "base/text.h"

namespace hwa::launch {

static constexpr Provider table[] = {
#if HWA_RUNTIME_CPU
    {"gemm", "cpu", "openblas", gemm_openblas},
    {"gemm", "cpu", "blis", gemm_blis},
    {"gemm", "cpu", "builtin", gemm_builtin},
#endif
#if HWA_RUNTIME_OPENCL
    {"gemm", "opencl", "builtin", gemm_opencl},
#endif
    {"", "", "", nullptr},
};

static std::string op_names() {
    std::string names;
    for (const Provider &row : table)
        if (row.make != nullptr && !base::list_holds(names, row.op))
            names += (names.empty() ? "" : ", ") + std::string(row.op);
    return names;
}

base::Result<Operation> make_operation(const OpRequest &request) {
    const std::string op(request.name);
    bool known = false;
    std::string reasons;
    for (const Provider &row : table) {
        if (row.make == nullptr || op != row.op)
            continue;
        known = true;
        if (request.runtime != row.runtime)
            continue;
        auto made = row.make(request);
        if (made || made.error().status == base::Status::Invalid)
            return made;
        reasons += base::format("%s%s: %s", reasons.empty() ? "" : "; ", row.name,
                                made.error().message.c_str());
    }
    if (!known)
        return base::error(base::Status::NotFound, "there is no operation \"%s\"; there is: %s",
                           base::sanitise(op, 64).c_str(), op_names().c_str());
    const std::string runtime(request.runtime);
    return base::error(base::Status::Unsupported, "nothing runs %s here (%s)", op.c_str(),
                       reasons.empty() ? (runtime + " has no provider").c_str() : reasons.c_str());
}

} // namespace hwa::launch
