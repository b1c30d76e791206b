// SPDX-License-Identifier: MIT
// detect/cgroup: the tightest limit of all ancestors, in either version, wherever it is.
#include "check.h"

#include "detect/cgroup.h"
#include "detect/memory.h"
#include "map_host.h"

using hwa::detect::CgroupLimits;
using hwa::detect::read_cgroup_limits;
using hwa::test::MapHost;

static MapHost place(const char *lines) {
    MapHost host;
    host.files["/proc/self/cgroup"] = lines;
    return host;
}

static void no_groups_are_no_limit(void **) {
    const CgroupLimits none = read_cgroup_limits(MapHost());
    assert_int_equal(none.version, 0);
    assert_false(none.memory_max.has_value());
    const CgroupLimits open = read_cgroup_limits(place("0::/a/b\n"));
    assert_int_equal(open.version, 2);
    assert_false(open.memory_max.has_value());
    assert_true(open.processors == 0);
}

static void the_tightest_ancestor_counts(void **) {
    MapHost host = place("0::/a/b/c\n");
    host.files["/sys/fs/cgroup/a/memory.max"] = "4096000\n";
    host.files["/sys/fs/cgroup/a/b/memory.max"] = "8192000\n";
    host.files["/sys/fs/cgroup/a/b/c/memory.max"] = "max\n";
    host.files["/sys/fs/cgroup/a/b/memory.high"] = "1024000\n";
    host.files["/sys/fs/cgroup/a/b/cpu.max"] = "50000 100000\n";
    host.files["/sys/fs/cgroup/a/cpu.max"] = "max 100000\n";
    const CgroupLimits limits = read_cgroup_limits(host);
    assert_int_equal(limits.memory_max.value_or(0), 4096000);
    assert_int_equal(limits.memory_high.value_or(0), 1024000);
    assert_true(limits.processors == 0.5);
}

static void the_root_of_a_namespace_has_limits(void **) {
    MapHost host = place("0::/\n");
    host.files["/sys/fs/cgroup/memory.max"] = "5000000\n";
    assert_int_equal(read_cgroup_limits(host).memory_max.value_or(0), 5000000);
    // So it has for a process that entered the namespace from outside.
    host.files["/proc/self/cgroup"] = "0::/../../other\n";
    assert_int_equal(read_cgroup_limits(host).memory_max.value_or(0), 5000000);
    // Nor does it matter that /proc is hidden.
    host.files.erase("/proc/self/cgroup");
    assert_int_equal(read_cgroup_limits(host).memory_max.value_or(0), 5000000);
}

static void version1_has_a_number_for_no_limit(void **) {
    MapHost host = place("5:cpu,cpuacct:/x\n4:memory:/x/y\n");
    host.files["/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes"] = "9223372036854771712\n";
    host.files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n";
    host.files["/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us"] = "-1\n";
    CgroupLimits limits = read_cgroup_limits(host);
    assert_int_equal(limits.version, 1);
    assert_false(limits.memory_max.has_value());
    assert_true(limits.processors == 0);
    host.files["/sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = "1000000\n";
    host.files["/sys/fs/cgroup/cpu/cpu.cfs_quota_us"] = "300000\n";
    host.files["/sys/fs/cgroup/cpu/cpu.cfs_period_us"] = "100000\n";
    limits = read_cgroup_limits(host);
    assert_int_equal(limits.memory_max.value_or(0), 1000000);
    assert_true(limits.processors == 3);
}

static void both_versions_at_once(void **) {
    MapHost host = place("4:memory:/m\n1:name=systemd:/s\n0::/u\n");
    host.files["/sys/fs/cgroup/memory/m/memory.limit_in_bytes"] = "3000000\n";
    host.files["/sys/fs/cgroup/unified/u/memory.max"] = "2000000\n";
    host.files["/sys/fs/cgroup/u/memory.max"] = "1\n"; // not where the second version is mounted
    assert_int_equal(read_cgroup_limits(host).memory_max.value_or(0), 2000000);
}

static void nonsense_is_no_limit(void **) {
    for (const char *text : {"", "-1", "0", "max", "12 kB", "0x1000", "18446744073709551615",
                             "99999999999999999999999"}) {
        MapHost host = place("0::/a\n:::\nx\n0:\n");
        host.files["/sys/fs/cgroup/a/memory.max"] = text;
        host.files["/sys/fs/cgroup/a/cpu.max"] = text;
        const CgroupLimits limits = read_cgroup_limits(host);
        assert_false(limits.memory_max.has_value());
        assert_true(limits.processors == 0);
    }
}

static void deep_groups_end(void **) {
    std::string path;
    for (int i = 0; i < 5000; ++i)
        path += "/a";
    const MapHost host = place(("0::" + path + "\n").c_str());
    assert_false(read_cgroup_limits(host).memory_max.has_value());
}

static void memory_is_what_the_limit_leaves(void **) {
    MapHost host = place("0::/a\n");
    host.files["/proc/meminfo"] = "MemTotal:        1000 kB\nMemFree: 1 kB\n";
    host.files["/sys/fs/cgroup/a/memory.max"] = "512000\n";
    hwa::core::System system;
    hwa::detect::find_memory(host, system);
    assert_int_equal(system.memory_bytes, 1024000);
    assert_int_equal(hwa::detect::usable_memory(system), 512000);
    host.files["/sys/fs/cgroup/a/memory.max"] = "999999999\n";
    hwa::core::System roomy;
    hwa::detect::find_memory(host, roomy);
    assert_int_equal(hwa::detect::usable_memory(roomy), 1024000);
}

static void meminfo_must_make_sense(void **) {
    using hwa::detect::meminfo_bytes;
    assert_int_equal(meminfo_bytes("Node 0 MemTotal:  2 kB\n", "MemTotal"), 2048);
    assert_int_equal(meminfo_bytes("MemTotal: 2\n", "MemTotal"), 0);
    assert_int_equal(meminfo_bytes("MemTotal: -1 kB\n", "MemTotal"), 0);
    assert_int_equal(meminfo_bytes("MemTotal: 18446744073709551615 kB\n", "MemTotal"), 0);
    assert_int_equal(meminfo_bytes("NotMemTotal: 2 kB\n", "MemTotal"), 0);
    assert_int_equal(meminfo_bytes("", "MemTotal"), 0);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(no_groups_are_no_limit),
        cmocka_unit_test(the_tightest_ancestor_counts),
        cmocka_unit_test(the_root_of_a_namespace_has_limits),
        cmocka_unit_test(version1_has_a_number_for_no_limit),
        cmocka_unit_test(both_versions_at_once),
        cmocka_unit_test(nonsense_is_no_limit),
        cmocka_unit_test(deep_groups_end),
        cmocka_unit_test(memory_is_what_the_limit_leaves),
        cmocka_unit_test(meminfo_must_make_sense),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
