// SPDX-License-Identifier: MIT
// Sentences of a plan.
#include "plan/notes.h"

#include "base/text.h"
#include "plan/degrees.h"
#include "plan/words.h"

#include <algorithm>
#include <utility>

namespace hwa::plan {

using core::Device;
using core::Model;
using ull = unsigned long long;

namespace {

const std::string &name_of(const Device &device) {
    return device.name.value.empty() ? device.id : device.name.value;
}

void note_format(const Model &model, double headroom, Plan &plan) {
    std::string text = "weights in " + plan.format.name + ", " + fixed(plan.weight_bits, 2) +
                       " bits each on average";
    text += plan.format.own ? ", as published" : ", to be converted from what is published";
    plan.notes.push_back(text);
    plan.notes.push_back(fixed(100 * headroom, 0) + " % of each memory is left free");
    if (model.inventory == core::Inventory::Formula)
        plan.notes.push_back("weights counted by the tensors of the model's family, not read");
    const uint64_t context = plan.workload.context_tokens;
    if (model.context_limit != 0 && context > model.context_limit)
        plan.notes.push_back(base::format("a context of %llu tokens is more than the %u the model "
                                          "was made for",
                                          static_cast<ull>(context), model.context_limit));
    if (plan.workload.prompt_tokens + plan.workload.output_tokens > context)
        plan.notes.push_back("prompt and output together are longer than the context");
}

void note_speed(Plan &plan) {
    for (const Stage &stage : plan.stages) {
        const Rates rates = rates_of(*stage.device);
        if (rates.bytes_per_second <= 0)
            plan.notes.push_back("the memory bandwidth of " + name_of(*stage.device) +
                                 " is not known: no speed is estimated");
        else if (rates.ops_per_second <= 0)
            plan.notes.push_back("the peak rate of " + name_of(*stage.device) +
                                 " is not known: speed is that of its memory, and the time of "
                                 "the prompt is not estimated");
    }
    if (plan.unknown_link)
        plan.notes.push_back("the speed of a link between stages is not known: its time is not "
                             "counted");
    if (!plan.workload.trains() && degrees_of(plan).pipeline > 1)
        plan.notes.push_back("stages take turns on each token: more of them hold more, and are no "
                             "faster");
    if (plan.first_token_seconds > 0)
        plan.notes.push_back("the time of the prompt depends on the engine: within a factor of 3");
}

} // namespace

std::string model_text(const Model &model) {
    return model.name.empty() ? "the model" : base::sanitise(model.name, 64);
}

void add_notes(const Model &model, double headroom, Plan &plan) {
    note_format(model, headroom, plan);
    note_speed(plan);
    plan.notes.insert(plan.notes.end(), model.notes.begin(), model.notes.end());
    // Exact tensors leave the buffers of the runtime to be wrong about. Real files of a format are
    // up to a tenth larger than predicted, for the finer layers of their mixes.
    if (model.inventory == core::Inventory::Estimated)
        plan.memory_error_factor = 1.25;
    else if (!plan.format.own)
        plan.memory_error_factor = 1.15;
    else
        plan.memory_error_factor = model.inventory == core::Inventory::Exact ? 1.05 : 1.1;
}

void add_training_notes(const Model &model, double headroom, Plan &plan) {
    const Run &run = plan.run;
    plan.notes.push_back(base::format(
        "trained by %s: %llu sequences of %llu tokens in a step, %llu at once on each replica",
        engine_name(run.engine.value_or(Engine::Any)),
        static_cast<ull>(run.global_batch.value_or(1)),
        static_cast<ull>(plan.workload.sequence_tokens),
        static_cast<ull>(plan.workload.micro_batch)));
    plan.notes.push_back(fixed(100 * headroom, 0) + " % of each memory is left free");
    if (run.offload_optimizer.value_or(false))
        plan.notes.push_back(run.offload_weights.value_or(false)
                                 ? "weights and the states of the optimizer are kept on the host"
                                 : "the states of the optimizer are kept on the host");
    if (plan.step_seconds <= 0)
        plan.notes.push_back("the time of a step is not known: the plan computes least twice and "
                             "splits least that fits");
    plan.notes.insert(plan.notes.end(), model.notes.begin(), model.notes.end());
}

std::string no_device_text(const std::vector<const Device *> &blind) {
    if (blind.empty())
        return "there is no device that a plan may use";
    return "the memory of " + base::sanitise(name_of(*blind[0]), 64) +
           (blind.size() > 1 ? base::format(" and %zu others", blind.size() - 1) : "") +
           " is not known, and there is no other device that a plan may use";
}

std::string too_slow_text(double fastest, double wanted) {
    if (fastest <= 0)
        return "no plan is known to reach " + fixed(wanted, 1) +
               " tokens per second: the memory bandwidth of the devices is not known";
    return "the fastest plan that fits makes " + fixed(fastest, 1) + " tokens per second, " +
           fixed(wanted - fastest, 1) + " short of " + fixed(wanted, 1);
}

std::string list_devices(std::span<const Device *const> devices) {
    std::vector<std::pair<std::string, size_t>> counts;
    for (const Device *device : devices) {
        const std::string name = base::sanitise(name_of(*device), 48);
        const auto same = [&](const auto &row) { return row.first == name; };
        const auto found = std::find_if(counts.begin(), counts.end(), same);
        if (found == counts.end())
            counts.emplace_back(name, 1);
        else
            ++found->second;
    }
    std::string list;
    for (size_t i = 0; i < counts.size() && i < 3; ++i) {
        list += i == 0 ? "" : ", ";
        list += counts[i].second > 1 ? base::format("%zu x ", counts[i].second) : "";
        list += counts[i].first;
    }
    return counts.size() > 3 ? list + base::format(" and %zu others", counts.size() - 3) : list;
}

} // namespace hwa::plan
