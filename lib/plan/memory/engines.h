// SPDX-License-Identifier: MIT
// Engines: how each of those that run on PyTorch and its like uses memory.
#pragma once

#include "plan/run.h"

#include <cstdint>

namespace hwa::plan {

/// Of which positions of a prompt the logits are made.
enum class Logits : uint8_t { Last, All };

/// An engine from one version on, until its next row.
struct EngineProfile {
    Engine engine;
    Version since;
    uint32_t block;     ///< tokens that the cache grows by; 0: as many as are asked
    double share;       ///< of the memory that it fills; 0: only what it needs
    uint64_t at_once;   ///< tokens of one step; 0: whole prompts
    uint32_t sequences; ///< that its sampler makes room for; 0: those of the workload
    Logits logits;
    bool rotary_tables; ///< every layer keeps the angles of the whole context
    uint8_t caches;     ///< that are there at once while a token is added
    double slack;       ///< of the weights: what rounding allocations up adds
    uint64_t runtime;   ///< bytes besides, on one device
    uint64_t links;     ///< and for collectives, where there are more
};

/// The profile of an engine, of its newest version where none is given; NULL where nothing sets the
/// engine apart.
const EngineProfile *find_profile(Engine engine, const Choice<Version> &version);

} // namespace hwa::plan
