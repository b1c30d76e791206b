// SPDX-License-Identifier: MIT
// Order of formats by quality, which for weights made from the same source is order by bits.
#include "plan/search/formats.h"

#include "plan/memory/weights.h"
#include "plan/model/mix.h"
#include "plan/search/serving.h"

#include <algorithm>

namespace hwa::plan {

using core::Dtype;

// What llama.cpp's quantiser offers and any of its backends runs, and beside it what vLLM quantises
// to. The rest (nvfp4, mxfp4) is used where published or asked for, never chosen.
struct Rung {
    Dtype dtype;
    bool beside = false;
};
static constexpr Rung rungs[] = {{Dtype::Bf16},         {Dtype::Q8_0}, {Dtype::F8E4M3, true},
                                 {Dtype::Q6_K},         {Dtype::Q5_K}, {Dtype::Q4_K},
                                 {Dtype::I4G128, true}, {Dtype::Q3_K}, {Dtype::Q2_K}};

std::vector<Format> formats_for(const core::Model &model, const Workload &workload,
                                std::span<const DeviceClass> classes) {
    const Format own = own_format(model);
    if (workload.weight_dtype != Dtype::Unknown || !workload.recipe.empty()) {
        const auto asked = format_of(model, workload);
        return asked ? std::vector<Format>{*asked} : std::vector<Format>();
    }
    std::vector<Format> made{own};
    const double parameters = static_cast<double>(model.parameters);
    const double bits = 8.0 * static_cast<double>(model.weight_bytes()) / parameters;
    // Half a bit apart at least: less would lose quality and win no room.
    for (const auto &[dtype, beside] : rungs) {
        if (core::dtype_bits(dtype) + 0.5 > bits)
            continue;
        const Format format{dtype, false, core::dtype_name(dtype), mix_of(dtype), beside};
        const auto serves = [&](const DeviceClass &where) {
            return where.devices.size() > 1 && is_served(format, where);
        };
        if (!beside || std::any_of(classes.begin(), classes.end(), serves))
            made.push_back(format);
    }
    return made;
}

} // namespace hwa::plan
