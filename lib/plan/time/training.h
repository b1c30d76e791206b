// SPDX-License-Identifier: MIT
// What a training step is made of, before an engine's constants are applied.
#pragma once

#include "plan/case.h"
#include "plan/time/chip.h"

namespace hwa::plan {

/// Seconds on the device that has most to do, of one micro-batch forward and backward, what is
/// computed twice included; and what comes once in a step.
struct StepParts {
    double products = 0; ///< of matrices, experts not included
    double experts = 0;
    double attention = 0;
    double elementwise = 0;  ///< norms, activations, losses: bytes over bandwidth
    double kernels = 0;      ///< number of launches
    double mixtures = 0;     ///< number of layers with experts
    double expert_calls = 0; ///< and of experts that the device holds in them
    double tensor_sends = 0;
    double expert_sends = 0;
    double stage_sends = 0;
    double weight_sends = 0; ///< of weights that are split over replicas, and their gradients
    // Of a step.
    double data_sends = 0; ///< of gradients, and of weights after the optimizer
    double optimizer = 0;
    double rounds = 1;     ///< micro-batches, and those for which the pipeline fills and drains
    double tokens = 0;     ///< of all sequences
    double operations = 0; ///< of the model, nothing twice, over all devices
    double peak = 0;       ///< operations per second of all devices
};

/// What is known of the devices; Unsupported where there is nothing to compute time from.
base::Result<StepParts> step_parts(const Case &one);

/// How an engine puts the parts together on a class of chips.
struct EngineCurve {
    double products; ///< of the seconds of the kernels
    double experts;
    double attention;
    double elementwise; ///< of what bandwidth alone would take
    double launch;      ///< seconds of the host for one kernel
    double sends;       ///< of the seconds of tensor and stage sends, what is not hidden
    double hides;       ///< share of a round behind which weights and gradients are sent
    double expert_sends;
    double mixture_launch; ///< seconds of the host for one layer with experts
    double expert_launch;  ///< and for each expert
    double early;          ///< mixtures of the first releases: times the seconds of the host
    double late;           ///< of the last ones: times those of host and device
};

/// Releases of an engine, as far as its mixtures of experts differ in speed.
enum class Release { Early, Middle, Late };

Release release_of(const Run &run);

/// Seconds of a step.
double step_seconds(const StepParts &parts, const EngineCurve &curve, Release release);

} // namespace hwa::plan
