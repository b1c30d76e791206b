// SPDX-License-Identifier: MIT
// Seconds of a training step: its parts, put together as an engine does.
#include "plan/time/training.h"

#include "plan/time/step.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

struct EngineRow {
    Engine engine;
    ChipClass kind;
    EngineCurve curve;
    double error_factor;
    double mixture_error;
};

// Fitted by bench/accuracy/fit_training_time.py to throughput that was published with its layout:
// llm-foundry, torchtitan, Megatron-LM, Megatron-Bridge, BigScience and MaxText. What is fitted is
// a term of the engine, one of the class, and what is left of the two together.
// begin of fitted
constexpr EngineRow rows[] = {
    {Engine::Any,
     ChipClass::Other,
     {1.01, 0.955, 1.38, 1.99, 5.29e-06, 0.739, 0.366, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Any,
     ChipClass::AmpereHbm,
     {1.03, 0.955, 1.47, 1.84, 5.29e-06, 1.1, 0.368, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Any,
     ChipClass::Blackwell,
     {1.05, 1.06, 1.13, 2.23, 5.29e-06, 0.64, 0.366, 0.232, 0.00277, 0.000417, 1.08, 0.87},
     1.52,
     1.52},
    {Engine::Any,
     ChipClass::Hopper,
     {1.07, 0.855, 2.14, 1.72, 5.32e-06, 0.699, 0.354, 0.249, 0.00307, 0.000296, 1.86, 0.977},
     1.52,
     1.52},
    {Engine::Any,
     ChipClass::Tpu,
     {0.886, 0.955, 1.3, 2.42, 5.29e-06, 0.724, 0.366, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::DeepSpeed,
     ChipClass::Other,
     {0.92, 0.955, 1.45, 2.08, 5.29e-06, 1.58, 0.371, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::DeepSpeed,
     ChipClass::AmpereHbm,
     {0.918, 0.955, 1.57, 1.95, 5.29e-06, 2.46, 0.375, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.2,
     1.52},
    {Engine::DeepSpeed,
     ChipClass::Blackwell,
     {0.952, 1.06, 1.19, 2.33, 5.29e-06, 1.37, 0.371, 0.232, 0.00277, 0.000417, 1.08, 0.87},
     1.52,
     1.52},
    {Engine::DeepSpeed,
     ChipClass::Hopper,
     {0.971, 0.855, 2.26, 1.8, 5.32e-06, 1.49, 0.359, 0.249, 0.00307, 0.000296, 1.86, 0.977},
     1.52,
     1.52},
    {Engine::DeepSpeed,
     ChipClass::Tpu,
     {0.805, 0.955, 1.37, 2.53, 5.29e-06, 1.55, 0.371, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Jax,
     ChipClass::Other,
     {1.04, 0.955, 1.36, 2.69, 5.29e-06, 0.724, 0.366, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Jax,
     ChipClass::AmpereHbm,
     {1.06, 0.955, 1.45, 2.49, 5.29e-06, 1.07, 0.368, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Jax,
     ChipClass::Blackwell,
     {1.07, 1.06, 1.12, 3.02, 5.29e-06, 0.627, 0.366, 0.232, 0.00277, 0.000417, 1.08, 0.87},
     1.52,
     1.52},
    {Engine::Jax,
     ChipClass::Hopper,
     {1.13, 0.855, 2.14, 2.34, 5.32e-06, 0.685, 0.354, 0.249, 0.00307, 0.000296, 1.86, 0.977},
     1.18,
     1.52},
    {Engine::Jax,
     ChipClass::Tpu,
     {0.883, 0.955, 1.26, 3.39, 5.29e-06, 0.706, 0.366, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.12,
     1.52},
    {Engine::Megatron,
     ChipClass::Other,
     {0.993, 0.95, 0.833, 2.02, 5.32e-06, 0.439, 0.313, 0.235, 0.00298, 0.000345, 1.43, 0.932},
     1.52,
     1.52},
    {Engine::Megatron,
     ChipClass::AmpereHbm,
     {1.08, 0.95, 0.919, 1.88, 5.32e-06, 0.65, 0.314, 0.235, 0.00298, 0.000345, 1.43, 0.932},
     1.08,
     1.52},
    {Engine::Megatron,
     ChipClass::Blackwell,
     {1.04, 1.08, 0.659, 2.33, 5.32e-06, 0.37, 0.313, 0.219, 0.0029, 0.000457, 1.04, 0.884},
     1.16,
     1.22},
    {Engine::Megatron,
     ChipClass::Hopper,
     {0.948, 0.831, 1.23, 1.71, 5.36e-06, 0.411, 0.294, 0.238, 0.00329, 0.000305, 1.92, 1.02},
     1.09,
     1.12},
    {Engine::Megatron,
     ChipClass::Tpu,
     {0.869, 0.95, 0.783, 2.46, 5.32e-06, 0.43, 0.313, 0.235, 0.00298, 0.000345, 1.43, 0.932},
     1.52,
     1.52},
    {Engine::Torch,
     ChipClass::Other,
     {1.11, 0.955, 1.94, 1.06, 5.29e-06, 0.73, 0.396, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
    {Engine::Torch,
     ChipClass::AmpereHbm,
     {1.1, 0.955, 2, 0.952, 5.29e-06, 1.08, 0.397, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.08,
     1.52},
    {Engine::Torch,
     ChipClass::Blackwell,
     {1.15, 1.06, 1.59, 1.19, 5.29e-06, 0.632, 0.395, 0.232, 0.00277, 0.000417, 1.08, 0.87},
     1.52,
     1.52},
    {Engine::Torch,
     ChipClass::Hopper,
     {1.24, 0.855, 3.37, 0.908, 5.32e-06, 0.688, 0.389, 0.249, 0.00307, 0.000296, 1.86, 0.977},
     1.09,
     1.52},
    {Engine::Torch,
     ChipClass::Tpu,
     {0.973, 0.955, 1.82, 1.29, 5.29e-06, 0.715, 0.396, 0.246, 0.00283, 0.000327, 1.44, 0.908},
     1.52,
     1.52},
};
// end of fitted

/// Sends of weights and gradients that nothing hides: the first and the last.
constexpr double first_share = 0.05;
constexpr double last_share = 0.1;
/// Of what no run was measured of, such as states on the host: as far off as a chip left out.
constexpr double unmeasured_error = 1.59;
/// How sharply the slower of host and device decides.
constexpr double host_knee = 4;

/// Libraries on top of PyTorch train as it does.
Engine trained_by(Engine engine) {
    return engine == Engine::Transformers ? Engine::Torch : engine;
}

const EngineRow &row_of(Engine engine, ChipClass kind) {
    const EngineRow *best = &rows[0];
    int most = -1;
    for (const EngineRow &row : rows) {
        const bool fits = (row.engine == engine || row.engine == Engine::Any) &&
                          (row.kind == kind || row.kind == ChipClass::Other);
        const int score = (row.engine == engine ? 2 : 0) + (row.kind == kind ? 1 : 0);
        if (fits && score > most) {
            most = score;
            best = &row;
        }
    }
    return *best;
}

} // namespace

// Megatron-Bridge by the release of its container: graphs for mixtures came with 26.02.01, steps
// that wait for no count of tokens with 26.06.
Release release_of(const Run &run) {
    const uint32_t given = run.engine_version.value_or(version(99, 0)).value;
    return given <= version(26, 2).value  ? Release::Early
           : given < version(26, 6).value ? Release::Middle
                                          : Release::Late;
}

double step_seconds(const StepParts &parts, const EngineCurve &curve, Release release) {
    const bool mixture = parts.mixtures > 0;
    const double late = mixture && release == Release::Late ? curve.late : 1;
    const double early = mixture && release == Release::Early ? curve.early : 1;
    const double device = curve.products * parts.products + curve.experts * parts.experts +
                          curve.attention * parts.attention +
                          curve.elementwise * parts.elementwise + curve.sends * parts.tensor_sends +
                          curve.expert_sends * parts.expert_sends;
    const double host = curve.launch * parts.kernels + curve.mixture_launch * parts.mixtures +
                        curve.expert_launch * parts.expert_calls;
    const double slower =
        late *
        std::pow(std::pow(device, host_knee) + std::pow(early * host, host_knee), 1 / host_knee);
    const double round = slower + curve.sends * parts.stage_sends;
    const double weights =
        std::max(0.0, parts.weight_sends - curve.hides * round) + first_share * parts.weight_sends;
    const double data =
        std::max(0.0, parts.data_sends - curve.hides * round) + last_share * parts.data_sends;
    return parts.rounds * (round + weights) + data + parts.optimizer;
}

base::Result<StepTime> training_time(const Case &one) {
    HWA_TRY(const StepParts parts, step_parts(one));
    if (parts.peak <= 0)
        return StepTime{};
    const EngineRow &row =
        row_of(trained_by(one.run.engine.value_or(Engine::Any)), chip_class(*one.slices[0].device));
    StepTime made;
    made.step = step_seconds(parts, row.curve, release_of(one.run));
    made.step_tokens = parts.tokens;
    made.utilization = std::min(1.0, parts.operations / (made.step * parts.peak));
    const Run &run = one.run;
    const bool moves = run.offload_optimizer.value_or(false) || run.offload_weights.value_or(false);
    made.error_factor = moves                ? unmeasured_error
                        : parts.mixtures > 0 ? row.mixture_error
                                             : row.error_factor;
    const double computing = parts.products + parts.experts + parts.attention;
    const double sending = parts.tensor_sends + parts.expert_sends + parts.weight_sends;
    made.bound = sending > std::max(computing, parts.elementwise) ? Bound::Link
                 : parts.elementwise > computing                  ? Bound::Memory
                                                                  : Bound::Compute;
    return made;
}

} // namespace hwa::plan
