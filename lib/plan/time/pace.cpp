// SPDX-License-Identifier: MIT
// The constants of pace.h: defaults here, factors come with each call.
#include "plan/time/pace.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace hwa::plan {

namespace {

/// Where fitting started from; the names are those of paces.csv.
struct Default {
    const char *name;
    double value;
};

constexpr Default defaults[] = {
    {"memory", 0.75},
    {"compute", 0.45},
    {"rows", 10},
    {"vector", 0.2},
    {"variety", 1},
    {"expert_memory", 0.8},
    {"expert_compute", 0.6},
    {"expert_rows", 16},
    {"skew", 0.3},
    {"cache_memory", 0.6},
    {"prompt_attention", 0.25},
    {"token_attention", 0.25},
    {"scores", 16},
    {"scan", 0.3},
    {"copies", 4},
    {"layer", 30e-6},
    {"dispatch", 600e-6},
    {"expert_layer", 20e-6},
    {"expert_call", 60e-6},
    {"recurrent_layer", 30e-6},
    {"latent_layer", 10e-6},
    {"index_layer", 40e-6},
    {"step", 300e-6},
    {"sequence", 3e-6},
    {"hop", 100e-6},
    {"reduce", 10e-6},
    {"reduce_link", 0.5},
    {"exchange", 20e-6},
    {"exchange_link", 0.5},
    {"overlap", 0.7},
    {"interleave", 0.9},
    {"arrival", 20e-3},
    {"wait", 1},
    {"prompt", 1},
    {"burst", 0.05},
    {"queue", 0.5},
    {"token_error", 2},
    {"prompt_error", 3},
};
static_assert(std::size(defaults) == pace_count);

bool matches(const PaceFactor &factor, const Setting &setting) {
    return (factor.backend == Backend::Any || factor.backend == setting.backend) &&
           (factor.chip < 0 || factor.chip == static_cast<int>(setting.chip)) &&
           (factor.bits == 0 || factor.bits == setting.bits) &&
           (factor.traits & setting.traits) == factor.traits &&
           (factor.version.value == 0 || factor.version.value == setting.version.value);
}

/// The product of what an engine's rows of a pace have for a setting.
double product_of(Pace pace, Engine engine, const Setting &setting,
                  std::span<const PaceFactor> table) {
    const auto before = [engine](const PaceFactor &factor, Pace wanted) {
        return factor.pace != wanted ? factor.pace < wanted : factor.engine < engine;
    };
    double product = 1;
    auto at = std::lower_bound(table.begin(), table.end(), pace, before);
    for (; at != table.end() && at->pace == pace && at->engine == engine; ++at)
        if (matches(*at, setting))
            product *= at->factor;
    return product;
}

} // namespace

double pace_of(Pace pace, const Setting &setting, std::span<const PaceFactor> table) {
    const double value =
        defaults[static_cast<size_t>(pace)].value * product_of(pace, Engine::Any, setting, table);
    return setting.engine == Engine::Any ? value
                                         : value * product_of(pace, setting.engine, setting, table);
}

size_t pace_from_name(std::string_view name) {
    for (size_t i = 0; i < pace_count; ++i)
        if (name == defaults[i].name)
            return i;
    return pace_count;
}

} // namespace hwa::plan
