// SPDX-License-Identifier: MIT
// Latency and bandwidth of collectives, joined smoothly; over networks, island by island.
#include "plan/time/collectives.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

/// T = (latency^knee + (volume / rate)^knee)^(1 / knee); the three by log2 of half the ranks.
struct Row {
    double latency[2]; ///< seconds of two ranks; power of the number of ranks
    double rate[2];    ///< share of the wire with two ranks; power
    double knee[2];
};

constexpr size_t measured_count = 4; // SendReceive is half of an exchange of two

// Fitted by bench/accuracy/fit_collectives.py to times of NCCL 2.27 and 2.29 and oneCCL 2021.17, as
// ai-dynamo/aiconfigurator measured them (Apache-2.0; its data directory).
// begin of fitted
constexpr Row fitted[wire_count][measured_count] = {
    {{{8.51e-06, 0.711}, {0.861, -0.157}, {0.542, 0.115}},
     {{7.19e-06, 0.565}, {0.868, -0.171}, {0.409, 0.276}},
     {{7.56e-06, 0.484}, {0.84, -0.0837}, {0.454, 0.206}},
     {{7.95e-06, 0.22}, {0.703, -0.00499}, {0.477, 0.217}}}, // nvlink3
    {{{5.56e-06, 0.762}, {0.766, 0.162}, {0.585, 0.0363}},
     {{5.12e-06, 0.617}, {0.643, 0.148}, {0.535, 0.197}},
     {{4.97e-06, 0.535}, {0.571, 0.235}, {0.6, 0.127}},
     {{6.25e-06, 0.271}, {0.604, 0.314}, {0.582, 0.138}}}, // nvlink4
    {{{1.02e-05, 0.648}, {0.656, 0.216}, {0.669, -0.0848}},
     {{8.24e-06, 0.502}, {0.623, 0.202}, {0.574, 0.0762}},
     {{8.83e-06, 0.421}, {0.551, 0.289}, {0.646, 0.00622}},
     {{9.14e-06, 0.157}, {0.437, 0.368}, {0.618, 0.0169}}}, // nvlink5
    {{{6.9e-06, 0.626}, {0.631, -1.87}, {0.747, -0.185}},
     {{5.58e-06, 0.481}, {0.505, -1.88}, {0.716, -0.0244}},
     {{4.88e-06, 0.399}, {0.619, -1.79}, {0.603, -0.0944}},
     {{6.04e-06, 0.135}, {0.497, -1.72}, {0.677, -0.0837}}}, // pcie4
    {{{6.11e-06, 0.968}, {0.59, -0.287}, {0.719, -0.093}},
     {{5.71e-06, 0.822}, {0.515, -0.301}, {0.68, 0.068}},
     {{5.21e-06, 0.741}, {0.512, -0.214}, {0.632, -0.00195}},
     {{5.73e-06, 0.477}, {0.416, -0.135}, {0.678, 0.00877}}}, // pcie5
    {{{1.48e-05, 0.336}, {0.294, -0.0682}, {1.05, 0.309}},
     {{1.37e-05, 0.191}, {0.0745, -0.0821}, {0.844, 0.47}},
     {{1.16e-05, 0.11}, {0.218, 0.00526}, {0.836, 0.4}},
     {{1.3e-05, -0.155}, {0.189, 0.0839}, {0.861, 0.411}}}, // xe
};
/// Gain of a reduction in the switch, over 8 ranks or more.
constexpr double in_switch = 1.04;
constexpr double error_factors[wire_count] = {1.1, 1.11, 1.12, 1.17, 1.05, 1.05};
// end of fitted

/// Of the network: seconds of one step, and the share of its rate that messages reach. From
/// nccl-tests as published by NVIDIA and the makers of adapters for InfiniBand and RoCE.
constexpr double network_step = 12e-6;
constexpr double network_share = 0.8;

/// Rates of the wires that chips of a class are sold with, one way, by NVIDIA's data sheets.
struct Usual {
    Wire wire;
    double bytes_per_second;
};

Usual usual_wire(ChipClass kind) {
    switch (kind) {
    case ChipClass::Hopper:
        return {Wire::NvLink4, 450e9};
    case ChipClass::Blackwell:
        return {Wire::NvLink5, 900e9};
    case ChipClass::AmpereHbm:
        return {Wire::NvLink3, 300e9};
    case ChipClass::AmdHbm:
        return {Wire::NvLink4, 448e9};
    case ChipClass::Tpu:
        return {Wire::NvLink3, 180e9};
    case ChipClass::BlackwellGddr:
        return {Wire::Pcie5, 64e9};
    case ChipClass::Xe2:
        return {Wire::XePcie, 64e9};
    case ChipClass::Ada:
    case ChipClass::AmpereGddr:
    case ChipClass::Older:
    case ChipClass::AmdGddr:
    case ChipClass::Other:
        break;
    }
    return {Wire::Pcie4, 32e9};
}

Wire wire_of(const core::Link &link, ChipClass kind) {
    if (link.kind == core::LinkKind::Fabric || link.kind == core::LinkKind::Onchip)
        return kind == ChipClass::Blackwell ? Wire::NvLink5
               : kind == ChipClass::Hopper  ? Wire::NvLink4
                                            : Wire::NvLink3;
    if (kind == ChipClass::Xe2)
        return Wire::XePcie;
    return link.bytes_per_second > 40000000000 ? Wire::Pcie5 : Wire::Pcie4;
}

bool one_of(std::span<const core::Device *const> devices, const std::string &id) {
    return std::any_of(devices.begin(), devices.end(),
                       [&](const core::Device *device) { return device->id == id; });
}

/// Bytes that cross the wire of each rank.
double volume(Collective what, double ranks, double bytes) {
    return bytes * (ranks - 1) / ranks * (what == Collective::AllReduce ? 2.0 : 1.0);
}

double over_wire(const Fabric &fabric, Collective what, double ranks, double bytes) {
    if (ranks <= 1 || bytes <= 0)
        return 0;
    if (what == Collective::SendReceive)
        return over_wire(fabric, Collective::AllToAll, 2, 2 * bytes);
    const Row &row = fitted[static_cast<size_t>(fabric.wire)][static_cast<size_t>(what)];
    const double half = std::log2(ranks) - 1;
    const double latency = row.latency[0] * std::exp2(row.latency[1] * half);
    const double knee = row.knee[0] * std::exp2(row.knee[1] * half);
    double share = row.rate[0] * std::exp2(row.rate[1] * half);
    if (what == Collective::AllReduce && ranks >= 8 &&
        (fabric.wire == Wire::NvLink4 || fabric.wire == Wire::NvLink5))
        share *= in_switch;
    // Beyond the ranks that were measured the share is not followed above what a wire carries.
    const double rate = fabric.bytes_per_second * std::min(share, 1.0);
    const double sending = volume(what, ranks, bytes) / rate;
    return std::pow(std::pow(latency, knee) + std::pow(sending, knee), 1 / knee);
}

/// Between islands, one rank of each: a ring for tensors, direct for what is exchanged.
double over_network(const Fabric &fabric, Collective what, double ranks, double bytes) {
    if (ranks <= 1 || bytes <= 0)
        return 0;
    const double rate = fabric.network_bytes_per_second * network_share;
    if (what == Collective::SendReceive)
        return network_step + bytes / rate;
    return network_step * std::log2(2 * ranks) + volume(what, ranks, bytes) / rate;
}

} // namespace

Fabric fabric_of(const core::System &system, std::span<const core::Device *const> devices) {
    Fabric fabric;
    if (devices.empty())
        return fabric;
    const core::Device &first = *devices[0];
    const ChipClass kind = chip_class(first);
    uint32_t joined = 1;
    const core::Link *best = nullptr;
    for (const core::Link &link : system.links) {
        const bool here = link.a == first.id || link.b == first.id;
        const bool across = link.kind == core::LinkKind::Network;
        if (!here || across || !one_of(devices, link.a == first.id ? link.b : link.a))
            continue;
        ++joined;
        if (best == nullptr || link.bytes_per_second > best->bytes_per_second)
            best = &link;
    }
    const Usual usual = usual_wire(kind);
    fabric.wire = best != nullptr ? wire_of(*best, kind) : usual.wire;
    fabric.bytes_per_second = best != nullptr && best->bytes_per_second > 0
                                  ? static_cast<double>(best->bytes_per_second)
                                  : usual.bytes_per_second;
    const core::Attr *host = first.find_attr("host.name");
    const core::Attr *network = first.find_attr("host.network_bytes_per_second");
    uint32_t together = 0;
    for (const core::Device *device : devices) {
        const core::Attr *theirs = device->find_attr("host.name");
        together += (host == nullptr || (theirs != nullptr && theirs->s == host->s)) ? 1 : 0;
    }
    fabric.island = std::max(joined, host != nullptr || best == nullptr ? together : joined);
    if (network != nullptr && network->i > 0)
        fabric.network_bytes_per_second = static_cast<double>(network->i) / together;
    else // one adapter of 400 Gbit/s for each device of a server, one of 100 for a workstation
        fabric.network_bytes_per_second = fabric.wire <= Wire::NvLink5 ? 50e9 : 12.5e9;
    return fabric;
}

double collective_seconds(const Fabric &fabric, Collective what, double ranks, double bytes,
                          double stride) {
    const double inside = std::clamp(std::floor(fabric.island / std::max(1.0, stride)), 1.0, ranks);
    const double islands = std::ceil(ranks / inside);
    if (what == Collective::SendReceive)
        return stride >= fabric.island ? over_network(fabric, what, 2, bytes)
                                       : over_wire(fabric, what, 2, bytes);
    if (islands <= 1)
        return over_wire(fabric, what, ranks, bytes);
    if (what == Collective::AllToAll) // each rank sends most of it over its own part of the network
        return over_wire(fabric, what, inside, bytes * inside / ranks) +
               over_network(fabric, what, islands, bytes);
    return over_wire(fabric, what, inside, bytes) +
           over_network(fabric, what, islands, bytes / inside);
}

double collective_error(const Fabric &fabric, Collective) {
    return error_factors[static_cast<size_t>(fabric.wire)];
}

} // namespace hwa::plan
