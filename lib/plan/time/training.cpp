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
};

// Fitted by bench/accuracy/fit_training_time.py to throughput that was published with its layout:
// llm-foundry, torchtitan, Megatron-LM, Megatron-Bridge, BigScience and MaxText. What is fitted is
// a term of the engine, one of the class, and what is left of the two together.
// begin of fitted
constexpr EngineRow rows[] = {
    {Engine::Any, ChipClass::Other, {0.944, 0.641, 1.63, 1.73, 5.01e-06, 0.611, 0.354}, 1.59},
    {Engine::Any, ChipClass::AmpereHbm, {0.964, 0.641, 1.74, 1.31, 5.01e-06, 1.28, 0.352}, 1.59},
    {Engine::Any, ChipClass::Blackwell, {0.949, 0.371, 1.57, 2.38, 5.01e-06, 0.487, 0.403}, 1.59},
    {Engine::Any, ChipClass::Hopper, {1.04, 0.904, 2.16, 1.33, 5.01e-06, 0.532, 0.301}, 1.59},
    {Engine::Any, ChipClass::Tpu, {0.827, 0.641, 1.27, 2.51, 5.01e-06, 0.59, 0.354}, 1.59},
    {Engine::DeepSpeed, ChipClass::Other, {0.619, 0.641, 2.56, 1.54, 5.01e-06, 1.5, 0.356}, 1.59},
    {Engine::DeepSpeed,
     ChipClass::AmpereHbm,
     {0.589, 0.641, 2.94, 1.13, 5.01e-06, 3.42, 0.354},
     1.23},
    {Engine::DeepSpeed,
     ChipClass::Blackwell,
     {0.622, 0.371, 2.47, 2.12, 5.01e-06, 1.19, 0.405},
     1.59},
    {Engine::DeepSpeed, ChipClass::Hopper, {0.681, 0.904, 3.41, 1.18, 5.01e-06, 1.3, 0.302}, 1.59},
    {Engine::DeepSpeed, ChipClass::Tpu, {0.542, 0.641, 2, 2.23, 5.01e-06, 1.44, 0.356}, 1.59},
    {Engine::Jax, ChipClass::Other, {1.03, 0.641, 1.4, 2.82, 5.01e-06, 0.59, 0.354}, 1.59},
    {Engine::Jax, ChipClass::AmpereHbm, {1.05, 0.641, 1.5, 2.13, 5.01e-06, 1.24, 0.352}, 1.59},
    {Engine::Jax, ChipClass::Blackwell, {1.04, 0.371, 1.36, 3.87, 5.01e-06, 0.47, 0.403}, 1.59},
    {Engine::Jax, ChipClass::Hopper, {1.2, 0.904, 1.9, 2.17, 5.01e-06, 0.513, 0.301}, 1.25},
    {Engine::Jax, ChipClass::Tpu, {0.874, 0.641, 1.04, 4.36, 5.01e-06, 0.565, 0.354}, 1.15},
    {Engine::Megatron, ChipClass::Other, {0.979, 0.612, 0.962, 2.04, 5.01e-06, 0.29, 0.256}, 1.59},
    {Engine::Megatron,
     ChipClass::AmpereHbm,
     {1.08, 0.612, 1.06, 1.53, 5.01e-06, 0.606, 0.253},
     1.09},
    {Engine::Megatron, ChipClass::Blackwell, {0.985, 0.328, 0.92, 2.98, 5.01e-06, 0.22, 0.3}, 1.32},
    {Engine::Megatron, ChipClass::Hopper, {1, 0.921, 1.15, 1.54, 5.01e-06, 0.245, 0.197}, 1.11},
    {Engine::Megatron, ChipClass::Tpu, {0.857, 0.612, 0.753, 2.96, 5.01e-06, 0.28, 0.256}, 1.59},
    {Engine::Torch, ChipClass::Other, {1.09, 0.641, 2.07, 1.15, 5.01e-06, 0.598, 0.449}, 1.59},
    {Engine::Torch, ChipClass::AmpereHbm, {1.11, 0.641, 2.01, 0.852, 5.01e-06, 1.25, 0.446}, 1.08},
    {Engine::Torch, ChipClass::Blackwell, {1.1, 0.371, 1.99, 1.58, 5.01e-06, 0.476, 0.511}, 1.59},
    {Engine::Torch, ChipClass::Hopper, {1.25, 0.904, 3.39, 0.841, 5.01e-06, 0.517, 0.401}, 1.09},
    {Engine::Torch, ChipClass::Tpu, {0.958, 0.641, 1.62, 1.67, 5.01e-06, 0.578, 0.449}, 1.59},
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

double step_seconds(const StepParts &parts, const EngineCurve &curve) {
    const double device = curve.products * parts.products + curve.experts * parts.experts +
                          curve.attention * parts.attention +
                          curve.elementwise * parts.elementwise +
                          curve.sends * (parts.tensor_sends + parts.expert_sends);
    const double host = curve.launch * parts.kernels;
    const double slower =
        std::pow(std::pow(device, host_knee) + std::pow(host, host_knee), 1 / host_knee);
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
    made.step = step_seconds(parts, row.curve);
    made.step_tokens = parts.tokens;
    made.utilization = std::min(1.0, parts.operations / (made.step * parts.peak));
    const Run &run = one.run;
    const bool moves = run.offload_optimizer.value_or(false) || run.offload_weights.value_or(false);
    made.error_factor = moves ? unmeasured_error : row.error_factor;
    const double computing = parts.products + parts.experts + parts.attention;
    const double sending = parts.tensor_sends + parts.expert_sends + parts.weight_sends;
    made.bound = sending > std::max(computing, parts.elementwise) ? Bound::Link
                 : parts.elementwise > computing                  ? Bound::Memory
                                                                  : Bound::Compute;
    return made;
}

} // namespace hwa::plan
