// SPDX-License-Identifier: MIT
// Family: PCI devices of one maker or driver, by a table of what they are and a function that reads
// what the kernel tells of them.
#pragma once

#include "core/system.h"
#include "detect/machine.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hwa::detect {

/// One product by its PCI ids.
struct Chip {
    uint16_t vendor;
    uint16_t first, last; ///< device ids, both included
    core::Kind kind;
    const char *name;         ///< whose row in data/specs.csv says the rest, if it has one; or ""
    const char *architecture; ///< or ""
};

/// One function of the bus while a family reads it.
struct PciSubject {
    const os::Host &host;
    const os::PciFunction &function;
    const Chip *chip; ///< its row in the table, or NULL

    /// Path of one of its files in sysfs.
    std::string path(const char *file) const;
    /// Content of such a file, made printable, without what surrounds it; "" if it is not there.
    std::string text(const char *file) const;
    /// The whole of such a file as a number; nothing if it is none.
    std::optional<uint64_t> number(const char *file, int base = 10) const;
    /// True while it sleeps, when most of its files would wake it.
    bool asleep() const;
};

struct Family {
    const char *drivers; ///< kernel drivers that make it work, for people: "i915 or xe"
    std::span<const Chip> chips;
    /// Claims functions that the table lacks, by vendor, class and driver; may be NULL.
    bool (*claims)(const os::PciFunction &function) = nullptr;
    /// What a process opens to use it; "" if the driver made none. NULL: the render node of a
    /// display, the accel node of any other.
    std::string (*node)(const PciSubject &subject) = nullptr;
    /// Puts in what the kernel tells of this family beyond what it tells of any device; may be
    /// NULL.
    void (*describe)(const PciSubject &subject, core::Device &device) = nullptr;
    /// Below /dev, what nodes are called ("dxrt0") whose driver does not say whose they are; or "".
    const char *loose_nodes = "";
};

/// Adds a device for each function of the family that no family before it has claimed.
base::Done find_family(const Machine &machine, const char *backend, const Family &family,
                       core::System &system);

/// The render node of a display or the accel node of any other, or whichever there is; "" if the
/// driver made none.
std::string render_node(const PciSubject &subject);

/// The node that the driver made in a class of its own, by the name that the kernel has for it; ""
/// if there is none.
std::string class_node(const PciSubject &subject, const char *class_name);

/// The same; of a driver that does not say whose a node is, the node PREFIXn of that class where
/// both it and the function are the only ones.
std::string lone_node(const PciSubject &subject, const char *class_name, const char *prefix);

/// The same as render_node() of whatever has its files in `folder`, which ends in a slash.
std::string drm_node(const os::Host &host, const std::string &folder, bool display);

/// The node of the group by which vfio-pci hands the function to programs (Linux
/// Documentation/driver-api/vfio.rst); "" if it is not bound to that, or in none.
std::string vfio_node(const PciSubject &subject);

/// What a driver says of a version, as an attribute; nothing if it is empty, or cannot be one.
void put_version(core::Device &device, const char *key, std::string version);

/// True for displays, processing accelerators and co-processors: what is left of a maker of
/// accelerators without its bridges and sound.
bool is_compute_class(const os::PciFunction &function);

/// Makes the further functions of a card, as far as a family has found them, parts of its first.
void join_functions(std::string_view backend, core::System &system);

/// The device of a function, by what the bus tells of any: identity, place, parent, access.
core::Device pci_device(const PciSubject &subject, const char *backend, const Family &family);

} // namespace hwa::detect
