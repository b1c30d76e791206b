// SPDX-License-Identifier: MIT
// Engines: how each of those that run on PyTorch and its like uses memory.
#pragma once

#include "plan/case.h"
#include "plan/run.h"

#include <cstdint>

namespace hwa::plan {

/// Of which positions of a prompt the logits are made.
enum class Logits : uint8_t { Last, All };

/// What an engine fills up to a share: by that it sizes the pool of its cache.
enum class Fill : uint8_t {
    Needed, ///< nothing: it takes what it needs
    Device, ///< the device, with all that it holds
    Static, ///< the device, with weights and pool; a step uses the rest
    Rest,   ///< with the pool, what all else leaves of the device
};

/// An engine from one version on, until its next row.
struct EngineProfile {
    Engine engine;
    Version since = {0};
    Fill fill = Fill::Needed;
    double share = 0;        ///< 0: by the device
    uint32_t block = 0;      ///< tokens that the cache grows by; 0: as many as are asked
    uint64_t at_once = 0;    ///< tokens of one step; 0: whole prompts
    uint32_t sequences = 0;  ///< that its sampler makes room for; 0: those of the workload
    bool larger = false;     ///< both are four times that on devices of 70 GiB and more
    double sampler = 0;      ///< bytes at once for each logit of all sequences
    double close_kinds = 1;  ///< kinds of layers whose numbers are so close make equal groups
    uint32_t in_flight = 1;  ///< steps under way at once
    bool by_request = false; ///< it counts its pool in whole requests
    Logits logits = Logits::Last;
    bool rotary_tables = false; ///< every layer keeps the angles of the whole context
    uint8_t caches = 1;         ///< that are there at once while a token is added
    double slack = 0;           ///< of the weights: what rounding allocations up adds
    uint64_t runtime = 0;       ///< bytes besides, on one device
    uint64_t links = 0;         ///< and for collectives, where there are more
};

/// The profile of an engine, of its newest version where none is given; NULL where nothing sets the
/// engine apart.
const EngineProfile *find_profile(Engine engine, const Choice<Version> &version);
const EngineProfile *find_profile(const Run &run);

/// Tokens and sequences of one step at most.
struct StepLimits {
    uint64_t tokens = 0;
    uint64_t sequences = 0;
};

StepLimits limits_of(const Case &one, const EngineProfile &profile, const core::Device *device);

/// The share that an engine fills, or may take at most, as pinned or by its default.
double fill_share(const Case &one, const EngineProfile &profile, const core::Device &device);

/// Bytes of a device's main memory that can be used; 0: not known.
uint64_t usable_memory(const core::Device &device);

} // namespace hwa::plan
