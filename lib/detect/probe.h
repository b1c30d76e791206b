// SPDX-License-Identifier: MIT
// Probe: the contract of a detection backend, and Findings, what it fills.
#pragma once

#include "base/status.h"
#include "core/system.h"
#include "detect/detect.h"
#include "detect/family.h"
#include "os/host.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hwa::detect {

/// What one probe found. In the helper process, each device and stage is sent on as it comes.
struct Findings {
    std::vector<core::Device> devices;
    std::string version; ///< of the driver or library behind the probe
    std::string library; ///< path that was loaded
    std::string warning; ///< a sentence on what was odd

    /// Says which foreign call comes next, so that a crash or a hang can be blamed on it.
    std::function<void(const char *call)> stage = [](const char *) {};
    /// Hands over a finished device.
    std::function<void(core::Device device)> found = [this](core::Device device) {
        devices.push_back(std::move(device));
    };
};

/// The half of a probe that asks a vendor's library. `ask` runs in the helper process only, when
/// `wanted` saw something worth asking for.
struct Driver {
    std::span<const char *const> sonames; ///< of the library that `ask` loads, the best first
    const char *vendor;                   ///< whose devices alone it can show, or ""
    bool (*wanted)(const os::Host &host, const core::System &system);
    /// A variable for the helper's environment that spares it needless work, or "".
    std::string (*setting)(const os::Host &host);
    base::Done (*ask)(const std::string &library_path, Findings &findings);
    /// Of a library that tells of all its devices at once: which of those known that is, each of
    /// which hears the one device that `ask` shows; nothing is added. Else NULL.
    bool (*of_all)(const core::Device &device) = nullptr;
};

/// One backend. Those of the kernel tier read kernel files in process, which is always safe: a
/// family of PCI devices, or whatever `find` looks for, or both. Those of the driver tier have a
/// driver to ask.
struct Probe {
    const char *name;
    uint32_t flags; ///< core::BackendFlag
    bool built;     ///< false: switched off when the library was built
    const Family *family = nullptr;
    base::Done (*find)(const Machine &machine, core::System &system) = nullptr;
    const Driver *driver = nullptr;
};

/// Every probe in the order they run; cross-vendor witnesses come last.
std::span<const Probe> probes();

/// The probe of that name, or NULL.
const Probe *find_probe(std::string_view name);

/// Why this probe is not to run, as a sentence; nothing if it is to.
std::optional<std::string> skip_reason(const Probe &probe, const Options &options);

} // namespace hwa::detect
