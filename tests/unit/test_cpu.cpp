// SPDX-License-Identifier: MIT
// detect/cpu: instruction sets only where the system saves their registers, caches, topology,
// rates.
#include "check.h"

#include "detect/cpu.h"
#include "detect/cpu_facts.h"
#include "detect/isa.h"
#include "detect/topology.h"
#include "map_host.h"

using namespace hwa;
using detect::Isa;
using detect::IsaSet;
using test::MapHost;

// A processor with everything.
static const os::CpuidAnswer all = {~0u, ~0u, ~0u, ~0u};

static void registers_that_are_not_saved_hide_their_sets(void **) {
    struct Row {
        uint64_t xcr0;
        bool avx2, avx512, amx;
    };
    for (const Row &row : {Row{0, false, false, false}, Row{0x2, false, false, false},
                           Row{0x6, true, false, false}, Row{0x66, true, false, false},
                           Row{0xe6, true, true, false}, Row{0x200e6, true, true, false},
                           Row{0x600e6, true, true, true}, Row{0x60006, true, false, true}}) {
        const IsaSet set = detect::isa_from_cpuid(all, all, all, row.xcr0);
        assert_int_equal(set.has(Isa::Avx2), row.avx2);
        assert_int_equal(set.has(Isa::AvxVnni), row.avx2);
        assert_int_equal(set.has(Isa::Avx512F), row.avx512);
        assert_int_equal(set.has(Isa::Avx512Bf16), row.avx512);
        assert_int_equal(set.has(Isa::AmxInt8), row.amx);
        assert_int_equal(set.has(Isa::AmxFp16), row.amx);
        assert_true(set.has(Isa::Sse42));
        assert_false(set.has(Isa::Neon));
    }
}

static void xgetbv_is_asked_only_where_it_may_be(void **) {
    MapHost host;
    host.saved_state = 0xe7;
    host.leaves[{0, 0}] = {7, 0x68747541, 0x444d4163, 0x69746e65};
    host.leaves[{1, 0}] = {0x00a20f10, 0, ~(1u << 27), 0}; // all but OSXSAVE
    host.leaves[{7, 0}] = {1, ~0u, ~0u, 0};
    detect::CpuFacts facts;
    assert_true(detect::read_x86(host, facts));
    assert_string_equal(facts.vendor.c_str(), "amd");
    assert_int_equal(facts.family, 0x19);
    assert_int_equal(facts.model, 0x21);
    assert_false(facts.isa.has(Isa::Avx2));
    host.leaves[{1, 0}].ecx = ~0u;
    detect::CpuFacts saved;
    assert_true(detect::read_x86(host, saved));
    assert_true(saved.isa.has(Isa::Avx2));
}

static void arm_sets_come_from_two_words(void **) {
    const IsaSet set =
        detect::isa_from_hwcap(1u << 1 | 1u << 20 | 1u << 22, 1u << 13 | uint64_t{1} << 37);
    assert_true(set.has(Isa::Neon) && set.has(Isa::NeonDotprod) && set.has(Isa::Sve));
    assert_true(set.has(Isa::NeonI8mm) && set.has(Isa::Sme2));
    assert_false(set.has(Isa::NeonBf16) || set.has(Isa::Sve2) || set.has(Isa::Avx2));
    const IsaSet words = detect::isa_from_words("fp asimd asimddp sve i8mm");
    assert_true(words.has(Isa::Neon) && words.has(Isa::NeonI8mm));
    assert_false(words.has(Isa::Sve2));
}

static void clocks_come_out_of_names(void **) {
    assert_int_equal(detect::clock_of_name("Xeon E5-2680 0 @ 2.70GHz"), 2700000000);
    assert_int_equal(detect::clock_of_name("Atom @ 800MHz"), 800000000);
    assert_int_equal(detect::clock_of_name("AMD EPYC 9654"), 0);
    assert_int_equal(detect::clock_of_name("@ GHz"), 0);
    assert_int_equal(detect::clock_of_name("@ -1GHz"), 0);
    assert_int_equal(detect::clock_of_name("@ 1e99GHz"), 0);
}

static void caches_must_make_sense(void **) {
    MapHost host;
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index0/";
    const auto size = [&](const char *text) {
        host.files[folder + "type"] = "Unified\n";
        host.files[folder + "level"] = "2\n";
        host.files[folder + "size"] = text;
        const auto caches = detect::read_caches(host, 0);
        return caches.empty() ? 0 : caches[0].size_bytes;
    };
    assert_int_equal(size("512K\n"), 524288);
    assert_int_equal(size("2M\n"), 2097152);
    assert_int_equal(size("-1K\n"), 0);
    assert_int_equal(size("18446744073709551615K\n"), 0);
    assert_int_equal(size(""), 0);
}

static void put_core(MapHost &host, int cpu, const char *core, const char *package) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    host.files[folder + "core_cpus_list"] = core;
    host.files[folder + "package_cpus_list"] = package;
}

static void topology_counts_cores_once(void **) {
    MapHost host;
    put_core(host, 0, "0,2", "0,2");
    put_core(host, 1, "1,3", "1,3");
    put_core(host, 2, "0,2", "0,2");
    put_core(host, 3, "1,3", "1,3");
    const auto topology = detect::read_topology(host, {0, 1, 2, 3});
    assert_int_equal(topology.sockets.size(), 2);
    assert_int_equal(topology.sockets[0].cores.size(), 1);
    assert_int_equal(topology.sockets[0].threads.size(), 2);
}

static void topology_that_contradicts_itself_is_unknown(void **) {
    for (const char *list : {"", "9", "a-b", "0-99999999", "3-1", "4294967295"}) {
        MapHost host;
        put_core(host, 0, list, "0-1");
        const auto topology = detect::read_topology(host, {0, 1});
        assert_int_equal(topology.sockets.size(), 1);
        assert_true(topology.sockets[0].cores.empty());
        put_core(host, 0, "0", list);
        assert_int_equal(detect::read_topology(host, {0, 1}).sockets.size(), 1);
    }
}

static void more_sockets_than_can_be_are_one(void **) {
    MapHost host;
    std::vector<uint32_t> online;
    std::string cpuinfo;
    for (int cpu = 0; cpu < 257; ++cpu) {
        const std::string number = std::to_string(cpu);
        put_core(host, cpu, number.c_str(), number.c_str());
        online.push_back(static_cast<uint32_t>(cpu));
        cpuinfo += "processor : " + number + "\nphysical id : " + number + "\ncore id : 0\n\n";
    }
    const auto one = detect::read_topology(host, online);
    assert_int_equal(one.sockets.size(), 1);
    assert_int_equal(one.sockets[0].threads.size(), 257);
    host.files.clear();
    host.files["/proc/cpuinfo"] = cpuinfo;
    assert_int_equal(detect::read_topology(host, online).sockets.size(), 1);
}

static void a_processor_is_of_one_node(void **) {
    MapHost host;
    host.files["/sys/devices/system/node/online"] = "0-2\n";
    host.files["/sys/devices/system/node/node0/cpulist"] = "0-1\n";
    host.files["/sys/devices/system/node/node1/cpulist"] = "1-8191\n";
    host.files["/sys/devices/system/node/node2/cpulist"] = "0-8191\n";
    const auto topology = detect::read_topology(host, {0, 1, 2, 3});
    assert_int_equal(topology.nodes.size(), 3);
    assert_int_equal(topology.nodes[0].threads.size(), 2);
    assert_int_equal(topology.nodes[1].threads.size(), 2);
    assert_int_equal(topology.nodes[1].threads[0], 2);
    assert_true(topology.nodes[2].threads.empty());
}

static void there_is_always_a_processor(void **) {
    core::System system;
    assert_true(static_cast<bool>(detect::find_cpu(MapHost(), system)));
    assert_int_equal(system.devices.size(), 1);
    const core::Device &cpu = system.devices[0];
    assert_string_equal(cpu.id.c_str(), "cpu-0");
    assert_int_equal(cpu.compute_units.value, 0);
    assert_int_equal(cpu.clock_hz.value, 0);
    assert_true(cpu.find_compute(core::Dtype::F32)->ops_per_second == 0);
}

/// Zen 3, two cores, clocked by the counter.
static MapHost zen3() {
    MapHost host;
    host.saved_state = 0x7;
    host.counter = 2994374000;
    host.mask = {0, 1};
    host.files["/sys/devices/system/cpu/online"] = "0-1\n";
    put_core(host, 0, "0", "0-1");
    put_core(host, 1, "1", "0-1");
    host.leaves[{0, 0}] = {16, 0x68747541, 0x444d4163, 0x69746e65};
    host.leaves[{1, 0}] = {0x00a00f11, 0, 0x7ed8320b, 0};
    host.leaves[{7, 0}] = {0, 1u << 5, 0, 0};
    host.leaves[{0x80000007, 0}] = {0, 0, 0, 0x100};
    return host;
}

static void rates_are_cores_times_work_times_clock(void **) {
    core::System system;
    assert_true(static_cast<bool>(detect::find_cpu(zen3(), system)));
    const core::Device &cpu = system.devices[0];
    assert_string_equal(cpu.architecture.value.c_str(), "zen3");
    assert_int_equal(cpu.clock_hz.value, 3000000000);
    assert_true(cpu.find_compute(core::Dtype::F32)->ops_per_second == 2.0 * 32 * 3e9);
    assert_true(cpu.find_compute(core::Dtype::F64)->ops_per_second == 2.0 * 16 * 3e9);
    assert_true(cpu.find_compute(core::Dtype::Bf16)->support == core::Support::Storage);
}

static void a_counter_that_changes_its_rate_is_no_clock(void **) {
    MapHost host = zen3();
    host.leaves[{0x80000007, 0}] = {};
    core::System system;
    assert_true(static_cast<bool>(detect::find_cpu(host, system)));
    assert_int_equal(system.devices[0].clock_hz.value, 0);
    assert_true(system.devices[0].find_compute(core::Dtype::F32)->ops_per_second == 0);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(registers_that_are_not_saved_hide_their_sets),
        cmocka_unit_test(xgetbv_is_asked_only_where_it_may_be),
        cmocka_unit_test(arm_sets_come_from_two_words),
        cmocka_unit_test(clocks_come_out_of_names),
        cmocka_unit_test(caches_must_make_sense),
        cmocka_unit_test(topology_counts_cores_once),
        cmocka_unit_test(topology_that_contradicts_itself_is_unknown),
        cmocka_unit_test(more_sockets_than_can_be_are_one),
        cmocka_unit_test(a_processor_is_of_one_node),
        cmocka_unit_test(there_is_always_a_processor),
        cmocka_unit_test(rates_are_cores_times_work_times_clock),
        cmocka_unit_test(a_counter_that_changes_its_rate_is_no_clock),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
