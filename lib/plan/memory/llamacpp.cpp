// SPDX-License-Identifier: MIT
// The cache and the compute buffer of a slice, after llama-kv-cache.cpp and ggml-backend.cpp.
#include "plan/memory/llamacpp.h"

#include "base/units.h"
#include "plan/memory/cache.h"
#include "plan/memory/llamacpp_graph.h"
#include "plan/memory/weights.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Layer;
using core::Model;

namespace {

constexpr uint64_t cell_block = 256; ///< the cache grows by so many cells
constexpr uint64_t gpu_alignment = 128;
constexpr uint64_t cpu_alignment = 32;
constexpr uint64_t row_block = 512; ///< CUDA reads packed rows by so many elements
constexpr uint64_t step_copies = 4; ///< steps in flight where devices take turns
constexpr uint64_t borrowing_tokens =
    32; ///< from which on a device multiplies by the host's matrices

uint64_t pad(uint64_t value, uint64_t to) {
    return (value + to - 1) / to * to;
}

/// The pools of the cache: cells of one stream, and streams.
struct Pools {
    uint64_t cells = 0;
    uint64_t window_cells = 0;
    uint64_t streams = 1;
};

/// What settles a run of llama.cpp, its own defaults in place of what is open.
struct Settings {
    uint64_t ubatch = 512;
    uint64_t sequences = 1;
    Pools pools;
    bool flash = true;
    LatentCache latent = LatentCache::Row;
    const CacheFormat *keys = nullptr;
    const CacheFormat *values = nullptr;
};

uint64_t widest_window(const Model &model) {
    uint64_t width = 0;
    for (const Layer &layer : model.layers)
        width = std::max<uint64_t>(width, layer.window);
    return width;
}

Settings settings_of(const Case &one) {
    const Run &run = one.run;
    Settings made;
    made.sequences = std::max<uint64_t>(1, run.sequences.value_or(static_cast<uint32_t>(
                                               std::min<uint64_t>(one.workload.batch, 1 << 24))));
    const bool unified = run.unified_cache.value_or(false) || made.sequences == 1;
    const uint64_t context = pad(one.workload.context_tokens * one.workload.batch, cell_block);
    made.pools.streams = unified ? 1 : made.sequences;
    made.pools.cells = unified ? context : pad(context / made.sequences, cell_block);
    made.ubatch = std::min<uint64_t>(std::max<uint64_t>(1, run.ubatch.value_or(512)), context);
    made.flash = run.flash_attention.value_or(true);
    const uint64_t window = widest_window(*one.model) * (unified ? made.sequences : 1);
    made.pools.window_cells =
        run.full_window.value_or(false)
            ? made.pools.cells
            : std::min(made.pools.cells, pad(window + made.ubatch, cell_block));
    const CacheFormat *common = find_cache_format(core::dtype_name(one.workload.cache_dtype));
    made.latent = static_cast<LatentCache>(
        std::min(run.latent_cache.value_or(1), static_cast<uint32_t>(LatentCache::RowTwice)));
    made.keys = run.key_format.value_or(common);
    made.values = run.value_format.value_or(common);
    return made;
}

/// One tensor of the cache: so many rows. CUDA reads behind the end of packed ones.
uint64_t cache_tensor(const CacheFormat &format, uint64_t elements, uint64_t rows, bool gpu) {
    uint64_t bytes = format.size(elements) * rows;
    if (gpu && format.packed() && elements % row_block != 0)
        bytes += format.size(row_block - elements % row_block);
    return pad(bytes, gpu ? gpu_alignment : cpu_alignment);
}

/// Tokens that a layer keeps, in all pools: DeepSeek V4 a row for several of them beside those of
/// its window.
uint64_t kept_cells(const Layer &layer, const Pools &pools) {
    const uint64_t near = layer.window != 0 ? pools.window_cells : pools.cells;
    const uint64_t rows = layer.compression != 0 ? pools.cells / layer.compression : 0;
    return (near + rows) * pools.streams;
}

/// Of layers from `first` on, as a device or the host keeps them.
uint64_t cache_bytes(const Case &one, uint64_t first, uint64_t count, bool gpu,
                     const Settings &with) {
    const LatentWidths widths = latent_widths(*one.model);
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; ++i) {
        const Layer &layer = one.model->layers[i];
        const CacheRow row = cache_row(layer, with.latent, widths);
        const uint64_t cells = kept_cells(layer, with.pools);
        if (row.keys != 0)
            sum += cache_tensor(*with.keys, row.keys, cells, gpu);
        if (row.values != 0)
            sum += cache_tensor(*with.values, row.values, cells, gpu);
        sum += 4 * layer.state * with.sequences; // recurrent states stay in f32
    }
    return sum;
}

/// The widest matrix of layers that stay on the host: a device borrows one at a time to multiply
/// many tokens by it.
uint64_t borrowed_bytes(const Case &one, uint64_t layers) {
    const std::vector<uint64_t> sizes = tensor_bytes(*one.model, one.format);
    uint64_t widest = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
        const core::Tensor &tensor = one.model->tensors[i];
        if (tensor.layer >= 0 && static_cast<uint64_t>(tensor.layer) < layers)
            widest = std::max(widest, sizes[i]);
    }
    return pad(widest, gpu_alignment);
}

LlamacppStep step_of(const Model &model, const Settings &with) {
    LlamacppStep step;
    step.tokens = with.ubatch;
    step.cells = with.pools.cells;
    step.window_cells = with.pools.window_cells;
    step.streams = with.pools.streams;
    step.flash = with.flash;
    step.packed_cache = with.keys->packed();
    for (const Layer &layer : model.layers) {
        step.windows = step.windows || layer.window != 0;
        step.value_width = std::max(step.value_width, uint64_t{layer.kv_heads} * layer.value_size);
    }
    return step;
}

/// Whether no sum below can wrap: the widest tensor, taken as often as there are tensors at once.
bool is_sane(const Case &one, const Settings &with) {
    const auto real = [](uint64_t value) { return static_cast<double>(value); };
    const double cells = real(with.pools.cells), hidden = real(one.model->hidden_size);
    double widest = real(one.model->vocabulary) + hidden, rows = 0;
    for (const Layer &layer : one.model->layers) {
        const double heads = real(layer.heads), kv = real(layer.kv_heads);
        const double head = real(layer.key_size) + real(layer.value_size) + real(layer.latent_size);
        widest = std::max({widest, (heads + 1) * cells, heads * head,
                           real(layer.ffn) + real(layer.shared_ffn) + real(layer.experts),
                           real(layer.experts_per_token) * (real(layer.expert_ffn) + hidden)});
        rows += kv * head + real(layer.state);
    }
    constexpr double limit = 1e17;
    return 64 * real(with.ubatch) * widest < limit &&
           8 * rows * cells * real(with.pools.streams) < limit &&
           8 * rows * real(with.sequences) < limit;
}

} // namespace

base::Result<Footprint> llamacpp_bytes(const Case &one, const Slice &slice) {
    const Model &model = *one.model;
    const auto tokens = base::checked_mul(one.workload.context_tokens, one.workload.batch);
    if (!tokens || *tokens > uint64_t{1} << 56)
        return base::error(Status::Invalid, "overflow: %llu sequences of %llu tokens",
                           static_cast<unsigned long long>(one.workload.batch),
                           static_cast<unsigned long long>(one.workload.context_tokens));
    const Settings with = settings_of(one);
    if (!is_sane(one, with))
        return base::error(Status::Invalid,
                           "overflow: the cache or the buffers of %llu tokens go beyond 64 bits",
                           static_cast<unsigned long long>(*tokens));
    const bool host = slice.device->kind == core::Kind::Cpu;
    const uint64_t copies = one.run.pipeline.value_or(1) > 1 ? step_copies : 1;
    const LlamacppStep step = step_of(model, with);
    const GraphPart part{slice.first_layer, slice.layer_count, slice.embedding, slice.output,
                         host && slice.embedding};
    Footprint made;
    made.cache = cache_bytes(one, slice.first_layer, slice.layer_count, !host, with);
    const GraphTraits traits = graph_traits(model);
    const auto peak = [&](const GraphPart &of, uint64_t times, bool on_host) {
        return llamacpp_graph(model, traits, step, of)
            .peak(times, on_host ? cpu_alignment : gpu_alignment);
    };
    made.activations = peak(part, copies, host);
    if (!slice.embedding || host)
        return made;
    made.offload = llamacpp_input_bytes(model, step, copies, gpu_alignment) +
                   2 * pad(4 * step.tokens * model.hidden_size, gpu_alignment);
    // Of layers that lie there in part it is not told which: any may.
    const bool in_part = one.run.host_bytes.value_or(0) != 0;
    const uint64_t left = in_part ? model.layers.size() : slice.first_layer;
    if (left != 0 && step.tokens >= borrowing_tokens)
        made.activations =
            std::max(made.activations,
                     peak({0, left, true, false, false}, 1, false) + borrowed_bytes(one, left));
    if (slice.first_layer != 0)
        made.offload =
            std::max(made.offload, peak({0, slice.first_layer, true, false, true}, 1, true)) +
            cache_bytes(one, 0, slice.first_layer, false, with);
    return made;
}

} // namespace hwa::plan
