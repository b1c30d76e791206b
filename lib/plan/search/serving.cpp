// SPDX-License-Identifier: MIT
// Deployments over equal devices, the fastest that fits.
#include "plan/search/serving.h"

#include "plan/memory/inference.h"
#include "plan/memory/weights.h"
#include "plan/search/layouts.h"
#include "plan/time/step.h"

#include <algorithm>
#include <bit>

namespace hwa::plan {

using core::Dtype;

namespace {

constexpr uint64_t least_context = 2048; ///< tokens of one rank
constexpr uint64_t most_context = 64;

class Lister {
  public:
    Lister(const core::Model &model, const DeviceClass &where, const Options &options,
           const Workload &workload)
        : model_(model), where_(where), options_(options), workload_(workload) {
        for (size_t i = 0; i + 1 < where.domains.size(); ++i)
            widest_ = std::max<uint64_t>(widest_, where.domains[i + 1] - where.domains[i]);
    }

    std::vector<Deployment> all() {
        for (const uint64_t attention : divisors(model_.heads, widest_))
            for (const uint64_t groups : groups_of(widest_ / attention))
                for (const uint64_t context : contexts(widest_ / attention / groups)) {
                    made_ = {};
                    made_.tensor = static_cast<uint32_t>(attention * groups);
                    made_.groups = static_cast<uint32_t>(groups);
                    made_.context = static_cast<uint32_t>(context);
                    if (agrees(options_.run.tensor, made_.tensor))
                        add_experts();
                }
        return std::move(list_);
    }

  private:
    static bool agrees(const Choice<uint32_t> &pin, uint64_t value) {
        return !pin || std::max(1U, *pin) == value;
    }

    /// Groups pass tokens to experts elsewhere; without experts they would be replicas.
    std::vector<uint64_t> groups_of(uint64_t most) const {
        std::vector<uint64_t> made{1};
        if (model_.experts != 0)
            made = divisors(workload_.batch, std::min<uint64_t>(most, model_.experts));
        std::erase_if(made,
                      [&](uint64_t one) { return !agrees(options_.run.attention_data, one); });
        return made;
    }

    std::vector<uint64_t> contexts(uint64_t most) const {
        std::vector<uint64_t> made;
        most = std::min(
            {most, most_context, std::max<uint64_t>(1, workload_.context_tokens / least_context)});
        for (uint64_t one = 1; one <= most; one *= 2)
            if (agrees(options_.run.context, one))
                made.push_back(one);
        return made;
    }

    bool splits_experts() const {
        return std::all_of(model_.layers.begin(), model_.layers.end(),
                           [&](const auto &layer) { return layer.expert_ffn % made_.tensor == 0; });
    }

    void add_experts() {
        const uint32_t ranks = made_.ranks();
        if (made_.groups == 1 && splits_experts())
            add_replicas();
        if (ranks > 1 && model_.experts != 0 && model_.experts % ranks == 0) {
            made_.expert = ranks;
            add_replicas();
        }
    }

    void add_replicas() {
        if (!agrees(options_.run.expert, made_.expert))
            return;
        const uint64_t most = options_.max_devices != 0 ? options_.max_devices : UINT32_MAX;
        const uint64_t places = std::min(where_.groups(made_.ranks()), most / made_.ranks());
        for (const uint64_t data : divisors(workload_.batch / made_.groups, places)) {
            const uint32_t pinned = options_.run.pipeline.value_or(0);
            const uint64_t stages = std::min<uint64_t>(places / data, model_.layers.size());
            if (!agrees(options_.run.data, data) || made_.ranks() * data == 1 || pinned > stages)
                continue;
            made_.data = static_cast<uint32_t>(data);
            made_.least_stages = std::max(1U, pinned);
            made_.most_stages = static_cast<uint32_t>(pinned != 0 ? pinned : stages);
            list_.push_back(made_);
        }
    }

    const core::Model &model_;
    const DeviceClass &where_;
    const Options &options_;
    const Workload &workload_;
    uint64_t widest_ = 1;
    Deployment made_;
    std::vector<Deployment> list_;
};

/// Goes through deployments from the one that could be fastest.
class Server {
  public:
    Server(Case &one, const DeviceClass &where, const Options &options,
           const std::function<bool(double)> &accepts, uint64_t &visited,
           std::optional<Served> &best)
        : one_(one), where_(where), options_(options), accepts_(accepts), visited_(visited),
          best_(best) {}

    void run() {
        struct Bound {
            Deployment how;
            double seconds = 0;
        };
        std::vector<Bound> bounds;
        for (const Deployment &how : deployments_of(*one_.model, where_, options_, one_.workload))
            bounds.push_back({how, least_seconds(how)});
        std::stable_sort(bounds.begin(), bounds.end(),
                         [](const Bound &a, const Bound &b) { return a.seconds < b.seconds; });
        for (const Bound &bound : bounds)
            if (can_win(bound.how, bound.seconds))
                fill(bound.how);
    }

  private:
    /// Stages take turns, so that one stage for all layers is the fastest there is, were it to fit.
    /// More memory spares what a prompt waits for others.
    double least_seconds(const Deployment &how) {
        set_stages(how, 1);
        const auto time = inference_time(one_);
        return time ? worth_of(options_.objective, one_.workload, time->prompt - time->waiting,
                               time->token, 1)
                          .seconds
                    : 0;
    }

    bool can_win(const Deployment &how, double seconds) const {
        if (!best_)
            return true;
        const Worth &held = best_->worth;
        if (seconds > 0 && held.seconds > 0)
            return seconds <= held.seconds * (1 + 1e-6);
        const uint64_t devices = uint64_t{how.ranks()} * how.data * how.least_stages;
        return seconds > 0 || (held.seconds <= 0 && devices < held.devices);
    }

    /// The first number of stages that fits; further ones where these have more room for sequences.
    void fill(const Deployment &how) {
        for (uint32_t stages = fewest_stages(how); stages <= how.most_stages; ++stages) {
            set_stages(how, stages);
            ++visited_;
            if (!fits(how))
                continue;
            const auto time = inference_time(one_);
            if (!time)
                return;
            const double batch = static_cast<double>(one_.workload.batch);
            Served made{&where_, how,
                        worth_of(options_.objective, one_.workload, time->prompt, time->token,
                                 uint64_t{how.ranks()} * how.data * stages)};
            made.how.least_stages = made.how.most_stages = stages;
            if (accepts_(time->token > 0 ? batch / time->token : 0) &&
                (!best_ || better(made.worth, best_->worth)))
                best_ = made;
            if (time->waiting <= 0 || options_.objective != Objective::Latency)
                return;
        }
    }

    /// Fewer do not hold the weights and the cache together.
    uint32_t fewest_stages(const Deployment &how) {
        set_stages(how, 1);
        const auto bytes = inference_bytes(one_, one_.slices[0]);
        if (!bytes)
            return how.most_stages + 1;
        const uint64_t stages = (bytes->weights + bytes->cache) / (where_.room + 1);
        return static_cast<uint32_t>(
            std::clamp<uint64_t>(stages, how.least_stages, uint64_t{how.most_stages} + 1));
    }

    bool fits(const Deployment &how) const {
        return std::all_of(one_.slices.begin(), one_.slices.end(), [&](const Slice &slice) {
            const auto bytes = inference_bytes(one_, slice);
            return bytes && bytes->total() <= least_room(how, slice.stage);
        });
    }

    /// Of the devices that hold a stage, over all replicas.
    uint64_t least_room(const Deployment &how, uint32_t stage) const {
        if (where_.rooms.empty())
            return where_.room;
        uint64_t least = where_.room;
        for (size_t group = stage; group < one_.slices.size() * how.data;
             group += one_.slices.size())
            least = std::min(least, where_.group_room(starts_[group], how.ranks()));
        return least;
    }

    /// Of the first replica and there of the first rank: all others are like it.
    void set_stages(const Deployment &how, uint32_t stages);

    Case &one_;
    const DeviceClass &where_;
    const Options &options_;
    const std::function<bool(double)> &accepts_;
    uint64_t &visited_;
    std::optional<Served> &best_;
    std::vector<uint32_t> starts_;
    uint32_t starts_of_ = 0;
};

void set_degrees(const Deployment &how, uint32_t stages, Case &one) {
    one.run.engine = Engine::Vllm;
    one.run.tensor = how.tensor;
    one.run.attention_data = how.groups;
    one.run.context = how.context;
    one.run.expert = how.expert;
    one.run.data = how.data;
    one.run.pipeline = stages;
}

Slice stage_of(const Case &one, uint32_t stage, uint32_t stages) {
    const auto layers = static_cast<uint32_t>(one.model->layers.size());
    const uint32_t each = layers / stages, more = layers % stages;
    Slice slice;
    slice.first_layer = stage * each + std::min(stage, more);
    slice.layer_count = each + (stage < more ? 1 : 0);
    slice.stage = stage;
    slice.embedding = stage == 0;
    slice.output = stage + 1 == stages;
    return slice;
}

void Server::set_stages(const Deployment &how, uint32_t stages) {
    if (starts_of_ != how.ranks()) {
        starts_ = where_.group_starts(how.ranks());
        starts_of_ = how.ranks();
    }
    set_degrees(how, stages, one_);
    one_.slices.clear();
    for (uint32_t stage = 0; stage < stages; ++stage) {
        one_.slices.push_back(stage_of(one_, stage, stages));
        one_.slices.back().device = where_.devices[starts_[stage]];
    }
}

} // namespace

bool is_served(const Format &format, const DeviceClass &where) {
    const std::string &vendor = where.devices[0]->vendor.value;
    if (where.kind != core::Kind::Gpu || where.host_memory ||
        (vendor != "nvidia" && vendor != "amd") || format.dtype == Dtype::Unknown)
        return false;
    // What is published in it may have other ways to run; weights are made for chips that know it.
    if (!format.own && format.dtype == Dtype::F8E4M3) {
        const core::Compute *compute = where.devices[0]->find_compute(format.dtype);
        return compute != nullptr && compute->support == core::Support::Native;
    }
    if (format.dtype == Dtype::Mxfp4 || format.dtype == Dtype::Nvfp4)
        return format.own;
    return format.dtype < Dtype::Q8_0 || format.dtype == Dtype::I4G128;
}

std::vector<Deployment> deployments_of(const core::Model &model, const DeviceClass &where,
                                       const Options &options, const Workload &workload) {
    return Lister(model, where, options, workload).all();
}

void serve(Case &one, const DeviceClass &where, const Options &options,
           const std::function<bool(double)> &accepts, uint64_t &visited,
           std::optional<Served> &best) {
    Server(one, where, options, accepts, visited, best).run();
}

void deploy(const Deployment &deployment, const DeviceClass &where, Case &one) {
    const uint32_t ranks = deployment.ranks(), stages = deployment.least_stages;
    const std::vector<uint32_t> starts = where.group_starts(ranks);
    set_degrees(deployment, stages, one);
    one.slices.clear();
    one.slices.reserve(size_t{ranks} * stages * deployment.data);
    size_t group = 0;
    for (uint32_t replica = 0; replica < deployment.data; ++replica)
        for (uint32_t stage = 0; stage < stages; ++stage, ++group) {
            Slice slice = stage_of(one, stage, stages);
            slice.replica = replica;
            for (uint32_t rank = 0; rank < ranks; ++rank) {
                slice.device = where.devices[starts[group] + rank];
                slice.tensor_rank = rank % deployment.tensor;
                slice.context_rank = rank / deployment.tensor;
                slice.expert_rank = deployment.expert > 1 ? rank : 0;
                if (rank > 0 || replica > 0)
                    slice.like = static_cast<int32_t>(stage * ranks);
                one.slices.push_back(slice);
            }
        }
}

} // namespace hwa::plan
