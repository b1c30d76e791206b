// SPDX-License-Identifier: MIT
// Tables of processor cores. Models: Linux arch/x86/include/asm/intel-family.h, arch/x86/kernel/cpu
// /amd.c and arch/arm64/include/asm/cputype.h. Work per clock: Intel 64 and IA-32 Optimization
// Reference Manual (execution units, AMX), AMD Software Optimization Guides for families 17h, 19h
// and 1Ah (floating-point unit), Arm Neoverse and Cortex Software Optimization Guides (pipelines),
// Fujitsu A64FX Microarchitecture Manual. A model left out is not known; the numbers are not
// extended to later designs.
#include "data/cpus.h"

namespace hwa::data {

namespace {

struct X86Row {
    const char *vendor;
    uint16_t family;
    uint16_t first_model, last_model;
    uint8_t first_stepping, last_stepping;
    CoreDesign design;
};

} // namespace

static constexpr X86Row x86_rows[] = {
    // Two 128-bit multiply-add pipes, then two of 256 bits, then of 512.
    {"amd", 0x17, 0x00, 0x2f, 0, 15, {"zen", 16, 0, 0, 0}},
    {"amd", 0x17, 0x30, 0xaf, 0, 15, {"zen2", 32, 0, 0, 0}},
    {"amd", 0x19, 0x00, 0x0f, 0, 15, {"zen3", 32, 0, 0, 0}},
    {"amd", 0x19, 0x10, 0x1f, 0, 15, {"zen4", 32, 64, 0, 128}},
    {"amd", 0x19, 0x20, 0x5f, 0, 15, {"zen3", 32, 0, 0, 0}},
    {"amd", 0x19, 0x60, 0x7f, 0, 15, {"zen4", 32, 64, 0, 128}},
    {"amd", 0x19, 0xa0, 0xaf, 0, 15, {"zen4", 32, 64, 0, 128}},
    {"amd", 0x1a, 0x00, 0x1f, 0, 15, {"zen5", 64, 128, 0, 256}},
    {"amd", 0x1a, 0x20, 0x2f, 0, 15, {"zen5", 32, 64, 0, 128}}, // Strix Point: 256-bit datapath
    {"amd", 0x1a, 0x40, 0x4f, 0, 15, {"zen5", 64, 128, 0, 256}},
    {"amd", 0x1a, 0x60, 0x6f, 0, 15, {"zen5", 32, 64, 0, 128}}, // Krackan Point, likewise
    {"amd", 0x1a, 0x70, 0x7f, 0, 15, {"zen5", 64, 128, 0, 256}},
    {"amd", 0x1a, 0x50, 0x5f, 0, 15, {"zen6", 0, 0, 0, 0}},
    {"amd", 0x1a, 0x80, 0xaf, 0, 15, {"zen6", 0, 0, 0, 0}},
    {"amd", 0x1a, 0xc0, 0xcf, 0, 15, {"zen6", 0, 0, 0, 0}},
    {"hygon", 0x18, 0x00, 0x0f, 0, 15, {"dhyana", 16, 0, 0, 0}},
    {"intel", 6, 0x2a, 0x2a, 0, 15, {"sandy_bridge", 16, 0, 0, 0}},
    {"intel", 6, 0x2d, 0x2d, 0, 15, {"sandy_bridge", 16, 0, 0, 0}},
    {"intel", 6, 0x3a, 0x3a, 0, 15, {"ivy_bridge", 16, 0, 0, 0}},
    {"intel", 6, 0x3e, 0x3e, 0, 15, {"ivy_bridge", 16, 0, 0, 0}},
    {"intel", 6, 0x3c, 0x3c, 0, 15, {"haswell", 32, 0, 0, 0}},
    {"intel", 6, 0x3f, 0x3f, 0, 15, {"haswell", 32, 0, 0, 0}},
    {"intel", 6, 0x45, 0x46, 0, 15, {"haswell", 32, 0, 0, 0}},
    {"intel", 6, 0x3d, 0x3d, 0, 15, {"broadwell", 32, 0, 0, 0}},
    {"intel", 6, 0x47, 0x47, 0, 15, {"broadwell", 32, 0, 0, 0}},
    {"intel", 6, 0x4f, 0x4f, 0, 15, {"broadwell", 32, 0, 0, 0}},
    {"intel", 6, 0x56, 0x56, 0, 15, {"broadwell", 32, 0, 0, 0}},
    {"intel", 6, 0x4e, 0x4e, 0, 15, {"skylake", 32, 0, 0, 0}},
    {"intel", 6, 0x5e, 0x5e, 0, 15, {"skylake", 32, 0, 0, 0}},
    {"intel", 6, 0x57, 0x57, 0, 15, {"knights_landing", 64, 0, 0, 0}},
    {"intel", 6, 0x85, 0x85, 0, 15, {"knights_mill", 0, 0, 0, 0}},
    // One or two 512-bit units, which only the name of the product tells: not known.
    {"intel", 6, 0x55, 0x55, 0, 4, {"skylake_sp", 0, 0, 0, 0}},
    {"intel", 6, 0x55, 0x55, 5, 9, {"cascade_lake", 0, 0, 0, 0}},
    {"intel", 6, 0x55, 0x55, 10, 15, {"cooper_lake", 64, 0, 0, 256}},
    {"intel", 6, 0x8e, 0x8e, 0, 15, {"kaby_lake", 32, 0, 0, 0}},
    {"intel", 6, 0x9e, 0x9e, 0, 15, {"kaby_lake", 32, 0, 0, 0}},
    {"intel", 6, 0xa5, 0xa6, 0, 15, {"comet_lake", 32, 0, 0, 0}},
    {"intel", 6, 0x7d, 0x7e, 0, 15, {"ice_lake", 32, 0, 0, 128}},
    {"intel", 6, 0x8c, 0x8d, 0, 15, {"tiger_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xa7, 0xa7, 0, 15, {"rocket_lake", 32, 0, 0, 128}},
    {"intel", 6, 0x6a, 0x6a, 0, 15, {"ice_lake_sp", 64, 0, 0, 256}},
    {"intel", 6, 0x6c, 0x6c, 0, 15, {"ice_lake_sp", 64, 0, 0, 256}},
    {"intel", 6, 0x8f, 0x8f, 0, 15, {"sapphire_rapids", 64, 0, 128, 256}},
    {"intel", 6, 0xcf, 0xcf, 0, 15, {"emerald_rapids", 64, 0, 128, 256}},
    {"intel", 6, 0xad, 0xae, 0, 15, {"granite_rapids", 64, 0, 128, 256}},
    {"intel", 6, 0xaf, 0xaf, 0, 15, {"sierra_forest", 16, 0, 0, 0}},
    {"intel", 6, 0xdd, 0xdd, 0, 15, {"clearwater_forest", 0, 0, 0, 0}},
    {"intel", 6, 0x97, 0x97, 0, 15, {"alder_lake", 32, 0, 0, 128}},
    {"intel", 6, 0x9a, 0x9a, 0, 15, {"alder_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xb7, 0xb7, 0, 15, {"raptor_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xba, 0xba, 0, 15, {"raptor_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xbf, 0xbf, 0, 15, {"raptor_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xaa, 0xaa, 0, 15, {"meteor_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xac, 0xac, 0, 15, {"meteor_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xb5, 0xb5, 0, 15, {"arrow_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xc5, 0xc6, 0, 15, {"arrow_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xbd, 0xbd, 0, 15, {"lunar_lake", 32, 0, 0, 128}},
    {"intel", 6, 0xcc, 0xcc, 0, 15, {"panther_lake", 0, 0, 0, 0}},
};

namespace {

struct SmallRow {
    const char *large;
    CoreDesign design;
};

} // namespace

static constexpr SmallRow small_rows[] = {
    {"alder_lake", {"gracemont", 16, 0, 0, 64}},  {"raptor_lake", {"gracemont", 16, 0, 0, 64}},
    {"meteor_lake", {"crestmont", 16, 0, 0, 64}}, {"arrow_lake", {"skymont", 32, 0, 0, 128}},
    {"lunar_lake", {"skymont", 32, 0, 0, 128}},
};

static constexpr ArmCore arm_rows[] = {
    {0x41, 0xd03, "arm", "Cortex-A53", {"cortex_a53", 8, 0, 0, 0}},
    {0x41, 0xd05, "arm", "Cortex-A55", {"cortex_a55", 8, 0, 16, 0}},
    {0x41, 0xd07, "arm", "Cortex-A57", {"cortex_a57", 8, 0, 0, 0}},
    {0x41, 0xd08, "arm", "Cortex-A72", {"cortex_a72", 8, 0, 0, 0}},
    {0x41, 0xd0a, "arm", "Cortex-A75", {"cortex_a75", 0, 0, 0, 0}},
    {0x41, 0xd0b, "arm", "Cortex-A76", {"cortex_a76", 16, 0, 32, 64}},
    {0x41, 0xd0c, "arm", "Neoverse-N1", {"neoverse_n1", 16, 0, 32, 64}},
    {0x41, 0xd0d, "arm", "Cortex-A77", {"cortex_a77", 16, 0, 32, 64}},
    {0x41, 0xd40, "arm", "Neoverse-V1", {"neoverse_v1", 32, 0, 64, 0}},
    {0x41, 0xd41, "arm", "Cortex-A78", {"cortex_a78", 16, 0, 32, 64}},
    {0x41, 0xd42, "arm", "Cortex-A78AE", {"cortex_a78ae", 16, 0, 32, 64}},
    {0x41, 0xd44, "arm", "Cortex-X1", {"cortex_x1", 32, 0, 64, 128}},
    {0x41, 0xd46, "arm", "Cortex-A510", {"cortex_a510", 0, 0, 0, 0}},
    {0x41, 0xd47, "arm", "Cortex-A710", {"cortex_a710", 16, 0, 32, 0}},
    {0x41, 0xd48, "arm", "Cortex-X2", {"cortex_x2", 32, 0, 64, 0}},
    {0x41, 0xd49, "arm", "Neoverse-N2", {"neoverse_n2", 16, 0, 32, 0}},
    {0x41, 0xd4d, "arm", "Cortex-A715", {"cortex_a715", 16, 0, 32, 0}},
    {0x41, 0xd4e, "arm", "Cortex-X3", {"cortex_x3", 32, 0, 64, 0}},
    {0x41, 0xd4f, "arm", "Neoverse-V2", {"neoverse_v2", 32, 0, 64, 0}},
    {0x41, 0xd80, "arm", "Cortex-A520", {"cortex_a520", 0, 0, 0, 0}},
    {0x41, 0xd81, "arm", "Cortex-A720", {"cortex_a720", 16, 0, 32, 0}},
    {0x41, 0xd82, "arm", "Cortex-X4", {"cortex_x4", 32, 0, 64, 0}},
    {0x41, 0xd84, "arm", "Neoverse-V3", {"neoverse_v3", 32, 0, 64, 0}},
    {0x41, 0xd85, "arm", "Cortex-X925", {"cortex_x925", 48, 0, 96, 0}},
    {0x41, 0xd87, "arm", "Cortex-A725", {"cortex_a725", 16, 0, 32, 0}},
    {0x41, 0xd8e, "arm", "Neoverse-N3", {"neoverse_n3", 16, 0, 32, 0}},
    {0x46, 0x001, "fujitsu", "A64FX", {"a64fx", 64, 0, 128, 0}},
    {0x48, 0xd01, "hisilicon", "Kunpeng-920", {"tsv110", 0, 0, 0, 0}},
    {0x4e, 0x003, "nvidia", "Denver 2", {"denver2", 0, 0, 0, 0}},
    {0x4e, 0x004, "nvidia", "Carmel", {"carmel", 0, 0, 0, 0}},
    {0x51, 0x001, "qualcomm", "Oryon", {"oryon", 0, 0, 0, 0}},
    {0x61, 0x022, "apple", "Apple M1", {"icestorm", 0, 0, 0, 0}},
    {0x61, 0x023, "apple", "Apple M1", {"firestorm", 0, 0, 0, 0}},
    {0xc0, 0xac3, "ampere", "AmpereOne", {"ampere1", 0, 0, 0, 0}},
    {0xc0, 0xac4, "ampere", "AmpereOne A", {"ampere1a", 0, 0, 0, 0}},
};

const CoreDesign *find_x86_core(std::string_view vendor, uint32_t family, uint32_t model,
                                uint32_t stepping) {
    for (const X86Row &row : x86_rows)
        if (vendor == row.vendor && family == row.family && model >= row.first_model &&
            model <= row.last_model && stepping >= row.first_stepping &&
            stepping <= row.last_stepping)
            return &row.design;
    return nullptr;
}

const CoreDesign *find_small_core(std::string_view architecture) {
    for (const SmallRow &row : small_rows)
        if (architecture == row.large)
            return &row.design;
    return nullptr;
}

const ArmCore *find_arm_core(uint32_t implementer, uint32_t part) {
    for (const ArmCore &row : arm_rows)
        if (row.implementer == implementer && row.part == part)
            return &row;
    return nullptr;
}

const char *arm_vendor(uint32_t implementer) {
    for (const ArmCore &row : arm_rows)
        if (row.implementer == implementer)
            return row.vendor;
    return "";
}

} // namespace hwa::data
