// SPDX-License-Identifier: MIT
// Seconds of a training step: its parts, put together as an engine does.
#include "plan/time/training.h"

#include "plan/time/step.h"
#include "plan/time/training_mixed.h"

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
     {0.976, 0.95, 1.8, 2.16, 5.33e-06, 0.779, 0.299, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Any,
     ChipClass::AmpereHbm,
     {0.991, 0.95, 1.77, 2.13, 5.33e-06, 0.826, 0.299, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Any,
     ChipClass::Blackwell,
     {0.986, 1.03, 1.75, 2.29, 5.33e-06, 0.756, 0.286, 0.229, 0.00169, 0.000473, 1.11, 0.879},
     1.5,
     1.5},
    {Engine::Any,
     ChipClass::Hopper,
     {1.01, 0.874, 2.81, 2.04, 5.33e-06, 0.762, 0.308, 0.233, 0.0017, 0.000459, 1.58, 0.952},
     1.5,
     1.5},
    {Engine::Any,
     ChipClass::Tpu,
     {0.904, 0.95, 1.74, 2.22, 5.33e-06, 0.775, 0.3, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::DeepSpeed,
     ChipClass::Other,
     {0.851, 0.95, 2.12, 2.27, 5.33e-06, 2.21, 0.302, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::DeepSpeed,
     ChipClass::AmpereHbm,
     {0.859, 0.95, 2.11, 2.25, 5.33e-06, 2.36, 0.303, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.16,
     1.5},
    {Engine::DeepSpeed,
     ChipClass::Blackwell,
     {0.86, 1.03, 2.06, 2.42, 5.33e-06, 2.14, 0.289, 0.229, 0.00169, 0.000473, 1.11, 0.879},
     1.5,
     1.5},
    {Engine::DeepSpeed,
     ChipClass::Hopper,
     {0.878, 0.874, 3.32, 2.15, 5.33e-06, 2.16, 0.311, 0.233, 0.0017, 0.000459, 1.58, 0.952},
     1.5,
     1.5},
    {Engine::DeepSpeed,
     ChipClass::Tpu,
     {0.788, 0.95, 2.05, 2.34, 5.33e-06, 2.19, 0.303, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Jax,
     ChipClass::Other,
     {0.941, 0.95, 1.76, 2.78, 5.33e-06, 0.763, 0.302, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Jax,
     ChipClass::AmpereHbm,
     {0.957, 0.95, 1.74, 2.74, 5.33e-06, 0.809, 0.302, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Jax,
     ChipClass::Blackwell,
     {0.951, 1.03, 1.71, 2.96, 5.33e-06, 0.74, 0.289, 0.229, 0.00169, 0.000473, 1.11, 0.879},
     1.5,
     1.5},
    {Engine::Jax,
     ChipClass::Hopper,
     {0.984, 0.874, 2.77, 2.63, 5.33e-06, 0.746, 0.31, 0.233, 0.0017, 0.000459, 1.58, 0.952},
     1.19,
     1.5},
    {Engine::Jax,
     ChipClass::Tpu,
     {0.859, 0.95, 1.69, 2.88, 5.33e-06, 0.758, 0.303, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.12,
     1.5},
    {Engine::Megatron,
     ChipClass::Other,
     {1, 0.944, 0.686, 2.21, 5.36e-06, 0.441, 0.0843, 0.221, 0.00176, 0.000489, 1.33, 0.935},
     1.5,
     1.5},
    {Engine::Megatron,
     ChipClass::AmpereHbm,
     {1.11, 0.944, 0.683, 2.18, 5.36e-06, 0.468, 0.0844, 0.221, 0.00176, 0.000489, 1.33, 0.935},
     1.07,
     1.5},
    {Engine::Megatron,
     ChipClass::Blackwell,
     {1.02, 1.04, 0.662, 2.37, 5.37e-06, 0.424, 0.0798, 0.218, 0.00176, 0.000502, 1.07, 0.895},
     1.14,
     1.19},
    {Engine::Megatron,
     ChipClass::Hopper,
     {0.939, 0.856, 1.06, 2.05, 5.37e-06, 0.429, 0.0867, 0.222, 0.00177, 0.000484, 1.6, 0.987},
     1.1,
     1.16},
    {Engine::Megatron,
     ChipClass::Tpu,
     {0.93, 0.944, 0.664, 2.27, 5.36e-06, 0.438, 0.0845, 0.221, 0.00176, 0.000489, 1.33, 0.935},
     1.5,
     1.5},
    {Engine::Torch,
     ChipClass::Other,
     {1.13, 0.95, 2.08, 0.974, 5.33e-06, 0.766, 0.353, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
    {Engine::Torch,
     ChipClass::AmpereHbm,
     {1.11, 0.95, 2, 0.949, 5.33e-06, 0.813, 0.354, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.08,
     1.5},
    {Engine::Torch,
     ChipClass::Blackwell,
     {1.14, 1.03, 2.02, 1.03, 5.33e-06, 0.744, 0.338, 0.229, 0.00169, 0.000473, 1.11, 0.879},
     1.5,
     1.5},
    {Engine::Torch,
     ChipClass::Hopper,
     {1.23, 0.874, 3.37, 0.919, 5.33e-06, 0.749, 0.366, 0.233, 0.0017, 0.000459, 1.58, 0.952},
     1.1,
     1.5},
    {Engine::Torch,
     ChipClass::Tpu,
     {1.05, 0.95, 2.01, 1, 5.33e-06, 0.763, 0.354, 0.232, 0.00169, 0.000462, 1.35, 0.911},
     1.5,
     1.5},
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
    if (is_mixed(one))
        return mixed_time(one);
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
