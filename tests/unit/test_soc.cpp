// SPDX-License-Identifier: MIT
// detect/soc, detect/usb and the families on them: what no machine on a page can show.
#include "check.h"

#include "detect/families.h"
#include "detect/soc.h"
#include "map_host.h"
#include "os/uapi/soc.h"

using namespace hwa;
using test::MapHost;

static const std::string platform = "/sys/bus/platform/devices/";
static const std::string pci = "/sys/bus/pci/devices/";

static MapHost board(const char *driver) {
    MapHost host;
    host.files["/sys/firmware/devicetree/base"] = "";
    host.files[platform + "10.npu/uevent"] =
        std::string(*driver != '\0' ? "DRIVER=" : "") + driver +
        "\nOF_COMPATIBLE_0=rockchip,rk3588-rknpu\nOF_COMPATIBLE_N=1\n";
    return host;
}

static core::System find(const MapHost &host) {
    core::System system;
    assert_true(static_cast<bool>(detect::find_rockchip(detect::Machine(host), system)));
    return system;
}

static void access_says_what_is_wanting(void **) {
    MapHost bare = board("");
    assert_string_equal(find(bare).devices[0].access_message.c_str(),
                        "no kernel driver is bound to it; it needs rknpu");
    MapHost bound = board("RKNPU");
    assert_string_equal(find(bound).devices[0].access_message.c_str(),
                        "its driver RKNPU made no device node for it");
    bound.files[platform + "10.npu/drm/renderD128/dev"] = "226:128\n";
    core::System system = find(bound);
    assert_string_equal(
        system.devices[0].access_message.c_str(),
        "the device node /dev/dri/renderD128 is not here; a container must be given it");
    bound.nodes["/dev/dri/renderD128"] = base::Status::Denied;
    bound.groups["/dev/dri/renderD128"] = 105;
    bound.files["/etc/group"] = "video:x:44:\nrender:x:105:\n";
    system = find(bound);
    assert_int_equal(static_cast<int>(system.devices[0].access),
                     static_cast<int>(base::Status::Denied));
    assert_string_equal(
        system.devices[0].access_message.c_str(),
        "no permission to open /dev/dri/renderD128; become a member of the group render");
    bound.nodes["/dev/dri/renderD128"] = base::Status::Ok;
    system = find(bound);
    assert_true((system.devices[0].flags & core::DeviceUsable) != 0);
}

static void a_node_without_its_name_in_the_tree_is_nobody(void **) {
    MapHost host;
    host.files["/sys/firmware/devicetree/base"] = "";
    // Neither a node's name nor a driver's, nor the name of another part of the chip, will do.
    host.files[platform + "10.npu/uevent"] =
        "DRIVER=rknpu\nOF_NAME=npu\nOF_COMPATIBLE_0=rockchip,rk3588-iommu\nOF_COMPATIBLE_N=1\n";
    host.files["/dev/accel/accel0"] = "";
    assert_int_equal(find(host).devices.size(), 0);
}

static void one_engine_has_as_many_cores_as_nodes(void **) {
    MapHost host;
    host.files["/sys/firmware/devicetree/base"] = "";
    for (const char *name : {"10.npu", "11.npu", "12.npu"})
        host.files[platform + name + "/uevent"] =
            std::string(name[1] == '0' ? "" : "DRIVER=rocket\n") +
            "OF_COMPATIBLE_0=rockchip,rk3588-rknn-core\nOF_COMPATIBLE_N=1\n";
    const core::System system = find(host);
    assert_int_equal(system.devices.size(), 1);
    assert_string_equal(system.devices[0].id.c_str(), "platform-11.npu"); // the first that works
    assert_int_equal(system.devices[0].compute_units.value, 3);
}

template <class T> static std::string bytes(const T &value) {
    return {reinterpret_cast<const char *>(&value), sizeof value};
}

/// Graphics of a chip, with its render node.
static MapHost graphics(const char *driver, const char *compatible) {
    MapHost host;
    host.files["/sys/firmware/devicetree/base"] = "";
    host.files[platform + "20.gpu/uevent"] = std::string("DRIVER=") + driver +
                                             "\nOF_COMPATIBLE_0=" + compatible +
                                             "\nOF_COMPATIBLE_N=1\n";
    host.files[platform + "20.gpu/drm/renderD128/dev"] = "226:128\n";
    host.nodes["/dev/dri/renderD128"] = base::Status::Ok;
    return host;
}

static void apples_chip_is_believed_if_it_is_the_trees(void **) {
    os::uapi::AsahiChip chip = {};
    chip.chip = 0x8103;
    chip.max_khz = 1278000;
    chip.core_masks[0] = 0x7f; // one of eight is off
    for (const auto &[compatible, believed] :
         {std::pair("apple,agx-t8103", true), std::pair("apple,agx-t8112", false)}) {
        MapHost host = graphics("asahi", compatible);
        host.answers[{"/dev/dri/renderD128", "asahi.chip"}] = bytes(chip);
        core::System system;
        assert_true(static_cast<bool>(detect::find_apple(detect::Machine(host), system)));
        assert_int_equal(system.devices[0].compute_units.value, believed ? 7 : 0);
        assert_int_equal(system.devices[0].clock_hz.value, believed ? 1278000000 : 0);
    }
}

static void what_sleeps_is_not_asked(void **) {
    for (const auto &[state, cores] : {std::pair("active\n", 2), std::pair("suspended\n", 0)}) {
        MapHost host = graphics("panfrost", "arm,mali-bifrost");
        host.files[platform + "20.gpu/power/runtime_status"] = state;
        host.answers[{"/dev/dri/renderD128", "panfrost.param.0"}] = bytes(uint64_t{0x7212});
        host.answers[{"/dev/dri/renderD128", "panfrost.param.2"}] = bytes(uint64_t{0x101});
        core::System system;
        assert_true(static_cast<bool>(detect::find_arm_gpu(detect::Machine(host), system)));
        assert_int_equal(system.devices[0].compute_units.value, cores);
        assert_string_equal(system.devices[0].name.value.c_str(),
                            cores != 0 ? "Arm Mali-G52" : "Arm Mali (Bifrost)");
    }
}

static core::Device card(const char *serial, const char *type) {
    MapHost host;
    const std::string at = pci + "0000:01:00.0/";
    host.files[at + "uevent"] = "DRIVER=tenstorrent\nPCI_CLASS=120000\nPCI_ID=1E52:401E\n";
    const std::string folder = at + "tenstorrent/tenstorrent!0/";
    host.files[folder + "uevent"] = "DEVNAME=tenstorrent/0\n";
    if (*serial != '\0')
        host.files[folder + "tt_serial"] = serial;
    if (*type != '\0')
        host.files[folder + "tt_card_type"] = type;
    core::System system;
    assert_true(static_cast<bool>(detect::find_family(detect::Machine(host), "tenstorrent",
                                                      detect::tenstorrent_family, system)));
    return system.devices[0];
}

static void boards_are_known_by_type_or_serial_number(void **) {
    static constexpr struct {
        const char *serial, *type, *name;
        int chips;
    } rows[] = {
        {"", "n300\n", "Tenstorrent n300", 2},
        {"0100014611732054\n", "", "Tenstorrent n300", 2},
        {"0100018611902010\n", "", "Tenstorrent n150", 1},
        {"0100014611732054\n", "n150\n", "Tenstorrent n150", 1},
        {"0100ff4611732054\n", "", "Tenstorrent Wormhole", 0},
        {"none\n", "", "Tenstorrent Wormhole", 0},
        {"0100014611732054\n", "unknown\n", "Tenstorrent Wormhole", 0},
        {"", "", "Tenstorrent Wormhole", 0},
    };
    for (const auto &row : rows) {
        const core::Device device = card(row.serial, row.type);
        assert_string_equal(device.name.value.c_str(), row.name);
        const core::Attr *chips = device.find_attr("tenstorrent.chips");
        assert_int_equal(chips == nullptr ? 0 : chips->i, row.chips);
        assert_string_equal(device.find_attr("device.node")->s.c_str(), "/dev/tenstorrent/0");
    }
}

static void nodes_that_are_nobodys_are_counted(void **) {
    static constexpr struct {
        base::Status second;
        base::Status access;
        const char *message;
    } rows[] = {
        {base::Status::Ok, base::Status::Ok, ""},
        {base::Status::Denied, base::Status::Unsupported,
         "its driver dx_dma_pcie does not say which of its device nodes is this one's, and this "
         "process may open 1 of those of 2 devices"},
    };
    for (const auto &row : rows) {
        MapHost host;
        for (const char *address : {"0000:01:00.0", "0000:02:00.0"}) {
            host.files[pci + address + "/uevent"] =
                "DRIVER=dx_dma_pcie\nPCI_CLASS=120000\nPCI_ID=1FF4:0100\n";
            host.files[std::string("/sys/bus/pci/drivers/dx_dma_pcie/") + address] = "";
        }
        for (const char *node : {"/dev/dxrt0", "/dev/dxrt1", "/dev/dxrt_dma"})
            host.files[node] = "";
        host.nodes = {{"/dev/dxrt0", base::Status::Ok},
                      {"/dev/dxrt1", row.second},
                      {"/dev/dxrt_dma", base::Status::Ok}};
        core::System system;
        assert_true(static_cast<bool>(
            detect::find_family(detect::Machine(host), "deepx", detect::deepx_family, system)));
        assert_int_equal(system.devices.size(), 2);
        for (const core::Device &device : system.devices) {
            assert_int_equal(static_cast<int>(device.access), static_cast<int>(row.access));
            assert_string_equal(device.access_message.c_str(), row.message);
            assert_null(device.find_attr("device.node"));
        }
    }
}

static void usb_devices_without_a_node_are_not_usable(void **) {
    MapHost host;
    host.files["/sys/bus/usb/devices/1-2/uevent"] = "PRODUCT=1a6e/89a/100\n";
    host.files["/sys/bus/usb/devices/1-3/uevent"] =
        "DEVNAME=bus/usb/001/004\nPRODUCT=18d1/9302/100\n";
    host.nodes["/dev/bus/usb/001/004"] = base::Status::Denied;
    host.groups["/dev/bus/usb/001/004"] = 46;
    host.files["/etc/group"] = "plugdev:x:46:\n";
    core::System system;
    assert_true(static_cast<bool>(detect::find_coral_usb(detect::Machine(host), system)));
    assert_int_equal(system.devices.size(), 2);
    assert_string_equal(system.devices[0].id.c_str(), "usb-1-2");
    assert_string_equal(system.devices[0].access_message.c_str(),
                        "the kernel names no device node of it");
    assert_string_equal(
        system.devices[1].access_message.c_str(),
        "no permission to open /dev/bus/usb/001/004; become a member of the group plugdev");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(access_says_what_is_wanting),
        cmocka_unit_test(a_node_without_its_name_in_the_tree_is_nobody),
        cmocka_unit_test(one_engine_has_as_many_cores_as_nodes),
        cmocka_unit_test(apples_chip_is_believed_if_it_is_the_trees),
        cmocka_unit_test(what_sleeps_is_not_asked),
        cmocka_unit_test(boards_are_known_by_type_or_serial_number),
        cmocka_unit_test(nodes_that_are_nobodys_are_counted),
        cmocka_unit_test(usb_devices_without_a_node_are_not_usable),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
