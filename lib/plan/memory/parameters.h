// SPDX-License-Identifier: MIT
// Parameters of a model that one device holds, and by what they are split.
#pragma once

#include "plan/case.h"

namespace hwa::plan {

/// Counts after the split by tensor and expert ranks; whole numbers up to 2^53 are exact.
struct Parameters {
    double matrix = 0;   ///< of layers
    double plain = 0;    ///< norms, biases and routers, which every rank holds whole
    double expert = 0;   ///< routed experts
    double table = 0;    ///< embedding and output
    double position = 0; ///< what lies outside of the layers besides these

    double shared() const { return matrix + plain + table + position; }
    double total() const { return shared() + expert; }
};

/// How many devices share the work in each way; 1 where a run does not say.
struct Degrees {
    double tensor, pipeline, data, context, expert, expert_tensor;

    explicit Degrees(const Run &run);
    /// Devices that hold the same parameters of attention and of dense FFNs.
    double replicas() const { return data * context; }
    /// And of experts.
    double expert_replicas() const {
        const double replicas = tensor * context * data / (expert * expert_tensor);
        return replicas > 1 ? replicas : 1;
    }
};

Parameters parameters_of(const Case &one, const Slice &slice);

/// Rows of the embedding on one tensor rank, filled up.
double vocabulary_rows(const Case &one);

} // namespace hwa::plan
