// SPDX-License-Identifier: MIT
// Roofline forms of the operators: tiles over units, bytes over bandwidth, joined by a soft knee.
#include "plan/time/kernels.h"

#include "plan/time/curves.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace hwa::plan {

namespace {

struct Tile {
    double rows;
    double columns;
};

// Of libraries of products. The least time of any is taken, as they choose by the shape.
constexpr Tile tiles[] = {{16, 64},  {16, 128}, {64, 32},   {32, 128},  {64, 64},
                          {128, 64}, {64, 128}, {128, 128}, {128, 256}, {256, 128}};

/// Attention splits its work by this many queries, and a long context by this many keys.
constexpr double prompt_queries = 128;
constexpr double token_queries = 16;
constexpr double key_block = 64;
constexpr double split_keys = 256;

double peak(const Chip &chip, Math math) {
    return chip.ops_per_second[static_cast<size_t>(math)];
}

bool known(const Chip &chip, Math math) {
    return peak(chip, math) > 0 && chip.bytes_per_second > 0;
}

double join(double a, double b, double knee) {
    const double more = std::max(a, b);
    return more > 0 ? more * std::pow(1 + std::pow(std::min(a, b) / more, knee), 1 / knee) : 0;
}

/// Seconds to move bytes, out of the last cache where they are there already.
double moving(const Chip &chip, double bytes, double share, double gain, bool warm) {
    const double seconds = bytes / (chip.bytes_per_second * share);
    return warm && bytes < chip.cache_bytes / 2 ? seconds / gain : seconds;
}

/// Seconds of one unit for one tile through a depth of k.
double tile_seconds(const Chip &chip, Math math, double compute, double edge, Tile tile, double k) {
    const double ops = 2 * tile.rows * tile.columns * k;
    const double spent = 1 + edge * (1 / tile.rows + 1 / tile.columns);
    return ops * spent * chip.units / (peak(chip, math) * compute);
}

/// Seconds to multiply: whole tiles, in whole waves over the units; a few tiles split their depth.
double multiplying(const Chip &chip, const GemmCurve &curve, const Gemm &shape) {
    double best = HUGE_VAL;
    for (const Tile tile : tiles) {
        const double count = std::ceil(shape.m / tile.rows) * std::ceil(shape.n / tile.columns);
        const double parts =
            std::max(1.0, std::min(std::floor(chip.units / count), shape.k / 1024));
        const double waves = std::ceil(count * parts / chip.units);
        best = std::min(best, waves * tile_seconds(chip, shape.math, curve.compute, curve.edge,
                                                   tile, shape.k / parts));
    }
    return best;
}

/// Seconds before and beside a product: its launch, and the scaling of activations.
double preparing(const Chip &chip, const GemmCurve &curve, const Gemm &shape) {
    if (shape.math == Math::Bf16 || shape.math == Math::Mxfp4)
        return curve.start;
    const double bytes = shape.m * shape.k * (2 + math_bytes(shape.math));
    const double scaling =
        std::max(shape.m * curve.row, bytes / (chip.bytes_per_second * curve.scale));
    if (shape.math != Math::Fp8Block)
        return curve.start + scaling;
    const bool odd = std::fmod(shape.n, 64) != 0 || std::fmod(shape.k, 128) != 0;
    const double few = shape.m <= 16 ? curve.small : 1;
    const double unaligned = std::fmod(shape.m, 4) != 0 ? curve.unaligned : 1;
    return curve.start * (odd ? curve.odd : few * unaligned) + scaling;
}

/// Ada and its like run kernels made for Ampere: they do not split a context, and do not put the
/// queries of a group into one tile, unless the cache has 8 bits and other kernels are taken.
bool plain_kernels(ChipClass kind) {
    return kind != ChipClass::Hopper && kind != ChipClass::Blackwell && kind != ChipClass::Xe2;
}

/// Tokens that one query looks back on.
double reach(double window, double tokens) {
    return window > 0 ? std::min(window, tokens) : tokens;
}

/// Experts of a rank by the rows they get, in steps along the power law.
struct Load {
    static constexpr int steps = 16;
    double experts[steps] = {};
    double rows[steps] = {};
    double total = 0;
};

/// Rows of `held` of the `all` experts: the one with most, and as many more as they come.
Load load_of(const Experts &shape, double held) {
    const double routed = shape.tokens * shape.per_token;
    const bool sparse = routed <= shape.experts;
    const double low = sparse ? 0.01 : 1, high = std::max(2.0, sparse ? 2.0 : 0.8 * shape.tokens);
    const double power = 1 - shape.skew;
    const double a = std::pow(low, power), b = std::pow(high, power);
    Load load;
    const double first = std::min(held, 1.0);
    for (int step = 0; step < Load::steps; ++step) {
        const double at = step == 0 ? 1 - 0.5 / shape.experts
                                    : (Load::steps - 1 - step + 0.5) / (Load::steps - 1) *
                                          (1 - 1 / shape.experts);
        load.experts[step] = step == 0 ? first : (held - first) / (Load::steps - 1);
        load.rows[step] = std::pow(a + (b - a) * at, 1 / power);
        load.total += load.experts[step] * load.rows[step];
    }
    return load;
}

/// What one rank computes: rows, experts that have any, and tiles of so many rows.
struct Routed {
    double rows = 0;
    double active = 0;
    double tiles(double height, double partial) const {
        return std::max(active, rows / height + active * partial);
    }
};

Routed routed_to(const Experts &shape) {
    const double held = shape.experts / shape.ranks;
    const double routed = shape.tokens * shape.per_token;
    if (shape.skew <= 0)
        return {routed / shape.ranks, std::min(held, std::max(1.0, routed / shape.ranks))};
    const Load all = load_of(shape, shape.experts), here = load_of(shape, held);
    const double scale = all.total > 0 ? routed / all.total : 0;
    Routed made;
    for (int step = 0; step < Load::steps; ++step) {
        const double rows = std::min(here.rows[step] * scale, shape.tokens);
        made.rows += here.experts[step] * rows;
        made.active += here.experts[step] * std::min(1.0, rows);
    }
    made.active = std::max(1.0, made.active);
    return made;
}

} // namespace

double math_bytes(Math math) {
    switch (math) {
    case Math::Bf16:
        return 2;
    case Math::Fp8:
    case Math::Fp8Block:
        return 1;
    case Math::Fp4:
        return 0.5625;
    case Math::Mxfp4:
        return 0.53125;
    }
    return 2;
}

double gemm_seconds(const Chip &chip, const GemmCurve &curve, const Gemm &shape) {
    const double weight = shape.weight_bytes > 0 ? shape.weight_bytes : math_bytes(shape.math);
    const double bytes = shape.n * shape.k * weight + shape.m * shape.k * math_bytes(shape.math) +
                         2 * shape.m * shape.n;
    return preparing(chip, curve, shape) +
           join(multiplying(chip, curve, shape),
                moving(chip, bytes, curve.memory, curve.cached, shape.warm), curve.knee);
}

double prompt_seconds(const Chip &chip, const PromptCurve &curve, const PromptAttention &shape) {
    const bool packs = !plain_kernels(chip.kind) || shape.fp8_cache;
    const double group = packs ? shape.heads / shape.kv_heads : 1;
    const double count =
        shape.batch * shape.heads / group * std::ceil(shape.tokens * group / prompt_queries);
    const double across = std::min(prompt_queries / group, shape.tokens); // positions of a tile
    // Intel's kernels compute what is outside of a window, and mask it.
    const double window = reach(chip.kind == ChipClass::Xe2 ? 0 : shape.window, shape.tokens);
    const double causal = (shape.tokens + across + key_block) / 2;
    const double windowed = window + (across + key_block) / 2;
    const double size = (shape.key_size + shape.value_size) / 2;
    const double factor = (shape.fp8_cache ? curve.fp8 : 1) * (size > 256 ? curve.wide : 1) *
                          (window < shape.tokens ? curve.window : 1);
    const auto tile = [&](double keys) {
        const double seen = std::max(key_block, std::min(keys, windowed));
        const double ops = 4 * prompt_queries * seen * size;
        return factor * (ops * chip.units / (peak(chip, Math::Bf16) * curve.compute) +
                         prompt_queries * seen * curve.softmax) +
               curve.tile;
    };
    // Where there are few tiles, the last one, which sees all keys, decides.
    const double computing = std::max(count / chip.units * tile(causal), tile(shape.tokens));
    const double bytes = shape.batch * shape.tokens * (4 * shape.heads + 4 * shape.kv_heads) * size;
    return curve.start + join(computing,
                              moving(chip, bytes, curve.memory, 1, false) +
                                  shape.batch * shape.tokens * curve.token,
                              curve.knee);
}

double token_seconds(const Chip &chip, const TokenCurve &curve, const TokenAttention &shape) {
    const bool plain = plain_kernels(chip.kind) && !shape.fp8_cache;
    const double context = reach(shape.window, shape.context);
    const double size = std::max(shape.key_size, (shape.key_size + shape.value_size) / 2);
    const double kept = shape.key_size + shape.value_size;
    const double group = std::ceil(shape.heads / shape.kv_heads / token_queries);
    const double rows =
        shape.batch * (plain && shape.window > 0 ? shape.heads : shape.kv_heads * group);
    const double parts = plain ? 1
                               : std::clamp(std::floor(2 * chip.units / rows), 1.0,
                                            std::max(1.0, std::ceil(context / split_keys)));
    const double keys = std::ceil(context / key_block) * key_block / parts;
    const double work =
        curve.tile + keys * (size * curve.number * (shape.fp8_cache ? curve.fp8 : 1) + curve.key);
    const double computing =
        std::max(1.0, rows * parts / chip.units) * work * (shape.key_size > 256 ? curve.wide : 1);
    const double bytes = shape.batch * context * shape.kv_heads * kept * (shape.fp8_cache ? 1 : 2) +
                         2 * shape.batch * shape.heads * kept;
    return curve.start + curve.split * std::log2(parts) +
           join(computing,
                moving(chip, bytes, curve.memory, curve.cached, shape.warm) +
                    shape.batch * curve.token,
                curve.knee);
}

double experts_seconds(const Chip &chip, const ExpertsCurve &curve, const Experts &shape) {
    const Routed routed = routed_to(shape);
    const double fan = shape.gated ? 2 : 1;
    double best = HUGE_VAL;
    for (const Tile tile : {Tile{16, 128}, {32, 128}, {64, 128}, {128, 128}, {128, 256}}) {
        const double high = routed.tiles(tile.rows, curve.partial);
        double seconds = 0;
        for (const auto &[n, k] :
             {std::pair{fan * shape.ffn, shape.hidden}, std::pair{shape.hidden, shape.ffn}})
            seconds += std::max(1.0, high * std::ceil(n / tile.columns) / chip.units) *
                       tile_seconds(chip, shape.math, curve.compute, curve.edge, tile, k);
        best = std::min(best, seconds);
    }
    const double bytes =
        routed.active * (fan + 1) * shape.hidden * shape.ffn * math_bytes(shape.math) +
        routed.rows * (4 * shape.hidden + 2 * (fan + 1) * shape.ffn);
    return curve.start + routed.rows * curve.row + shape.tokens * curve.token +
           join(best, moving(chip, bytes, curve.memory, curve.cached, shape.warm), curve.knee);
}

double seconds_of(const Chip &chip, const Gemm &shape) {
    Borrowed borrowed;
    return known(chip, shape.math) && shape.m > 0 && shape.n > 0 && shape.k > 0
               ? gemm_seconds(chip, gemm_curve(chip.kind, shape.math, borrowed).curve, shape)
               : 0;
}

double seconds_of(const Chip &chip, const PromptAttention &shape) {
    Borrowed borrowed;
    return known(chip, Math::Bf16) && shape.batch > 0 && shape.tokens > 0 && shape.kv_heads > 0
               ? prompt_seconds(chip, prompt_curve(chip.kind, borrowed).curve, shape)
               : 0;
}

double seconds_of(const Chip &chip, const TokenAttention &shape) {
    Borrowed borrowed;
    return known(chip, Math::Bf16) && shape.batch > 0 && shape.context > 0 && shape.kv_heads > 0
               ? token_seconds(chip, token_curve(chip.kind, borrowed).curve, shape)
               : 0;
}

double seconds_of(const Chip &chip, const Experts &shape) {
    Borrowed borrowed;
    return known(chip, shape.math) && shape.tokens > 0 && shape.ffn > 0 && shape.experts > 0
               ? experts_seconds(chip, experts_curve(chip.kind, shape.math, borrowed).curve, shape)
               : 0;
}

} // namespace hwa::plan
