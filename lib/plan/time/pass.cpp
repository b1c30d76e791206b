// SPDX-License-Identifier: MIT
// One pass: products with weights on the soft knee of bandwidth and rate, then attention, then
// what is neither. docs/plan.md has the formulas.
#include "plan/time/pass.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

/// The constants of one setting, with the bits of the matrices at hand.
class Paces {
  public:
    explicit Paces(const Speeds &speeds) : speeds_(speeds) {}

    double operator()(Pace pace, uint8_t bits = 16) const {
        Setting setting = speeds_.setting;
        setting.bits = bits;
        return pace_of(pace, setting, speeds_.table);
    }

  private:
    const Speeds &speeds_;
};

uint8_t bits_in(double bytes, double parameters) {
    const double each = parameters > 0 ? bytes / parameters : 2;
    return each > 1.4 ? 16 : each > 0.85 ? 8 : 4;
}

/// The peak that an engine multiplies at. GGUF engines sum up in 16 bits or in integers, which
/// products that are held back in sums of f32 do at full rate.
double peak_of(const Speeds &speeds, uint8_t bits) {
    const auto at = [&speeds](Math math) {
        return speeds.chip.ops_per_second[static_cast<size_t>(math)];
    };
    if (speeds.setting.engine == Engine::LlamaCpp)
        return std::max(at(Math::Bf16), speeds.integer_ops_per_second / 2);
    const bool packed = (speeds.setting.traits & TraitPacked) != 0;
    if (speeds.setting.engine == Engine::Transformers || bits == 16 || packed)
        return at(Math::Bf16);
    if (bits == 8)
        return at(Math::Fp8);
    return speeds.setting.chip == ChipClass::Blackwell ? at(Math::Fp4) : at(Math::Bf16);
}

struct Product {
    double parameters = 0;
    double bytes = 0;
    double rows = 0; ///< tokens that pass each matrix
    uint8_t bits = 16;
    bool routed = false;
    bool vector = false; ///< by a kernel that takes tokens one by one
};

/// Up to so many tokens llama.cpp multiplies a matrix with vectors, beyond that with tiles.
constexpr double vector_rows = 8;

/// Tokens of a tile of llama.cpp's kernels.
double tile_of(Backend backend) {
    return backend == Backend::Metal || backend == Backend::Vulkan ? 32 : 16;
}

double computed_rows(const Product &product, const Speeds &speeds, const Paces &pace) {
    if (product.vector)
        return product.rows;
    if (product.routed)
        return product.rows + pace(Pace::ExpertRows, product.bits);
    const double tile =
        speeds.setting.engine == Engine::LlamaCpp ? tile_of(speeds.setting.backend) : 1;
    return std::ceil(product.rows / tile) * tile + pace(Pace::Rows, product.bits);
}

/// Adds one product: bandwidth and rate join in a soft knee.
void multiply(PassTime &time, const Product &product, const Speeds &speeds, const Paces &pace) {
    const uint8_t bits = product.bits;
    double share = pace(Pace::Memory, bits);
    double reach = pace(product.vector ? Pace::Vector : Pace::Compute, bits);
    if (product.routed)
        share *= pace(Pace::ExpertMemory, bits);
    if (product.routed && !product.vector)
        reach *= pace(Pace::ExpertCompute, bits);
    const double rows = computed_rows(product, speeds, pace);
    const double memory = product.bytes / (speeds.chip.bytes_per_second * share);
    const double compute = 2 * product.parameters * rows / (peak_of(speeds, bits) * reach);
    time.memory += memory;
    time.compute += compute;
    time.all += std::sqrt(memory * memory + compute * compute);
}

void route(PassTime &time, const Work &work, const Ranks &ranks, const Tokens &tokens,
           const Speeds &speeds, const Paces &pace) {
    if (work.expert_parameters <= 0 || work.experts <= 0)
        return;
    const double all = (ranks.spread() ? tokens.all() : tokens.mine(ranks)) * ranks.groups;
    const double chance = std::min(1.0, work.experts_per_token / work.experts);
    Product product;
    product.routed = true;
    product.vector = speeds.setting.engine == Engine::LlamaCpp && !tokens.prompt &&
                     all <= (speeds.setting.backend == Backend::Metal ? tile_of(Backend::Metal) - 1
                                                                      : vector_rows);
    // Metal's kernel for vectors reads an expert for each token, though others chose it too.
    const bool apart = product.vector && speeds.setting.backend == Backend::Metal;
    const double varied = std::pow(all, pace(Pace::Variety));
    const double awake = apart ? all * chance : chance < 1 ? 1 - std::pow(1 - chance, varied) : 1;
    const double skew = ranks.expert > 1 ? 1 + pace(Pace::Skew) : 1;
    const double share = awake * skew / ranks.over_experts();
    product.parameters = work.expert_parameters * share;
    product.bytes = work.expert_bytes * share;
    product.rows = all * chance / awake;
    product.bits = speeds.bits.experts;
    multiply(time, product, speeds, pace);
    // llama.cpp has kernels for many experts at once in packed formats alone.
    if (speeds.setting.engine == Engine::LlamaCpp && product.bits == 16 && !product.vector)
        time.all += work.expert_layers * work.experts * awake / ranks.over_experts() *
                    pace(Pace::ExpertCall);
}

void attend(PassTime &time, const Work &work, const Ranks &ranks, const Tokens &tokens,
            const Speeds &speeds, const Paces &pace) {
    const Chip &chip = speeds.chip;
    const double rate = chip.ops_per_second[static_cast<size_t>(Math::Bf16)];
    const double split = std::min(ranks.tensor, work.kv_heads);
    // Every part of a prompt looks back on all of it.
    const double parts = tokens.prompt ? 1 : ranks.context;
    double memory = work.cache_bytes * tokens.sequences / split / parts /
                    (chip.bytes_per_second * pace(Pace::CacheMemory));
    if (speeds.setting.engine == Engine::Transformers)
        memory *= 1 + pace(Pace::Copies) * work.spread;
    const double scans = tokens.sequences + (tokens.prompt ? tokens.all() * pace(Pace::Scan) : 0);
    memory += work.state_bytes * scans / ranks.tensor / chip.bytes_per_second;
    double compute = 0;
    if (tokens.prompt) {
        compute = work.prompt_ops * tokens.mine(ranks) / ranks.tensor /
                  (rate * pace(Pace::PromptAttention));
        if ((speeds.setting.traits & TraitPlainAttention) != 0)
            memory += work.pairs * tokens.mine(ranks) / ranks.tensor * pace(Pace::Scores) /
                      chip.bytes_per_second;
    } else if (work.token_ops > 0) {
        compute = work.token_ops * tokens.all() / ranks.tensor / parts /
                  (rate * pace(Pace::TokenAttention));
    }
    time.memory += memory;
    time.compute += compute;
    time.all += memory + compute;
}

/// The later of two, with a soft knee.
double later(double a, double b) {
    const double most = std::max(a, b), least = std::min(a, b);
    const double ratio = most > 0 ? least / most : 0;
    return most * std::sqrt(std::sqrt(1 + ratio * ratio * ratio * ratio));
}

double links(const Work &work, const Ranks &ranks, const Tokens &tokens, const Speeds &speeds,
             const Paces &pace) {
    const double bytes = tokens.mine(ranks) * work.hidden * 2;
    const double link = std::max(1e9, speeds.link_bytes_per_second);
    double seconds = 0;
    if (ranks.context > 1) {
        // Keys and values of a prompt go round; of a token, what each rank makes of its part.
        const double layers = work.layers - work.recurrent_layers;
        const double sent = tokens.prompt ? work.cache_bytes * tokens.sequences /
                                                std::min(ranks.tensor, work.kv_heads)
                                          : layers * bytes / ranks.tensor;
        seconds += layers * pace(Pace::Reduce) * std::log2(ranks.context) +
                   sent * (ranks.context - 1) / ranks.context / (link * pace(Pace::ReduceLink));
    }
    if (ranks.tensor > 1)
        seconds += 2 * work.layers *
                   (pace(Pace::Reduce) * std::log2(ranks.tensor) +
                    bytes * (ranks.tensor - 1) / ranks.tensor / (link * pace(Pace::ReduceLink)));
    if ((ranks.groups > 1 || ranks.spread()) && work.expert_layers > 0)
        seconds += 2 * work.expert_layers *
                   (pace(Pace::Exchange) +
                    bytes * work.experts_per_token / 2 / (link * pace(Pace::ExchangeLink)));
    return seconds;
}

} // namespace

Bits bits_of(const Work &whole) {
    return {bits_in(whole.bytes, whole.parameters),
            bits_in(whole.expert_bytes, whole.expert_parameters),
            bits_in(whole.output_bytes, whole.output_parameters)};
}

PassTime pass_time(const Work &work, const Ranks &ranks, const Tokens &tokens,
                   const Speeds &speeds) {
    const Paces pace(speeds);
    PassTime time;
    Product dense;
    dense.parameters = work.parameters / ranks.tensor;
    dense.bytes = work.bytes / ranks.tensor;
    dense.rows = tokens.mine(ranks);
    dense.bits = speeds.bits.dense;
    dense.vector = speeds.setting.engine == Engine::LlamaCpp && dense.rows <= vector_rows;
    multiply(time, dense, speeds, pace);
    if (work.output_parameters > 0) {
        Product output;
        output.parameters = work.output_parameters / ranks.all();
        output.bytes = work.output_bytes / ranks.all();
        output.rows = (tokens.prompt ? tokens.sequences : tokens.all()) * ranks.groups;
        output.bits = speeds.bits.output;
        output.vector = speeds.setting.engine == Engine::LlamaCpp && output.rows <= vector_rows;
        multiply(time, output, speeds, pace);
    }
    route(time, work, ranks, tokens, speeds, pace);
    attend(time, work, ranks, tokens, speeds, pace);
    time.rest = work.layers * pace(Pace::Layer) + work.expert_layers * pace(Pace::ExpertLayer) +
                work.recurrent_layers * pace(Pace::RecurrentLayer) +
                work.latent_layers * pace(Pace::LatentLayer) +
                work.index_layers * pace(Pace::IndexLayer) + pace(Pace::Step) +
                tokens.sequences * ranks.groups * pace(Pace::Sequence) +
                links(work, ranks, tokens, speeds, pace);
    time.all += time.rest;
    // The host gives out work while the device is busy with what it gave out before.
    if (speeds.setting.engine == Engine::Transformers)
        time.all = later(time.all, work.layers * pace(Pace::Dispatch, dense.bits));
    return time;
}

} // namespace hwa::plan
