// SPDX-License-Identifier: MIT
// The words of quantization_config, and the mix each stands for.
#include "plan/model/packing.h"

#include "base/text.h"
#include "base/units.h"

namespace hwa::plan {

using base::JsonValue;
using base::Status;
using core::Dtype;
using core::Role;

namespace {

bool flag(const JsonValue &root, const char *name) {
    const auto value = root.find(name);
    return value && value->is_bool() && *value->boolean();
}

std::string word(const JsonValue &root, const char *name) {
    const auto value = root.find(name);
    return value && value->is_text() ? *value->text() : std::string();
}

base::Result<uint64_t> number(const JsonValue &root, const char *name, uint64_t most) {
    const auto said = root.find(name);
    if (!said || !said->is_number())
        return uint64_t{0};
    HWA_TRY(const uint64_t value, said->u64());
    if (value == 0 || value > most)
        return base::error(Status::Parse, "%s: is %llu", said->place().c_str(),
                           static_cast<unsigned long long>(value));
    return value;
}

/// The first group of compressed-tensors, which as good as all checkpoints have alone.
std::string compressed(const JsonValue &root) {
    const auto groups = root.find("config_groups");
    const auto parts = groups ? groups->children() : std::vector<JsonValue>();
    const auto weights = parts.empty() ? std::nullopt : parts[0].find("weights");
    if (!weights)
        return {};
    const auto bits = number(*weights, "num_bits", 16);
    const auto group = number(*weights, "group_size", 1 << 16);
    const bool real = word(*weights, "type") == "float";
    if (!bits || !group)
        return {};
    if (*bits == 8)
        return !real ? "int8" : word(*weights, "strategy") == "channel" ? "fp8-row" : "fp8";
    if (*bits != 4)
        return {};
    return real ? *group == 32 ? "mxfp4" : "nvfp4"
                : base::format("w4-g%llu", static_cast<unsigned long long>(*group));
}

std::string mix_name(const JsonValue &root, const std::string &method, uint64_t bits,
                     uint64_t group) {
    const std::string tail =
        group != 0 ? base::format("-g%llu", static_cast<unsigned long long>(group)) : "";
    if (method == "fp8") // scaled in squares, but where one scale was measured for all
        return word(root, "activation_scheme") == "dynamic" || root.find("weight_block_size")
                   ? "fp8-block"
                   : "fp8";
    if (method == "mxfp4")
        return "mxfp4-experts";
    if (method == "compressed-tensors")
        return compressed(root);
    if (method == "modelopt")
        return word(root, "quant_algo") == "NVFP4" ? "nvfp4" : "fp8";
    if (method == "bitsandbytes" || flag(root, "load_in_4bit"))
        return flag(root, "load_in_8bit")                ? "int8"
               : flag(root, "bnb_4bit_use_double_quant") ? "nf4-dq"
                                                         : "nf4";
    if (method == "awq" && bits == 4)
        return "awq" + tail;
    if (method == "gptq" && (bits == 4 || bits == 8))
        return bits == 8 ? "gptq-8bit" : "gptq" + tail;
    if (method.empty() && bits != 0)
        return base::format("mlx-%llubit", static_cast<unsigned long long>(bits)) +
               (group == 64 ? "" : tail);
    return bits == 4 ? "awq" : bits == 8 ? "int8" : "";
}

/// Angles: bf16 is too coarse for those of a layer. Masks are made anew where they are wanted.
uint64_t buffer_bytes(const core::Tensor &tensor, Dtype base) {
    if (tensor.rows != 1)
        return 0;
    return tensor.columns *
           (base == Dtype::F32 || (base == Dtype::Bf16 && tensor.layer >= 0) ? 4 : 2);
}

/// What bitsandbytes stores beside each matrix: the sixteen values in f32, and a line of JSON.
uint64_t nf4_state(const core::Tensor &tensor, Dtype base) {
    const char *dtype = base == Dtype::F32   ? "float32"
                        : base == Dtype::F16 ? "float16"
                                             : "bfloat16";
    const std::string line = base::format(
        R"({"quant_type": "nf4", "blocksize": 64, "dtype": "%s", "shape": [%llu, %llu]})", dtype,
        static_cast<unsigned long long>(tensor.rows),
        static_cast<unsigned long long>(tensor.columns));
    return 16 * 4 + line.size();
}

} // namespace

base::Result<Packing> read_packing(const JsonValue &root) {
    auto quantized = root.find("quantization_config");
    if (!quantized)
        quantized = root.find("quantization");
    Packing made;
    if (!quantized)
        return made;
    const std::string method = word(*quantized, "quant_method");
    HWA_TRY(const uint64_t bits, number(*quantized, "bits", 16));
    HWA_TRY(const uint64_t group, number(*quantized, "group_size", 1 << 16));
    made.mix = find_mix(mix_name(*quantized, method, bits, group));
    made.fp4_experts = word(root, "expert_dtype") == "fp4";
    const bool nf4 = made.mix != nullptr && made.mix->name[0] == 'n' && made.mix->name[1] == 'f';
    made.bits = nf4 ? 4 : static_cast<uint32_t>(bits);
    if (made.mix != nullptr)
        made.dtype = made.mix->dtype != Dtype::Unknown || bits == 0 ? made.mix->dtype
                     : bits == 4                                    ? Dtype::I4G128
                                                                    : Dtype::I8;
    if (nf4)
        made.dtype = Dtype::I4G128;
    return made;
}

void set_published_bytes(core::Model &model, Dtype base, const Packing &packing) {
    const core::DtypeRow *row = core::find_dtype(base);
    model.dtype = packing.dtype != Dtype::Unknown ? packing.dtype : base;
    const auto plain = [&](const core::Tensor &tensor) -> uint64_t {
        if (tensor.role == Role::Buffer)
            return buffer_bytes(tensor, base);
        return base::divide_up(tensor.parameters(), row->block_elements) * row->block_bytes;
    };
    if (packing.mix == nullptr) {
        for (core::Tensor &tensor : model.tensors)
            tensor.bytes = plain(tensor);
    } else {
        Packer packer(model, *packing.mix);
        const bool mlx = packing.mix->kind == MixKind::Mlx;
        const bool nf4 = same_mix(packing.mix->name, "nf4");
        const auto beside = [&](const core::Tensor &tensor) {
            return nf4 && !core::is_expert(tensor.role) ? nf4_state(tensor, base) : 0;
        };
        for (core::Tensor &tensor : model.tensors) {
            const bool stays =
                !mlx && (tensor.role == Role::Buffer || core::is_plain(tensor.role) ||
                         (tensor.layer < 0 && tensor.role != Role::Draft) ||
                         (packing.mix->experts_only && !core::is_expert(tensor.role)));
            tensor.bytes = stays ? plain(tensor) : packer.bytes(tensor) + beside(tensor);
        }
    }
    for (core::Tensor &tensor : model.tensors)
        if (packing.fp4_experts && core::is_expert(tensor.role))
            tensor.bytes = mxfp4_bytes(tensor);
    core::sum_tensors(model);
}

} // namespace hwa::plan
