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
    {Engine::Any, ChipClass::Other, {0.951, 0.643, 1.59, 1.66, 5.01e-06, 0.624, 0.345}, 1.61},
    {Engine::Any, ChipClass::AmpereHbm, {0.97, 0.643, 1.77, 1.27, 5.01e-06, 1.21, 0.339}, 1.61},
    {Engine::Any, ChipClass::Blackwell, {0.958, 0.359, 1.42, 2.49, 5.01e-06, 0.49, 0.393}, 1.61},
    {Engine::Any, ChipClass::Hopper, {1.05, 0.92, 2.2, 1.14, 5.01e-06, 0.555, 0.295}, 1.61},
    {Engine::Any, ChipClass::Tpu, {0.832, 0.643, 1.27, 2.46, 5.01e-06, 0.6, 0.345}, 1.61},
    {Engine::DeepSpeed, ChipClass::Other, {0.651, 0.643, 2.48, 1.52, 5.01e-06, 1.61, 0.343}, 1.61},
    {Engine::DeepSpeed,
     ChipClass::AmpereHbm,
     {0.62, 0.643, 2.97, 1.14, 5.01e-06, 3.43, 0.337},
     1.25},
    {Engine::DeepSpeed,
     ChipClass::Blackwell,
     {0.656, 0.359, 2.22, 2.28, 5.01e-06, 1.27, 0.391},
     1.61},
    {Engine::DeepSpeed, ChipClass::Hopper, {0.716, 0.92, 3.43, 1.04, 5.01e-06, 1.43, 0.294}, 1.61},
    {Engine::DeepSpeed, ChipClass::Tpu, {0.57, 0.643, 1.99, 2.25, 5.01e-06, 1.55, 0.343}, 1.61},
    {Engine::Jax, ChipClass::Other, {1.03, 0.643, 1.4, 2.74, 5.01e-06, 0.6, 0.345}, 1.61},
    {Engine::Jax, ChipClass::AmpereHbm, {1.05, 0.643, 1.56, 2.09, 5.01e-06, 1.17, 0.339}, 1.61},
    {Engine::Jax, ChipClass::Blackwell, {1.04, 0.359, 1.25, 4.1, 5.01e-06, 0.471, 0.393}, 1.61},
    {Engine::Jax, ChipClass::Hopper, {1.2, 0.92, 1.97, 1.89, 5.01e-06, 0.534, 0.295}, 1.26},
    {Engine::Jax, ChipClass::Tpu, {0.877, 0.643, 1.07, 4.33, 5.01e-06, 0.571, 0.345}, 1.18},
    {Engine::Megatron, ChipClass::Other, {0.982, 0.614, 0.914, 1.88, 5.01e-06, 0.328, 0.248}, 1.61},
    {Engine::Megatron,
     ChipClass::AmpereHbm,
     {1.08, 0.614, 1.07, 1.43, 5.01e-06, 0.636, 0.243},
     1.1},
    {Engine::Megatron,
     ChipClass::Blackwell,
     {0.991, 0.317, 0.798, 3.02, 5.01e-06, 0.245, 0.291},
     1.38},
    {Engine::Megatron, ChipClass::Hopper, {1.01, 0.939, 1.14, 1.24, 5.01e-06, 0.286, 0.192}, 1.15},
    {Engine::Megatron, ChipClass::Tpu, {0.859, 0.614, 0.733, 2.78, 5.01e-06, 0.315, 0.248}, 1.61},
    {Engine::Torch, ChipClass::Other, {1.1, 0.643, 1.98, 1.11, 5.01e-06, 0.608, 0.444}, 1.61},
    {Engine::Torch, ChipClass::AmpereHbm, {1.11, 0.643, 2, 0.822, 5.01e-06, 1.18, 0.436}, 1.09},
    {Engine::Torch, ChipClass::Blackwell, {1.11, 0.359, 1.78, 1.67, 5.01e-06, 0.477, 0.506}, 1.61},
    {Engine::Torch, ChipClass::Hopper, {1.25, 0.92, 3.39, 0.735, 5.01e-06, 0.537, 0.401}, 1.12},
    {Engine::Torch, ChipClass::Tpu, {0.96, 0.643, 1.59, 1.64, 5.01e-06, 0.584, 0.444}, 1.61},
};
// end of fitted

/// Sends of weights and gradients that nothing hides: the first and the last.
constexpr double first_share = 0.05;
constexpr double last_share = 0.1;
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
    made.utilization = std::min(1.0, parts.operations / (made.step * parts.peak));
    made.error_factor = row.error_factor;
    const double computing = parts.products + parts.experts + parts.attention;
    const double sending = parts.tensor_sends + parts.expert_sends + parts.weight_sends;
    made.bound = sending > std::max(computing, parts.elementwise) ? Bound::Link
                 : parts.elementwise > computing                  ? Bound::Memory
                                                                  : Bound::Compute;
    return made;
}

} // namespace hwa::plan
