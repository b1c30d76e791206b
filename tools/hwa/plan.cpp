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

void print_stages(const hwa_plan_t *plan, uint32_t stages, Screen &screen) {
    Table table({{"DEVICE"},
                 {"NAME", 6, false, 10},
                 {"LAYERS", 2, true},
                 {"WEIGHTS", 1, true},
                 {"CACHE", 3, true},
                 {"BUFFERS", 5, true},
                 {"TOTAL", 1, true},
                 {"FREE", 4, true}});
    for (uint32_t i = 0; i < stages; ++i) {
        hwa_stage_t stage = HWA_INIT(hwa_stage_t);
        if (hwa_plan_stage(plan, i, &stage) != HWA_OK)
            continue;
        const hwa_device_info_t device = info_of(stage.device);
        const hwa_footprint_t &use = stage.footprint;
        const std::string layers =
            stage.layer_count == 0
                ? ""
                : format("%u–%u", stage.first_layer, stage.first_layer + stage.layer_count - 1);
        table.row({{or_empty(device.id), Look::Name},
                   {or_empty(device.name)},
                   {layers},
                   {bytes_or_zero(use.weights)},
                   {bytes_or_zero(use.cache)},
                   {bytes_or_zero(use.activations + use.workspace)},
                   {bytes_or_zero(use.total), Look::Strong},
                   {bytes(free_of(stage))}});
    }
    table.print(screen);
}

void print_speed(const hwa_plan_info_t &info, Screen &screen) {
    static constexpr const char *bounds[] = {"", "computing", "memory bandwidth",
                                             "the links between devices"};
    const auto bound = static_cast<size_t>(info.bound);
    if (info.tokens_per_second > 0) {
        std::string line = format("%.3g tokens/s", info.tokens_per_second);
        if (bound > 0 && bound < std::size(bounds))
            line += std::string(", limited by ") + bounds[bound];
        if (info.error_factor > 1)
            line += format("; likely %.3g to %.3g", info.tokens_per_second / info.error_factor,
                           info.tokens_per_second * info.error_factor);
        screen.paragraph(line, "Speed        ");
    } else {
        screen.line("Speed        not known");
    }
    if (info.first_token_seconds > 0)
        screen.line("First token  after " + seconds(info.first_token_seconds));
}

void print_plan(const hwa_plan_t *plan, const hwa_model_t *model, Screen &screen) {
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    if (hwa_plan_info(plan, &info) != HWA_OK)
        return;
    print_model(model, screen);
    std::string fits = "Fits with ";
    fits += info.recipe != nullptr ? printable(info.recipe) : hwa_dtype_name(info.weight_dtype);
    fits += " weights and " + std::string(hwa_dtype_name(info.cache_dtype)) + " cache, " +
            bytes(info.footprint.total) +
            format(" on %u device%s", info.stage_count, info.stage_count == 1 ? "" : "s");
    screen.line(fits, Look::Good);
    screen.line();
    print_stages(plan, info.stage_count, screen);
    screen.line();
    print_speed(info, screen);
    for (uint32_t i = 0; i < info.note_count; ++i)
        screen.paragraph(printable(or_empty(hwa_plan_note(plan, i))), "· ", Look::Faint);
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
        return fail(error, error.status == HWA_ERROR_UNSUPPORTED
                               ? "take another --format, such as bf16 or q4_k"
                               : "");
    if (!arguments.plan.program.empty())
        return print_export(made.get(), arguments.plan.program, screen);
    if (arguments.json)
        screen.print(or_empty(hwa_plan_json(made.get())));
    else
        print_plan(made.get(), model.get(), screen);
    return ExitDone;
}

} // namespace hwa::tool
