// SPDX-License-Identifier: MIT
// Run: how a model is run, as far as that is a choice. What a search ranges over and callers pin.
#pragma once

#include "base/status.h"
#include "core/device.h"
#include "core/dtype.h"
#include "plan/memory/cache.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hwa::plan {

/// Programs that run models, as far as their memory and speed are known.
enum class Engine : uint8_t {
    Any, ///< what no engine sets apart
    LlamaCpp,
    Vllm,
    Sglang,
    TensorRtLlm,
    Transformers,
    LitGpt,
    Mlx,
    Megatron,
    DeepSpeed,
    Torch, ///< PyTorch alone, with its FSDP
    Jax,
};

const char *engine_name(Engine engine);

/// What an engine's kernels are written for.
enum class Backend : uint8_t { Any, Cuda, Rocm, Vulkan, Metal, Sycl, Cpu };

template <class T> using Choice = std::optional<T>;

/// Of an engine; 1.2.3 is 1'002'003.
struct Version {
    uint32_t value = 0;
};

constexpr Version version(uint32_t major, uint32_t minor, uint32_t patch = 0) {
    return {major * 1'000'000 + minor * 1'000 + patch};
}

/// Choices of a run; one without a value is left to the search, or to the engine's default.
struct Run {
    Choice<Engine> engine;
    Choice<Version> engine_version; ///< without one, the newest known
    // How devices share the work.
    Choice<uint32_t> tensor;
    Choice<uint32_t> pipeline;
    Choice<uint32_t> data;
    Choice<uint32_t> expert;
    Choice<uint32_t> expert_tensor; ///< tensor parallelism inside of experts
    Choice<uint32_t> context;
    // Inference.
    Choice<uint32_t> gpu_layers; ///< those on accelerators, counted from the last
    Choice<uint64_t> ubatch;     ///< tokens computed at once
    Choice<uint32_t> sequences;  ///< slots of the server
    Choice<bool> flash_attention;
    Choice<bool> unified_cache; ///< one pool for all sequences
    Choice<bool> full_window;   ///< layers with a window keep the whole context
    Choice<const CacheFormat *> key_format;
    Choice<const CacheFormat *> value_format;
    Choice<uint32_t> latent_cache; ///< Latent: 0: every head, 1: the compressed row, 2: that twice
    Choice<uint32_t> block;        ///< tokens that a paged cache grows by
    Choice<uint64_t> host_bytes;   ///< of the weights, that each device leaves to the host
    Choice<uint64_t> cache_bytes;  ///< of the pool, on each device
    Choice<double> memory_share;   ///< of the device that the engine may fill
    Choice<bool> graphs;           ///< steps are recorded once and replayed
    Choice<Backend> backend;
    Choice<bool> tuned_products;      ///< by the vendor's library of tuned products
    Choice<bool> network;             ///< stages are on different machines
    Choice<bool> continuous;          ///< prompts join while others are answered
    Choice<uint64_t> cached;          ///< tokens of the prompt that are in the cache already
    Choice<uint32_t> attention_data;  ///< groups of ranks that answer sequences of their own
    Choice<uint32_t> prefill_workers; ///< groups of devices for prompts alone
    Choice<uint32_t> prefill_tensor;  ///< devices of each
    Choice<uint32_t> prefill_attention_data;
    Choice<uint32_t> prefill_expert;
    Choice<uint32_t> drafts; ///< tokens that each step proposes besides, and checks; 0: none
    Choice<double> draft_acceptance; ///< chance of each, those before it being right
    // Training.
    Choice<uint32_t> virtual_stages; ///< of the interleaved pipeline, for each rank
    Choice<uint64_t> global_batch;   ///< sequences of one step over all replicas
    Choice<bool> sequence_parallel;
    Choice<bool> distributed_optimizer;
    Choice<core::Dtype> gradient_dtype;
    Choice<bool> master_weights;
    Choice<bool> offload_optimizer;
    Choice<bool> offload_weights;
    Choice<bool> offload_activations;    ///< inputs of layers wait on the host
    Choice<uint32_t> first_stage_layers; ///< of a pipeline of unequal stages
    Choice<uint32_t> last_stage_layers;
    Choice<uint32_t> optimizer_instances; ///< replicas over which no state is split
    Choice<uint64_t> vocabulary_multiple; ///< each tensor rank's rows are filled up to it
    Choice<uint64_t> adapter_parameters;  ///< trained beside frozen weights
    Choice<bool> wide_adapters;           ///< beside every matrix of a layer
    Choice<bool> attention_dropout;
    Choice<bool> hidden_dropout;
    Choice<bool> fused_layers;           ///< norms and matrices are one kernel (Transformer Engine)
    Choice<bool> grouped_experts;        ///< experts of a rank are multiplied in one call
    Choice<bool> fused_loss;             ///< logits are never whole in f32
    Choice<uint32_t> loss_chunks;        ///< logits are made so many parts after another
    Choice<bool> fused_optimizer;        ///< a gradient is used and freed as it is made
    Choice<bool> repeatable;             ///< results are to repeat, to the bit
    Choice<bool> compiled;               ///< activations are kept by a compiler's choice
    Choice<uint64_t> decoder_tokens;     ///< of a sequence behind an encoder, where they are others
    Choice<uint64_t> head_parameters;    ///< behind the last layer besides the output, never split
    Choice<uint32_t> draft_layers;       ///< of the last ones, those that predict further tokens
    Choice<uint32_t> deferred_gradients; ///< of the output's table, by micro-batches that wait
    Choice<core::Dtype> compute_dtype;   ///< that matrices are multiplied in, while training
    Choice<core::Dtype> activation_dtype; ///< where it is not that of the weights
    // Of both.
    Choice<bool> allocated_only; ///< as engines log it: without the driver and blocks kept unused
};

/// Takes the pins one after the other; Invalid names the one that is unknown, of the wrong type or
/// out of range.
base::Result<Run> run_of(std::span<const core::Attr> pins);

/// Every key that run_of() knows, in order.
std::vector<std::string_view> pin_keys();

} // namespace hwa::plan
