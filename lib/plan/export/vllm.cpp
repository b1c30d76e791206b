// SPDX-License-Identifier: MIT
// A plan as a call of vLLM's server.
#include "plan/degrees.h"
#include "plan/export/exporters.h"
#include "plan/export/hosts.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Dtype;

namespace {

struct Word {
    Dtype dtype;
    const char *name;
};

// vllm/config/model.py ModelDType, vllm/config/cache.py CacheDType.
constexpr Word activations[] = {
    {Dtype::F32, "float32"}, {Dtype::F16, "float16"}, {Dtype::Bf16, "bfloat16"}};
constexpr Word caches[] = {{Dtype::F16, "auto"},
                           {Dtype::Bf16, "auto"},
                           {Dtype::F8E4M3, "fp8_e4m3"},
                           {Dtype::F8E5M2, "fp8_e5m2"}};

template <size_t size> const char *find(const Word (&words)[size], Dtype dtype) {
    for (const Word &word : words)
        if (word.dtype == dtype)
            return word.name;
    return nullptr;
}

base::Done check(const Planned &planned, const std::vector<Host> &hosts) {
    const Plan &plan = *planned.plan;
    if (plan.workload.trains())
        return base::error(Status::Unsupported, "vllm: it is no program to train with");
    HWA_CHECK(check_several(plan, hosts, "vllm"));
    HWA_CHECK(check_equal(hosts, "vllm"));
    const Degrees by = degrees_of(plan);
    if (hosts.size() > 1 && by.data > 1 && by.data % hosts.size() != 0)
        return base::error(Status::Unsupported,
                           "vllm: a host has whole replicas, and %llu of them are over %zu hosts",
                           static_cast<unsigned long long>(by.data), hosts.size());
    for (const Stage &stage : plan.stages)
        if (maker_of(*stage.device) == Maker::None ||
            maker_of(*stage.device) != maker_of(*plan.stages[0].device))
            return base::error(Status::Unsupported, "vllm: %s and %s do not run one model together",
                               plan.stages[0].device->id.c_str(), stage.device->id.c_str());
    if (by.context > 1)
        return base::error(Status::Unsupported, "vllm: no context parallelism is exported");
    if (degrees_of(plan).expert > 1 && degrees_of(plan).data > 1)
        return base::error(Status::Unsupported,
                           "vllm: it spreads experts over all replicas; start a server for each of "
                           "the %llu",
                           static_cast<unsigned long long>(degrees_of(plan).data));
    if (planned.model->source.ends_with(".gguf"))
        return base::error(Status::Unsupported,
                           "vllm: %s is a GGUF file; give the model's folder "
                           "of safetensors",
                           base::sanitise(planned.model->source, 128).c_str());
    if (find(caches, plan.workload.cache_dtype) == nullptr)
        return base::error(Status::Unsupported, "vllm: it keeps no keys and values in %s",
                           core::dtype_name(plan.workload.cache_dtype));
    return {};
}

/// What it can do to weights while it loads them.
base::Done add_format(const Planned &planned, Command &command) {
    const Format &format = planned.plan->format;
    if (const char *name = find(activations, format.dtype); name != nullptr)
        command.option("--dtype", name);
    else if (!format.own && format.dtype == Dtype::F8E4M3)
        command.option("--quantization", "fp8");
    else if (!format.own)
        return base::error(Status::Unsupported,
                           "vllm: it does not turn weights into %s while loading; take the format "
                           "f16, bf16 or f8_e4m3, or a model published in that format",
                           format.name.c_str());
    return {};
}

/// A file and what lies beside it are one folder to it.
std::string folder_of(const std::string &source) {
    if (!source.ends_with(".json") && !source.ends_with(".safetensors"))
        return source;
    const size_t slash = source.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : source.substr(0, slash);
}

void add_degrees(const Plan &plan, Command &command) {
    const Degrees by = degrees_of(plan);
    if (by.tensor > by.groups)
        command.option("--tensor-parallel-size", by.tensor / by.groups);
    if (by.pipeline > 1)
        command.option("--pipeline-parallel-size", by.pipeline);
    if (by.data * by.groups > 1)
        command.option("--data-parallel-size", by.data * by.groups);
    if (by.expert > 1)
        command.option("--enable-expert-parallel");
}

/// How many layers each stage holds, where that is not the same for all.
void add_partition(const Plan &plan, Command &command) {
    const std::vector<uint64_t> layers = stage_layers(plan);
    if (std::all_of(layers.begin(), layers.end(), [&](uint64_t n) { return n == layers[0]; }))
        return;
    std::string counts;
    for (const uint64_t count : layers)
        counts += (counts.empty() ? "" : ",") + std::to_string(count);
    command.set("VLLM_PP_LAYER_PARTITION", counts);
}

/// How the hosts find the first of them, which answers requests: replicas are dealt out to hosts,
/// or the ranks of one are.
void add_host(const std::vector<Host> &hosts, size_t rank, uint64_t replicas, Command &command) {
    if (hosts.size() < 2)
        return;
    if (replicas > 1) {
        command.option("--data-parallel-size-local", replicas / hosts.size());
        if (rank > 0)
            command.option("--data-parallel-start-rank", replicas / hosts.size() * rank);
        command.option("--data-parallel-address", hosts[0].name);
    } else {
        command.option("--nnodes", hosts.size());
        command.option("--node-rank", rank);
        command.option("--master-addr", hosts[0].name);
    }
    if (rank > 0)
        command.option("--headless");
}

base::Done add_options(const Planned &planned, Command &command) {
    const Plan &plan = *planned.plan;
    HWA_CHECK(add_format(planned, command));
    command.option("--max-model-len", plan.workload.context_tokens);
    const uint64_t replicas = degrees_of(plan).data * degrees_of(plan).groups;
    command.option("--max-num-seqs", std::max<uint64_t>(1, plan.workload.batch / replicas));
    command.option("--kv-cache-dtype", find(caches, plan.workload.cache_dtype));
    if (plan.run.memory_share)
        command.option("--gpu-memory-utilization", base::real_text(*plan.run.memory_share));
    if (!plan.run.graphs.value_or(true))
        command.option("--enforce-eager");
    if (plan.run.drafts.value_or(0) != 0)
        command.option("--speculative-config",
                       base::format("{\"method\": \"mtp\", \"num_speculative_tokens\": %u}",
                                    *plan.run.drafts));
    add_degrees(plan, command);
    return {};
}

} // namespace

base::Result<std::string> export_vllm(const Planned &planned) {
    const Plan &plan = *planned.plan;
    const std::vector<Host> hosts = hosts_of(plan);
    HWA_CHECK(check(planned, hosts));
    const std::string &source = planned.model->source;
    std::string text;
    for (size_t rank = 0; rank < hosts.size(); ++rank) {
        Command command;
        show_only(*planned.system, hosts[rank].devices, command);
        add_partition(plan, command);
        command.add("vllm serve " +
                    (source.empty()
                         ? shell_wanted("MODEL", "a folder with weights in " + plan.format.name)
                         : shell_word(folder_of(source))));
        HWA_CHECK(add_options(planned, command));
        add_host(hosts, rank, degrees_of(plan).data, command);
        text += heading(hosts, hosts[rank]) + command.text();
    }
    return text;
}

} // namespace hwa::plan
