// SPDX-License-Identifier: MIT
// hwa plan: lay a model over the devices, and say how it fits and how fast it should be.
#include "commands.h"
#include "library.h"
#include "model.h"
#include "table.h"
#include "text.h"
#include "units.h"
#include "wish.h"

namespace hwa::tool {

namespace {

void print_model(const hwa_model_t *model, Screen &screen) {
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    if (hwa_model_desc(model, &desc) != HWA_OK)
        return;
    // The name of a model that is but a count is that count.
    std::vector<std::string> parts;
    if (desc.name != nullptr && parse_count(desc.name) != desc.parameters)
        parts.push_back(printable(desc.name));
    if (desc.architecture != nullptr)
        parts.push_back(printable(desc.architecture));
    parts.push_back(count(desc.parameters) + " parameters");
    if (desc.layers != 0)
        parts.push_back(format("%u layer%s", desc.layers, desc.layers == 1 ? "" : "s"));
    if (desc.experts != 0)
        parts.push_back(format("%u of %u experts", desc.experts_per_token, desc.experts));
    screen.line(join(parts, " · "), Look::Strong);
}

/// Memory of a stage's device that the plan leaves alone.
uint64_t free_of(const hwa_stage_t &stage) {
    hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
    if (hwa_device_memory(stage.device, 0, &memory) != HWA_OK)
        return 0;
    const uint64_t size = memory.usable_bytes != 0 ? memory.usable_bytes : memory.size_bytes;
    return size > stage.footprint.total ? size - stage.footprint.total : 0;
}

/// A row of the table: devices one after the other that hold and take the same.
struct Holder {
    hwa_stage_t stage;
    hwa_device_info_t device;
    uint32_t devices;

    bool like(const hwa_stage_t &other, const hwa_device_info_t &its) const {
        const hwa_footprint_t &a = stage.footprint, &b = other.footprint;
        return stage.first_layer == other.first_layer && stage.layer_count == other.layer_count &&
               a.weights == b.weights && a.total == b.total && a.offload == b.offload &&
               free_of(stage) == free_of(other) && or_empty(device.name) == or_empty(its.name);
    }
};

/// Few devices have a row each; of many, those that are alike share one.
std::vector<Holder> holders_of(const hwa_plan_t *plan, uint32_t stages) {
    static constexpr uint32_t few = 8;
    std::vector<Holder> holders;
    for (uint32_t i = 0; i < stages; ++i) {
        hwa_stage_t stage = HWA_INIT(hwa_stage_t);
        if (hwa_plan_stage(plan, i, &stage) != HWA_OK)
            continue;
        const hwa_device_info_t device = info_of(stage.device);
        if (stages > few && !holders.empty() && holders.back().like(stage, device))
            ++holders.back().devices;
        else
            holders.push_back({stage, device, 1});
    }
    return holders;
}

void print_stages(const std::vector<Holder> &holders, bool trains, Screen &screen) {
    Table table({{"DEVICE"},
                 {"NAME", 7, false, 10},
                 {"LAYERS", trains ? 6 : 2, true},
                 {"WEIGHTS", 1, true},
                 {"ADAPTERS", 3, true},
                 {"GRADIENTS", 3, true},
                 {"OPTIMIZER", 3, true},
                 {"CACHE", 3, true},
                 {"ACTIVATIONS", 3, true},
                 {"BUFFERS", 6, true},
                 {"TOTAL", 1, true},
                 {"FREE", 5, true}});
    for (const Holder &holder : holders) {
        const hwa_stage_t &stage = holder.stage;
        const hwa_footprint_t &use = stage.footprint;
        const std::string layers =
            stage.layer_count == 0
                ? ""
                : format("%u–%u", stage.first_layer, stage.first_layer + stage.layer_count - 1);
        const std::string more = holder.devices > 1 ? format(" +%u", holder.devices - 1) : "";
        // Of inference, what layers pass on is but a buffer.
        const uint64_t kept = trains ? use.activations : 0;
        table.row({{or_empty(holder.device.id) + more, Look::Name},
                   {or_empty(holder.device.name)},
                   {layers},
                   {bytes_or_zero(use.weights)},
                   {bytes(use.adapters)},
                   {bytes(use.gradients)},
                   {bytes(use.optimizer)},
                   {trains ? unknown : bytes_or_zero(use.cache)},
                   {bytes(kept)},
                   {bytes_or_zero(use.activations + use.workspace - kept)},
                   {bytes_or_zero(use.total), Look::Strong},
                   {bytes(free_of(stage))}});
    }
    table.print(screen);
}

/// "tensor 8 × pipeline 2": how devices share the work; "" where there is but one way.
std::string parallelism(const hwa_plan_info_t &info) {
    const struct {
        const char *name;
        uint32_t degree;
    } ways[] = {{"tensor", info.tensor_parallel},
                {"context", info.context_parallel},
                {"expert", info.expert_parallel},
                {"pipeline", info.pipeline_parallel},
                {"data", info.data_parallel}};
    std::vector<std::string> parts;
    for (const auto &way : ways)
        if (way.degree > 1)
            parts.push_back(format("%s %u", way.name, way.degree));
    return join(parts, " × ");
}

/// ", limited by memory bandwidth"; "" where it is not known what limits.
std::string limit(const hwa_plan_info_t &info) {
    static constexpr const char *bounds[] = {"", "computing", "memory bandwidth",
                                             "the links between devices"};
    const auto bound = static_cast<size_t>(info.bound);
    return bound > 0 && bound < std::size(bounds) ? std::string(", limited by ") + bounds[bound]
                                                  : std::string();
}

/// "41.3 tokens/s, limited by memory bandwidth; likely 30.0 to 57.0".
std::string speed(const hwa_plan_info_t &info) {
    if (info.tokens_per_second <= 0)
        return "not known";
    std::string line = rate(info.tokens_per_second) + " tokens/s" + limit(info);
    if (info.error_factor > 1)
        line += "; likely " + rate(info.tokens_per_second / info.error_factor) + " to " +
                rate(info.tokens_per_second * info.error_factor);
    return line;
}

/// "1.20 s for 32768 tokens", of training.
std::string step(const hwa_plan_info_t &info) {
    return seconds(info.step_seconds) +
           format(" for %.0f tokens", info.tokens_per_second * info.step_seconds);
}

/// What it should bring, a line each.
void print_promise(const hwa_plan_info_t &info, bool trains, Screen &screen) {
    if (const std::string ways = parallelism(info); !ways.empty())
        screen.paragraph(ways, "Parallelism  ");
    screen.paragraph(speed(info), "Speed        ");
    if (trains && info.step_seconds > 0)
        screen.line("Step         " + step(info));
    if (info.flops_utilization > 0 && trains)
        screen.line(format("Utilization  %.0f %% of the peak", 100 * info.flops_utilization));
    if (!trains && info.first_token_seconds > 0)
        screen.line("First token  after " + seconds(info.first_token_seconds));
    if (info.usd_per_million_tokens > 0)
        screen.line("Cost         " + dollars(info.usd_per_million_tokens) +
                    " for a million tokens, at " + dollars(info.usd_per_hour) + " an hour");
}

std::string format_of(const hwa_plan_info_t &info) {
    return info.recipe != nullptr ? printable(info.recipe) : hwa_dtype_name(info.weight_dtype);
}

/// Plans that lost, and why.
void print_alternatives(const hwa_plan_t *plan, const hwa_plan_info_t &winner, Screen &screen) {
    Table table({{"INSTEAD"},
                 {"PARALLELISM", 4},
                 {"MEMORY", 2, true},
                 {"TOKENS/S", 1, true},
                 {"STEP", 1, true},
                 {"WHY NOT", 0, false, 24, true}});
    for (uint32_t i = 0; i < winner.alternative_count; ++i) {
        hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
        const char *reason = nullptr;
        if (hwa_plan_alternative(plan, i, &info, &reason) != HWA_OK)
            continue;
        table.row({{format_of(info)},
                   {parallelism(info)},
                   {bytes(info.footprint.total)},
                   {rate(info.tokens_per_second)},
                   {seconds(info.step_seconds)},
                   {or_empty(reason)}});
    }
    if (table.empty())
        return;
    screen.line();
    table.print(screen);
}

std::string verdict(const hwa_plan_info_t &info, bool trains) {
    std::string fits = "Fits with " + format_of(info) + " weights";
    if (!trains)
        fits += " and " + std::string(hwa_dtype_name(info.cache_dtype)) + " cache";
    return fits + ", " + bytes(info.footprint.total) +
           format(" on %u device%s", info.stage_count, info.stage_count == 1 ? "" : "s");
}

void print_plan(const hwa_plan_t *plan, const hwa_model_t *model, bool trains, Screen &screen) {
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    if (hwa_plan_info(plan, &info) != HWA_OK)
        return;
    print_model(model, screen);
    screen.line(verdict(info, trains), Look::Good);
    screen.line();
    print_stages(holders_of(plan, info.stage_count), trains, screen);
    if (info.footprint.offload != 0)
        screen.line("Beside that, " + bytes(info.footprint.offload) + " in the memory of the host");
    screen.line();
    print_promise(info, trains, screen);
    for (uint32_t i = 0; i < info.note_count; ++i)
        screen.paragraph(printable(or_empty(hwa_plan_note(plan, i))), "· ", Look::Faint);
    print_alternatives(plan, info, screen);
}

/// The plan for another program, and nothing else.
int print_export(const hwa_plan_t *plan, const std::string &program, Screen &screen) {
    const char *text = nullptr;
    hwa_error_t error = {};
    if (hwa_plan_export(plan, program.c_str(), &text, &error) != HWA_OK)
        return error.status == HWA_ERROR_NOT_FOUND
                   ? fail(ExitUsage, error.message, "take one of them")
                   : fail(error, "change the plan, or take another program");
    screen.print(text);
    return ExitDone;
}

} // namespace

int plan(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const Model model = open_model(arguments.model, &exit);
    if (model == nullptr)
        return exit;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    Wish wish;
    exit = read_wish(arguments, system.get(), wish);
    if (exit != ExitDone)
        return exit;
    Plan made;
    hwa_error_t error = {};
    if (hwa_plan(system.get(), model.get(), &wish.options, Out(made), &error) != HWA_OK)
        return refuse_plan(error);
    if (!arguments.plan.program.empty())
        return print_export(made.get(), arguments.plan.program, screen);
    if (arguments.json)
        screen.print(or_empty(hwa_plan_json(made.get())));
    else
        print_plan(made.get(), model.get(), wish.workload.mode != HWA_MODE_INFER, screen);
    return ExitDone;
}

} // namespace hwa::tool
