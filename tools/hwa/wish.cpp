// SPDX-License-Identifier: MIT
// What is asked of a plan, from the command line to the library.
#include "wish.h"

#include "text.h"

#include <algorithm>

namespace hwa::tool {

namespace {

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

/// Position of a word among those that the command line takes, which are in the order of the enum.
template <class Enum, size_t size>
Enum place(const std::string &word, const char *const (&words)[size]) {
    size_t found = 0;
    for (size_t i = 0; i < size; ++i)
        if (word == words[i])
            found = i;
    return static_cast<Enum>(found);
}

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

void read_training(const PlanFor &to, hwa_workload_t &workload) {
    workload.mode = place<hwa_mode_t>(
        to.mode, {"infer", "train", "lora", "qlora", "prefix", "dpo", "rlhf", "distill"});
    workload.optimizer = place<hwa_optimizer_t>(
        to.optimizer, {"adamw", "adamw-8bit", "adafactor", "sgd", "sgd-momentum"});
    workload.recompute = place<hwa_recompute_t>(to.recompute, {"", "none", "selective", "full"});
    workload.sequence_tokens = to.sequence;
    workload.micro_batch = to.micro_batch;
    workload.rank = to.rank;
    workload.zero_stage = to.zero ? *to.zero + 1 : 0;
}

} // namespace

int read_wish(const Arguments &arguments, const hwa_system_t *system, Wish &wish) {
    const PlanFor &to = arguments.plan;
    if (const int exit = read_format(to.format, &wish.workload.weight_dtype))
        return exit;
    if (const int exit = read_format(to.cache_format, &wish.workload.cache_dtype))
        return exit;
    if (const int exit = read_devices(system, arguments.devices, wish.devices))
        return exit;
    if (const int exit = read_pins(to.pins, wish))
        return exit;
    read_training(to, wish.workload);
    wish.workload.batch = to.batch;
    wish.workload.context_tokens = to.context;
    wish.workload.prompt_tokens = to.prompt;
    wish.workload.output_tokens = to.output;
    wish.workload.recipe = to.recipe.empty() ? nullptr : to.recipe.c_str();
    wish.options.workload = &wish.workload;
    wish.options.objective =
        place<hwa_objective_t>(to.objective, {"throughput", "latency", "cost", "quality"});
    wish.options.headroom = to.headroom;
    wish.options.max_devices = to.max_devices;
    wish.options.usd_per_hour = to.usd_per_hour;
    wish.options.devices = wish.devices.empty() ? nullptr : wish.devices.data();
    wish.options.device_count = static_cast<uint32_t>(wish.devices.size());
    return ExitDone;
}

int refuse_plan(const hwa_error_t &error) {
    const std::string_view why = error.message;
    if (error.status != HWA_ERROR_UNSUPPORTED)
        return fail(error);
    return fail(error, why.find("pins:") == 0
                           ? "'hwa plan --help' lists what can be chosen in its place"
                           : "take another --format, such as bf16 or q4_k");
}

} // namespace hwa::tool
