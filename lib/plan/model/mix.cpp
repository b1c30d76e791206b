// SPDX-License-Identifier: MIT
// The table of mixes, and the bytes of those that checkpoints come in.
#include "plan/model/mix.h"

#include "base/units.h"

#include <algorithm>

namespace hwa::plan {

using core::Dtype;
using core::Role;
using core::Tensor;

namespace {

using enum MixKind;

constexpr Mix llama(const char *name, GgmlId base, uint32_t elements, Ftype ftype = Ftype::Plain,
                    Dtype dtype = Dtype::Unknown, bool weighed = false) {
    Mix made{name};
    made.kind = Llama;
    made.dtype = dtype;
    made.block = {elements, 0};
    made.ftype = ftype;
    made.base = static_cast<uint8_t>(base);
    made.weighed = weighed;
    return made;
}

/// The same with embedding and output in q8_0.
constexpr Mix edged(const char *name, GgmlId base, Ftype ftype, Dtype dtype) {
    Mix made = llama(name, base, 256, ftype, dtype);
    made.edges = static_cast<uint8_t>(GgmlId::Q8_0);
    return made;
}

constexpr Mix mlx(const char *name, uint32_t bits, uint32_t group, uint32_t scales = 4,
                  Dtype dtype = Dtype::Unknown) {
    Mix made{name};
    made.kind = Mlx;
    made.dtype = dtype;
    made.block = {group, bits * group / 8 + scales};
    return made;
}

constexpr Mix packed(const char *name, Dtype dtype, Block block, uint32_t per_row = 0,
                     uint32_t square = 0, uint32_t per_column = 0) {
    Mix made{name};
    made.dtype = dtype;
    made.block = block;
    made.per_row = per_row;
    made.square = square;
    made.per_column = per_column;
    return made;
}

constexpr Mix only_experts(Mix mix) {
    mix.experts_only = true;
    return mix;
}

using F = Ftype;
using G = GgmlId;
using D = Dtype;

constexpr Mix mixes[] = {
    llama("F32", G::F32, 1, F::Plain, D::F32),
    llama("F16", G::F16, 1, F::Plain, D::F16),
    llama("BF16", G::BF16, 1, F::Plain, D::Bf16),
    llama("Q4_0", G::Q4_0, 32, F::Q4_0, D::Q4_0),
    llama("Q4_1", G::Q4_1, 32),
    llama("Q5_0", G::Q5_0, 32, F::Q5_0),
    llama("Q5_1", G::Q5_1, 32),
    llama("Q8_0", G::Q8_0, 32, F::Plain, D::Q8_0),
    llama("Q2_K", G::Q2_K, 256, F::Q2_K, D::Q2_K),
    llama("Q2_K_S", G::Q2_K, 256, F::Q2_K_S, D::Q2_K),
    edged("Q2_K_L", G::Q2_K, F::Q2_K, D::Q2_K),
    llama("Q3_K", G::Q3_K, 256, F::Q3_K_M, D::Q3_K),
    llama("Q3_K_S", G::Q3_K, 256, F::Q3_K_S, D::Q3_K),
    llama("Q3_K_M", G::Q3_K, 256, F::Q3_K_M, D::Q3_K),
    llama("Q3_K_L", G::Q3_K, 256, F::Q3_K_L, D::Q3_K),
    edged("Q3_K_XL", G::Q3_K, F::Q3_K_L, D::Q3_K),
    llama("Q4_K", G::Q4_K, 256, F::Q4_K_M, D::Q4_K),
    llama("Q4_K_S", G::Q4_K, 256, F::Q4_K_S, D::Q4_K),
    llama("Q4_K_M", G::Q4_K, 256, F::Q4_K_M, D::Q4_K),
    edged("Q4_K_L", G::Q4_K, F::Q4_K_M, D::Q4_K),
    llama("Q5_K", G::Q5_K, 256, F::Q5_K_M, D::Q5_K),
    llama("Q5_K_S", G::Q5_K, 256, F::Plain, D::Q5_K),
    llama("Q5_K_M", G::Q5_K, 256, F::Q5_K_M, D::Q5_K),
    edged("Q5_K_L", G::Q5_K, F::Q5_K_M, D::Q5_K),
    llama("Q6_K", G::Q6_K, 256, F::Plain, D::Q6_K),
    edged("Q6_K_L", G::Q6_K, F::Plain, D::Q6_K),
    llama("IQ1_S", G::IQ1_S, 256, F::IQ1_S, D::Unknown, true),
    llama("IQ1_M", G::IQ1_M, 256, F::IQ1_M, D::Unknown, true),
    llama("IQ2_XXS", G::IQ2_XXS, 256, F::IQ2_XXS, D::Unknown, true),
    llama("IQ2_XS", G::IQ2_XS, 256, F::IQ2_XS, D::Unknown, true),
    llama("IQ2_S", G::IQ2_XS, 256, F::IQ2_S, D::Unknown, true),
    llama("IQ2_M", G::IQ2_S, 256, F::IQ2_M, D::Unknown, true),
    llama("IQ3_XXS", G::IQ3_XXS, 256, F::IQ3_XXS, D::Unknown, true),
    llama("IQ3_XS", G::IQ3_S, 256, F::IQ3_XS),
    llama("IQ3_S", G::IQ3_S, 256, F::IQ3_S),
    llama("IQ3_M", G::IQ3_S, 256, F::IQ3_M),
    llama("IQ4_XS", G::IQ4_XS, 256, F::IQ4_XS),
    llama("IQ4_XS+imatrix", G::IQ4_XS, 256, F::IQ4_XS, D::Unknown, true),
    llama("IQ4_NL", G::IQ4_NL, 32, F::IQ4_NL),
    llama("IQ4_NL+imatrix", G::IQ4_NL, 32, F::IQ4_NL, D::Unknown, true),
    llama("IQ3_XXS-imatrix", G::IQ3_XXS, 256, F::IQ3_XXS),
    llama("TQ1_0", G::TQ1_0, 256, F::Ternary),
    llama("TQ2_0", G::TQ2_0, 256, F::Ternary),
    llama("MXFP4_MOE", G::MXFP4, 32, F::Mxfp4, D::Mxfp4),
    mlx("mlx-2bit", 2, 64),
    mlx("mlx-3bit", 3, 64),
    mlx("mlx-4bit", 4, 64),
    mlx("mlx-5bit", 5, 64),
    mlx("mlx-6bit", 6, 64),
    mlx("mlx-8bit", 8, 64),
    mlx("mlx-3bit-g32", 3, 32),
    mlx("mlx-4bit-g32", 4, 32),
    mlx("mlx-5bit-g32", 5, 32),
    mlx("mlx-6bit-g32", 6, 32),
    mlx("mlx-8bit-g32", 8, 32),
    mlx("mlx-4bit-g128", 4, 128),
    mlx("mlx-8bit-g128", 8, 128),
    mlx("mlx-mxfp4", 4, 32, 1, D::Mxfp4),
    mlx("mlx-nvfp4", 4, 16, 1, D::Nvfp4),
    mlx("mlx-bf16", 16, 1, 0, D::Bf16),
    // Scales in f16 and zeros in 4 bits for each group of a row.
    packed("awq", D::I4G128, {256, 133}),
    packed("awq-g128", D::I4G128, {256, 133}),
    packed("awq-g64", D::Unknown, {128, 69}),
    packed("awq-g32", D::Unknown, {64, 37}),
    // The same, and the group of each column in i32.
    packed("gptq", D::I4G128, {256, 133}, 0, 0, 4),
    packed("gptq-g128", D::I4G128, {256, 133}, 0, 0, 4),
    packed("gptq-g64", D::Unknown, {128, 69}, 0, 0, 4),
    packed("gptq-g32", D::Unknown, {64, 37}, 0, 0, 4),
    packed("gptq-8bit", D::I8, {128, 131}, 0, 0, 4),
    packed("nf4", D::Unknown, {64, 36}),
    packed("nf4-dq", D::Unknown, {16384, 8452}),
    packed("int8", D::I8, {1, 1}, 2),
    packed("w8a8", D::I8, {1, 1}, 2),
    packed("fp8", D::F8E4M3, {1, 1}),
    packed("fp8-row", D::F8E4M3, {1, 1}, 2),
    packed("fp8-block", D::F8E4M3, {1, 1}, 0, 128),
    packed("nvfp4", D::Nvfp4, {64, 36}),
    packed("mxfp4", D::Mxfp4, {32, 17}),
    only_experts(packed("mxfp4-experts", D::Mxfp4, {32, 17})),
    // Without zeros, as they are symmetric.
    packed("w4-g128", D::I4G128, {128, 66}),
    packed("w4-g64", D::Unknown, {64, 34}),
    packed("w4-g32", D::Unknown, {32, 18}),
};

/// Mixes for a format alone; F32 to Bf16 leave nothing at another one.
constexpr Mix plain_mixes[] = {
    packed("f32", D::F32, {1, 4}),
    packed("f16", D::F16, {1, 2}),
    packed("bf16", D::Bf16, {1, 2}),
    packed("f8_e4m3", D::F8E4M3, {1, 1}),
    packed("f8_e5m2", D::F8E5M2, {1, 1}),
    packed("f4_e2m1", D::F4E2M1, {2, 1}),
    packed("i8", D::I8, {1, 1}),
    packed("i4", D::I4, {2, 1}),
    packed("i4_g128", D::I4G128, {256, 133}),
    packed("mxfp4", D::Mxfp4, {32, 17}),
    packed("nvfp4", D::Nvfp4, {64, 36}),
    llama("q8_0", G::Q8_0, 32, F::Plain, D::Q8_0),
    llama("q6_k", G::Q6_K, 256, F::Plain, D::Q6_K),
    llama("q5_k", G::Q5_K, 256, F::Plain, D::Q5_K),
    llama("q4_k", G::Q4_K, 256, F::Plain, D::Q4_K),
    llama("q4_0", G::Q4_0, 32, F::Plain, D::Q4_0),
    llama("q3_k", G::Q3_K, 256, F::Plain, D::Q3_K),
    llama("q2_k", G::Q2_K, 256, F::Plain, D::Q2_K),
};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool whole(Dtype dtype) {
    return dtype == Dtype::F32 || dtype == Dtype::F16 || dtype == Dtype::Bf16;
}

} // namespace

bool same_mix(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

const Mix *find_mix(std::string_view name) {
    for (const Mix &mix : mixes)
        if (same_mix(mix.name, name))
            return &mix;
    return nullptr;
}

const Mix *mix_of(Dtype dtype) {
    for (const Mix &mix : plain_mixes)
        if (mix.dtype == dtype)
            return &mix;
    return nullptr;
}

/// Linear layers and embeddings whose rows are whole groups; the rest stays at 16 bit.
uint64_t Packer::mlx(const Tensor &tensor) const {
    if (tensor.role == Role::Draft || tensor.role == Role::Buffer)
        return 0;
    // Of Gemma 4's towers the matrix that leads to the decoder is packed.
    const bool gemma = model_.architecture.starts_with("gemma4");
    const bool lead = gemma && tensor.rows == model_.hidden_size;
    const bool joins = tensor.role == Role::Other && tensor.layer < 0;
    const bool stays = (tensor.role == Role::Tower && !lead) || joins ||
                       tensor.role == Role::Position ||
                       (core::is_plain(tensor.role) && tensor.role != Role::Router) ||
                       tensor.columns % mix_.block.elements != 0;
    if (stays)
        return 2 * tensor.parameters();
    // Experts published in four bits are not packed anew into as many or more.
    const bool coarser = 8 * mix_.block.bytes >= 4 * mix_.block.elements;
    if (core::is_expert(tensor.role) && coarser && tensor.bytes == mxfp4_bytes(tensor))
        return tensor.bytes;
    // Gemma 4 keeps the FFN beside its experts at 8 bits in groups of 64.
    const bool finer =
        gemma && model_.experts != 0 && tensor.role >= Role::Gate && tensor.role <= Role::Down;
    if (finer && mix_.block.elements > 1 && tensor.columns % 64 == 0)
        return tensor.columns / 64 * 68 * tensor.rows;
    return tensor.columns / mix_.block.elements * mix_.block.bytes * tensor.rows;
}

/// Of what predicts further tokens: vectors, routers, tables, and what joins token and state.
bool Packer::stays_whole(const Tensor &draft) const {
    return draft.rows < 128 || draft.rows == model_.experts || draft.rows == model_.vocabulary ||
           draft.columns == uint64_t{2} * model_.hidden_size;
}

uint64_t Packer::packed(const Tensor &tensor) const {
    if (tensor.role == Role::Buffer)
        return 0;
    if (whole(mix_.dtype))
        return mix_.block.bytes * tensor.parameters();
    const bool outside = tensor.role == Role::Draft ? stays_whole(tensor) : tensor.layer < 0;
    const bool stays = outside || core::is_plain(tensor.role) ||
                       (mix_.experts_only && !core::is_expert(tensor.role));
    if (stays)
        return 2 * tensor.parameters();
    uint64_t made = base::divide_up(tensor.parameters(), mix_.block.elements) * mix_.block.bytes;
    made += tensor.rows * mix_.per_row + tensor.columns * mix_.per_column;
    if (mix_.square != 0)
        made += 4 * base::divide_up(tensor.columns, mix_.square) *
                base::divide_up(tensor.rows, mix_.square);
    return made;
}

} // namespace hwa::plan
