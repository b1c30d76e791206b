// SPDX-License-Identifier: MIT
// Order of formats by quality, which for weights made from the same source is order by bits.
#include "plan/search/formats.h"

#include "plan/memory/weights.h"
#include "plan/model/mix.h"

namespace hwa::plan {

using core::Dtype;

// What llama.cpp's quantiser offers and any of its backends runs. Formats that need an engine or a
// device of their own (f8, nvfp4, i4_g128) are used where published or asked for, never chosen.
static constexpr Dtype choices[] = {Dtype::Bf16, Dtype::Q8_0, Dtype::Q6_K, Dtype::Q5_K,
                                    Dtype::Q4_K, Dtype::Q3_K, Dtype::Q2_K};

std::vector<Format> formats_for(const core::Model &model, const Workload &workload) {
    const Format own = own_format(model);
    if (workload.weight_dtype != Dtype::Unknown || !workload.recipe.empty()) {
        const auto asked = format_of(model, workload);
        return asked ? std::vector<Format>{*asked} : std::vector<Format>();
    }
    std::vector<Format> made{own};
    const double parameters = static_cast<double>(model.parameters);
    const double bits = 8.0 * static_cast<double>(model.weight_bytes()) / parameters;
    // Half a bit apart at least: less would lose quality and win no room.
    for (const Dtype dtype : choices)
        if (core::dtype_bits(dtype) + 0.5 <= bits)
            made.push_back({dtype, false, core::dtype_name(dtype), mix_of(dtype)});
    return made;
}

} // namespace hwa::plan
