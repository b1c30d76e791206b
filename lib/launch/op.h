// SPDX-License-Identifier: MIT
// Operations: what a caller can ask for by name, and the providers that may take it on.
#pragma once

#include "launch/runtime.h"

namespace hwa::launch {

/// The bits of hwa_binding_flag_t.
enum BindingFlag : uint32_t { BindingInput = 1 << 0, BindingOutput = 1 << 1 };

/// One argument of an operation: a buffer of a fixed shape.
struct Binding {
    const char *name;
    uint32_t flags; ///< BindingFlag
    core::Dtype dtype;
    std::vector<int64_t> dims;
    std::vector<int64_t> strides; ///< in elements
    uint64_t size_bytes;          ///< from the first element to the last
    bool in_place = false;        ///< an output that may be the very range of an input
};

/// An operation made ready: a kernel, and all of its launch that the caller does not give.
struct Operation {
    std::string provider; ///< "openblas 0.3.21"
    std::vector<Binding> bindings;
    std::shared_ptr<Program> program;
    Shape shape;
    /// Between the parts of one run. It follows the caller's arguments, and since work of one queue
    /// alone is in order, such an operation runs on the queue it was made on.
    std::shared_ptr<Memory> scratch;
    uint64_t scratch_bytes = 0;
    std::vector<std::vector<std::byte>> values; ///< arguments that follow these
};

struct OpRequest {
    std::string_view name;
    std::span<const core::Attr> attrs;
    Queue *queue = nullptr;
    std::string *log = nullptr; ///< for what a compiler says
    std::string_view runtime;
    const core::Device *device = nullptr;
    std::string library_path; ///< the only folder to look for libraries in; "": the system's
    bool forced = false; ///< the caller named the provider, so it is not to leave it to another
};

/// One way to carry out an operation. `make` says no with the reason: Invalid for a request that
/// breaks its contract, which ends the search, and anything else to let the next one try.
struct Provider {
    const char *op;
    const char *runtime;
    const char *name;
    base::Result<Operation> (*make)(const OpRequest &request);
};

/// The operation from the first provider that takes it on. NotFound for an unknown name;
/// Unsupported, with the reason of each, if none does, or the status of the last for which
/// something went wrong.
base::Result<Operation> make_operation(const OpRequest &request);

// On the CPU, by functions of this process and libraries.
base::Result<Operation> fill_cpu(const OpRequest &request);
base::Result<Operation> copy_cpu(const OpRequest &request);
base::Result<Operation> axpby_cpu(const OpRequest &request);
base::Result<Operation> reduce_cpu(const OpRequest &request);
base::Result<Operation> gemm_onednn(const OpRequest &request);
base::Result<Operation> gemm_onednn_large(const OpRequest &request);
base::Result<Operation> gemm_openblas(const OpRequest &request);
base::Result<Operation> gemm_blis(const OpRequest &request);
base::Result<Operation> gemm_builtin(const OpRequest &request);

// On NVIDIA devices, by a library that puts its work into the queue.
base::Result<Operation> gemm_cublas(const OpRequest &request);

// On any runtime that lib/kernels has a language for.
base::Result<Operation> fill_kernel(const OpRequest &request);
base::Result<Operation> copy_kernel(const OpRequest &request);
base::Result<Operation> axpby_kernel(const OpRequest &request);
base::Result<Operation> reduce_kernel(const OpRequest &request);
base::Result<Operation> gemm_kernel(const OpRequest &request);

} // namespace hwa::launch
