// SPDX-License-Identifier: MIT
// Ids and block sizes of GGUF tensor types, after ggml/include/ggml.h and ggml-common.h of
// llama.cpp.
#include "plan/model/ggml_types.h"

namespace hwa::plan {

using core::Dtype;

// Ids 4, 5, 31-33 and 36-38 were withdrawn and are refused like unknown ones.
static constexpr GgmlType types[] = {
    {0, "f32", 1, 4, Dtype::F32},
    {1, "f16", 1, 2, Dtype::F16},
    {2, "q4_0", 32, 18, Dtype::Q4_0},
    {3, "q4_1", 32, 20, Dtype::Unknown},
    {6, "q5_0", 32, 22, Dtype::Unknown},
    {7, "q5_1", 32, 24, Dtype::Unknown},
    {8, "q8_0", 32, 34, Dtype::Q8_0},
    {9, "q8_1", 32, 36, Dtype::Unknown},
    {10, "q2_k", 256, 84, Dtype::Q2_K},
    {11, "q3_k", 256, 110, Dtype::Q3_K},
    {12, "q4_k", 256, 144, Dtype::Q4_K},
    {13, "q5_k", 256, 176, Dtype::Q5_K},
    {14, "q6_k", 256, 210, Dtype::Q6_K},
    {15, "q8_k", 256, 292, Dtype::Unknown},
    {16, "iq2_xxs", 256, 66, Dtype::Unknown},
    {17, "iq2_xs", 256, 74, Dtype::Unknown},
    {18, "iq3_xxs", 256, 98, Dtype::Unknown},
    {19, "iq1_s", 256, 50, Dtype::Unknown},
    {20, "iq4_nl", 32, 18, Dtype::Unknown},
    {21, "iq3_s", 256, 110, Dtype::Unknown},
    {22, "iq2_s", 256, 82, Dtype::Unknown},
    {23, "iq4_xs", 256, 136, Dtype::Unknown},
    {24, "i8", 1, 1, Dtype::I8},
    {25, "i16", 1, 2, Dtype::I16},
    {26, "i32", 1, 4, Dtype::I32},
    {27, "i64", 1, 8, Dtype::I64},
    {28, "f64", 1, 8, Dtype::F64},
    {29, "iq1_m", 256, 56, Dtype::Unknown},
    {30, "bf16", 1, 2, Dtype::Bf16},
    {34, "tq1_0", 256, 54, Dtype::Unknown},
    {35, "tq2_0", 256, 66, Dtype::Unknown},
    {39, "mxfp4", 32, 17, Dtype::Mxfp4},
    {40, "nvfp4", 64, 36, Dtype::Nvfp4},
    {41, "q1_0", 128, 18, Dtype::Unknown},
    {42, "q2_0", 64, 18, Dtype::Unknown},
};

std::span<const GgmlType> ggml_types() {
    return types;
}

const GgmlType *find_ggml_type(uint32_t id) {
    for (const GgmlType &type : types)
        if (type.id == id)
            return &type;
    return nullptr;
}

// The values of llama_ftype in llama.h; NULL for those withdrawn.
static constexpr const char *recipes[] = {
    "F32",    "F16",    "Q4_0",  "Q4_1",    nullptr,  nullptr,  nullptr,     "Q8_0",
    "Q5_0",   "Q5_1",   "Q2_K",  "Q3_K_S",  "Q3_K_M", "Q3_K_L", "Q4_K_S",    "Q4_K_M",
    "Q5_K_S", "Q5_K_M", "Q6_K",  "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS",    "IQ3_XXS",
    "IQ1_S",  "IQ4_NL", "IQ3_S", "IQ3_M",   "IQ2_S",  "IQ2_M",  "IQ4_XS",    "IQ1_M",
    "BF16",   nullptr,  nullptr, nullptr,   "TQ1_0",  "TQ2_0",  "MXFP4_MOE",
};

const char *recipe_name(uint64_t file_type) {
    return file_type < std::size(recipes) ? recipes[file_type] : nullptr;
}

} // namespace hwa::plan
