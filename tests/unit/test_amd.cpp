// SPDX-License-Identifier: MIT
// data/gfx and detect/kfd against what data sheets and the kernel's source say.
#include "check.h"

#include "data/gfx.h"
#include "data/radeon_names.h"
#include "detect/families.h"
#include "detect/kfd.h"
#include "detect/peak.h"
#include "map_host.h"

#include <cmath>

using namespace hwa;
using core::Dtype;
using core::Source;
using test::MapHost;

static const std::string bus = "/sys/bus/pci/devices/";
static const std::string nodes = "/sys/class/kfd/kfd/topology/nodes/";

static void peaks_are_those_of_data_sheets(void **) {
    struct Row {
        uint32_t gfx, units;
        uint64_t mhz;
        Dtype dtype;
        double tera; ///< dense, as published
    };
    for (const Row &row : {
             Row{90000, 64, 1500, Dtype::F16, 24.6},      // Instinct MI25
             Row{90006, 64, 1800, Dtype::I8, 58.9},       // Instinct MI60
             Row{90006, 64, 1800, Dtype::F64, 7.4},       //
             Row{90008, 120, 1502, Dtype::F16, 184.6},    // Instinct MI100
             Row{90008, 120, 1502, Dtype::Bf16, 92.3},    //
             Row{90008, 120, 1502, Dtype::F32, 46.1},     //
             Row{90010, 104, 1700, Dtype::F16, 181.0},    // Instinct MI210
             Row{90010, 220, 1700, Dtype::F64, 95.7},     // Instinct MI250X, both dies
             Row{90402, 304, 2100, Dtype::F16, 1307.4},   // Instinct MI300X
             Row{90402, 304, 2100, Dtype::Tf32, 653.7},   //
             Row{90402, 304, 2100, Dtype::I8, 2614.9},    //
             Row{90402, 304, 2100, Dtype::F64, 163.4},    //
             Row{90500, 256, 2400, Dtype::F16, 2516.6},   // Instinct MI355X
             Row{90500, 256, 2400, Dtype::F64, 78.6},     //
             Row{90500, 256, 2400, Dtype::F4E2M1, 10066}, //
             Row{100300, 80, 2250, Dtype::F32, 23.04},    // Radeon RX 6900 XT
             Row{110000, 96, 2500, Dtype::F16, 122.8},    // Radeon RX 7900 XTX
             Row{110501, 40, 2900, Dtype::F32, 29.7},     // Radeon 8060S
             Row{120001, 64, 2970, Dtype::F16, 195},      // Radeon RX 9070 XT
             Row{120001, 64, 2970, Dtype::I4, 779},       //
         }) {
        core::Device device;
        device.compute_units = {row.units, Source::Kernel};
        device.clock_hz = {row.mhz * 1000000, Source::Kernel};
        detect::put_peaks(data::find_gfx(row.gfx)->rates, device);
        const core::Compute *found = device.find_compute(row.dtype);
        assert_non_null(found);
        assert_true(std::fabs(found->ops_per_second / 1e12 / row.tera - 1) < 0.01);
    }
}

static void bandwidths_are_those_of_data_sheets(void **) {
    struct Row {
        uint32_t gfx, bits;
        uint64_t mhz;
        double giga;
    };
    for (const Row &row :
         {Row{90000, 2048, 945, 484}, Row{90010, 4096, 1600, 1638}, Row{90402, 8192, 1300, 5300},
          Row{90500, 8192, 2000, 8000}, Row{100300, 256, 1000, 512}, Row{110000, 384, 1249, 960},
          Row{120001, 256, 1258, 640}}) {
        core::Memory memory;
        detect::put_bandwidth(memory, row.bits, row.mhz * 1000000,
                              data::find_gfx(row.gfx)->transfers);
        assert_true(std::fabs(static_cast<double>(memory.bytes_per_second.value) / 1e9 / row.giga -
                              1) < 0.025);
    }
}

static void instruction_sets_are_spelt_as_llvm_does(void **) {
    for (const auto &[version, name] :
         {std::pair(90010U, "gfx90a"), std::pair(90012U, "gfx90c"), std::pair(90402U, "gfx942"),
          std::pair(90500U, "gfx950"), std::pair(100306U, "gfx1036"), std::pair(110501U, "gfx1151"),
          std::pair(120001U, "gfx1201")})
        assert_string_equal(data::gfx_name(version).c_str(), name);
    assert_null(data::find_gfx(90208)); // of another maker
    assert_null(data::find_gfx(0));
}

static void a_family_and_a_revision_tell_the_chip(void **) {
    for (const auto &[family, revision, architecture] :
         {std::tuple(141U, 0x29U, "vega"), std::tuple(141U, 0x32U, "cdna1"),
          std::tuple(141U, 0x46U, "cdna3"), std::tuple(141U, 0x50U, "cdna4"),
          std::tuple(143U, 0x27U, "rdna1"), std::tuple(143U, 0x28U, "rdna2"),
          std::tuple(145U, 0x20U, "rdna3"), std::tuple(150U, 0xc0U, "rdna3.5"),
          std::tuple(152U, 0x51U, "rdna4")})
        assert_string_equal(data::find_gfx(family, revision)->architecture, architecture);
    assert_null(data::find_gfx(0, 0));
    assert_null(data::find_gfx(143, 0x50));
    assert_null(data::find_gfx(200, 1));
}

static void a_product_is_named_by_its_revision(void **) {
    assert_string_equal(data::radeon_name(0x744c, 0xc8), "AMD Radeon RX 7900 XTX");
    assert_string_equal(data::radeon_name(0x744c, 0xcc), "AMD Radeon RX 7900 XT");
    assert_string_equal(data::radeon_name(0x744c, 0x01), "");
    assert_string_equal(data::radeon_name(0x74a1, 0x77), "AMD Instinct MI300X");
    const std::string list = "1.0.0\n699F,\tC7,\tAMD Radeon RX 550 / 550 Series\n699F,\tC9,\tX\n";
    assert_string_equal(data::radeon_name(list, 0x699f, 0xc7).c_str(),
                        "AMD Radeon RX 550 / 550 Series");
    assert_string_equal(data::radeon_name(list, 0x699f, 0xc8).c_str(), "");
    assert_string_equal(data::radeon_name(list, 0x699f, 0xc9).c_str(), "X");
}

static void a_partition_is_in_either_place(void **) {
    for (const auto &[location, address, partition] :
         {std::tuple(0x500U, "0000:05:00.0", 0U), std::tuple(0x503U, "0000:05:00.3", 0U),
          std::tuple(0x30000500U, "0000:05:00.0", 3U), std::tuple(0xe310U, "0000:e3:02.0", 0U)}) {
        MapHost host;
        host.files[nodes + "7/properties"] =
            "simd_count 152\nsimd_per_cu 4\ndomain 0\nlocation_id " + std::to_string(location);
        const detect::KfdTopology topology = detect::read_kfd(host);
        assert_int_equal(topology.nodes.size(), 1);
        assert_string_equal(topology.nodes[0].address.c_str(), address);
        assert_int_equal(topology.nodes[0].partition, partition);
        assert_int_equal(topology.nodes[0].units, 38);
    }
}

static MapHost two_cards() {
    MapHost host;
    for (const char *at : {"0000:05:00.0", "0000:06:00.0"})
        host.files[bus + at + "/uevent"] = "DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_ID=1002:74A1\n";
    for (const auto &[node, place] : {std::pair("9", "1280"), std::pair("10", "1536")})
        host.files[nodes + node + "/properties"] =
            std::string("simd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\ndomain 0\n"
                        "unique_id 81985529216486895\nlocation_id ") +
            place + '\n';
    return host;
}

static core::System find(const MapHost &host) {
    core::System system;
    const detect::Machine machine(host);
    assert_true(static_cast<bool>(detect::find_family(machine, "amd", detect::amd_family, system)));
    assert_true(static_cast<bool>(detect::find_amd(machine, system)));
    return system;
}

static void nodes_are_ordered_by_number(void **) {
    const core::System system = find(two_cards());
    // Ten comes after nine, though its name does not.
    assert_int_equal(system.devices[0].find_attr("hip.ordinal")->i, 0);
    assert_int_equal(system.devices[1].find_attr("hip.ordinal")->i, 1);
    assert_string_equal(system.devices[0].find_attr("hip.uuid")->s.c_str(), "GPU-0123456789abcdef");
}

static void what_cannot_be_read_spoils_the_order(void **) {
    MapHost host = two_cards();
    host.files[nodes + "9/properties"] = "garbage";
    const core::System system = find(host);
    assert_null(system.devices[0].find_attr("hip.ordinal"));
    assert_null(system.devices[1].find_attr("hip.ordinal"));
    assert_int_equal(system.devices[1].compute_units.value, 304);
}

static void variables_are_listed_and_hide_nothing(void **) {
    MapHost host = two_cards();
    host.variables["ROCR_VISIBLE_DEVICES"] = "1";
    host.variables["HSA_OVERRIDE_GFX_VERSION"] = "9.0.0";
    const core::System system = find(host);
    assert_int_equal(system.devices.size(), 2);
    for (const core::Device &device : system.devices) {
        assert_string_equal(device.find_attr("hip.environment")->s.c_str(),
                            "ROCR_VISIBLE_DEVICES=1 HSA_OVERRIDE_GFX_VERSION=9.0.0");
        assert_string_equal(device.find_attr("amd.gfx")->s.c_str(), "gfx942");
    }
}

static void one_partition_alone_is_none_the_less_one(void **) {
    MapHost host = two_cards();
    host.files.erase(nodes + "10/properties");
    host.files.erase(bus + "0000:06:00.0/uevent");
    host.files[bus + "0000:05:00.0/current_compute_partition"] = "CPX\n";
    host.files[bus + "0000:05:00.0/mem_info_vram_total"] = "206141652992\n";
    host.files[nodes + "9/properties"] =
        "simd_count 152\nsimd_per_cu 4\ngfx_target_version 90402\nlocation_id 1280\n"
        "max_engine_clk_fcompute 2100\nmem_banks_count 1\n";
    host.files[nodes + "9/mem_banks/0/properties"] =
        "size_in_bytes 25767706624\nwidth 8192\nmem_clk_max 1300\n";
    const core::System system = find(host);
    assert_int_equal(system.devices.size(), 2);
    assert_int_equal(system.devices[0].compute_units.value,
                     0); // of the seven others nothing is told
    const core::Device &part = system.devices[1];
    assert_string_equal(part.id.c_str(), "pci-0000:05:00.0-xcp0");
    assert_int_equal(part.compute_units.value, 38);
    assert_int_equal(part.memories[0].bytes_per_second.value, 5324800000000 / 8);
}

static void a_count_is_not_followed_for_ever(void **) {
    MapHost host = two_cards();
    host.files[nodes + "9/properties"] += "hive_id 5\nio_links_count 9\n";
    const std::string link = "type 11\nnode_to 10\nmax_bandwidth 64000\n";
    host.files[nodes + "9/io_links/1/properties"] = link; // seven after it are not there
    assert_int_equal(find(host).links.size(), 1);
    host.files[nodes + "9/properties"] += "x\n";
    host.files.erase(nodes + "9/io_links/1/properties");
    host.files[nodes + "9/io_links/0/properties"] = link;
    assert_int_equal(find(host).links.size(), 0);
}

/// Its memory is the host's, so a process may use no more than the host lets it.
static void memory_of_mi300a_is_unified(void **) {
    MapHost host;
    host.files[bus + "0000:01:00.0/uevent"] = "DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_ID=1002:74A0\n";
    host.files[nodes + "1/properties"] =
        "simd_count 912\nsimd_per_cu 4\ngfx_target_version 90402\nlocation_id 256\n"
        "mem_banks_count 1\n";
    host.files[nodes + "1/mem_banks/0/properties"] =
        "size_in_bytes 137438953472\nwidth 8192\nmem_clk_max 1300\n";
    core::System system;
    system.memory_bytes = 100000000000;
    const detect::Machine machine(host);
    assert_true(static_cast<bool>(detect::find_family(machine, "amd", detect::amd_family, system)));
    assert_true(static_cast<bool>(detect::find_amd(machine, system)));
    const core::Device &device = system.devices[0];
    assert_string_equal(device.name.value.c_str(), "AMD Instinct MI300A");
    assert_true((device.flags & core::DeviceIntegrated) != 0);
    assert_int_equal(device.memories.size(), 1);
    assert_true(device.memories[0].role == core::MemoryRole::Unified);
    assert_int_equal(device.memories[0].size_bytes.value, 137438953472);
    assert_int_equal(device.memories[0].usable_bytes, 100000000000);
    assert_int_equal(device.memories[0].bytes_per_second.value, 5324800000000);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_those_of_data_sheets),
        cmocka_unit_test(bandwidths_are_those_of_data_sheets),
        cmocka_unit_test(instruction_sets_are_spelt_as_llvm_does),
        cmocka_unit_test(a_family_and_a_revision_tell_the_chip),
        cmocka_unit_test(a_product_is_named_by_its_revision),
        cmocka_unit_test(a_partition_is_in_either_place),
        cmocka_unit_test(nodes_are_ordered_by_number),
        cmocka_unit_test(what_cannot_be_read_spoils_the_order),
        cmocka_unit_test(variables_are_listed_and_hide_nothing),
        cmocka_unit_test(memory_of_mi300a_is_unified),
        cmocka_unit_test(one_partition_alone_is_none_the_less_one),
        cmocka_unit_test(a_count_is_not_followed_for_ever),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
