// SPDX-License-Identifier: MIT
// Layers that keep a state in place of keys and values.
#include "plan/model/inventory.h"

#include <algorithm>

namespace hwa::plan {

using core::Layer;
using core::Role;

namespace {

uint64_t or_else(uint64_t said, uint64_t usual) {
    return said != 0 ? said : usual;
}

uint64_t taps(const ConfigNumbers &n) {
    return or_else(n.convolution, 4);
}

/// What a layer keeps of each sequence.
struct State {
    Count convolution; ///< of the last inputs
    Count memory;
};

/// A convolution over the last tokens of each channel, and what it keeps of them.
Count convolve(Inventory &in, Count channels, bool bias) {
    in.add(Role::Convolution, taps(in.n), channels);
    if (bias)
        in.add(Role::Bias, channels);
    return channels * (taps(in.n) - 1);
}

State mamba(Inventory &in) {
    const ConfigNumbers &n = in.n;
    const Count inner = or_else(n.state_inner, or_else(n.state_expand, 2) * n.hidden);
    const uint64_t size = or_else(n.state_size, 16);
    const uint64_t rank = or_else(n.state_rank, (n.hidden + 15) / 16);
    in.add(Role::Recurrent, n.hidden, Count(2) * inner);
    const Count kept = convolve(in, inner, true);
    in.add(Role::Recurrent, inner, Count(rank) + Count(2) * size);
    in.add(Role::Recurrent, rank, inner);
    in.add(Role::Bias, inner);        // of the time step
    in.add(Role::Decay, size, inner); // A
    in.add(Role::Decay, inner);       // D
    in.add(Role::Recurrent, inner, n.hidden);
    if (in.family.name == "jamba") {
        in.add(Role::Norm, rank);
        in.add(Role::Norm, size);
        in.add(Role::Norm, size);
    }
    return {kept, inner * size};
}

State mamba2(Inventory &in) {
    const ConfigNumbers &n = in.n;
    const uint64_t width = or_else(n.state_head_dim, 64);
    const Count told = Count(n.state_heads) * width;
    const Count usual = or_else(n.state_inner, or_else(n.state_expand, 2) * n.hidden);
    const Count inner = told.value != 0 ? told : usual;
    const Count heads = or_else(n.state_heads, inner.value / width);
    const Count groups = Count(or_else(n.state_groups, 1)) * or_else(n.state_size, 128);
    in.add(Role::Recurrent, n.hidden, Count(2) * inner + Count(2) * groups + heads);
    const Count kept = convolve(in, inner + Count(2) * groups, true);
    in.add(Role::Decay, heads);
    in.add(Role::Decay, heads);
    in.add(Role::Bias, heads);
    if (!in.has(SideBySide))
        in.add(Role::Norm, inner);
    in.add(Role::Recurrent, inner, n.hidden);
    return {kept, inner * or_else(n.state_size, 128)};
}

/// Gated delta rule of Qwen.
State delta(Inventory &in) {
    const ConfigNumbers &n = in.n;
    const uint64_t key = or_else(n.linear_key_dim, 128);
    const uint64_t value = or_else(n.linear_value_dim, 128);
    const Count heads = or_else(n.linear_value_heads, 32);
    const Count keys = Count(or_else(n.linear_key_heads, 16)) * key;
    const Count values = heads * value;
    in.add(Role::Recurrent, n.hidden, Count(2) * keys + Count(2) * values);
    in.add(Role::Recurrent, n.hidden, Count(2) * heads);
    const Count kept = convolve(in, Count(2) * keys + values, false);
    in.add(Role::Bias, heads);
    in.add(Role::Decay, heads);
    in.add(Role::Norm, value);
    in.add(Role::Recurrent, values, n.hidden);
    return {kept, heads * key * value};
}

/// The same with a decay for each channel, of Kimi.
State kimi_delta(Inventory &in) {
    const ConfigNumbers &n = in.n;
    const Count head = or_else(n.linear_key_dim, 128);
    const Count heads = or_else(n.linear_key_heads, n.heads);
    const Count wide = heads * head;
    Count kept;
    for (int i = 0; i < 3; ++i) { // queries, keys, values
        in.add(Role::Recurrent, n.hidden, wide);
        kept = kept + convolve(in, wide, false);
    }
    for (int i = 0; i < 2; ++i) { // decay and gate, through a low rank
        in.add(Role::Recurrent, n.hidden, head);
        in.add(Role::Recurrent, head, wide);
    }
    in.add(Role::Recurrent, n.hidden, heads);
    in.add(Role::Bias, wide);
    in.add(Role::Decay, heads);
    in.add(Role::Norm, head);
    in.add(Role::Recurrent, wide, n.hidden);
    return {kept, wide * head};
}

State short_convolution(Inventory &in) {
    in.add(Role::Recurrent, in.n.hidden, Count(3) * in.n.hidden);
    in.add(Role::Convolution, or_else(in.n.convolution, 3), in.n.hidden);
    in.add(Role::Recurrent, in.n.hidden, in.n.hidden);
    return {Count(in.n.hidden) * (or_else(in.n.convolution, 3) - 1), {}};
}

State lightning(Inventory &in) {
    const ConfigNumbers &n = in.n;
    const Count head = n.head_dim != 0 ? n.head_dim : n.heads != 0 ? n.hidden / n.heads : 0;
    const Count wide = Count(n.heads) * head;
    in.add(Role::Recurrent, n.hidden, Count(3) * wide);
    in.add(Role::Recurrent, n.hidden, wide); // gate
    in.add(Role::Norm, wide);
    in.add(Role::Recurrent, wide, n.hidden);
    return {{}, wide * head};
}

} // namespace

void add_recurrence(Inventory &in, Layer &made) {
    State state;
    switch (in.family.recurrence) {
    case Recurrence::Mamba:
        state = mamba(in);
        break;
    case Recurrence::Mamba2:
        state = mamba2(in);
        break;
    case Recurrence::Delta:
        state = delta(in);
        break;
    case Recurrence::KimiDelta:
        state = kimi_delta(in);
        break;
    case Recurrence::ShortConvolution:
        state = short_convolution(in);
        break;
    case Recurrence::Lightning:
        state = lightning(in);
        break;
    case Recurrence::None:
        return;
    }
    made.convolution = state.convolution.value;
    made.state = (state.convolution + state.memory).value;
    if (made.mixer == core::Mixer::None)
        made.mixer = core::Mixer::Recurrent;
}

} // namespace hwa::plan
