// SPDX-License-Identifier: MIT
// Google's TPUs by the PCI ids of JAX (jax/_src/hardware_utils.py) and of tpu-info (tpu_info/
// device.py), with rates of their links by "How To Scale Your Model" (jax-ml.github.io/
// scaling-book). A device node alone is no TPU: other makers' devices have such nodes, too.
#include "detect/families.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x1ae0, 0x0027, 0x0027, Kind::Tpu, "", ""}, // v2 or v3, which the subsystem tells
    {0x1ae0, 0x0056, 0x0056, Kind::Tpu, "Google TPU v4i", "v4i"},
    {0x1ae0, 0x005e, 0x005e, Kind::Tpu, "Google TPU v4", "v4"},
    {0x1ae0, 0x0062, 0x0062, Kind::Tpu, "Google TPU v5p", "v5p"},
    {0x1ae0, 0x0063, 0x0063, Kind::Tpu, "Google TPU v5e", "v5e"},
    {0x1ae0, 0x006f, 0x006f, Kind::Tpu, "Google TPU v6e", "v6e"},
    {0x1ae0, 0x0076, 0x0076, Kind::Tpu, "Google TPU7x", "7x"},
    {0x1ae0, 0x007c, 0x007c, Kind::Tpu, "Google TPU 8t", "8t"},
    {0x1ae0, 0x0083, 0x0083, Kind::Tpu, "Google TPU 8i", "8i"},
};

namespace {

/// What differs between generations and is in no data sheet of chips.
struct Generation {
    std::string_view architecture;
    uint32_t devices_per_chip;      ///< as frameworks count them; 0: not known
    uint64_t link_bytes_per_second; ///< of one link between chips, one way; 0: not known
};

} // namespace

static constexpr Generation generations[] = {
    {"v2", 2, 0},
    {"v3", 2, 100000000000},
    {"v4i", 1, 0},
    {"v4", 1, 45000000000},
    {"v5e", 1, 45000000000},
    {"v5p", 1, 90000000000},
    {"v6e", 1, 90000000000},
    {"7x", 2, 0},
};

static const Generation *find_generation(const Device &device) {
    for (const Generation &row : generations)
        if (row.architecture == device.architecture.value)
            return &row;
    return nullptr;
}

/// Those up to v4 have nodes of their own; later ones are driven by the runtime through VFIO.
static std::string node(const PciSubject &subject) {
    const std::string group = vfio_node(subject);
    return group.empty() ? class_node(subject, "accel") : group;
}

static void describe(const PciSubject &subject, Device &device) {
    const uint32_t board = subject.function.subsystem_device;
    if (subject.function.device == 0x0027 && (board == 0x004e || board == 0x004f)) {
        const std::string version = board == 0x004e ? "v2" : "v3";
        device.name = {"Google TPU " + version, Source::Table};
        device.architecture = {version, Source::Table};
    }
    const Generation *row = find_generation(device);
    if (row != nullptr && row->devices_per_chip != 0)
        device.put_attr(
            core::attr_int("tpu.devices_per_chip", row->devices_per_chip, Source::Table));
}

constexpr Family google_tpu_family = {"vfio-pci, or Google's driver up to v4", chips, nullptr, node,
                                      describe};

/// The chips of a host are in one mesh, so that a path between any two is as wide as one link.
base::Done find_google_tpu(const Machine &, core::System &system) {
    const std::vector<Device> &devices = system.devices;
    const auto is_tpu = [](const Device &device) {
        return device.kind == Kind::Tpu && device.backends[0] == "google_tpu";
    };
    for (size_t a = 0; a < devices.size(); ++a)
        for (size_t b = a + 1; is_tpu(devices[a]) && b < devices.size(); ++b) {
            const Generation *row = find_generation(devices[a]);
            if (!is_tpu(devices[b]) || row == nullptr || row->link_bytes_per_second == 0 ||
                devices[a].architecture.value != devices[b].architecture.value)
                continue;
            core::Link link;
            link.kind = core::LinkKind::Fabric;
            link.a = devices[a].id;
            link.b = devices[b].id;
            link.bytes_per_second = row->link_bytes_per_second;
            link.name = "ICI";
            link.source = Source::Table;
            system.links.push_back(std::move(link));
        }
    return {};
}

} // namespace hwa::detect
