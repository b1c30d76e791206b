// SPDX-License-Identifier: MIT
// Seconds of kernels, one line for each line read; tables/kernels.py and fit_kernels.py ask it.
//
//   chip VENDOR hbm|gddr BF16 FP8 FP4 BYTES_PER_SECOND    operations per second; 0: not known
//   gemm MATH M N K
//   prompt BATCH TOKENS HEADS KV_HEADS SIZE WINDOW CACHE_BYTES
//   token BATCH CONTEXT HEADS KV_HEADS SIZE WINDOW CACHE_BYTES
//   experts MATH TOKENS HIDDEN FFN EXPERTS PER_TOKEN RANKS SKEW
//   collective OPERATION WIRE RANKS BYTES RATE
//   curve OPERATOR CONSTANT…                              instead of the fitted ones, from here on
//   class                                                 the number of the chip's class
#include "plan/time/collectives.h"
#include "plan/time/curves.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>

using namespace hwa;
using namespace hwa::plan;

namespace {

core::Device device_of(std::istringstream &line) {
    core::Device device;
    std::string vendor, memory;
    double bf16 = 0, fp8 = 0, fp4 = 0, bytes = 0;
    line >> vendor >> memory >> bf16 >> fp8 >> fp4 >> bytes;
    device.kind = core::Kind::Gpu;
    device.vendor = {vendor, core::Source::Table};
    core::Memory made;
    made.kind = memory == "hbm" ? core::MemoryKind::Hbm : core::MemoryKind::Gddr;
    made.bytes_per_second = {static_cast<uint64_t>(bytes), core::Source::Table};
    device.memories.push_back(made);
    for (const auto &[dtype, rate] : {std::pair{core::Dtype::Bf16, bf16},
                                      {core::Dtype::F8E4M3, fp8},
                                      {core::Dtype::F4E2M1, fp4}})
        if (rate > 0)
            device.put_compute({dtype, core::Support::Native, rate, 0, core::Source::Table});
    return device;
}

Math math_of(std::istringstream &line) {
    std::string name;
    line >> name;
    const char *const names[] = {"bfloat16", "fp8", "fp8_block", "nvfp4", "w4a16_mxfp4"};
    for (size_t i = 0; i < math_count; ++i)
        if (name == names[i])
            return static_cast<Math>(i);
    std::cerr << "kernel_times: no math " << name << "\n";
    std::exit(EXIT_FAILURE);
}

/// Constants given in place of the fitted ones.
template <class Curve> struct Given {
    bool set = false;
    Curve curve = {};

    void read(std::istringstream &line) {
        std::array<double, sizeof(Curve) / sizeof(double)> values;
        for (double &value : values)
            line >> value;
        static_assert(sizeof(values) == sizeof(Curve));
        set = !line.fail();
        std::memcpy(&curve, values.data(), sizeof(Curve));
    }
};

struct Bench {
    Chip chip;
    Given<GemmCurve> gemm;
    Given<PromptCurve> prompt;
    Given<TokenCurve> token;
    Given<ExpertsCurve> experts;

    void print(double seconds, Operator what, Math math) const {
        std::cout << seconds << ' ' << kernel_error(chip.kind, what, math) << '\n';
    }
    void curve(std::istringstream &line) {
        std::string what;
        line >> what;
        if (what == "gemm")
            gemm.read(line);
        else if (what == "prompt")
            prompt.read(line);
        else if (what == "token")
            token.read(line);
        else
            experts.read(line);
    }
    void ask_gemm(std::istringstream &line) const {
        Gemm shape;
        shape.math = math_of(line);
        shape.warm = true;
        line >> shape.m >> shape.n >> shape.k;
        print(gemm.set ? gemm_seconds(chip, gemm.curve, shape) : seconds_of(chip, shape),
              Operator::Gemm, shape.math);
    }
    void ask_prompt(std::istringstream &line) const {
        PromptAttention shape;
        double bytes = 2;
        line >> shape.batch >> shape.tokens >> shape.heads >> shape.kv_heads >> shape.key_size >>
            shape.window >> bytes;
        shape.value_size = shape.key_size;
        shape.fp8_cache = bytes < 2;
        print(prompt.set ? prompt_seconds(chip, prompt.curve, shape) : seconds_of(chip, shape),
              Operator::PromptAttention, Math::Bf16);
    }
    void ask_token(std::istringstream &line) const {
        TokenAttention shape;
        double bytes = 2;
        line >> shape.batch >> shape.context >> shape.heads >> shape.kv_heads >> shape.key_size >>
            shape.window >> bytes;
        shape.value_size = shape.key_size;
        shape.fp8_cache = bytes < 2;
        shape.warm = true;
        print(token.set ? token_seconds(chip, token.curve, shape) : seconds_of(chip, shape),
              Operator::TokenAttention, Math::Bf16);
    }
    void ask_experts(std::istringstream &line) const {
        Experts shape;
        shape.math = math_of(line);
        shape.warm = true;
        line >> shape.tokens >> shape.hidden >> shape.ffn >> shape.experts >> shape.per_token >>
            shape.ranks >> shape.skew;
        print(experts.set ? experts_seconds(chip, experts.curve, shape) : seconds_of(chip, shape),
              Operator::Experts, shape.math);
    }
};

void ask_collective(std::istringstream &line) {
    const std::string_view operations[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall",
                                           "p2p"};
    const std::string_view wires[] = {"nvlink3", "nvlink4", "nvlink5", "pcie4", "pcie5", "xe"};
    std::string operation, wire;
    double ranks = 0, bytes = 0, rate = 0;
    line >> operation >> wire >> ranks >> bytes >> rate;
    Fabric fabric;
    fabric.wire = static_cast<Wire>(std::ranges::find(wires, wire) - std::begin(wires));
    fabric.bytes_per_second = rate;
    fabric.island = static_cast<uint32_t>(ranks);
    const auto what =
        static_cast<Collective>(std::ranges::find(operations, operation) - std::begin(operations));
    std::cout << collective_seconds(fabric, what, ranks, bytes) << ' '
              << collective_error(fabric, what) << '\n';
}

} // namespace

int main() {
    Bench bench;
    std::cout.precision(9);
    for (std::string text; std::getline(std::cin, text);) {
        std::istringstream line(text);
        std::string what;
        line >> what;
        if (what == "chip")
            bench.chip = chip_of(device_of(line));
        else if (what == "curve")
            bench.curve(line);
        else if (what == "gemm")
            bench.ask_gemm(line);
        else if (what == "prompt")
            bench.ask_prompt(line);
        else if (what == "token")
            bench.ask_token(line);
        else if (what == "experts")
            bench.ask_experts(line);
        else if (what == "collective")
            ask_collective(line);
        else if (what == "class")
            std::cout << static_cast<int>(bench.chip.kind) << '\n';
        else
            std::cout << "0 0\n";
    }
    return EXIT_SUCCESS;
}
