// SPDX-License-Identifier: MIT
// os/pci and detect/pci: what is listed, by which name, and who may open it.
#include "check.h"

#include "base/text.h"
#include "detect/links.h"
#include "detect/pci.h"
#include "detect/probe.h"
#include "map_host.h"
#include "os/pci.h"

#include <cerrno>
#include <cstring>

using namespace hwa;
using test::MapHost;

static const std::string bus = "/sys/bus/pci/devices/";

static void put(MapHost &host, const char *address, const char *uevent) {
    host.files[bus + address + "/uevent"] = uevent;
}

/// What every family finds, and then what is left.
static base::Done look_at_bus(const MapHost &host, core::System &system) {
    const detect::Machine machine(host);
    for (const detect::Probe &probe : detect::probes())
        if (probe.family != nullptr)
            if (auto done = detect::find_family(machine, probe.name, *probe.family, system);
                !done && done.error().status != base::Status::NotFound)
                return done;
    return detect::find_pci(machine, system);
}

static core::System look(const MapHost &host) {
    core::System system;
    const base::Done done = look_at_bus(host, system);
    // Where nothing is listed, a sentence says what was looked through.
    assert_int_equal(static_cast<bool>(done), !system.devices.empty());
    if (!done)
        assert_int_equal(static_cast<int>(done.error().status),
                         static_cast<int>(base::Status::NotFound));
    return system;
}

static void classes_decide(void **) {
    struct Row {
        const char *uevent;
        int kind; ///< -1: not listed
    };
    static constexpr Row rows[] = {
        {"PCI_CLASS=30000\nPCI_ID=10DE:2684\n", 2},   {"PCI_CLASS=30200\nPCI_ID=10DE:20B0\n", 2},
        {"PCI_CLASS=38000\nPCI_ID=1002:74A1\n", 2},   {"PCI_CLASS=120000\nPCI_ID=1DA3:1020\n", 5},
        {"PCI_CLASS=120000\nPCI_ID=8086:7D1D\n", 3},  {"PCI_CLASS=120000\nPCI_ID=AAAA:0001\n", 0},
        {"PCI_CLASS=B4000\nPCI_ID=8086:4940\n", 8},   {"PCI_CLASS=118000\nPCI_ID=1022:17F0\n", 3},
        {"PCI_CLASS=118000\nPCI_ID=1022:15E4\n", -1}, {"PCI_CLASS=118000\nPCI_ID=8086:1903\n", -1},
        {"PCI_CLASS=0\nPCI_ID=1AE0:0042\n", -1},      {"PCI_CLASS=20000\nPCI_ID=1AE0:0042\n", -1},
        {"PCI_CLASS=10802\nPCI_ID=1AE0:001F\n", -1},  {"PCI_CLASS=60000\nPCI_ID=8086:0D57\n", -1},
        {"PCI_CLASS=FFFF00\nPCI_ID=1AF4:1045\n", -1},
    };
    for (const Row &row : rows) {
        MapHost host;
        put(host, "0000:01:00.0", row.uevent);
        const core::System system = look(host);
        assert_int_equal(system.devices.size(), row.kind < 0 ? 0 : 1);
        if (row.kind >= 0)
            assert_int_equal(static_cast<int>(system.devices[0].kind), row.kind);
    }
}

static void a_function_that_makes_no_sense_is_told_of(void **) {
    for (const char *uevent : {"PCI_ID=10DE:2684\n", "", "\x01\x02=\xff", "PCI_CLASS=\nPCI_ID=\n",
                               "PCI_CLASS=10000000000030000\n"}) {
        MapHost host;
        put(host, "0000:01:00.0", uevent);
        put(host, "0000:02:00.0", "PCI_CLASS=30000\nPCI_ID=10DE:2684\n");
        core::System system;
        const auto done = look_at_bus(host, system);
        assert_int_equal(system.devices.size(), 1);
        assert_false(static_cast<bool>(done));
        assert_string_equal(done.error().message.c_str(),
                            (bus + "0000:01:00.0/uevent: tells no class").c_str());
    }
}

static void addresses_are_checked(void **) {
    struct Row {
        const char *address;
        bool good;
    };
    for (const Row &row : {Row{"0000:01:00.0", true}, Row{"10000:e1:00.7", true},
                           Row{"0000-01-00.0", false}, Row{"01:00.0", false}, Row{"..", false},
                           Row{"0000:01:00.0 evil", false}, Row{"0000:0G:00.0", false}}) {
        MapHost host;
        put(host, row.address, "PCI_CLASS=30000\nPCI_ID=10DE:2684\n");
        const core::System system = look(host);
        assert_int_equal(system.devices.size(), row.good ? 1 : 0);
        if (row.good)
            assert_string_equal(system.devices[0].id.c_str(),
                                (std::string("pci-") + row.address).c_str());
    }
}

static void access_says_what_to_do(void **) {
    MapHost host;
    put(host, "0000:01:00.0", "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:744C\n");
    host.files[bus + "0000:01:00.0/drm/card0/dev"] = "";
    const auto message = [&] { return look(host).devices[0].access_message; };
    assert_non_null(std::strstr(message().c_str(), "no render node"));
    host.files[bus + "0000:01:00.0/drm/renderD129/dev"] = "";
    assert_non_null(std::strstr(message().c_str(), "/dev/dri/renderD129 is not here"));
    host.nodes["/dev/dri/renderD129"] = base::Status::Denied;
    host.groups["/dev/dri/renderD129"] = 44;
    assert_non_null(std::strstr(message().c_str(), "group 44"));
    host.files["/etc/group"] = "root:x:0:\nother:x:444:\nvideo:x:44:me\n";
    assert_non_null(std::strstr(message().c_str(), "group video"));
    assert_int_equal(static_cast<int>(look(host).devices[0].access),
                     static_cast<int>(base::Status::Denied));
    host.nodes["/dev/dri/renderD129"] = base::Status::Ok;
    assert_true(message().empty());
    assert_int_equal(look(host).devices[0].flags & core::DeviceUsable, core::DeviceUsable);
}

static void sentinels_are_unknown(void **) {
    for (const char *value : {"-1\n", "18446744073709551615\n", "0xffff\n", "", "x"}) {
        MapHost host;
        put(host, "0000:01:00.0", "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:744C\n");
        host.files[bus + "0000:01:00.0/numa_node"] = value;
        host.files[bus + "0000:01:00.0/mem_info_vram_total"] = value;
        const core::Device device = look(host).devices[0];
        assert_int_equal(device.numa_node.value, -1);
        assert_int_equal(device.memory_bytes(), 0);
    }
}

static core::System with_link(const char *speed, const char *width, const char *power) {
    MapHost host;
    put(host, "0000:01:00.0", "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:744C\n");
    host.files[bus + "0000:01:00.0/max_link_speed"] = speed;
    host.files[bus + "0000:01:00.0/max_link_width"] = width;
    host.files[bus + "0000:01:00.0/power/runtime_status"] = power;
    core::System system = look(host);
    core::Device cpu;
    cpu.id = "cpu-0";
    cpu.kind = core::Kind::Cpu;
    system.devices.push_back(cpu);
    detect::find_links(host, system);
    return system;
}

static void links_are_counted_by_generation_and_width(void **) {
    const core::System fast = with_link("16.0 GT/s PCIe\n", "16\n", "active\n");
    assert_int_equal(fast.links.size(), 1);
    assert_string_equal(fast.links[0].name.c_str(), "pcie4 x16");
    assert_int_equal(fast.links[0].bytes_per_second / 1000000000, 31);
    assert_int_equal(with_link("Unknown\n", "16\n", "active\n").links.size(), 0);
    assert_int_equal(with_link("16.0 GT/s PCIe\n", "255\n", "active\n").links.size(), 0);
    assert_int_equal(with_link("16.0 GT/s PCIe\n", "16\n", "suspended\n").links.size(), 0);
}

static void a_bus_that_cannot_be_read_is_an_error(void **) {
    core::System system;
    assert_string_equal(look_at_bus(MapHost(), system).error().message.c_str(),
                        "the kernel shows no PCI bus at /sys/bus/pci/devices/");
    MapHost host;
    put(host, "0000:01:00.0", "");
    host.fault = EMFILE;
    const auto done = look_at_bus(host, system);
    assert_false(static_cast<bool>(done));
    assert_int_equal(done.error().code, EMFILE);
    host.fault = ENODEV; // it went away
    assert_string_equal(look_at_bus(host, system).error().message.c_str(),
                        "none of the 0 functions on the PCI bus is a display or an accelerator");
}

static void a_bus_has_its_limits(void **) {
    MapHost host;
    for (unsigned i = 0; i < 1025; ++i)
        put(host, base::format("0000:%02x:%02x.%x", i >> 8, i >> 3 & 0x1f, i & 7).c_str(),
            "PCI_CLASS=30000\nPCI_ID=10DE:2684\n");
    core::System system;
    const base::Done many = look_at_bus(host, system);
    assert_false(static_cast<bool>(many));
    assert_non_null(std::strstr(many.error().message.c_str(), "has 1025 devices"));
    assert_int_equal(system.devices.size(), 1024);
    for (unsigned i = 0; i < 8193; ++i)
        put(host, base::format("%04x:00:00.0", i).c_str(), "PCI_CLASS=60000\n");
    assert_int_equal(static_cast<int>(os::pci_bus(host).error().status),
                     static_cast<int>(base::Status::Range));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(classes_decide),
        cmocka_unit_test(a_function_that_makes_no_sense_is_told_of),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(access_says_what_to_do),
        cmocka_unit_test(sentinels_are_unknown),
        cmocka_unit_test(links_are_counted_by_generation_and_width),
        cmocka_unit_test(a_bus_has_its_limits),
        cmocka_unit_test(a_bus_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
