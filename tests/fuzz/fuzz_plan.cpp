// SPDX-License-Identifier: MIT
// Any lines KEY=VALUE as what a plan is asked for: a refusal is one of the known kinds and says
// why, and what is planned can be written down and exported.
#include "base/json.h"
#include "plan/alternatives.h"
#include "plan/export/export.h"
#include "plan/model/read.h"
#include "plan/plan.h"
#include "system_maker.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

using namespace hwa;
using base::Status;

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

/// A mixture of experts over compressed rows, and a dense model.
static const core::Model &model_at(uint64_t index) {
    static const auto read = [](const char *text) {
        auto config = plan::read_config_text("config.json", text);
        expect(bool(config));
        return std::move(config->model);
    };
    static const core::Model models[] = {
        read(R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
                 "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
                 "vocab_size": 128256, "torch_dtype": "bfloat16"})"),
        read(R"({"model_type": "deepseek_v3", "hidden_size": 2048, "num_hidden_layers": 12,
                 "num_attention_heads": 16, "num_key_value_heads": 16, "intermediate_size": 8192,
                 "vocab_size": 102400, "n_routed_experts": 64, "num_experts_per_tok": 6,
                 "moe_intermediate_size": 1408, "n_shared_experts": 2, "first_k_dense_replace": 1,
                 "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
                 "v_head_dim": 128, "torch_dtype": "bfloat16"})"),
    };
    return models[index % std::size(models)];
}

/// Equal cards, a card with a processor, and a device of which nothing is known.
static const core::System &system_at(uint64_t index) {
    static const core::System systems[] = {
        test::cards(2), [] {
            core::System made = test::cards(1);
            made.devices.push_back(test::processor(64 * test::gib));
            made.devices.push_back(test::device("x", core::Kind::Npu, 0));
            return made;
        }()};
    return systems[index % std::size(systems)];
}

/// What a text asks for.
struct Asked {
    plan::Options options;
    std::vector<core::Attr> pins;
    uint64_t model = 0;
    uint64_t system = 0;

    void line(std::string_view key, std::string_view value);
};

template <class Number> static bool read_number(std::string_view text, Number &number) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc{} && end == text.data() + text.size();
}

/// As the tool reads it: a whole number, a number, or text.
static core::Attr pin_of(std::string key, std::string_view value) {
    int64_t whole = 0;
    double real = 0;
    if (read_number(value, whole))
        return core::attr_int(std::move(key), whole, core::Source::Unknown);
    if (read_number(value, real))
        return core::attr_real(std::move(key), real, core::Source::Unknown);
    return core::attr_text(std::move(key), std::string(value), core::Source::Unknown);
}

void Asked::line(std::string_view key, std::string_view value) {
    plan::Workload &work = options.workload;
    const struct {
        std::string_view key;
        uint64_t *place;
    } counts[] = {{"model", &model},
                  {"system", &system},
                  {"batch", &work.batch},
                  {"prompt", &work.prompt_tokens},
                  {"output", &work.output_tokens},
                  {"context", &work.context_tokens},
                  {"rank", &work.rank},
                  {"sequence", &work.sequence_tokens},
                  {"micro_batch", &work.micro_batch}};
    const struct {
        std::string_view key;
        double *place;
    } shares[] = {{"headroom", &options.headroom},
                  {"usd", &options.usd_per_hour},
                  {"speed", &options.min_tokens_per_second},
                  {"bits", &options.min_weight_bits}};
    int64_t whole = 0;
    double real = 0;
    const bool is_whole = read_number(value, whole);
    const bool is_real = read_number(value, real);
    for (const auto &count : counts)
        if (count.key == key && is_whole)
            *count.place = static_cast<uint32_t>(whole); // the public fields have 32 bits
    for (const auto &share : shares)
        if (share.key == key && is_real)
            *share.place = real;
    if (key == "objective")
        options.objective = static_cast<plan::Objective>(whole);
    else if (key == "mode")
        work.mode = static_cast<plan::Mode>(whole);
    else if (key == "optimizer")
        work.optimizer = static_cast<plan::Optimizer>(whole);
    else if (key == "recompute")
        work.recompute = static_cast<plan::Recompute>(whole);
    else if (key == "zero")
        work.zero_stage = static_cast<uint32_t>(whole);
    else if (key == "recipe")
        work.recipe = value;
    else if (key == "weights")
        work.weight_dtype = core::dtype_from_name(value);
    else if (key == "cache")
        work.cache_dtype = core::dtype_from_name(value);
    else if (key.starts_with("set."))
        pins.push_back(pin_of(std::string(key.substr(4)), value));
}

static Asked read_asked(std::string_view text) {
    Asked asked;
    for (size_t lines = 0; lines < 64 && !text.empty(); ++lines) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const size_t at = line.find('=');
        if (at != std::string_view::npos)
            asked.line(line.substr(0, at), line.substr(at + 1));
    }
    return asked;
}

static void check_refusal(const base::Error &error) {
    expect(error.status == Status::Invalid || error.status == Status::Unsupported ||
           error.status == Status::NoFit);
    expect(!error.message.empty());
}

static void check_number(double value) {
    expect(std::isfinite(value) && value >= 0);
}

static void check_plan(const core::System &system, const core::Model &model,
                       const plan::Plan &plan) {
    expect(!plan.stages.empty());
    for (const plan::Stage &stage : plan.stages) {
        expect(stage.device != nullptr);
        expect(stage.first_layer + stage.layer_count <= model.layers.size());
        check_number(stage.seconds_per_token);
    }
    for (const double value :
         {plan.tokens_per_second, plan.token_seconds, plan.step_seconds, plan.first_token_seconds,
          plan.flops_utilization, plan.usd_per_million_tokens, plan.error_factor})
        check_number(value);
    const std::string json = plan::plan_to_json(model, plan);
    expect(bool(base::JsonDocument::parse("plan", json)));
    for (const std::string_view format : plan::export_formats()) {
        const auto text = plan::export_plan({&system, &model, &plan}, format);
        expect(text ? !text->empty() : !text.error().message.empty());
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Asked asked = read_asked({reinterpret_cast<const char *>(bytes), size});
    auto run = plan::run_of(asked.pins);
    if (!run) {
        check_refusal(run.error());
        return 0;
    }
    asked.options.run = std::move(*run);
    const core::System &system = system_at(asked.system);
    const core::Model &model = model_at(asked.model);
    const auto plan = plan::make_plan(system, model, asked.options);
    if (!plan) {
        check_refusal(plan.error());
        return 0;
    }
    check_plan(system, model, *plan);
    for (const plan::Alternative &other :
         plan::alternatives_of(system, model, asked.options, *plan))
        expect(!other.reason.empty());
    return 0;
}
