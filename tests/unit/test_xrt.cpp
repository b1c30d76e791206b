// SPDX-License-Identifier: MIT
// When XRT is asked, and what is asked of one that lists no cards. Arguments: the fake of that one.
#include "check.h"
#include "map_host.h"

#include "detect/xrt.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace hwa;
using detect::Findings;

static std::string fake;

/// One device for each line, as the fake reads them.
static std::string folder_with(const char *devices) {
    std::string folder = "/tmp/hwa-xrt-XXXXXX";
    assert_non_null(::mkdtemp(folder.data()));
    std::ofstream(folder + "/xrt.scenario") << devices;
    std::filesystem::create_symlink(fake, folder + "/libxrt_coreutil.so.2.19.194");
    std::filesystem::create_symlink("libxrt_coreutil.so.2.19.194",
                                    folder + "/libxrt_coreutil.so.2");
    return folder;
}

static void opens_what_the_drivers_are_bound_to(void **) {
    const std::string folder =
        folder_with("device 0000:65:00.1 0 0 0 0 00112233445566778899aabbccddeeff -\n"
                    "device 0000:c5:00.1 0 0 0 0 - -\n");
    test::MapHost host;
    host.files["/sys/bus/pci/drivers/xocl/0000:65:00.1/vendor"] = "0x10ee\n";
    host.files["/sys/bus/pci/drivers/xocl/0000:66:00.1/vendor"] = "0x10ee\n";
    host.files["/sys/bus/pci/drivers/xocl/new_id"] = "";
    host.files["/sys/bus/pci/drivers/amdxdna/0000:c5:00.1/vendor"] = "0x1022\n";
    host.links[folder + "/libxrt_coreutil.so.2"] = "libxrt_coreutil.so.2.19.194";
    Findings findings;
    assert_true(static_cast<bool>(detect::ask_xrt_of(host, folder, findings)));
    assert_string_equal(findings.version.c_str(), "2.19.194");
    assert_string_equal(findings.warning.c_str(), "xrtDeviceOpenByBDF could not open 0000:66:00.1");
    assert_int_equal(findings.devices.size(), 2);
    const core::Device &card = findings.devices[0];
    assert_string_equal(card.id.c_str(), "pci-0000:65:00.1");
    assert_true(card.kind == core::Kind::Fpga && card.memories.empty());
    assert_string_equal(card.find_attr("xrt.xclbin")->s.c_str(),
                        "00112233-4455-6677-8899-aabbccddeeff");
    const core::Device &engine = findings.devices[1];
    assert_string_equal(engine.id.c_str(), "pci-0000:c5:00.1");
    assert_true(engine.kind == core::Kind::Npu && (engine.flags & core::DeviceUsable) != 0);
    assert_true(engine.attrs.empty());
    std::filesystem::remove_all(folder);
}

static core::Device driven_by(const char *driver, const char *power) {
    core::Device device;
    device.driver = {driver, core::Source::Kernel};
    device.put_attr(core::attr_text("power.runtime_status", power, core::Source::Kernel));
    return device;
}

static void is_asked_where_its_drivers_are_awake(void **) {
    const test::MapHost host;
    core::System system;
    assert_false(detect::xrt_wanted(host, system));
    system.devices.push_back(driven_by("amdgpu", "active"));
    system.devices.push_back(driven_by("xclmgmt", "suspended"));
    assert_false(detect::xrt_wanted(host, system));
    system.devices.push_back(driven_by("xocl", "active"));
    assert_true(detect::xrt_wanted(host, system));
    system.devices.push_back(driven_by("amdxdna", "suspended"));
    assert_false(detect::xrt_wanted(host, system));
}

int main(int argc, char **argv) {
    assert_int_equal(argc, 2);
    fake = std::filesystem::absolute(argv[1]);
    const CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_the_drivers_are_bound_to),
        cmocka_unit_test(is_asked_where_its_drivers_are_awake),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
