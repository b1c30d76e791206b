// SPDX-License-Identifier: MIT
// Chips of AMD by instruction set. Multiply-adds per clock and compute unit: AMD CDNA, CDNA 2, CDNA
// 3 and CDNA 4 white papers; for Radeon the RDNA 3 and RDNA 4 instruction set guides and, as peak /
// (2 x units x boost clock), the product pages. Names: LLVM AMDGPUUsage.rst. Transfers per period:
// the clocks of pp_dpm_mclk beside the rates on the product pages.
#include "data/gfx.h"

#include "base/text.h"

namespace hwa::data {

using core::Dtype;
using core::MemoryKind;

static constexpr MacRate plain[] = {{Dtype::F32, 64, 0}};
static constexpr MacRate gcn3[] = {{Dtype::F64, 4, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 64, 0}};
static constexpr MacRate vega[] = {{Dtype::F64, 4, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 128, 0}};
static constexpr MacRate vega20[] = {
    {Dtype::F64, 32, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 128, 0}, {Dtype::I8, 256, 0}};
static constexpr MacRate cdna1[] = {{Dtype::F64, 32, 0},
                                    {Dtype::F32, 128, 0},
                                    {Dtype::F16, 512, 0},
                                    {Dtype::Bf16, 256, 0},
                                    {Dtype::I8, 512, 0}};
static constexpr MacRate cdna2[] = {{Dtype::F64, 128, 0},
                                    {Dtype::F32, 128, 0},
                                    {Dtype::F16, 512, 0},
                                    {Dtype::Bf16, 512, 0},
                                    {Dtype::I8, 512, 0}};
// Its formats of eight bits have another bias than those of the Open Compute Project.
static constexpr MacRate cdna3[] = {
    {Dtype::F64, 128, 0},        {Dtype::F32, 128, 0},      {Dtype::Tf32, 512, 1024},
    {Dtype::F16, 1024, 2048},    {Dtype::Bf16, 1024, 2048}, {Dtype::F8E4M3, 2048, 4096},
    {Dtype::F8E5M2, 2048, 4096}, {Dtype::I8, 2048, 4096},
};
static constexpr MacRate cdna4[] = {
    {Dtype::F64, 64, 0},         {Dtype::F32, 128, 0},        {Dtype::F16, 2048, 4096},
    {Dtype::Bf16, 2048, 4096},   {Dtype::F8E4M3, 4096, 8192}, {Dtype::F8E5M2, 4096, 8192},
    {Dtype::F4E2M1, 8192, 8192}, {Dtype::I8, 4096, 8192},
};
static constexpr MacRate rdna1[] = {{Dtype::F64, 4, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 128, 0}};
static constexpr MacRate rdna2[] = {{Dtype::F64, 4, 0},
                                    {Dtype::F32, 64, 0},
                                    {Dtype::F16, 128, 0},
                                    {Dtype::I8, 256, 0},
                                    {Dtype::I4, 512, 0}};
static constexpr MacRate rdna3[] = {
    {Dtype::F64, 4, 0},    {Dtype::F32, 128, 0}, {Dtype::F16, 256, 0},
    {Dtype::Bf16, 256, 0}, {Dtype::I8, 256, 0},  {Dtype::I4, 512, 0},
};
static constexpr MacRate rdna4[] = {
    {Dtype::F64, 2, 0},       {Dtype::F32, 128, 0},        {Dtype::F16, 512, 1024},
    {Dtype::Bf16, 512, 1024}, {Dtype::F8E4M3, 1024, 2048}, {Dtype::F8E5M2, 1024, 2048},
    {Dtype::I8, 1024, 2048},  {Dtype::I4, 2048, 4096},
};

static constexpr MemoryKind unknown = MemoryKind::Unknown;
static constexpr MemoryKind hbm = MemoryKind::Hbm;
static constexpr MemoryKind gddr = MemoryKind::Gddr;

// Integrated ones have whatever memory the board has.
static constexpr Gfx chips[] = {
    {60000, 60002, "gcn1", false, unknown, "", 0, plain},
    {70000, 70000, "gcn2", true, unknown, "", 0, plain},
    {70001, 70002, "gcn2", false, unknown, "", 0, plain},
    {70003, 70003, "gcn2", true, unknown, "", 0, plain},
    {70004, 70004, "gcn2", false, unknown, "", 0, plain},
    {70005, 70005, "gcn2", true, unknown, "", 0, plain},
    {80001, 80001, "gcn3", true, unknown, "", 0, gcn3},
    {80002, 80002, "gcn3", false, unknown, "", 0, gcn3},
    {80003, 80003, "gcn", false, unknown, "", 0, gcn3}, // of the third generation or the fourth
    {80005, 80005, "gcn3", false, unknown, "", 0, gcn3},
    {80100, 80100, "gcn3", true, unknown, "", 0, gcn3},
    {90000, 90000, "vega", false, hbm, "HBM2", 2, vega},
    {90002, 90002, "vega", true, unknown, "", 0, vega},
    {90004, 90004, "vega", false, hbm, "HBM2", 2, vega},
    {90006, 90006, "vega", false, hbm, "HBM2", 2, vega20},
    {90008, 90008, "cdna1", false, hbm, "HBM2", 2, cdna1},
    {90009, 90009, "vega", true, unknown, "", 0, vega},
    {90010, 90010, "cdna2", false, hbm, "HBM2e", 2, cdna2},
    {90012, 90012, "vega", true, unknown, "", 0, vega},
    {90400, 90402, "cdna3", false, hbm, "HBM3", 4, cdna3},
    {90500, 90500, "cdna4", false, hbm, "HBM3e", 4, cdna4},
    {100100, 100100, "rdna1", false, gddr, "GDDR6", 16, rdna1},
    {100101, 100101, "rdna1", false, hbm, "HBM2", 2, rdna1},
    {100102, 100102, "rdna1", false, gddr, "GDDR6", 16, rdna1},
    {100103, 100103, "rdna1", true, unknown, "", 0, rdna1},
    {100300, 100302, "rdna2", false, gddr, "GDDR6", 16, rdna2},
    {100303, 100303, "rdna2", true, unknown, "", 0, rdna2},
    {100304, 100304, "rdna2", false, gddr, "GDDR6", 16, rdna2},
    {100305, 100306, "rdna2", true, unknown, "", 0, rdna2},
    {110000, 110002, "rdna3", false, gddr, "GDDR6", 16, rdna3},
    {110003, 110003, "rdna3", true, unknown, "", 0, rdna3},
    {110500, 110503, "rdna3.5", true, unknown, "", 0, rdna3},
    {120000, 120001, "rdna4", false, gddr, "GDDR6", 16, rdna4},
};

const Gfx *find_gfx(uint32_t version) {
    for (const Gfx &row : chips)
        if (row.first <= version && version <= row.last)
            return &row;
    return nullptr;
}

// Mesa src/amd/addrlib/src/amdgpu_asic_addr.h; Linux drivers/gpu/drm/amd/amdgpu/soc15.c for the
// last two of family 141.
static constexpr struct {
    uint8_t family, first, last; // revisions, both included
    uint32_t gfx;
} families[] = {
    {110, 0x00, 0xff, 60000},  {120, 0x00, 0xff, 70004},  {125, 0x00, 0xff, 70000},
    {130, 0x00, 0x3b, 80002},  {130, 0x3c, 0xff, 80003},  {135, 0x00, 0x60, 80001},
    {135, 0x61, 0xff, 80100},  {141, 0x00, 0x13, 90000},  {141, 0x14, 0x27, 90004},
    {141, 0x28, 0x31, 90006},  {141, 0x32, 0x3b, 90008},  {141, 0x3c, 0x45, 90010},
    {141, 0x46, 0x4f, 90402},  {141, 0x50, 0xff, 90500},  {142, 0x00, 0x80, 90002},
    {142, 0x81, 0x90, 90009},  {142, 0x91, 0xff, 90012},  {143, 0x00, 0x09, 100100},
    {143, 0x0a, 0x13, 100101}, {143, 0x14, 0x27, 100102}, {143, 0x28, 0x31, 100300},
    {143, 0x32, 0x3b, 100301}, {143, 0x3c, 0x45, 100302}, {143, 0x46, 0x4f, 100304},
    {144, 0x00, 0xff, 100303}, {145, 0x00, 0x0f, 110000}, {145, 0x10, 0x1f, 110002},
    {145, 0x20, 0xff, 110001}, {146, 0x00, 0xff, 100305}, {148, 0x00, 0xff, 110003},
    {149, 0x00, 0xff, 100306}, {150, 0x00, 0xff, 110500}, {151, 0x00, 0xff, 100306},
    {152, 0x00, 0xff, 120000},
};

const Gfx *find_gfx(uint32_t family, uint32_t revision) {
    for (const auto &row : families)
        if (row.family == family && row.first <= revision && revision <= row.last)
            return find_gfx(row.gfx);
    return nullptr;
}

std::string gfx_name(uint32_t version) {
    return base::format("gfx%u%u%x", version / 10000, version / 100 % 100, version % 100);
}

static constexpr VramType vram_types[] = {
    {5, gddr, "GDDR5", 4},
    {6, hbm, "HBM", 0}, // of any generation
    {7, MemoryKind::Ddr, "DDR3", 2},
    {8, MemoryKind::Ddr, "DDR4", 2},
    {9, gddr, "GDDR6", 16},
    {10, MemoryKind::Ddr, "DDR5", 2},
    {11, MemoryKind::Ddr, "LPDDR4", 0},
    {12, MemoryKind::Ddr, "LPDDR5", 8},
    {13, hbm, "HBM3e", 4},
};

const VramType *find_vram_type(uint32_t number) {
    for (const VramType &row : vram_types)
        if (row.number == number)
            return &row;
    return nullptr;
}

} // namespace hwa::data
