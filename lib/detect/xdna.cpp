// SPDX-License-Identifier: MIT
// AMD's neural engines, which sit in a class of sensors and thermal controllers, by the device ids
// and revisions of Linux drivers/accel/amdxdna and those of the driver's own repository.
#include "base/text.h"
#include "base/units.h"
#include "detect/families.h"
#include "detect/memory.h"
#include "detect/peak.h"
#include "os/uapi/amdxdna.h"

#include <cstring>

namespace hwa::detect {

using core::Device;
using core::Dtype;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x1022, 0x1502, 0x1502, Kind::Npu, "", "xdna"},
    {0x1022, 0x17f0, 0x17f0, Kind::Npu, "", "xdna2"},
    {0x1022, 0x17f1, 0x17f3, Kind::Npu, "", ""},
    {0x1022, 0x1b0a, 0x1b0c, Kind::Npu, "", ""},
};

/// One device id stands for several products, which differ in the revision.
static constexpr struct {
    uint16_t device;
    uint8_t revision;
    const char *name;
    uint16_t kib; ///< memory tiles (Linux Documentation/accel/amdxdna/amdnpu.rst); 0: not told
} products[] = {
    {0x1502, 0x00, "AMD Ryzen AI NPU (Phoenix, Hawk Point)", 2560},
    {0x17f0, 0x10, "AMD Ryzen AI NPU (Strix Point)", 4096},
    {0x17f0, 0x11, "AMD Ryzen AI NPU (Strix Halo)", 0},
    {0x17f0, 0x20, "AMD Ryzen AI NPU (Krackan Point)", 0},
};

// Multiply-adds of a column per clock: four tiles of 256, and of 512 (AMD XDNA and XDNA 2; the
// driver counts 4096 operations a column, drivers/accel/amdxdna/aie2_smu.c).
static constexpr data::MacRate xdna_rates[] = {{Dtype::I8, 1024, 0}};
static constexpr data::MacRate xdna2_rates[] = {{Dtype::I8, 2048, 0}};

static void find_name(const PciSubject &subject, Device &device) {
    const auto revision = subject.number("revision", 16);
    for (const auto &product : products)
        if (product.device == subject.function.device && revision == product.revision)
            device.name = {product.name, Source::Table};
}

template <class Answer>
static std::optional<Answer> ask(const os::Host &host, const std::string &node,
                                 const char *question) {
    const auto bytes = host.query(node, question);
    if (!bytes || bytes->size() < sizeof(Answer))
        return std::nullopt;
    Answer answer;
    std::memcpy(&answer, bytes->data(), sizeof answer);
    return answer;
}

/// Columns, clock and firmware by the driver. Opening the node powers the engine up.
static void ask_driver(const PciSubject &subject, Device &device) {
    const core::Attr *node = device.find_attr("device.node");
    if (node == nullptr || device.access != base::Status::Ok || subject.asleep())
        return;
    constexpr uint32_t most = 1024, sane_mhz = 100000;
    if (const auto array = ask<os::uapi::XdnaArray>(subject.host, node->s, "xdna.array");
        array && array->columns != 0 && array->columns <= most)
        device.compute_units = {array->columns, Source::Kernel};
    uint64_t mhz = 0;
    if (const auto limits = ask<os::uapi::XdnaLimits>(subject.host, node->s, "xdna.limits"))
        mhz = limits->max_array_mhz;
    if (mhz != 0 && mhz <= sane_mhz)
        device.clock_hz = {mhz * 1000000, Source::Kernel};
}

static void find_firmware(const PciSubject &subject, Device &device) {
    std::string version = subject.text("fw_version");
    const core::Attr *node = device.find_attr("device.node");
    if (version.empty() && node != nullptr && device.access == base::Status::Ok &&
        !subject.asleep())
        if (const auto told = ask<os::uapi::XdnaVersion>(subject.host, node->s, "xdna.firmware"))
            version =
                base::format("%u.%u.%u.%u", told->major, told->minor, told->patch, told->build);
    if (!version.empty())
        device.put_attr(core::attr_text("firmware.version", version, Source::Kernel));
}

static void describe(const PciSubject &subject, Device &device) {
    find_name(subject, device);
    device.flags |= core::DeviceIntegrated;
    if (subject.function.driver != "amdxdna")
        return;
    if (const std::string name = subject.text("vbnv"); !name.empty())
        device.put_attr(core::attr_text("xdna.vbnv", name, Source::Kernel));
    ask_driver(subject, device);
    find_firmware(subject, device);
    if (device.architecture.value == "xdna")
        put_peaks(xdna_rates, device);
    else if (device.architecture.value == "xdna2")
        put_peaks(xdna2_rates, device);
}

constexpr Family xdna_family = {"amdxdna", chips, nullptr, nullptr, describe};

/// It has no memory but the host's and what its columns hold.
static void put_memories(const core::System &system, Device &device) {
    core::Memory memory;
    memory.role = core::MemoryRole::Shared;
    memory.size_bytes = {system.memory_bytes, Source::Kernel};
    memory.usable_bytes = usable_memory(system);
    device.memories.push_back(std::move(memory));
    for (const auto &product : products) {
        if (product.kib == 0 || device.name.value != product.name)
            continue;
        core::Memory tiles;
        tiles.kind = core::MemoryKind::Sram;
        tiles.role = core::MemoryRole::Cache;
        tiles.name = "L2";
        tiles.size_bytes = {product.kib * base::KiB, Source::Table};
        tiles.usable_bytes = tiles.size_bytes.value;
        device.memories.push_back(std::move(tiles));
    }
}

base::Done find_xdna(const Machine &, core::System &system) {
    for (Device &device : system.devices)
        if (!device.backends.empty() && device.backends[0] == "xdna" &&
            device.driver.value == "amdxdna" && system.memory_bytes != 0)
            put_memories(system, device);
    return {};
}

} // namespace hwa::detect
