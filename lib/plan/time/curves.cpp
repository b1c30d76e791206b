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
     {2.56e-06, 1.68, 84.2, 0.859, 2.26, 3e-09, 0.5, 1, 1, 1, 0.897},
     1.19},
    {ChipClass::Hopper,
     Math::Fp8,
     {5.04e-06, 1.68, 129, 0.688, 2.89, 7.11e-09, 0.379, 1, 1, 1, 0.775},
     1.2},
    {ChipClass::Hopper,
     Math::Fp8Block,
     {8.28e-05, 0.677, 7.08, 1.21, 1.81, 4.29e-10, 0.581, 2.09, 0.638, 1.11, 1.75},
     1.07},
    {ChipClass::Blackwell,
     Math::Bf16,
     {1.87e-06, 0.858, 11.1, 0.784, 2.85, 3e-09, 0.5, 1, 1, 1, 0.821},
     1.2},
    {ChipClass::Blackwell,
     Math::Fp8,
     {5.73e-06, 1.05, 25.5, 0.779, 1.36, 6.21e-09, 0.198, 1, 1, 1, 0.793},
     1.28},
    {ChipClass::Blackwell,
     Math::Fp8Block,
     {0.000171, 1.17, 8.61, 1.36, 3.07, 4.76e-10, 0.44, 1, 1.01, 1.39, 1.11},
     1.62},
    {ChipClass::Blackwell,
     Math::Fp4,
     {6.87e-06, 0.845, 95.9, 0.619, 4.85, 6.11e-10, 0.759, 1, 1, 1, 1.14},
     1.22},
    {ChipClass::Ada,
     Math::Bf16,
     {1.91e-06, 0.833, 21.3, 0.809, 3.91, 3e-09, 0.5, 1, 1, 1, 1.19},
     1.1},
    {ChipClass::Ada,
     Math::Fp8,
     {4.72e-06, 0.602, 7.16, 0.678, 1.35, 6.37e-09, 1.11, 1, 1, 1, 1.35},
     1.33},
    {ChipClass::Ada,
     Math::Fp8Block,
     {0.000341, 0.823, 29.7, 1.02, 3.78, 1.56e-09, 0.826, 1.01, 1.36, 0.688, 2.76},
     1.18},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {1.83e-06, 1.49, 66.5, 0.973, 2.08, 3e-09, 0.5, 1, 1, 1, 1.2},
     1.14},
    {ChipClass::BlackwellGddr,
     Math::Fp8,
     {4.71e-06, 2.4, 118, 0.977, 6.73, 1.33e-09, 0.177, 1, 1, 1, 0.98},
     1.39},
    {ChipClass::BlackwellGddr,
     Math::Fp8Block,
     {0.000159, 0.791, 20.1, 0.874, 2.49, 8.25e-10, 0.5, 1.1, 1, 1, 1.42},
     1.05},
    {ChipClass::BlackwellGddr,
     Math::Fp4,
     {6.65e-06, 0.785, 18.3, 0.789, 8.72, 8.58e-10, 2.94, 1, 1, 1, 0.922},
     1.2},
    {ChipClass::Xe2,
     Math::Bf16,
     {3.23e-05, 1.29, 42.7, 1.04, 5.6, 3e-09, 0.5, 1, 1, 1, 1.51},
     1.17},
    {ChipClass::Xe2,
     Math::Fp8,
     {2.08e-05, 1.29, 20.2, 0.988, 5.05, 1.52e-10, 5, 1, 1, 1, 3.25},
     1.17},
};
constexpr Fitted<PromptCurve> prompt_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {9.78e-06, 0.711, 5.52e-12, 1.07, 0.671, 2.19e-06, 1.04, 7.22e-10, 3.71, 0.63},
     1.21},
    {ChipClass::Blackwell,
     Math::Bf16,
     {9.67e-06, 2.8, 3.68e-11, 0.395, 0.813, 7.4e-07, 0.965, 6.11e-10, 2.44, 1.24},
     1.33},
    {ChipClass::Ada,
     Math::Bf16,
     {6.26e-06, 0.65, 1.18e-10, 0.905, 2.15, 4.45e-07, 0.917, 3.92e-09, 2, 1.25},
     1.5},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {6.47e-06, 1.18, 7.78e-11, 1.34, 0.744, 1.16e-06, 1.02, 1.59e-10, 2, 0.891},
     1.27},
    {ChipClass::Xe2,
     Math::Bf16,
     {6.09e-05, 0.52, 4.55e-12, 2.29, 2.55, 1.04e-07, 2.88, 8.79e-10, 2, 1},
     1.34},
};
constexpr Fitted<TokenCurve> token_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {9.91e-06, 2.31e-11, 1.04, 1.17, 2.56e-06, 1.26e-07, 2.31, 8.91e-09, 3.36, 4.1e-11, 0.433},
     1.21},
    {ChipClass::Blackwell,
     Math::Bf16,
     {8.1e-06, 3.27e-11, 0.89, 6.34, 1.24e-06, 3.36e-07, 1.17, 2.63e-09, 1.11, 4.29e-11, 0.792},
     1.12},
    {ChipClass::Ada,
     Math::Bf16,
     {5.18e-06, 3.4e-11, 0.848, 1.63, 4.52e-06, 3.33e-07, 1.01, 1.16e-09, 2, 5.09e-11, 3.9},
     1.73},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {6.06e-06, 1.88e-11, 0.945, 2.28, 4.17e-06, 1.28e-07, 6.39, 1.58e-09, 2, 5.05e-11, 1.41},
     1.3},
    {ChipClass::Xe2,
     Math::Bf16,
     {6.34e-05, 1.25e-10, 1.08, 6.57, 2.7e-07, 2.07e-07, 0.713, 1.59e-09, 2, 4.72e-11, 1.73},
     1.3},
};
constexpr Fitted<ExpertsCurve> experts_curves[] = {
    {ChipClass::Hopper,
     Math::Bf16,
     {2.99e-05, 1.23, 29, 1.34, 0.648, 4.95e-10, 3.24e-08, 0.221, 3.9},
     1.36},
    {ChipClass::Hopper,
     Math::Fp8,
     {6.7e-05, 0.157, 14.8, 0.25, 1.32, 5.49e-09, 1.13e-09, 0.167, 0.85},
     1.65},
    {ChipClass::Hopper,
     Math::Fp8Block,
     {3.46e-05, 0.445, 12.2, 0.782, 3.95, 8.38e-09, 1.65e-08, 1.5, 0.619},
     1.22},
    {ChipClass::Blackwell,
     Math::Bf16,
     {1.57e-05, 0.484, 7.54, 0.85, 2.93, 4.8e-10, 3.67e-09, 1.37, 1.17},
     1.36},
    {ChipClass::Blackwell,
     Math::Fp8,
     {1.54e-05, 0.511, 21.7, 0.795, 3.08, 8.69e-10, 6.04e-09, 0.515, 1.43},
     1.22},
    {ChipClass::Blackwell,
     Math::Fp8Block,
     {2.82e-05, 0.304, 21.5, 0.851, 1.94, 3.16e-10, 2.95e-08, 0.99, 1.36},
     1.31},
    {ChipClass::Ada,
     Math::Bf16,
     {8.24e-06, 1.19, 9.14, 1.04, 0.61, 1.74e-09, 1.22e-09, 0.565, 3.9},
     1.55},
    {ChipClass::Ada,
     Math::Fp8,
     {6.5e-06, 0.44, 15.5, 0.715, 2.94, 6.98e-10, 3.31e-08, 0.259, 3.74},
     1.39},
    {ChipClass::Ada,
     Math::Fp8Block,
     {1.5e-05, 0.195, 5.5, 0.762, 4.5, 8.76e-10, 1.12e-09, 1.18, 2.83},
     1.61},
    {ChipClass::BlackwellGddr,
     Math::Bf16,
     {6.4e-06, 0.418, 20.6, 0.988, 1.35, 1.57e-09, 1.8e-08, 0.167, 2.8},
     1.19},
    {ChipClass::BlackwellGddr,
     Math::Fp8,
     {1.47e-05, 0.5, 49.9, 0.861, 10, 3.07e-09, 9.81e-10, 0.401, 0.459},
     1.39},
    {ChipClass::BlackwellGddr,
     Math::Fp4,
     {2.12e-05, 0.372, 60.3, 0.718, 5.54, 3.6e-09, 1.2e-09, 0.187, 0.44},
     1.38},
    {ChipClass::Xe2,
     Math::Mxfp4,
     {0.000158, 0.464, 6.04, 1.65, 1.17, 9.65e-08, 1.04e-09, 0.761, 0.494},
     1.16},
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
