// SPDX-License-Identifier: MIT
// How vLLM lays layers of different kinds out in pages of one size, after its kv_cache_utils.py;
// other engines are taken to waste nothing.
#include "plan/memory/pool.h"

#include "plan/memory/rows.h"
#include "plan/shares.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace hwa::plan {

using core::Layer;
using core::Mixer;

namespace {

constexpr double grain = 16;        ///< tokens that a block is a multiple of
constexpr double latent_grain = 64; ///< where rows are compressed

double real(uint64_t value) {
    return static_cast<double>(value);
}

/// Layers that keep the same.
struct Kind {
    double row = 0; ///< bytes of a token; 0: a state alone
    double state = 0;
    double window = 0;
    double layers = 0;
    double block = 0; ///< tokens of a page
};

/// What a request takes at most, in tokens.
struct Request {
    double context = 0;
    double in_flight = 0; ///< of steps under way

    /// Pages of a layer that keeps a window: what is under way is freed later, and a window may
    /// begin inside of a page.
    double near_pages(double window, double block) const {
        return std::ceil(std::min(window - 1 + in_flight, context) / block) + 1;
    }
};

Request request_of(const Case &one, const Slice &slice, const EngineProfile &profile) {
    Request made;
    made.context =
        real(std::max<uint64_t>(1, shares_of(one.run).tokens(one.workload.context_tokens)));
    made.in_flight = profile.in_flight * real(limits_of(one, profile, slice.device).tokens);
    return made;
}

std::vector<Kind> kinds_of(const Case &one, const Slice &slice, bool windows) {
    std::vector<Kind> made;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = one.model->layers[slice.first_layer + i];
        Kind kind{row_bytes(one, layer) + index_bytes(layer), state_bytes(one, layer),
                  windows ? real(layer.window) : 0, 1, 0};
        if (kind.state > 0)
            kind.row = 0;
        if (kind.row <= 0 && kind.state <= 0)
            continue;
        const auto same = std::find_if(made.begin(), made.end(), [&](const Kind &known) {
            return known.row == kind.row && known.state == kind.state &&
                   known.window == kind.window;
        });
        if (same != made.end())
            ++same->layers;
        else
            made.push_back(kind);
    }
    return made;
}

/// One size for all pages: that of the widest row, in blocks of so many tokens that a state fits.
/// Narrower rows have more tokens in a page.
double unify_pages(std::vector<Kind> &kinds, double block, double step) {
    double row = 0, state = 0;
    for (const Kind &kind : kinds) {
        row = std::max(row, kind.row);
        state = std::max(state, kind.state);
    }
    if (row <= 0)
        return state;
    if (state > block * row)
        block = std::ceil(state / row / step) * step;
    for (Kind &kind : kinds)
        kind.block = kind.row > 0 ? std::floor(block * row / kind.row) : 0;
    return block * row;
}

/// Layers of a kind make groups of as many as the rarest kind has; each group takes pages of its
/// own, and each page has room for one layer of every group.
double grouped(const Case &one, std::vector<Kind> kinds, const EngineProfile &profile,
               const Request &request, double bytes) {
    const bool latent = one.model->layers[0].mixer == Mixer::Latent;
    const double page = unify_pages(kinds, std::max(1U, one.run.block.value_or(profile.block)),
                                    latent ? latent_grain : grain);
    double least = kinds[0].layers, most = 0;
    for (const Kind &kind : kinds) {
        least = std::min(least, kind.layers);
        most = std::max(most, kind.layers);
    }
    const double size = most < least * profile.close_kinds ? most : least;
    double groups = 0, pages = 0, block = request.context;
    for (const Kind &kind : kinds) {
        const double count = std::ceil(kind.layers / size);
        groups += count;
        if (kind.row > 0)
            block = std::min(block, kind.block);
        pages += count * (kind.row <= 0     ? 1
                          : kind.window > 0 ? request.near_pages(kind.window, kind.block)
                                            : std::ceil(request.context / kind.block));
    }
    const double blocks = std::floor(bytes / (size * page));
    return profile.by_request ? std::floor(blocks / pages * request.context)
                              : std::floor(blocks / groups) * block;
}

// DeepSeek V4: a block is 256 tokens of the context. Rows of a window are kept in pages of 64,
// unfinished rows of a compressor as numbers in f32 in pages of 4 tokens, or of 8 where it does not
// look back on the row before. Pages are multiples of 576 bytes.
constexpr double compressed_block = 256, near_block = 64, page_grain = 576;

double page(double bytes) {
    return std::ceil(bytes / page_grain) * page_grain;
}

struct Compressed {
    double layers = 0, fine = 0, coarse = 0; ///< those that look back on the row before, and others
    double bytes = 0;                        ///< of a block in all layers
    double window = 0, fine_window = 0, coarse_window = 0;
};

Compressed compressed_of(const Case &one, const Slice &slice) {
    Compressed made;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = one.model->layers[slice.first_layer + i];
        ++made.layers;
        made.window = std::max(made.window, real(layer.window));
        if (layer.compression == 0)
            continue;
        const bool fine = layer.index_size != 0;
        const double rows = compressed_block / layer.compression;
        ++(fine ? made.fine : made.coarse);
        (fine ? made.fine_window : made.coarse_window) = (fine ? 2.0 : 1.0) * layer.compression;
        made.bytes += page(rows * row_bytes(one, layer));
        made.bytes += fine ? page(rows * index_bytes(layer)) : 0;
    }
    return made;
}

/// Layers with a window make groups of nearly as many as are compressed finely: of all numbers from
/// there on the one that leaves least open.
double near_groups(const Compressed &of) {
    double best = of.fine, waste = -1;
    for (double size = of.fine; size <= of.layers; ++size) {
        double open = 0;
        for (const double count : {of.fine, of.layers, of.fine, of.coarse})
            open += std::ceil(count / size) * size - count;
        if (waste < 0 || open <= waste) {
            best = size;
            waste = open;
        }
    }
    return std::ceil(of.layers / std::max(1.0, best));
}

double compressed_tokens(const Case &one, const Slice &slice, const Request &request,
                         double bytes) {
    const Compressed of = compressed_of(one, slice);
    double pages = std::ceil(request.context / compressed_block) +
                   near_groups(of) * request.near_pages(of.window, near_block);
    if (of.fine > 0)
        pages += request.near_pages(of.fine_window, 4);
    if (of.coarse > 0)
        pages += request.near_pages(of.coarse_window, 8);
    return of.bytes > 0 ? std::floor(std::floor(bytes / of.bytes) / pages * request.context) : 0;
}

bool is_compressed(const Layer &layer) {
    return layer.compression != 0;
}

} // namespace

double tokens_in(const Case &one, const Slice &slice, const EngineProfile &profile, double bytes) {
    const Request request = request_of(one, slice, profile);
    const auto first = one.model->layers.begin() + slice.first_layer;
    const auto last = first + slice.layer_count;
    if (profile.engine == Engine::Vllm && std::any_of(first, last, is_compressed))
        return compressed_tokens(one, slice, request, bytes);
    std::vector<Kind> kinds = kinds_of(one, slice, keeps_windows(one, profile));
    if (kinds.empty())
        return 0;
    if (profile.engine == Engine::Vllm && kinds.size() > 1)
        return grouped(one, std::move(kinds), profile, request, bytes);
    const double block = std::max(1U, one.run.block.value_or(profile.block));
    const bool plain = kinds.size() == 1 && kinds[0].window <= 0 && kinds[0].row > 0;
    if (plain)
        return std::floor(bytes / (kinds[0].row * kinds[0].layers * block)) * block;
    return std::floor(bytes / sequence_bytes(one, slice, profile, request.context) *
                      request.context);
}

} // namespace hwa::plan
