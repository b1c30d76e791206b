// SPDX-License-Identifier: MIT
// Curves: the constants of kernels, by class of chip and format. All are positive.
#pragma once

#include "plan/time/kernels.h"

namespace hwa::plan {

struct GemmCurve {
    double start;     ///< seconds of an empty product
    double compute;   ///< share of the peak that a large tile reaches
    double edge;      ///< rows or columns of a tile at which its two sides cost as much as its area
    double memory;    ///< share of the bandwidth
    double knee;      ///< exponent that joins the two; large: sharp
    double row;       ///< seconds to scale one row of activations, however short
    double scale;     ///< share of the bandwidth that scaling reaches on long rows
    double odd;       ///< of `start`, for shapes that the blocks of scales do not divide
    double small;     ///< and for up to 16 rows
    double unaligned; ///< and for a number of rows that 4 does not divide
    double cached;    ///< gain of bandwidth out of the last cache
};

struct PromptCurve {
    double start;
    double compute;
    double softmax; ///< seconds of a unit for one pair of query and key, beside the products
    double memory;
    double knee;
    double tile;   ///< seconds of one tile of 128 queries, however short
    double fp8;    ///< factor of work with a cache of 8 bits
    double token;  ///< seconds of one token, to write its keys and values
    double wide;   ///< factor for heads of more than 256
    double window; ///< and for layers with a window
};

struct TokenCurve {
    double start;
    double number; ///< seconds of a unit for one number of a key
    double memory;
    double knee;
    double tile;  ///< seconds of one tile of 16 queries
    double split; ///< seconds to join parts of a context, for each doubling of their number
    double fp8;
    double token; ///< seconds of one sequence
    double wide;
    double key; ///< seconds of a unit for one key
    double cached;
};

struct ExpertsCurve {
    double start;
    double compute;
    double edge;
    double memory;
    double knee;
    double row;     ///< seconds of one row that is routed
    double token;   ///< and of one token
    double partial; ///< of a tile, what is lost at the end of an expert's rows
    double cached;
};

/// With the curve, what 80 % of the measured times stay within.
template <class Curve> struct Fitted {
    ChipClass kind;
    Math math;
    Curve curve;
    double error_factor;
};

/// The curve of a class and a format, or of what comes nearest; `borrowed` tells how far that is.
struct Borrowed {
    bool kind = false;
    bool math = false;
};
const Fitted<GemmCurve> &gemm_curve(ChipClass kind, Math math, Borrowed &borrowed);
const Fitted<PromptCurve> &prompt_curve(ChipClass kind, Borrowed &borrowed);
const Fitted<TokenCurve> &token_curve(ChipClass kind, Borrowed &borrowed);
const Fitted<ExpertsCurve> &experts_curve(ChipClass kind, Math math, Borrowed &borrowed);

/// The forms behind seconds_of().
double gemm_seconds(const Chip &chip, const GemmCurve &curve, const Gemm &shape);
double prompt_seconds(const Chip &chip, const PromptCurve &curve, const PromptAttention &shape);
double token_seconds(const Chip &chip, const TokenCurve &curve, const TokenAttention &shape);
double experts_seconds(const Chip &chip, const ExpertsCurve &curve, const Experts &shape);

} // namespace hwa::plan
