// SPDX-License-Identifier: MIT
// Tenstorrent's cards. Documents: tenstorrent/tt-kmd enumerate.h (ids), chardev.c (nodes),
// docs/sysfs-attributes.md and telemetry.c (what the firmware tells of the board).
#include "detect/families.h"

#include "base/text.h"

namespace hwa::detect {

using core::Device;
using core::Kind;

static constexpr Chip chips[] = {
    {0x1e52, 0x401e, 0x401e, Kind::Asic, "Tenstorrent Wormhole", "wormhole"},
    {0x1e52, 0xb140, 0xb140, Kind::Asic, "Tenstorrent Blackhole", "blackhole"},
    {0x1e52, 0xfaca, 0xfaca, Kind::Asic, "Tenstorrent Grayskull", "grayskull"},
};

namespace {

struct Board {
    uint32_t type; ///< bits 36 to 51 of the serial number
    const char *name;
    int chips; ///< behind one PCI function: others are reached over Ethernet
};

} // namespace

static constexpr Board boards[] = {
    {0x03, "e150", 1},  {0x07, "e75", 1},   {0x0a, "e300", 1},
    {0x14, "n300", 2},  {0x18, "n150", 1},  {0x35, "galaxy-wormhole", 1},
    {0x36, "p100", 1},  {0x40, "p150a", 1}, {0x41, "p150b", 1},
    {0x42, "p150c", 1}, {0x43, "p100a", 1}, {0x44, "p300b", 1},
    {0x45, "p300a", 1}, {0x46, "p300c", 1}, {0x47, "galaxy-blackhole", 1},
};

static std::string node(const PciSubject &subject) {
    return class_node(subject, "tenstorrent");
}

/// Older drivers tell the serial number alone.
static const Board *find_board(std::string_view card, std::string_view serial) {
    const auto number = base::parse_u64(serial, 16);
    for (const Board &board : boards)
        if (card.empty() ? number && (*number >> 36 & 0xffff) == board.type : card == board.name)
            return &board;
    return nullptr;
}

static void describe(const PciSubject &subject, Device &device) {
    const core::Attr *at = device.find_attr("device.node");
    if (subject.function.driver != "tenstorrent" || at == nullptr)
        return;
    const std::string folder = "tenstorrent/tenstorrent!" + at->s.substr(at->s.rfind('/') + 1);
    const auto text = [&](const char *file) { return subject.text((folder + file).c_str()); };
    const Board *board = find_board(text("/tt_card_type"), text("/tt_serial"));
    if (board != nullptr) {
        device.name = {std::string("Tenstorrent ") + board->name, core::Source::Kernel};
        device.put_attr(core::attr_int("tenstorrent.chips", board->chips, core::Source::Table));
    }
    put_version(device, "tenstorrent.firmware", text("/tt_fw_bundle_ver"));
}

constexpr Family tenstorrent_family = {"tenstorrent", chips, nullptr, node, describe};

} // namespace hwa::detect
