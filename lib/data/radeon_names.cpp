// SPDX-License-Identifier: MIT
// Products that compute, by the ids of pci.ids and of amdgpu.ids in libdrm's data.
#include "data/radeon_names.h"

#include "base/text.h"

namespace hwa::data {

static constexpr uint16_t any = 0xffff;

static constexpr struct {
    uint16_t device, revision;
    const char *name;
} names[] = {
    {0x150e, any, "AMD Radeon 880M / 890M Graphics"},
    {0x1586, any, "AMD Radeon 8050S / 8060S Graphics"},
    {0x66a1, 0x02, "AMD Instinct MI60 / MI50"},
    {0x66a1, 0x06, "AMD Radeon Pro VII"},
    {0x66af, 0xc1, "AMD Radeon VII"},
    {0x6860, 0x00, "AMD Radeon Instinct MI25"},
    {0x6860, 0x01, "AMD Radeon Instinct MI25"},
    {0x6860, 0x02, "AMD Radeon Instinct MI25"},
    {0x687f, any, "AMD Radeon RX Vega"},
    {0x738c, any, "AMD Instinct MI100"},
    {0x738e, any, "AMD Instinct MI100"},
    {0x73a5, 0xc0, "AMD Radeon RX 6950 XT"},
    {0x73bf, 0xc0, "AMD Radeon RX 6900 XT"},
    {0x73bf, 0xc1, "AMD Radeon RX 6800 XT"},
    {0x73bf, 0xc3, "AMD Radeon RX 6800"},
    {0x73df, 0xc1, "AMD Radeon RX 6700 XT"},
    {0x73ff, 0xc1, "AMD Radeon RX 6600 XT"},
    {0x73ff, 0xc7, "AMD Radeon RX 6600"},
    {0x7408, any, "AMD Instinct MI250X"},
    {0x740c, any, "AMD Instinct MI250X / MI250"},
    {0x740f, any, "AMD Instinct MI210"},
    {0x7448, any, "AMD Radeon Pro W7900"},
    {0x744c, 0xc8, "AMD Radeon RX 7900 XTX"},
    {0x744c, 0xcc, "AMD Radeon RX 7900 XT"},
    {0x744c, 0xce, "AMD Radeon RX 7900 GRE"},
    {0x744c, 0xcf, "AMD Radeon RX 7900M"},
    {0x745e, 0xcc, "AMD Radeon Pro W7800"},
    {0x747e, 0xc8, "AMD Radeon RX 7800 XT"},
    {0x747e, 0xff, "AMD Radeon RX 7700 XT"},
    {0x7480, 0xc0, "AMD Radeon RX 7600 XT"},
    {0x7480, 0xcf, "AMD Radeon RX 7600"},
    {0x74a0, any, "AMD Instinct MI300A"},
    {0x74a1, any, "AMD Instinct MI300X"},
    {0x74a2, any, "AMD Instinct MI308X"},
    {0x74a5, any, "AMD Instinct MI325X"},
    {0x74a9, any, "AMD Instinct MI300X HF"},
    {0x74b5, any, "AMD Instinct MI300X VF"},
    {0x74bd, any, "AMD Instinct MI300X HF"},
    {0x7550, 0xc0, "AMD Radeon RX 9070 XT"},
    {0x7550, 0xc3, "AMD Radeon RX 9070"},
    {0x7551, 0xc0, "AMD Radeon AI PRO R9700"},
    {0x75a0, any, "AMD Instinct MI350X"},
    {0x75a3, any, "AMD Instinct MI355X"},
};

const char *radeon_name(uint32_t device, uint32_t revision) {
    for (const auto &row : names)
        if (row.device == device && (row.revision == any || row.revision == revision))
            return row.name;
    return "";
}

bool knows_radeon(uint32_t device) {
    for (const auto &row : names)
        if (row.device == device)
            return true;
    return false;
}

std::string radeon_name(std::string_view list, uint32_t device, uint32_t revision) {
    // "744C,\tC8,\tAMD Radeon RX 7900 XTX"
    const std::string key = base::format("\n%04X,\t%02X,\t", device, revision);
    const size_t at = list.find(key);
    if (at == std::string_view::npos)
        return "";
    const size_t start = at + key.size();
    return base::sanitise(base::trim(list.substr(start, list.find('\n', start) - start)), 120);
}

} // namespace hwa::data
