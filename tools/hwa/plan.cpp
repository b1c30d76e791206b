// SPDX-License-Identifier: MIT
// hwa plan: lay a model over the devices, and say how it fits and how fast it should be.
#include "commands.h"
#include "library.h"
#include "pin.h"
#include "table.h"
#include "text.h"
#include "units.h"

#include <algorithm>
#include <filesystem>

namespace hwa::tool {

namespace {

constexpr char models[] = "give a GGUF or safetensors file, a folder, or a count such as 8B";

/// Says why a file is no model; the general hints are about devices.
int refuse_model(const hwa_error_t &error) {
    if (error.status == HWA_ERROR_INVALID) // A pipe or a device is a wrong file, not wrong usage.
        return fail(ExitFailed, error.message, "give the file itself");
    if (error.status == HWA_ERROR_UNSUPPORTED)
        return fail(error, models);
    return fail(error, error.status == HWA_ERROR_DENIED ? "let this user read it" : "");
}

/// The model of a file, or of a parameter count where there is no such file.
Model open_model(const std::string &name, int *exit) {
    Model model;
    hwa_error_t error = {};
    std::error_code ignored;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(name, ignored));
    const std::optional<uint64_t> parameters = there ? std::nullopt : parse_count(name);
    if (there && hwa_model_from_file(name.c_str(), Out(model), &error) != HWA_OK) {
        *exit = refuse_model(error);
    } else if (parameters) {
        hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
        desc.parameters = *parameters;
        desc.name = name.c_str();
        if (hwa_model_from_desc(&desc, Out(model), &error) != HWA_OK)
            *exit = fail(error);
    } else if (!there) {
        *exit =
            fail(ExitFailed, "there is no file '" + name + "', and it is no parameter count either",
                 models);
    }
    return model;
}

/// Every format that has a name, for the message on one that has none.
std::vector<std::string> format_names() {
    std::vector<std::string> names;
    for (int value = 1; value < 128; ++value)
        if (hwa_dtype_bits(static_cast<hwa_dtype_t>(value)) > 0)
            names.emplace_back(hwa_dtype_name(static_cast<hwa_dtype_t>(value)));
    return names;
}

int read_format(std::string name, hwa_dtype_t *dtype) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    *dtype = hwa_dtype_from_name(name.c_str());
    if (name.empty() || *dtype != HWA_DTYPE_UNKNOWN)
        return ExitDone;
    const std::string meant = nearest(name, format_names());
    return fail(ExitUsage, "there is no format '" + name + "'; there are: " + join(format_names()),
                meant.empty() ? "take one of them" : "did you mean '" + meant + "'?");
}

int read_devices(const hwa_system_t *system, const std::string &list,
                 std::vector<const hwa_device_t *> &devices) {
    for (const std::string &id : split(list, ',')) {
        const hwa_device_t *device = hwa_system_find_device(system, id.c_str());
        if (device == nullptr)
            return no_such_device(system, id);
        devices.push_back(device);
    }
    return ExitDone;
}

/// What the plan needs from the command line; `workload` is part of `options`.
struct Wish {
    hwa_workload_t workload = HWA_INIT(hwa_workload_t);
    hwa_plan_options_t options = HWA_INIT(hwa_plan_options_t);
    std::vector<const hwa_device_t *> devices;
    std::vector<Pin> made; ///< what `pins` points into
    std::vector<hwa_attr_t> pins;
};

int read_pins(const std::vector<std::string> &texts, Wish &wish) {
    for (const std::string &text : texts) {
        std::optional<Pin> pin = parse_pin(text);
        if (!pin)
            return fail(ExitUsage, "--set takes KEY=VALUE, not '" + text + "'",
                        "for example --set engine=llama.cpp");
        wish.made.push_back(std::move(*pin));
    }
    for (const Pin &pin : wish.made)
        wish.pins.push_back(pin.attr());
    wish.options.pins = wish.pins.empty() ? nullptr : wish.pins.data();
    wish.options.pin_count = static_cast<uint32_t>(wish.pins.size());
    return ExitDone;
}

int read_wish(const Arguments &arguments, const hwa_system_t *system, Wish &wish) {
    if (const int exit = read_format(arguments.format, &wish.workload.weight_dtype))
        return exit;
    if (const int exit = read_devices(system, arguments.devices, wish.devices))
        return exit;
    if (const int exit = read_pins(arguments.pins, wish))
        return exit;
    wish.workload.batch = arguments.batch;
    wish.workload.context_tokens = arguments.context;
    wish.options.workload = &wish.workload;
    wish.options.headroom = arguments.headroom;
    wish.options.devices = wish.devices.empty() ? nullptr : wish.devices.data();
    wish.options.device_count = static_cast<uint32_t>(wish.devices.size());
    return ExitDone;
}

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
    if (arguments.json)
        screen.print(or_empty(hwa_plan_json(made.get())));
    else
        print_plan(made.get(), model.get(), screen);
    return ExitDone;
}

} // namespace hwa::tool
