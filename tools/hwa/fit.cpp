// SPDX-License-Identifier: MIT
// hwa fit: which of several models fit, in which format, where, how fast, and how much context
// there is room for.
#include "commands.h"
#include "json.h"
#include "library.h"
#include "model.h"
#include "table.h"
#include "text.h"
#include "units.h"
#include "wish.h"

#include <algorithm>

namespace hwa::tool {

namespace {

/// What became of one model.
struct Answer {
    std::string model;
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    Model owner; ///< of what `desc` points to
    Plan plan;   ///< NULL: it fits nowhere
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    std::string reason;   ///< where there is no plan
    uint32_t context = 0; ///< tokens that there is room for
};

std::vector<const hwa_device_t *> devices_of(const Answer &answer) {
    std::vector<const hwa_device_t *> devices;
    for (uint32_t i = 0; i < answer.info.stage_count; ++i) {
        hwa_stage_t stage = HWA_INIT(hwa_stage_t);
        if (hwa_plan_stage(answer.plan.get(), i, &stage) == HWA_OK)
            devices.push_back(stage.device);
    }
    return devices;
}

/// Tokens of context that there is room for in the format and on the devices of the plan: doubled
/// until it fits no more, then halved between.
uint32_t longest_context(const hwa_system_t *system, const Answer &answer, const Wish &wish) {
    hwa_workload_t workload = wish.workload;
    hwa_plan_options_t options = wish.options;
    const std::vector<const hwa_device_t *> devices = devices_of(answer);
    options.workload = &workload;
    options.devices = devices.data();
    options.device_count = static_cast<uint32_t>(devices.size());
    if (workload.recipe == nullptr)
        workload.weight_dtype = answer.info.weight_dtype;
    const auto fits = [&](uint64_t tokens) {
        workload.context_tokens = static_cast<uint32_t>(tokens);
        Plan plan;
        return hwa_plan(system, answer.owner.get(), &options, Out(plan), nullptr) == HWA_OK;
    };
    static constexpr uint64_t step = 256, most = uint64_t{1} << 24;
    const uint64_t limit = answer.desc.context_limit != 0 ? answer.desc.context_limit : most;
    uint64_t good = 0, bad = step;
    while (bad <= limit && fits(bad)) {
        good = bad;
        bad *= 2;
    }
    if (bad > limit && fits(limit))
        return static_cast<uint32_t>(limit);
    for (bad = std::min(bad, limit); bad > good + step;) {
        const uint64_t middle = good + (bad - good) / 2 / step * step;
        if (middle == good)
            break;
        (fits(middle) ? good : bad) = middle;
    }
    return static_cast<uint32_t>(good);
}

int answer_for(const std::string &name, const hwa_system_t *system, const Wish &wish,
               Answer &answer) {
    int exit = ExitDone;
    answer.model = name;
    answer.owner = open_model(name, &exit);
    if (answer.owner == nullptr)
        return exit;
    if (hwa_model_desc(answer.owner.get(), &answer.desc) != HWA_OK)
        return fail(ExitFailed, "the model has no description", "report this as a defect");
    hwa_error_t error = {};
    const hwa_status_t status =
        hwa_plan(system, answer.owner.get(), &wish.options, Out(answer.plan), &error);
    if (status == HWA_ERROR_NO_FIT)
        answer.reason = error.message;
    else if (status != HWA_OK)
        return refuse_plan(error);
    else if (hwa_plan_info(answer.plan.get(), &answer.info) == HWA_OK)
        answer.context = longest_context(system, answer, wish);
    return ExitDone;
}

std::string format_of(const Answer &answer) {
    return answer.info.recipe != nullptr ? answer.info.recipe
                                         : hwa_dtype_name(answer.info.weight_dtype);
}

/// "RTX 4090" of "NVIDIA GeForce RTX 4090": a narrow column says what sets devices apart.
std::string brief(std::string name) {
    for (const char *maker : {"NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "AMD ", "Intel "})
        if (name.rfind(maker, 0) == 0)
            return name.substr(std::char_traits<char>::length(maker));
    return name;
}

/// "2 × RTX 4090, RTX 3060": names in the order of the plan, each once.
std::string where(const Answer &answer) {
    std::vector<std::pair<std::string, uint32_t>> names;
    for (const hwa_device_t *each : devices_of(answer)) {
        const hwa_device_info_t device = info_of(each);
        const std::string name = brief(or_empty(device.name != nullptr ? device.name : device.id));
        const auto same = [&](const auto &row) { return row.first == name; };
        const auto found = std::find_if(names.begin(), names.end(), same);
        if (found == names.end())
            names.emplace_back(name, 1);
        else
            ++found->second;
    }
    std::vector<std::string> parts;
    for (const auto &[name, times] : names)
        parts.push_back((times > 1 ? format("%u × ", times) : "") + name);
    return join(parts);
}

/// A file is called by its own name, whatever folder it lies in.
std::string short_name(const std::string &name) {
    const size_t end = name.find_last_not_of('/');
    if (end == std::string::npos)
        return name;
    const size_t slash = name.rfind('/', end);
    return name.substr(slash + 1, end - slash);
}

void print_table(const std::vector<Answer> &answers, Screen &screen) {
    Table table({{"MODEL", 0, false, 12},
                 {"PARAMETERS", 6, true},
                 {"FORMAT"},
                 {"MEMORY", 2, true},
                 {"TOKENS/S", 1, true},
                 {"CONTEXT", 1, true},
                 {"ON", 3, false, 12}});
    for (const Answer &answer : answers) {
        const bool fits = answer.plan != nullptr;
        table.row({{short_name(answer.model), Look::Name},
                   {count(answer.desc.parameters)},
                   {fits ? format_of(answer) : "no", fits ? Look::Good : Look::Bad},
                   {fits ? bytes(answer.info.footprint.total) : ""},
                   {fits ? rate(answer.info.tokens_per_second) : ""},
                   {fits ? format("%u", answer.context) : ""},
                   {fits ? where(answer) : ""}});
    }
    table.print(screen);
    bool first = true;
    for (const Answer &answer : answers) {
        if (answer.plan != nullptr)
            continue;
        if (first)
            screen.line();
        first = false;
        screen.paragraph(printable(answer.reason), "· ", Look::Faint);
    }
}

void print_json(const std::vector<Answer> &answers, Screen &screen) {
    Json json;
    json.integer("schema", 1).open_list("models");
    for (const Answer &answer : answers) {
        const bool fits = answer.plan != nullptr;
        json.open(nullptr)
            .text("model", answer.model)
            .integer("parameters", answer.desc.parameters);
        json.boolean("fits", fits).text("reason", fits ? nullptr : answer.reason.c_str());
        if (fits) {
            json.text("format", format_of(answer));
            json.integer("memory_bytes", answer.info.footprint.total);
            if (answer.info.tokens_per_second > 0)
                json.real("tokens_per_second", answer.info.tokens_per_second);
            else
                json.null("tokens_per_second");
            json.integer("context_tokens", answer.context);
            json.open_list("devices");
            for (const hwa_device_t *device : devices_of(answer))
                json.text(nullptr, info_of(device).id);
            json.close();
        }
        json.close();
    }
    json.close();
    screen.print(json.finish());
}

} // namespace

int fit(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    Wish wish;
    exit = read_wish(arguments, system.get(), wish);
    if (exit != ExitDone)
        return exit;
    std::vector<Answer> answers(arguments.models.size());
    bool any = false;
    for (size_t i = 0; i < answers.size(); ++i) {
        exit = answer_for(arguments.models[i], system.get(), wish, answers[i]);
        if (exit != ExitDone)
            return exit;
        any = any || answers[i].plan != nullptr;
    }
    arguments.json ? print_json(answers, screen) : print_table(answers, screen);
    return any ? ExitDone : ExitNoFit;
}

} // namespace hwa::tool
