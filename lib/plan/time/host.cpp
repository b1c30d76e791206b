// SPDX-License-Identifier: MIT
// Weights on the host, computed there or sent to the device.
#include "plan/time/host.h"

#include <algorithm>

namespace hwa::plan {

namespace {

/// Tokens from which on llama.cpp sends weights rather than multiply them on the processor.
constexpr double sent_from = 32;

double part(double bytes, double of) {
    return of > 0 ? std::clamp(bytes / of, 0.0, 1.0) : 0;
}

} // namespace

Work leave(Work &work, double bytes) {
    Work left;
    left.hidden = work.hidden;
    left.experts = work.experts;
    left.experts_per_token = work.experts_per_token;
    const double routed = part(bytes, work.expert_bytes);
    left.expert_bytes = routed * work.expert_bytes;
    left.expert_parameters = routed * work.expert_parameters;
    left.expert_layers = routed * work.expert_layers;
    const double dense = part(bytes - left.expert_bytes, work.bytes);
    left.bytes = dense * work.bytes;
    left.parameters = dense * work.parameters;
    work.expert_bytes -= left.expert_bytes;
    work.expert_parameters -= left.expert_parameters;
    work.bytes -= left.bytes;
    work.parameters -= left.parameters;
    return left;
}

PassTime host_time(const Work &left, const Ranks &ranks, const Tokens &tokens, const Speeds &host,
                   const Speeds &device) {
    if (tokens.all() < sent_from)
        return pass_time(left, {}, tokens, host);
    PassTime time = pass_time(left, ranks, tokens, device);
    const double bytes = left.bytes + left.expert_bytes + left.output_bytes;
    const double sent = bytes / device.link_bytes_per_second;
    time.rest += sent;
    time.all += sent;
    return time;
}

} // namespace hwa::plan
