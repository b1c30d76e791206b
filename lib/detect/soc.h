// SPDX-License-Identifier: MIT
// SocFamily: engines that sit on the chip, on no bus that lists its devices, by what the device
// tree calls them.
#pragma once

#include "core/system.h"
#include "detect/machine.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace hwa::detect {

/// One kind of engine.
struct Engine {
    const char *compatible; ///< "rockchip,rk3588-rknpu"
    core::Kind kind;
    const char *name;
    const char *architecture; ///< or ""
    uint32_t units = 0;       ///< cores where the chip settles how many; 0: not known
};

/// One engine while its family reads it.
struct SocSubject {
    const os::Host &host;
    const os::PlatformDevice &device;
    const Engine &engine;

    /// Path of one of its files in sysfs.
    std::string path(const char *file) const;
    /// Content of such a file, made printable, without what surrounds it; "" if it is not there.
    std::string text(const char *file) const;
    /// What its driver answers to a question of os/query.h; "" if it cannot be asked, or sleeps.
    std::string answer(const core::Device &found, const char *question) const;
};

/// What several nodes of a family in one device tree are.
enum class Nodes {
    Each,  ///< engines, each a device
    Cores, ///< the cores of one engine
    Parts, ///< blocks of one engine, which are not counted
};

struct SocFamily {
    const char *vendor;
    const char *drivers; ///< kernel drivers that make it work, for people: "rknpu or rocket"
    std::span<const Engine> engines;
    /// What a process opens to use it; "" if the driver made none. NULL: the render node of
    /// graphics, the accel node of any other, or whichever there is.
    std::string (*node)(const SocSubject &subject) = nullptr;
    /// Puts in what the kernel tells beyond that; may be NULL.
    void (*describe)(const SocSubject &subject, core::Device &device) = nullptr;
    Nodes nodes = Nodes::Each;
};

/// The node of what a driver made below a device of its own, which has no part of the device tree.
std::string virtual_node(const os::Host &host, const char *device, bool display);

/// Adds a device for each engine of the family. All of them work in the host's memory.
void find_soc(const Machine &machine, const char *backend, const SocFamily &family,
              core::System &system);

} // namespace hwa::detect
