// SPDX-License-Identifier: MIT
// Constants of kernels, fitted by bench/accuracy/fit_kernels.py to kernels that serving engines
// run, as ai-dynamo/aiconfigurator measured them (vLLM 0.20 and 0.24; Apache-2.0; its data
// directory).
#include "plan/time/curves.h"

#include <span>

namespace hwa::plan {

namespace {

// begin of fitted
constexpr Fitted<GemmCurve> gemm_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {2.55e-06, 2, 116, 0.876, 2.14, 3e-09, 0.5, 1, 1, 1, 0.89},
     1.19},
    {ChipClass::Hopper,
     Math::Fp8,
     {5.04e-06, 2.16, 193, 0.68, 2.88, 7.09e-09, 0.379, 1, 1, 1, 0.764},
     1.18},
    {ChipClass::Hopper,
     Math::Fp8Block,
     {8.26e-05, 0.672, 6.7, 1.19, 1.83, 4.23e-10, 0.589, 2.1, 0.641, 1.11, 1.9},
     1.07},
    {ChipClass::Blackwell,
     Math::Bf16,
     {1.89e-06, 0.856, 10.5, 0.781, 2.72, 3e-09, 0.5, 1, 1, 1, 0.808},
     1.2},
    {ChipClass::Blackwell,
     Math::Fp8,
     {5.95e-06, 1.1, 31.4, 0.783, 1.4, 6.12e-09, 0.197, 1, 1, 1, 0.828},
     1.24},
    {ChipClass::Blackwell,
     Math::Fp8Block,
     {0.000171, 1.16, 7.51, 1.36, 3.03, 5.38e-10, 0.455, 1.04, 0.999, 1.47, 0.52},
     1.55},
    {ChipClass::Blackwell,
     Math::Fp4,
     {6.88e-06, 0.82, 93.3, 0.62, 4.71, 6e-10, 0.762, 1, 1, 1, 1},
     1.22},
    {ChipClass::Ada,
     Math::Bf16,
     {1.87e-06, 0.972, 35.8, 0.801, 4.86, 3e-09, 0.5, 1, 1, 1, 1.09},
     1.1},
    {ChipClass::Ada,
     Math::Fp8,
     {5.1e-06, 0.594, 6.21, 0.683, 1.57, 6.34e-09, 0.942, 1, 1, 1, 1.29},
     1.26},
    {ChipClass::Ada,
     Math::Fp8Block,
     {0.000344, 0.857, 30.1, 1.08, 3.66, 1.44e-09, 1.01, 1, 1.13, 0.827, 2.81},
     1.18},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {1.85e-06, 1.44, 62.7, 0.976, 2.16, 3e-09, 0.5, 1, 1, 1, 1.21},
     1.14},
    {ChipClass::BlackwellGddr,
     Math::Fp8,
     {4.95e-06, 2.4, 123, 0.974, 6.61, 1.17e-09, 0.191, 1, 1, 1, 0.998},
     1.34},
    {ChipClass::BlackwellGddr,
     Math::Fp8Block,
     {4.37e-05, 0.789, 20.1, 0.883, 2.49, 7.73e-10, 0.5, 4, 1, 1, 1.43},
     1.04},
    {ChipClass::BlackwellGddr,
     Math::Fp4,
     {6.7e-06, 0.773, 18.2, 0.784, 8.62, 8.59e-10, 2.93, 1, 1, 1, 0.887},
     1.19},
    {ChipClass::Xe2,
     Math::Bf16,
     {3.19e-05, 1.27, 42.7, 1.05, 4.48, 3e-09, 0.5, 1, 1, 1, 1.24},
     1.18},
    {ChipClass::Xe2,
     Math::Fp8,
     {2.13e-05, 1.36, 22.8, 0.986, 3.78, 1.08e-10, 5, 1, 1, 1, 3.25},
     1.19},
};
constexpr Fitted<PromptCurve> prompt_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {9.92e-06, 0.716, 4.78e-12, 1.09, 0.644, 2.09e-06, 1.05, 6.76e-10, 3.52, 0.662},
     1.21},
    {ChipClass::Blackwell,
     Math::Bf16,
     {9.59e-06, 2.8, 2.9e-11, 0.451, 0.658, 7.77e-07, 1, 5.11e-10, 2.74, 0.839},
     1.36},
    {ChipClass::Ada,
     Math::Bf16,
     {6.08e-06, 0.666, 1.26e-10, 0.872, 2.03, 5.23e-07, 0.914, 1.99e-09, 2, 1.3},
     1.46},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {7.6e-06, 1.8, 9.94e-11, 1.23, 0.693, 2.29e-07, 1.05, 1.17e-10, 2, 0.933},
     1.26},
    {ChipClass::Xe2,
     Math::Bf16,
     {6.09e-05, 0.52, 3.97e-12, 3.43, 5.63, 1.19e-07, 2.92, 6.1e-10, 2, 1},
     1.35},
};
constexpr Fitted<TokenCurve> token_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {1.01e-05, 9.87e-12, 0.979, 1.12, 2.55e-06, 1.79e-07, 5.24, 8.75e-09, 12.1, 4.16e-11, 0.433},
     1.21},
    {ChipClass::Blackwell,
     Math::Bf16,
     {8.1e-06, 3.38e-11, 0.896, 7.16, 1.22e-06, 3.16e-07, 1.24, 3.52e-09, 1.15, 3.92e-11, 0.73},
     1.12},
    {ChipClass::Ada,
     Math::Bf16,
     {5.52e-06, 7.28e-11, 0.861, 2.33, 4.18e-06, 5.12e-06, 0.337, 1.39e-09, 2, 4.75e-11, 3.9},
     1.6},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {6.35e-06, 8e-11, 0.977, 1.93, 3.67e-06, 1.14e-07, 1.4, 1.17e-09, 2, 5.6e-11, 2.24},
     1.3},
    {ChipClass::Xe2,
     Math::Bf16,
     {6.26e-05, 1.15e-10, 1.35, 11.1, 2.52e-07, 2.09e-07, 0.773, 1.66e-09, 2, 3.69e-11, 1.31},
     1.63},
};
constexpr Fitted<ExpertsCurve> experts_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {2.97e-05, 1.19, 50.9, 1.23, 0.831, 3.96e-10, 3.84e-08, 0.245, 3.8},
     1.32},
    {ChipClass::Hopper,
     Math::Fp8,
     {3.33e-05, 0.45, 41.7, 0.25, 0.585, 2.25e-09, 1.02e-09, 0.167, 3.9},
     1.43},
    {ChipClass::Hopper,
     Math::Fp8Block,
     {3.84e-05, 0.417, 11, 0.784, 3.59, 8.12e-09, 1.6e-08, 1.33, 1.15},
     1.19},
    {ChipClass::Blackwell,
     Math::Bf16,
     {1.58e-05, 0.464, 7.42, 0.83, 3.59, 3.81e-10, 3.61e-09, 1.42, 0.992},
     1.34},
    {ChipClass::Blackwell,
     Math::Fp8,
     {1.58e-05, 0.453, 16.1, 0.807, 2.84, 1.01e-09, 5.85e-09, 0.344, 1.45},
     1.22},
    {ChipClass::Blackwell,
     Math::Fp8Block,
     {2.74e-05, 0.316, 33, 0.837, 2.16, 2.18e-10, 3e-08, 0.812, 0.433},
     1.32},
    {ChipClass::Ada,
     Math::Bf16,
     {7.18e-06, 0.362, 3.67, 0.801, 2.46, 5.46e-10, 1.46e-07, 0.801, 3.9},
     1.5},
    {ChipClass::Ada,
     Math::Fp8,
     {5.82e-06, 0.438, 16.4, 0.72, 3.07, 4.54e-10, 4.66e-08, 0.203, 3.56},
     1.34},
    {ChipClass::Ada,
     Math::Fp8Block,
     {1.41e-05, 0.187, 4.91, 0.76, 5.53, 8.97e-10, 1.52e-09, 1.13, 2.61},
     1.62},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {4.27e-06, 0.415, 22.9, 0.994, 1.4, 1.86e-09, 1.25e-08, 0.167, 3.05},
     1.21},
    {ChipClass::BlackwellGddr,
     Math::Fp8,
     {1.23e-05, 0.544, 61.1, 0.848, 10, 4.45e-09, 9.41e-10, 0.376, 0.433},
     1.34},
    {ChipClass::BlackwellGddr,
     Math::Fp4,
     {2.15e-05, 0.407, 72.1, 0.682, 6.94, 3.55e-09, 1.6e-09, 0.167, 0.472},
     1.4},
    {ChipClass::Xe2,
     Math::Mxfp4,
     {0.000158, 0.46, 5.64, 1.88, 1.04, 9.42e-08, 1.05e-09, 0.737, 0.446},
     1.17},
};
// end of fitted

/// Whose constants a class takes that was not measured. NVIDIA's by memory, for that sets the kind
/// of machine; HBM of others as Hopper's; the rest as Ada's.
constexpr ChipClass nearest[chip_class_count] = {
    ChipClass::Blackwell,     // Hopper
    ChipClass::Hopper,        // Blackwell
    ChipClass::BlackwellGddr, // Ada
    ChipClass::Ada,           // BlackwellGddr
    ChipClass::Ada,           // Xe2
    ChipClass::Hopper,        // AmpereHbm
    ChipClass::Ada,           // AmpereGddr
    ChipClass::Ada,           // Older
    ChipClass::Hopper,        // AmdHbm
    ChipClass::Ada,           // AmdGddr
    ChipClass::Hopper,        // Tpu
    ChipClass::Ada,           // Other
};

/// The format of fewer bits or scales whose kernels come next.
Math plainer(Math math) {
    return math == Math::Fp4 || math == Math::Fp8Block ? Math::Fp8 : Math::Bf16;
}

template <class Curve>
const Fitted<Curve> *find(std::span<const Fitted<Curve>> all, ChipClass kind, Math math,
                          Borrowed &borrowed) {
    for (Math tried = math;; tried = plainer(tried)) {
        for (const Fitted<Curve> &row : all)
            if (row.kind == kind && row.math == tried) {
                borrowed.math = tried != math;
                return &row;
            }
        if (tried == Math::Bf16)
            break;
    }
    for (const Fitted<Curve> &row : all)
        if (row.kind == kind) {
            borrowed.math = true;
            return &row;
        }
    return nullptr;
}

template <class Curve>
const Fitted<Curve> &nearest_curve(std::span<const Fitted<Curve>> all, ChipClass kind, Math math,
                                   Borrowed &borrowed) {
    if (const Fitted<Curve> *found = find(all, kind, math, borrowed))
        return *found;
    borrowed.kind = true;
    const Fitted<Curve> *found = find(all, nearest[static_cast<size_t>(kind)], math, borrowed);
    return found != nullptr ? *found : all.front();
}

} // namespace

const Fitted<GemmCurve> &gemm_curve(ChipClass kind, Math math, Borrowed &borrowed) {
    return nearest_curve<GemmCurve>(gemm_curves, kind, math, borrowed);
}

const Fitted<PromptCurve> &prompt_curve(ChipClass kind, Borrowed &borrowed) {
    return nearest_curve<PromptCurve>(prompt_curves, kind, Math::Bf16, borrowed);
}

const Fitted<TokenCurve> &token_curve(ChipClass kind, Borrowed &borrowed) {
    return nearest_curve<TokenCurve>(token_curves, kind, Math::Bf16, borrowed);
}

const Fitted<ExpertsCurve> &experts_curve(ChipClass kind, Math math, Borrowed &borrowed) {
    return nearest_curve<ExpertsCurve>(experts_curves, kind, math, borrowed);
}

double kernel_error(ChipClass kind, Operator what, Math math) {
    Borrowed borrowed;
    double factor = 1;
    switch (what) {
    case Operator::Gemm:
        factor = gemm_curve(kind, math, borrowed).error_factor;
        break;
    case Operator::PromptAttention:
        factor = prompt_curve(kind, borrowed).error_factor;
        break;
    case Operator::TokenAttention:
        factor = token_curve(kind, borrowed).error_factor;
        break;
    case Operator::Experts:
        factor = experts_curve(kind, math, borrowed).error_factor;
        break;
    }
    // What leaving out a class, and a format, does to the fit.
    return factor * (borrowed.kind ? 1.5 : 1) * (borrowed.math ? 1.3 : 1);
}

} // namespace hwa::plan
