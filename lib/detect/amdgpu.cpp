// SPDX-License-Identifier: MIT
// One card by its driver: Linux Documentation/gpu/amdgpu/driver-misc.rst and thermal.rst for sysfs,
// include/uapi/drm/amdgpu_drm.h for the render node.
#include "detect/amdgpu.h"

#include "base/text.h"
#include "data/gfx.h"
#include "data/radeon_names.h"
#include "detect/peak.h"
#include "os/uapi/amdgpu.h"

#include <algorithm>
#include <cstring>

namespace hwa::detect {

using core::Device;
using core::Memory;
using core::MemoryRole;
using core::Source;

static constexpr uint64_t sane_bytes = uint64_t{1} << 50;
static constexpr uint64_t sane_khz = 100000000;

namespace {

/// What its render node answers; nothing where it may not be asked.
struct Answers {
    std::optional<os::uapi::AmdgpuDevice> device;
    std::optional<os::uapi::AmdgpuMemory> memory;
};

} // namespace

template <class Answer>
static std::optional<Answer> ask(const PciSubject &subject, const Device &device,
                                 const char *question) {
    const core::Attr *node = device.find_attr("device.node");
    if (node == nullptr || device.access != base::Status::Ok)
        return std::nullopt;
    const auto bytes = subject.host.query(node->s, question);
    if (!bytes || bytes->size() < sizeof(Answer))
        return std::nullopt;
    Answer answer;
    std::memcpy(&answer, bytes->data(), sizeof answer);
    return answer;
}

static void put_int(Device &device, const char *key, uint64_t value) {
    if (value != 0 && value <= INT64_MAX)
        device.put_attr(core::attr_int(key, static_cast<int64_t>(value), Source::Kernel));
}

static void put_text(Device &device, const char *key, const std::string &value) {
    if (!value.empty())
        device.put_attr(core::attr_text(key, value, Source::Kernel));
}

/// A size in bytes; 0 if it is not told or makes no sense.
static uint64_t bytes_of(const PciSubject &subject, const char *file) {
    const uint64_t bytes = subject.number(file).value_or(0);
    return bytes < sane_bytes ? bytes : 0;
}

/// The highest of the lines "1: 1249Mhz *"; some kernels write MHz.
static uint64_t highest_hz(const os::Host &host, const std::string &path) {
    const auto text = host.read_file(path);
    uint64_t mhz = 0;
    for (const std::string_view line : base::split(text ? *text : std::string_view(), '\n')) {
        const size_t colon = line.find(": "), unit = std::min(line.find("Mhz"), line.find("MHz"));
        if (colon != line.npos && unit != line.npos && colon + 2 < unit)
            mhz = std::max(mhz,
                           base::parse_u64(line.substr(colon + 2, unit - colon - 2)).value_or(0));
    }
    return mhz < sane_khz / 1000 ? mhz * 1000000 : 0;
}

/// Memory of the card, and how much of the host's it maps (GTT).
static void find_memory(const PciSubject &subject, const Answers &answers, Device &device) {
    Memory memory;
    uint64_t total = 0, visible = 0, mapped = 0;
    const std::string maker = subject.text("mem_info_vram_vendor");
    if (answers.memory) {
        total = answers.memory->vram.total;
        visible = answers.memory->visible_vram.total;
        mapped = answers.memory->gtt.total;
        memory.usable_bytes = std::min(answers.memory->vram.usable, total);
    }
    if (total == 0 || total >= sane_bytes) {
        memory.usable_bytes = total = bytes_of(subject, "mem_info_vram_total");
        visible = bytes_of(subject, "mem_info_vis_vram_total");
        // What an integrated one maps is its memory; of a card it is no more than a limit.
        mapped = maker.empty() ? bytes_of(subject, "mem_info_gtt_total") : 0;
    }
    put_text(device, "amd.vram_vendor", maker);
    put_int(device, "amd.visible_vram_bytes", visible);
    put_int(device, "amd.gtt_bytes", mapped);
    if (total == 0)
        return;
    memory.size_bytes = {total, Source::Kernel};
    // Only memory chips have a maker; what firmware set apart of the host's memory has none.
    memory.role = maker.empty() ? MemoryRole::Unknown : MemoryRole::Dedicated;
    device.memories.push_back(std::move(memory));
}

/// Type and width of its memory. Of HBM the driver does not tell the generation.
static void put_vram(const os::uapi::AmdgpuDevice &told, Device &device) {
    if (told.max_memory_khz < sane_khz)
        put_int(device, "amd.memory_clock_hz", told.max_memory_khz * 1000);
    if (device.memories.empty())
        return;
    Memory &memory = device.memories[0];
    const data::VramType *type = data::find_vram_type(told.vram_type);
    if (type != nullptr) {
        memory.kind = type->kind;
        memory.name = type->name;
    }
    const uint64_t clock = told.max_memory_khz < sane_khz ? told.max_memory_khz * 1000 : 0;
    put_bandwidth(memory, told.vram_bits, clock, type != nullptr ? type->transfers : 0);
}

static void put_device(const os::uapi::AmdgpuDevice &told, Device &device) {
    if (told.active_units != 0)
        device.compute_units.offer(told.active_units, Source::Kernel);
    if (told.max_engine_khz != 0 && told.max_engine_khz < sane_khz)
        device.clock_hz.offer(told.max_engine_khz * 1000, Source::Kernel);
    if ((told.flags & os::uapi::amdgpu_fusion) != 0)
        device.flags |= core::DeviceIntegrated;
    put_int(device, "amd.family", told.family);
    put_int(device, "amd.revision", told.external_rev);
    put_vram(told, device);
}

static std::string product_of(const PciSubject &subject, const Answers &answers) {
    if (subject.function.vendor != 0x1002 || !data::knows_radeon(subject.function.device))
        return "";
    constexpr uint32_t none = UINT32_MAX; // names what all revisions share
    if (const char *name = data::radeon_name(subject.function.device, none); *name != '\0')
        return name;
    const uint32_t revision =
        answers.device ? answers.device->pci_rev
                       : static_cast<uint32_t>(subject.number("revision", 16).value_or(none));
    return data::radeon_name(subject.function.device, revision);
}

/// The board's own name, which those of servers have, else the product's by id and revision. Of a
/// board for desktops the product's comes first, for its own is mostly empty.
static void find_name(const PciSubject &subject, const Answers &answers, Device &device) {
    const bool desktop = subject.function.class_code >> 8 == 0x0300;
    std::string product = desktop ? product_of(subject, answers) : "";
    if (product.empty()) {
        if (const std::string own = subject.text("product_name"); !own.empty()) {
            device.name = {own, Source::Kernel};
            return;
        }
        product = desktop ? "" : product_of(subject, answers);
    }
    if (!product.empty())
        device.name = {std::move(product), Source::Table};
}

static void find_power(const PciSubject &subject, Device &device) {
    const auto names = subject.host.list(subject.path("hwmon"), 16);
    for (const std::string &name : names ? *names : std::vector<std::string>()) {
        const auto microwatts = subject.number(("hwmon/" + name + "/power1_cap").c_str());
        if (microwatts && *microwatts / 1000 != 0 && *microwatts / 1000 <= UINT32_MAX)
            device.power_limit_mw = {static_cast<uint32_t>(*microwatts / 1000), Source::Kernel};
    }
}

/// Files that wake a card on some kernels, because they ask its firmware.
static void describe_awake(const PciSubject &subject, const Answers &answers, Device &device) {
    if (answers.device)
        put_device(*answers.device, device);
    find_power(subject, device);
    // Only those without a display come in parts.
    if (subject.function.class_code >> 16 == 0x12) {
        put_text(device, "amd.compute_partition", subject.text("current_compute_partition"));
        put_text(device, "amd.memory_partition", subject.text("current_memory_partition"));
    }
}

static void describe_radeon(const PciSubject &subject, Device &device) {
    const auto told = ask<os::uapi::RadeonMemory>(subject, device, "radeon.memory");
    if (!told || told->vram == 0 || told->vram >= sane_bytes)
        return;
    Memory memory;
    memory.size_bytes = {told->vram, Source::Kernel};
    memory.usable_bytes = told->vram;
    device.memories.push_back(std::move(memory));
    put_int(device, "amd.gtt_bytes", told->gart);
}

static bool is_asleep(const Device &device) {
    const core::Attr *power = device.find_attr("power.runtime_status");
    return power != nullptr && (power->s == "suspended" || power->s == "suspending");
}

void find_clocks(const os::Host &host, Device &device) {
    if (is_asleep(device))
        return;
    const std::string folder = os::pci_folder + device.id.substr(4);
    if (device.clock_hz.source == Source::Unknown)
        if (const uint64_t clock = highest_hz(host, folder + "/pp_dpm_sclk"); clock != 0)
            device.clock_hz = {clock, Source::Kernel};
    if (device.find_attr("amd.memory_clock_hz") == nullptr)
        put_int(device, "amd.memory_clock_hz", highest_hz(host, folder + "/pp_dpm_mclk"));
}

void describe_amdgpu(const PciSubject &subject, Device &device) {
    const core::Attr *power = device.find_attr("power.runtime_status");
    const bool asleep = power != nullptr && (power->s == "suspended" || power->s == "suspending");
    const std::string &driver = subject.function.driver;
    Answers answers;
    if (driver == "amdgpu" && !asleep) {
        answers.device = ask<os::uapi::AmdgpuDevice>(subject, device, "amdgpu.device");
        if (answers.device)
            answers.memory = ask<os::uapi::AmdgpuMemory>(subject, device, "amdgpu.memory");
    }
    if (driver == "radeon" && !asleep)
        describe_radeon(subject, device);
    if (driver.empty() || driver == "radeon" || driver == "vfio-pci" || driver == "pci-stub") {
        find_name(subject, answers, device);
        return;
    }
    find_memory(subject, answers, device);
    find_name(subject, answers, device);
    if (!asleep)
        describe_awake(subject, answers, device);
}

} // namespace hwa::detect
