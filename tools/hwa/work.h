// SPDX-License-Identifier: MIT
// Work: an operation on random numbers, what it costs, and the proof that its result is right.
#pragma once

#include "gemm.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hwa::tool {

/// An operation as `hwa run` knows it; docs/ops.md says what each does.
struct Operation {
    const char *name;
    const char *what;  ///< as a formula
    uint32_t buffers;  ///< the last is the result
    uint32_t passes;   ///< over memory, per element; 0: its speed is counted in operations
    uint32_t size;     ///< elements, or rows and columns, unless another is asked for
    uint32_t largest;  ///< that may be asked for
    double unit_error; ///< what rounding explains of an element; 0: it must be exact
};

/// What `fill` writes.
inline constexpr float fill_value = 0.1f;

/// NULL if there is none of that name.
const Operation *find_operation(const std::string &name);
/// "gemm, axpby, …".
std::string operation_names();

struct Work {
    const Operation *operation = nullptr;
    uint32_t size = 0;
    std::vector<std::vector<float>> data; ///< one per buffer

    bool is_product() const { return operation->passes == 0; }
    /// Makes the result no number, and so wrong where it is left unwritten.
    void forget();
    /// "gemm, 1024 × 1024 × 1024, f32".
    std::string title() const;
    /// Floating-point operations of a product, else bytes read and written.
    double amount() const;
};

/// Its result is still to come.
Work make_work(const Operation &operation, uint32_t size);

Check check(const Work &work);

} // namespace hwa::tool
