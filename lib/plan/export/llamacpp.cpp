// SPDX-License-Identifier: MIT
// A plan as a call of llama.cpp's server. Layers are dealt as its loader deals them: the last
// --gpu-layers of the layers and the output go to the devices, in the proportions of
// --tensor-split; so these are the counts themselves.
#include "plan/degrees.h"
#include "plan/export/exporters.h"
#include "plan/export/hosts.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Device;

namespace {

base::Done check(const Planned &planned, const std::vector<Host> &hosts) {
    const Degrees by = degrees_of(*planned.plan);
    if (planned.plan->workload.trains())
        return base::error(Status::Unsupported, "llama.cpp: it is no program to train with");
    if (by.tensor > 1 || by.data > 1 || by.context > 1)
        return base::error(Status::Unsupported,
                           "llama.cpp: it is given a model split by layers, and one replica of it");
    HWA_CHECK(check_several(*planned.plan, hosts, "llama.cpp"));
    for (const Host &host : hosts)
        for (const Device *device : host.devices)
            if (&host != &hosts.back() && device->kind == core::Kind::Cpu)
                return base::error(Status::Unsupported,
                                   "llama.cpp: it is run on %s, where the last layers are, and %s "
                                   "is of another host",
                                   hosts.back().name.c_str(), device->id.c_str());
    return {};
}

/// The first port of its servers of devices (tools/rpc/rpc-server.cpp).
constexpr uint64_t first_port = 50052;

/// A server for each device of the other hosts; where they listen, into `list`. llama.cpp puts them
/// before the devices of its own host, in that order.
std::string remote_devices(const Planned &planned, const std::vector<Host> &hosts,
                           std::string &list) {
    std::string text;
    for (size_t i = 0; i + 1 < hosts.size(); ++i) {
        uint64_t port = first_port;
        text += heading(hosts, hosts[i]);
        for (const Device *device : hosts[i].devices) {
            Command command;
            show_only(*planned.system, {device}, command);
            command.add("rpc-server").option("--host", hosts[i].name).option("--port", port);
            text += command.text();
            list += (list.empty() ? "" : ",") + hosts[i].name + ":" + std::to_string(port++);
        }
    }
    return text;
}

/// The file it can read, or what to put in its place.
void add_model(const Planned &planned, Command &command) {
    const std::string &source = planned.model->source;
    const Format &format = planned.plan->format;
    if (format.own && source.ends_with(".gguf"))
        command.option("--model", source);
    else
        command.option_word("--model",
                            shell_wanted("MODEL", "a GGUF file with weights in " + format.name));
}

/// Counts of layers on each accelerator, the output on the last one counted as one.
std::vector<uint64_t> counts_of(const Plan &plan) {
    std::vector<uint64_t> counts;
    for (const Stage &stage : plan.stages)
        if (stage.device->kind != core::Kind::Cpu)
            counts.push_back(stage.layer_count + (&stage == &plan.stages.back() ? 1 : 0));
    return counts;
}

void add_split(const Plan &plan, Command &command) {
    const std::vector<uint64_t> counts = counts_of(plan);
    uint64_t sum = 0;
    std::string split;
    for (const uint64_t count : counts) {
        sum += count;
        split += (split.empty() ? "" : ",") + std::to_string(count);
    }
    command.option("--gpu-layers", sum);
    if (counts.size() > 1)
        command.option("--split-mode", "layer").option("--tensor-split", split);
    else if (!counts.empty())
        command.option("--split-mode", "none");
}

void add_cache(const Plan &plan, Command &command) {
    const auto name = [&](const Choice<const CacheFormat *> &choice) {
        return std::string(choice ? (*choice)->name : core::dtype_name(plan.workload.cache_dtype));
    };
    command.option("--cache-type-k", name(plan.run.key_format));
    command.option("--cache-type-v", name(plan.run.value_format));
}

base::Done check_cache(const Plan &plan) {
    const core::Dtype dtype = plan.workload.cache_dtype;
    if (dtype == core::Dtype::F8E4M3 || dtype == core::Dtype::F8E5M2)
        return base::error(Status::Unsupported, "llama.cpp: it keeps no keys and values in %s",
                           core::dtype_name(dtype));
    return {};
}

} // namespace

base::Result<std::string> export_llamacpp(const Planned &planned) {
    const Plan &plan = *planned.plan;
    const std::vector<Host> hosts = hosts_of(plan);
    HWA_CHECK(check(planned, hosts));
    HWA_CHECK(check_cache(plan));
    std::vector<const Device *> devices = hosts.back().devices;
    std::erase_if(devices, [](const Device *device) { return device->kind == core::Kind::Cpu; });
    const bool mixed = std::any_of(devices.begin(), devices.end(), [&](const Device *device) {
        return maker_of(*device) != maker_of(*devices[0]);
    });
    std::string remotes;
    std::string text = remote_devices(planned, hosts, remotes) + heading(hosts, hosts.back());
    Command command;
    command.add("llama-server");
    mixed ? show_only_in_vulkan(*planned.system, devices, command)
          : show_only(*planned.system, devices, command);
    add_model(planned, command);
    const uint64_t slots = plan.run.sequences.value_or(static_cast<uint32_t>(plan.workload.batch));
    command.option("--ctx-size", plan.workload.context_tokens * plan.workload.batch);
    command.option("--parallel", slots);
    if (plan.run.unified_cache.value_or(false))
        command.option("--kv-unified");
    if (plan.run.full_window.value_or(false))
        command.option("--swa-full");
    if (!remotes.empty())
        command.option("--rpc", remotes);
    add_split(plan, command);
    add_cache(plan, command);
    if (plan.run.ubatch)
        command.option("--ubatch-size", *plan.run.ubatch);
    command.option("--flash-attn", plan.run.flash_attention.value_or(true) ? "on" : "off");
    return text + command.text();
}

} // namespace hwa::plan
