// SPDX-License-Identifier: MIT
// The table of pins: each choice of a run under its public name.
#include "plan/run.h"

#include "base/text.h"

#include <string>
#include <variant>

namespace hwa::plan {

using base::Status;
using core::Attr;
using core::AttrType;

namespace {

struct EngineRow {
    Engine engine;
    const char *name;
};

constexpr EngineRow engines[] = {
    {Engine::Any, "any"},
    {Engine::LlamaCpp, "llama.cpp"},
    {Engine::Vllm, "vllm"},
    {Engine::Sglang, "sglang"},
    {Engine::TensorRtLlm, "tensorrt-llm"},
    {Engine::Transformers, "transformers"},
    {Engine::LitGpt, "litgpt"},
    {Engine::Mlx, "mlx"},
    {Engine::Megatron, "megatron"},
    {Engine::DeepSpeed, "deepspeed"},
    {Engine::Torch, "torch"},
    {Engine::Jax, "jax"},
};

struct BackendRow {
    Backend backend;
    const char *name;
};

constexpr BackendRow backends[] = {
    {Backend::Any, "any"},       {Backend::Cuda, "cuda"},   {Backend::Rocm, "rocm"},
    {Backend::Vulkan, "vulkan"}, {Backend::Metal, "metal"}, {Backend::Sycl, "sycl"},
    {Backend::Cpu, "cpu"},
};

/// Where a pin is kept; the type of the member says what the pin takes.
using Member = std::variant<Choice<uint32_t> Run::*, Choice<uint64_t> Run::*, Choice<double> Run::*,
                            Choice<bool> Run::*, Choice<core::Dtype> Run::*,
                            Choice<const CacheFormat *> Run::*, Choice<Engine> Run::*,
                            Choice<Backend> Run::*, Choice<Version> Run::*>;

struct Pin {
    std::string_view key;
    Member place;
};

constexpr Pin pins[] = {
    {"activation_dtype", &Run::activation_dtype},
    {"adapter_parameters", &Run::adapter_parameters},
    {"allocated_only", &Run::allocated_only},
    {"attention_data_parallel", &Run::attention_data},
    {"attention_dropout", &Run::attention_dropout},
    {"backend", &Run::backend},
    {"cached_tokens", &Run::cached},
    {"compiled", &Run::compiled},
    {"block", &Run::block},
    {"cache_bytes", &Run::cache_bytes},
    {"compute_dtype", &Run::compute_dtype},
    {"context_parallel", &Run::context},
    {"continuous_batching", &Run::continuous},
    {"data_parallel", &Run::data},
    {"decoder_tokens", &Run::decoder_tokens},
    {"deferred_gradients", &Run::deferred_gradients},
    {"distributed_optimizer", &Run::distributed_optimizer},
    {"draft_acceptance", &Run::draft_acceptance},
    {"drafts", &Run::drafts},
    {"draft_layers", &Run::draft_layers},
    {"engine", &Run::engine},
    {"engine_version", &Run::engine_version},
    {"expert_parallel", &Run::expert},
    {"expert_tensor_parallel", &Run::expert_tensor},
    {"first_stage_layers", &Run::first_stage_layers},
    {"flash_attention", &Run::flash_attention},
    {"full_window", &Run::full_window},
    {"fused_layers", &Run::fused_layers},
    {"fused_loss", &Run::fused_loss},
    {"fused_optimizer", &Run::fused_optimizer},
    {"global_batch", &Run::global_batch},
    {"gpu_layers", &Run::gpu_layers},
    {"gradient_dtype", &Run::gradient_dtype},
    {"graphs", &Run::graphs},
    {"grouped_experts", &Run::grouped_experts},
    {"head_parameters", &Run::head_parameters},
    {"hidden_dropout", &Run::hidden_dropout},
    {"host_bytes", &Run::host_bytes},
    {"key_dtype", &Run::key_format},
    {"last_stage_layers", &Run::last_stage_layers},
    {"latent_cache", &Run::latent_cache},
    {"loss_chunks", &Run::loss_chunks},
    {"master_weights", &Run::master_weights},
    {"memory_share", &Run::memory_share},
    {"network", &Run::network},
    {"offload_activations", &Run::offload_activations},
    {"offload_optimizer", &Run::offload_optimizer},
    {"offload_weights", &Run::offload_weights},
    {"optimizer_instances", &Run::optimizer_instances},
    {"pipeline_parallel", &Run::pipeline},
    {"prefill_attention_data_parallel", &Run::prefill_attention_data},
    {"prefill_expert_parallel", &Run::prefill_expert},
    {"prefill_tensor_parallel", &Run::prefill_tensor},
    {"prefill_workers", &Run::prefill_workers},
    {"repeatable", &Run::repeatable},
    {"sequence_parallel", &Run::sequence_parallel},
    {"sequences", &Run::sequences},
    {"tensor_parallel", &Run::tensor},
    {"tuned_products", &Run::tuned_products},
    {"ubatch", &Run::ubatch},
    {"unified_cache", &Run::unified_cache},
    {"value_dtype", &Run::value_format},
    {"virtual_stages", &Run::virtual_stages},
    {"wide_adapters", &Run::wide_adapters},
    {"vocabulary_multiple", &Run::vocabulary_multiple},
};

base::Error wrong(const Attr &attr, const char *wanted) {
    return base::error(Status::Invalid, "pins: %s is not %s", attr.key.c_str(), wanted);
}

/// Sets a choice from an attribute, by the type of the choice.
struct Setter {
    Run &run;
    const Attr &attr;

    base::Done count(uint64_t limit, auto place) const {
        if (attr.type != AttrType::Int || attr.i < 0 || static_cast<uint64_t>(attr.i) > limit)
            return wrong(attr, "a whole number in range");
        run.*place = static_cast<typename std::decay_t<decltype(run.*place)>::value_type>(attr.i);
        return {};
    }
    base::Done operator()(Choice<uint32_t> Run::*place) const { return count(1 << 24, place); }
    base::Done operator()(Choice<uint64_t> Run::*place) const {
        return count(uint64_t{1} << 40, place);
    }
    base::Done operator()(Choice<double> Run::*place) const {
        const double value = attr.type == AttrType::Int ? static_cast<double>(attr.i) : attr.r;
        if (attr.type != AttrType::Int && attr.type != AttrType::Real)
            return wrong(attr, "a number");
        if (!(value > 0) || value > 1)
            return wrong(attr, "a share above 0 and up to 1");
        run.*place = value;
        return {};
    }
    base::Done operator()(Choice<bool> Run::*place) const {
        if (attr.type != AttrType::Int || (attr.i != 0 && attr.i != 1))
            return wrong(attr, "0 or 1");
        run.*place = attr.i == 1;
        return {};
    }
    base::Done operator()(Choice<core::Dtype> Run::*place) const {
        const core::Dtype dtype =
            attr.type == AttrType::Text ? core::dtype_from_name(attr.s) : core::Dtype::Unknown;
        if (dtype == core::Dtype::Unknown)
            return wrong(attr, "the name of a number format");
        run.*place = dtype;
        return {};
    }
    base::Done operator()(Choice<const CacheFormat *> Run::*place) const {
        const CacheFormat *format =
            attr.type == AttrType::Text ? find_cache_format(attr.s) : nullptr;
        if (format == nullptr)
            return wrong(attr, "the name of a format of keys and values");
        run.*place = format;
        return {};
    }
    base::Done operator()(Choice<Version> Run::*place) const {
        uint32_t parts[3] = {};
        size_t part = 0;
        bool digit = false;
        if (attr.type != AttrType::Text)
            return wrong(attr, "a version in three parts, such as 0.8.5");
        for (const char c : attr.s) {
            if (c == '.' && digit && part < 2) {
                ++part;
                digit = false;
            } else if (c >= '0' && c <= '9' && parts[part] < 100) {
                parts[part] = parts[part] * 10 + static_cast<uint32_t>(c - '0');
                digit = true;
            } else {
                return wrong(attr, "a version in three parts, such as 0.8.5");
            }
        }
        if (!digit)
            return wrong(attr, "a version in three parts, such as 0.8.5");
        run.*place = version(parts[0], parts[1], parts[2]);
        return {};
    }
    /// One name of a table of them.
    template <class Row>
    base::Done named(const char *what, std::span<const Row> rows, auto member, auto place) const {
        std::string names;
        for (const Row &row : rows) {
            if (attr.type == AttrType::Text && attr.s == row.name) {
                run.*place = row.*member;
                return {};
            }
            names += std::string(names.empty() ? "" : ", ") + row.name;
        }
        return base::error(Status::Invalid, "pins: %s is none of %s", what, names.c_str());
    }
    base::Done operator()(Choice<Engine> Run::*place) const {
        return named("engine", std::span<const EngineRow>(engines), &EngineRow::engine, place);
    }
    base::Done operator()(Choice<Backend> Run::*place) const {
        return named("backend", std::span<const BackendRow>(backends), &BackendRow::backend, place);
    }
};

} // namespace

const char *engine_name(Engine engine) {
    for (const EngineRow &row : engines)
        if (row.engine == engine)
            return row.name;
    return "any";
}

base::Result<Run> run_of(std::span<const Attr> given) {
    Run run;
    for (const Attr &attr : given) {
        const Pin *found = nullptr;
        for (const Pin &pin : pins)
            if (pin.key == attr.key)
                found = &pin;
        if (found == nullptr)
            return base::error(Status::Invalid, "pins: there is no choice '%s'", attr.key.c_str());
        HWA_CHECK(std::visit(Setter{run, attr}, found->place));
    }
    return run;
}

std::vector<std::string_view> pin_keys() {
    std::vector<std::string_view> keys;
    for (const Pin &pin : pins)
        keys.push_back(pin.key);
    return keys;
}

} // namespace hwa::plan
