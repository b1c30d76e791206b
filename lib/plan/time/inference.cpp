// SPDX-License-Identifier: MIT
// Seconds of prompts and tokens: passes through the stages, put together as the engine does.
#include "plan/time/drafts.h"
#include "plan/time/host.h"
#include "plan/time/pass.h"
#include "plan/time/step.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

double count(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

bool serves(Engine engine) {
    return engine == Engine::Vllm || engine == Engine::Sglang || engine == Engine::TensorRtLlm;
}

Backend backend_of(const core::Device &device, ChipClass chip) {
    if (device.kind == core::Kind::Cpu)
        return Backend::Cpu;
    switch (chip) {
    case ChipClass::AmdHbm:
    case ChipClass::AmdGddr:
        return Backend::Rocm;
    case ChipClass::Xe2:
        return Backend::Sycl;
    case ChipClass::Tpu:
        return Backend::Any;
    case ChipClass::Other:
        return device.vendor.value == "apple" ? Backend::Metal : Backend::Any;
    default:
        return Backend::Cuda;
    }
}

/// Formats whose weights are unpacked to 16 bits before they are multiplied.
bool weights_alone(const std::string &format) {
    for (const char *name : {"awq", "gptq", "w4", "nf4", "int8"})
        if (format.starts_with(name))
            return true;
    return false;
}

Setting setting_of(const Case &one, const core::Device &device, ChipClass chip) {
    const Run &run = one.run;
    Setting setting;
    setting.engine = run.engine.value_or(Engine::Any);
    setting.chip = chip;
    setting.version = run.engine_version.value_or(Version{});
    setting.backend = device.kind == core::Kind::Cpu
                          ? Backend::Cpu
                          : run.backend.value_or(backend_of(device, chip));
    const auto set = [&setting](uint32_t trait, bool is) { setting.traits |= is ? trait : 0; };
    const bool shared =
        !device.memories.empty() && device.memories[0].kind == core::MemoryKind::Ddr;
    set(TraitPlainAttention, !run.flash_attention.value_or(true));
    set(TraitNoGraphs, !run.graphs.value_or(true));
    set(TraitUnified, shared && device.kind != core::Kind::Cpu);
    set(TraitNetwork, run.network.value_or(false));
    set(TraitPlainBlas, !run.tuned_products.value_or(true));
    set(TraitAmdvlk, device.driver.value == "amdvlk");
    set(TraitExperts, one.model->experts != 0);
    set(TraitLatent,
        !one.model->layers.empty() && one.model->layers.back().mixer == core::Mixer::Latent);
    set(TraitApart, run.prefill_workers.value_or(0) != 0);
    set(TraitPacked, weights_alone(one.format.name));
    return setting;
}

/// One deployment of an engine: the stages of one replica, and what they share.
class Serving {
  public:
    Serving(const Case &one, std::span<const PaceFactor> table)
        : one_(one), own_(one.sized != nullptr ? HeldWeights() : hold(*one.model, one.format)),
          held_(one.sized != nullptr ? one.sized->held : own_), table_(table),
          drafts_(drafts_of(one.run)) {
        const Run &run = one.run;
        decode_.groups = count(run.attention_data);
        decode_.tensor = std::max(1.0, count(run.tensor) / decode_.groups);
        decode_.expert = count(run.expert);
        decode_.context = count(run.context);
        prefill_ = decode_;
        if (run.prefill_workers.value_or(0) != 0) {
            prefill_.groups = count(run.prefill_attention_data);
            prefill_.tensor = std::max(1.0, count(run.prefill_tensor) / prefill_.groups);
            prefill_.expert = count(run.prefill_expert);
        }
        Slice whole;
        whole.layer_count = static_cast<uint32_t>(one.model->layers.size());
        whole.output = true;
        bits_ = bits_of(work_of(one, held_, whole, 1));
        for (const Slice &slice : one.slices)
            if (slice.replica == 0 && slice.tensor_rank == 0 && slice.context_rank == 0 &&
                slice.expert_rank == 0)
                stages_.push_back({&slice, speeds_of(*slice.device)});
        if (on_host())
            for (const core::Device &device : one.system->devices)
                if (device.kind == core::Kind::Cpu && !known(host_))
                    host_ = speeds_of(device);
    }

    bool known() const {
        return !stages_.empty() && (!on_host() || known(host_)) &&
               std::all_of(stages_.begin(), stages_.end(),
                           [](const Stage &stage) { return known(stage.speeds); });
    }

    double error_factor(Pace which) const {
        const double own = std::max(1.02, pace(which));
        return on_host() ? std::max(own, pace_of(which, host_.setting, table_)) : own;
    }

    /// One step of `sequences` in every group. What is drafted passes one layer, one token after
    /// the other, and then all layers at once.
    PassTime step(double sequences) const {
        const Workload &work = one_.workload;
        const double tokens =
            static_cast<double>(work.prompt_tokens) + static_cast<double>(work.output_tokens) / 2;
        PassTime time = through({sequences, 1.0 + drafts_.count, false}, decode_, tokens, 1);
        if (drafts_.count != 0)
            time.all += drafts_.count * draft(sequences, tokens);
        return time;
    }

    /// That a step makes of each sequence.
    double tokens() const { return drafts_.tokens(); }

    /// Prompts of `sequences` together, without what is in the cache already.
    double prompt(double sequences) const {
        const Workload &work = one_.workload;
        const double cached = std::min(static_cast<double>(one_.run.cached.value_or(0)),
                                       static_cast<double>(work.prompt_tokens) - 1);
        const double fresh = static_cast<double>(work.prompt_tokens) - std::max(0.0, cached);
        const double middle = cached + fresh / 2;
        if (one_.run.engine != Engine::LlamaCpp)
            return through({sequences, fresh, true}, prefill_, middle, 1).all;
        const double most =
            static_cast<double>(std::max<uint64_t>(1, one_.run.ubatch.value_or(512)));
        // Passes are filled up with tokens of the next sequence.
        const double passes = std::ceil(sequences * fresh / most);
        const double together = std::max(1.0, sequences / passes);
        const double each = sequences * fresh / passes / together;
        return through({together, each, true}, prefill_, middle, passes).all;
    }

    double pace(Pace which) const { return pace_of(which, stages_.front().speeds.setting, table_); }

    /// Sequences that the memory of a group of ranks holds at once. TensorRT-LLM lets one in where
    /// there is room until its end, and takes a share of what the weights leave; others let one in
    /// while there is room for its prompt.
    double slots() const {
        const bool whole = one_.run.engine == Engine::TensorRtLlm;
        const double output = static_cast<double>(one_.workload.output_tokens);
        const double tokens =
            static_cast<double>(one_.workload.prompt_tokens) + (whole ? output : output / 2);
        double fewest = 1e9;
        for (const Stage &stage : stages_) {
            const Work held = work_of(one_, held_, *stage.slice, tokens);
            const double weights = (held.bytes + held.output_bytes) / decode_.tensor +
                                   held.expert_bytes / decode_.over_experts();
            const double memory = static_cast<double>(stage.slice->device->memory_bytes());
            const double share = one_.run.memory_share.value_or(whole ? 0.9 : 0.94);
            const double room = whole ? (memory - weights) * share : memory * share - weights;
            const double each =
                held.cache_bytes / std::min(decode_.tensor, held.kv_heads) / decode_.context;
            if (memory > 0 && each > 0)
                fewest = std::min(fewest, std::floor(room / each));
        }
        const double asked = one_.run.sequences.value_or(1U << 24);
        return std::max(1.0, std::min(fewest, asked));
    }

    double groups() const { return decode_.groups; }
    double prefill_groups() const {
        return prefill_.groups * std::max(1U, one_.run.prefill_workers.value_or(1));
    }

  private:
    struct Stage {
        const Slice *slice = nullptr;
        Speeds speeds;
    };

    Speeds speeds_of(const core::Device &device) const {
        Speeds speeds;
        speeds.chip = chip_of(device);
        speeds.setting = setting_of(one_, device, speeds.chip.kind);
        speeds.table = table_;
        speeds.bits = bits_;
        if (const core::Compute *integer = device.find_compute(core::Dtype::I8))
            speeds.integer_ops_per_second = integer->ops_per_second;
        const uint64_t link = one_.links != nullptr ? one_.links->fastest(device) : 0;
        constexpr double pcie = 20e9; // where no link is told
        speeds.link_bytes_per_second = std::max(pcie, static_cast<double>(link));
        return speeds;
    }

    static bool known(const Speeds &speeds) {
        return speeds.chip.bytes_per_second > 0 && speeds.chip.ops_per_second[0] > 0;
    }

    /// Whether the processor computes a part, which llama.cpp alone has it do.
    bool on_host() const {
        return one_.run.engine == Engine::LlamaCpp && !stages_.empty() &&
               stages_.front().slice->device->kind != core::Kind::Cpu &&
               (stages_.front().slice->first_layer > 0 || one_.run.host_bytes.value_or(0) > 0);
    }

    /// Layers before those of the first stage, which the host has.
    PassTime host_layers(const Tokens &tokens, const Ranks &ranks, double context) const {
        Slice slice = *stages_.front().slice;
        slice.layer_count = slice.first_layer;
        slice.first_layer = 0;
        slice.output = false;
        return host_time(work_of(one_, held_, slice, context), ranks, tokens, host_,
                         stages_.front().speeds);
    }

    /// A stage without the weights it leaves to the host, which others than llama.cpp read over the
    /// link in each pass.
    PassTime stage_time(const Stage &stage, const Tokens &tokens, const Ranks &ranks,
                        double context) const {
        Work work = work_of(one_, held_, *stage.slice, context);
        const auto host_bytes = static_cast<double>(one_.run.host_bytes.value_or(0));
        if (!on_host()) {
            PassTime time = pass_time(work, ranks, tokens, stage.speeds);
            time.all += host_bytes / stage.speeds.link_bytes_per_second;
            return time;
        }
        const Work left = leave(work, host_bytes);
        PassTime time = pass_time(work, ranks, tokens, stage.speeds);
        if (host_bytes > 0)
            time += host_time(left, ranks, tokens, host_, stage.speeds);
        return time;
    }

    /// One token of each sequence through a layer like the last, which also joins the token with
    /// the state of the last layer, and the output.
    double draft(double sequences, double context) const {
        const Stage &last = stages_.back();
        Slice slice = *last.slice;
        slice.first_layer = static_cast<uint32_t>(one_.model->layers.size()) - 1;
        slice.layer_count = 1;
        slice.output = true;
        Work work = work_of(one_, held_, slice, context);
        const double joined = 2 * work.hidden * work.hidden;
        const double width = work.parameters > 0 ? work.bytes / work.parameters : 2;
        work.parameters += joined;
        work.bytes += joined * width;
        return pass_time(work, decode_, {sequences, 1, false}, last.speeds).all;
    }

    /// All stages, one after the other; of `passes` that follow each other, some run at once.
    PassTime through(const Tokens &tokens, const Ranks &ranks, double context,
                     double passes) const {
        PassTime sum;
        for (size_t i = 0; i < stages_.size(); ++i) {
            const Stage &stage = stages_[i];
            if (i > 0)
                sum.all += network(*stages_[i - 1].slice, *stage.slice, tokens.mine(ranks));
            sum += stage_time(stage, tokens, ranks, context);
        }
        if (on_host() && stages_.front().slice->first_layer > 0)
            sum += host_layers(tokens, ranks, context);
        const double stages = static_cast<double>(stages_.size());
        sum.all = passes * (sum.all + (stages - 1) * pace(Pace::Hop));
        if (tokens.prompt && stages > 1) {
            const double overlap = std::min(1.0, pace(Pace::Overlap));
            sum.all *= 1 - overlap + overlap * (passes + stages - 1) / (passes * stages);
        }
        return sum;
    }

    /// Hidden states on the way to another machine. Inside of one, a hop was measured with them.
    double network(const Slice &from, const Slice &to, double tokens) const {
        const Way way =
            one_.links != nullptr ? one_.links->between(*from.device, *to.device) : Way();
        if (way.kind != core::LinkKind::Network || way.bytes_per_second == 0)
            return 0;
        return 1e-9 * way.latency_ns +
               2 * tokens * one_.model->hidden_size / static_cast<double>(way.bytes_per_second);
    }

    const Case &one_;
    HeldWeights own_;
    const HeldWeights &held_;
    std::span<const PaceFactor> table_;
    Drafts drafts_;
    Ranks decode_;
    Ranks prefill_;
    Bits bits_;
    std::vector<Stage> stages_;
    Speeds host_; ///< of the processor, where it computes
};

Bound bound_of(const PassTime &step) {
    return step.compute > step.memory ? Bound::Compute : Bound::Memory;
}

/// All prompts, then all tokens.
void one_batch(const Serving &serving, double sequences, StepTime &made) {
    const PassTime step = serving.step(sequences / serving.groups());
    made.bound = bound_of(step);
    made.token = step.all / serving.tokens();
    made.prompt = serving.prompt(sequences / serving.groups());
}

/// Prompts join while others are answered: each token waits for its share of them, and a prompt
/// waits for those before it. What the memory cannot hold waits until others are done.
void continuous(const Serving &serving, double sequences, double output, StepTime &made) {
    const double others = (sequences - 1) / sequences;
    const double wanted = sequences / serving.groups();
    const double held = std::min(wanted, serving.slots());
    const PassTime pass = serving.step(held);
    const double step = pass.all;
    made.bound = bound_of(pass);
    const double prompt = serving.prompt(1);
    made.token =
        step / serving.tokens() + others * held / output * prompt * serving.pace(Pace::Interleave);
    made.waiting = prompt * std::min(1.0, others * held * prompt / (output * made.token)) *
                       serving.pace(Pace::Queue) +
                   output * made.token * (wanted / held - 1);
    made.prompt = serving.pace(Pace::Arrival) + others * step * serving.pace(Pace::Wait) +
                  prompt * serving.pace(Pace::Prompt) +
                  others * prompt * held * serving.pace(Pace::Burst) + made.waiting;
}

/// Seconds until a prompt is done where one is every `each` seconds and each of `clients` comes
/// back `away` seconds after: the mean value of a closed queue.
double queue_seconds(double clients, double each, double away) {
    const double behind = each * clients - away;
    return (behind + std::sqrt(behind * behind + 4 * each * away)) / 2;
}

/// Prompts have devices of their own, which feed the replicas of those that answer. What is in the
/// queue for them is not being answered.
void apart(const Serving &serving, double sequences, double replicas, double output,
           StepTime &made) {
    const double prompt = serving.prompt(1);
    const double each = prompt / serving.prefill_groups();
    const double groups = serving.groups() * replicas;
    const double slots = serving.slots();
    double held = std::min(sequences / groups, slots), answer = 0, queue = 0;
    for (int i = 0; i < 6; ++i) {
        const PassTime step = serving.step(held);
        made.bound = bound_of(step);
        made.token = step.all / serving.tokens();
        answer = output * made.token;
        queue = queue_seconds(sequences, each, answer);
        held = std::min(sequences * answer / (answer + queue) / groups, slots);
    }
    made.waiting = (queue - each) * serving.pace(Pace::Queue) +
                   std::max(0.0, sequences * answer / (held * groups) - answer - queue);
    made.prompt = serving.pace(Pace::Arrival) + prompt * serving.pace(Pace::Prompt) +
                  serving.pace(Pace::Burst) * sequences * each + made.waiting;
}

} // namespace

base::Result<StepTime> inference_time(const Case &one, std::span<const PaceFactor> table) {
    const Serving serving(one, table);
    StepTime made;
    if (!serving.known())
        return made;
    const double sequences =
        std::max(1.0, static_cast<double>(one.workload.batch) / count(one.run.data));
    const double output = static_cast<double>(std::max<uint64_t>(1, one.workload.output_tokens));
    if (one.run.prefill_workers.value_or(0) != 0)
        apart(serving, static_cast<double>(one.workload.batch), count(one.run.data), output, made);
    else if (one.run.continuous.value_or(serves(one.run.engine.value_or(Engine::Any))))
        continuous(serving, sequences, output, made);
    else
        one_batch(serving, sequences, made);
    // No run with ranks of context was measured.
    const double unmeasured = count(one.run.context) > 1 ? 1.5 : 1;
    made.error_factor = serving.error_factor(Pace::TokenError) * unmeasured;
    made.prompt_error_factor = serving.error_factor(Pace::PromptError) * unmeasured;
    if (!std::isfinite(made.token) || !std::isfinite(made.prompt))
        return base::error(base::Status::Invalid,
                           "model: its sizes are beyond what times can be computed of");
    return made;
}

base::Result<StepTime> inference_time(const Case &one) {
    const bool named = one.run.engine.value_or(Engine::Any) != Engine::Any;
    return named ? inference_time(one, pace_table()) : turns_time(one);
}

} // namespace hwa::plan
