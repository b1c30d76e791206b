// SPDX-License-Identifier: MIT
// The kernels of the built-in operations, as text or SPIR-V, and how they are built for a queue.
#pragma once

#include "launch/op.h"

#include <type_traits>

namespace hwa::launch {

/// A file of lib/kernels, or what was compiled of one: "reduce.cl", "reduce-sum-f32.spv".
struct KernelFile {
    const char *name;
    const void *data;
    size_t size_bytes;
};

/// All of them; written by lib/kernels/embed.py.
std::span<const KernelFile> kernel_files();

/// How the threads of a device are best used.
enum class Style {
    Groups, ///< as on a GPU: groups that share memory, neighbours with neighbouring elements
    Lanes,  ///< the same without barriers where they can be done without: llvmpipe
    Runs    ///< a thread for each run of elements, as on a processor
};
Style style_of(const OpRequest &request);

/// A kernel and all that the compiler is to know. `variant` names what of that is fixed in SPIR-V.
struct KernelChoice {
    std::string file;    ///< "gemm_tiled"
    std::string entry;   ///< "gemm"
    std::string variant; ///< "-f32"
    std::string options; ///< "-DELEMENT=float"
};

/// Unsupported if there is none in a language of the queue's runtime.
base::Result<std::shared_ptr<Program>> build_kernel(const OpRequest &request,
                                                    const KernelChoice &choice);

/// The name of a type in the language of the runtime; "" if no kernel has it.
const char *type_name(std::string_view runtime, core::Dtype dtype);

/// A value among the arguments of a kernel.
template <class T> std::vector<std::byte> bytes_of(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto *first = reinterpret_cast<const std::byte *>(&value);
    return {first, first + sizeof value};
}

/// The real as an element of that format, which is F32 or F64.
std::vector<std::byte> real_bytes(core::Dtype dtype, double value);

} // namespace hwa::launch
