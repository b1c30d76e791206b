// SPDX-License-Identifier: MIT
// The table of samplers.
#include "monitor/sampler.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::monitor {

static constexpr Sampler samplers[] = {
    {"hlml", "hlml", open_hlml},
    {"level_zero", "level_zero", open_level_zero},
    {"nvml", "nvml,cuda", open_nvml},
};

const Sampler *sampler_for(const core::Device &device) {
    if ((device.flags & (core::DeviceSoftware | core::DevicePartition)) != 0)
        return nullptr;
    const auto reads = [&](const Sampler &sampler) {
        return std::any_of(
            device.backends.begin(), device.backends.end(),
            [&](const std::string &name) { return base::list_holds(sampler.backends, name); });
    };
    const auto at = std::find_if(std::begin(samplers), std::end(samplers), reads);
    return at == std::end(samplers) ? nullptr : at;
}

const Sampler *find_sampler(std::string_view name) {
    const auto at = std::find_if(std::begin(samplers), std::end(samplers),
                                 [&](const Sampler &sampler) { return sampler.name == name; });
    return at == std::end(samplers) ? nullptr : at;
}

} // namespace hwa::monitor
