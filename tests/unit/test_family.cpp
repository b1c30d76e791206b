// SPDX-License-Identifier: MIT
// detect/family and what it stands on: other buses, links through bridges, names, data sheets.
#include "check.h"

#include "data/specs.h"
#include "detect/family.h"
#include "detect/pci_link.h"
#include "detect/pci_names.h"
#include "detect/sheet.h"
#include "map_host.h"
#include "os/platform.h"
#include "os/usb.h"

using namespace hwa;
using test::MapHost;

static const std::string bus = "/sys/bus/pci/devices/";

static constexpr detect::Chip chips[] = {
    {0x1da3, 0x1020, 0x1022, core::Kind::Asic, "Intel Gaudi 2", "gaudi2"}};
static constexpr detect::Family family = {"habanalabs", chips};

static core::System find(const MapHost &host) {
    core::System system;
    const base::Done done = detect::find_family(detect::Machine(host), "habana", family, system);
    assert_true(static_cast<bool>(done));
    return system;
}

static void ids_decide(void **) {
    for (const auto &[ids, found] :
         {std::pair("1DA3:1020", true), std::pair("1DA3:1022", true), std::pair("1DA3:1023", false),
          std::pair("1DA4:1020", false)}) {
        MapHost host;
        host.files[bus + "0000:01:00.0/uevent"] =
            std::string("PCI_CLASS=120000\nPCI_ID=") + ids + '\n';
        const core::System system = find(host);
        assert_int_equal(system.devices.size(), found ? 1 : 0);
        if (!found)
            continue;
        const core::Device &device = system.devices[0];
        assert_string_equal(device.name.value.c_str(), "Intel Gaudi 2");
        assert_string_equal(device.backends[0].c_str(), "habana");
        assert_string_equal(device.access_message.c_str(),
                            "no kernel driver is bound to it; it needs habanalabs");
        assert_int_equal(device.memories[0].size_bytes.value, uint64_t{96} << 30);
        assert_int_equal(static_cast<int>(device.memories[0].size_bytes.source),
                         static_cast<int>(core::Source::Table));
    }
}

static void a_slice_has_not_the_rates_of_the_whole(void **) {
    core::Device device;
    device.name = {"Intel Gaudi 2", core::Source::Table};
    device.flags = core::DevicePartition;
    detect::put_sheet(device);
    assert_true(device.memories.empty());
    assert_true(device.compute.empty());
}

static void what_is_known_outlives_the_sheet(void **) {
    core::Device device;
    device.name = {"Intel Gaudi 2", core::Source::Table};
    core::Memory memory;
    memory.size_bytes = {1000, core::Source::Kernel};
    device.memories.push_back(memory);
    detect::put_sheet(device);
    assert_int_equal(device.memories.size(), 1);
    assert_int_equal(device.memories[0].size_bytes.value, 1000);
    assert_int_equal(device.memories[0].bytes_per_second.value, 2450000000000);
}

static void every_sheet_has_sane_numbers(void **) {
    for (const data::Spec &spec : data::specs()) {
        assert_true(spec.memory_bytes < uint64_t{1} << 50);
        for (const data::SpecRate &rate : spec.rates)
            assert_true((rate.dtype == core::Dtype::Unknown) == (rate.dense == 0));
    }
}

static void the_narrowest_bridge_counts(void **) {
    MapHost host;
    host.links[bus + "0000:02:00.0"] = "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/"
                                       "0000:02:00.0";
    const auto put = [&](const char *address, const char *speed, const char *width) {
        host.files[bus + address + "/max_link_speed"] = speed;
        host.files[bus + address + "/max_link_width"] = width;
    };
    const auto best = [&] {
        detect::PciBridges bridges;
        return detect::best_link(host, "0000:02:00.0", bridges)->name();
    };
    put("0000:02:00.0", "32.0 GT/s PCIe\n", "16\n");
    assert_string_equal(best().c_str(), "pcie5 x16");
    put("0000:01:00.0", "32.0 GT/s PCIe\n", "16\n");
    put("0000:00:01.0", "16.0 GT/s PCIe\n", "8\n");
    assert_string_equal(best().c_str(), "pcie4 x8");
    put("0000:00:01.0", "16 GT/s\n", "8\n"); // before Linux 5.7
    assert_string_equal(best().c_str(), "pcie4 x8");
    put("0000:00:01.0", "Unknown\n", "255\n");
    assert_string_equal(best().c_str(), "pcie5 x16");
    assert_false(detect::current_link(host, "0000:02:00.0").has_value());
}

static void the_systems_list_names_what_no_table_does(void **) {
    MapHost host;
    host.files["/usr/share/hwdata/pci.ids"] = "# list\n"
                                              "10de  NVIDIA Corporation\n"
                                              "\t1b06  GP102 [GeForce GTX 1080 Ti]\n"
                                              "10df  Emulex Corporation\n"
                                              "\t2684  Not this one\n";
    core::System system;
    system.devices.resize(3);
    for (core::Device &device : system.devices) {
        device.id = "pci-0000:01:00.0";
        device.vendor.value = "nvidia";
        device.pci_vendor.value = 0x10de;
        device.pci_device.value = 0x1b06;
        device.name = {"nvidia 10de:1b06", core::Source::Derived};
    }
    system.devices[1].pci_device.value = 0x2684;
    system.devices[2].name = {"Known", core::Source::Table};
    detect::name_by_system(host, system);
    assert_string_equal(system.devices[0].name.value.c_str(), "nvidia GP102 [GeForce GTX 1080 Ti]");
    assert_string_equal(system.devices[1].name.value.c_str(), "nvidia 10de:1b06");
    assert_string_equal(system.devices[2].name.value.c_str(), "Known");
}

static void usb_devices_are_told_from_hubs_and_interfaces(void **) {
    MapHost host;
    const std::string usb = "/sys/bus/usb/devices/";
    host.files[usb + "usb1/uevent"] = "PRODUCT=1d6b/2/601\n";
    host.files[usb + "1-2/uevent"] = "DEVNAME=bus/usb/001/004\nPRODUCT=1a6e/89a/100\n";
    host.files[usb + "1-2:1.0/uevent"] = "PRODUCT=1a6e/89a/100\n";
    host.files[usb + "1-3/uevent"] = "PRODUCT=\n";
    const auto found = os::usb_bus(host);
    assert_int_equal(found.size(), 1);
    assert_int_equal(found[0].vendor, 0x1a6e);
    assert_int_equal(found[0].product, 0x089a);
    assert_string_equal(found[0].node.c_str(), "bus/usb/001/004");
}

static void platform_devices_need_a_device_tree(void **) {
    MapHost host;
    host.files["/sys/bus/platform/devices/fdab0000.npu/uevent"] =
        "DRIVER=rknpu\nOF_NAME=npu\nOF_COMPATIBLE_0=rockchip,rk3588-rknpu\nOF_COMPATIBLE_N=1\n";
    host.files["/sys/bus/platform/devices/coretemp.0/uevent"] = "DRIVER=coretemp\n";
    assert_int_equal(os::platform_bus(host).size(), 0);
    host.files["/sys/firmware/devicetree/base"] = "";
    const auto found = os::platform_bus(host);
    assert_int_equal(found.size(), 1);
    assert_string_equal(found[0].driver.c_str(), "rknpu");
    assert_true(found[0].is("rockchip,rk3588-rknpu"));
    assert_false(found[0].is("rockchip,rk3588"));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(ids_decide),
        cmocka_unit_test(a_slice_has_not_the_rates_of_the_whole),
        cmocka_unit_test(what_is_known_outlives_the_sheet),
        cmocka_unit_test(every_sheet_has_sane_numbers),
        cmocka_unit_test(the_narrowest_bridge_counts),
        cmocka_unit_test(the_systems_list_names_what_no_table_does),
        cmocka_unit_test(usb_devices_are_told_from_hubs_and_interfaces),
        cmocka_unit_test(platform_devices_need_a_device_tree),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
