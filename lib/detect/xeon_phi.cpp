// SPDX-License-Identifier: MIT
// Intel Xeon Phi co-processors of the first generation, by driver mic of Intel's MPSS, whose files
// are hexadecimal without a mark, and that of Linux up to 5.9
// (Documentation/ABI/testing/sysfs-class-mic).
#include "detect/families.h"

#include "base/text.h"

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x8086, 0x2250, 0x226f, Kind::Asic, "Intel Xeon Phi", "knights-corner"}};

/// The driver's name for the card, "mic0"; "" if it has none.
static std::string card_of(const PciSubject &subject) {
    if (const auto names = subject.host.list(subject.path("mic"), 16))
        for (const std::string &name : *names)
            if (name.starts_with("mic"))
                return name;
    return "";
}

static std::string mic_node(const PciSubject &subject) {
    const std::string card = card_of(subject);
    return card.empty() ? "" : "/dev/" + card;
}

static void find_numbers(const PciSubject &subject, const std::string &folder, Device &device) {
    constexpr uint64_t sane_cores = 1024;
    const auto cores = subject.number((folder + "active_cores").c_str(), 16);
    if (cores && *cores != 0 && *cores < sane_cores)
        device.compute_units = {static_cast<uint32_t>(*cores), Source::Kernel};
    constexpr uint64_t sane_kib = uint64_t{1} << 32;
    const auto kib = subject.number((folder + "memsize").c_str(), 16);
    if (!kib || *kib == 0 || *kib >= sane_kib)
        return;
    core::Memory memory;
    memory.kind = core::MemoryKind::Gddr;
    memory.role = core::MemoryRole::Dedicated;
    memory.name = "GDDR5";
    memory.size_bytes = {*kib * 1024, Source::Kernel};
    memory.usable_bytes = *kib * 1024;
    device.memories.push_back(std::move(memory));
}

static void describe(const PciSubject &subject, Device &device) {
    const std::string card = subject.function.driver == "mic" ? card_of(subject) : "";
    if (card.empty())
        return;
    const std::string folder = "mic/" + card + '/';
    find_numbers(subject, folder, device);
    const std::string state = subject.text((folder + "state").c_str());
    // Words of a driver; anything else is no state.
    if (state.empty() || state.find_first_not_of("abcdefghijklmnopqrstuvwxyz_ ") != state.npos)
        return;
    device.put_attr(core::attr_text("mic.state", state, Source::Kernel));
    if (state == "online")
        return;
    device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
    device.access = Status::Unavailable;
    device.access_message = "it is not booted: its state is " + state;
}

constexpr Family xeon_phi_family = {"mic", chips, nullptr, mic_node, describe};

} // namespace hwa::detect
