// SPDX-License-Identifier: MIT
// detect/nvml_open: which cards NVML is asked for where one sleeps. Arguments: the fake of NVML.
#include "check.h"
#include "map_host.h"

#include "detect/nvml.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace hwa;
using detect::Findings;

static std::string fake;

/// Two cards, played by NVML with these faults.
static std::string folder_with(const char *faults) {
    std::string folder = "/tmp/hwa-nvml-XXXXXX";
    assert_non_null(::mkdtemp(folder.data()));
    std::ofstream(folder + "/nvml.scenario") << "gpu 0 1 0\nname One\ngpu 0 2 0\nname Two\n";
    std::ofstream(folder + "/scenario") << faults;
    std::filesystem::copy(fake, folder + "/libnvidia-ml.so.1");
    return folder;
}

static test::MapHost host_with(const char *first, const char *second) {
    const std::string bound = "/sys/bus/pci/drivers/nvidia/";
    test::MapHost host;
    host.files[bound + "0000:01:00.0/power/runtime_status"] = std::string(first) + '\n';
    host.files[bound + "0000:02:00.0/power/runtime_status"] = std::string(second) + '\n';
    host.files[bound + "module/version"] = "";
    host.files[bound + "new_id"] = "";
    return host;
}

static void asks_for_all_where_none_sleeps(void **) {
    // By number: by address would be this call.
    const std::string folder = folder_with("nvmlDeviceGetHandleByPciBusId 1 exit\n");
    for (const test::MapHost &host : {host_with("active", "active"), test::MapHost()}) {
        Findings findings;
        assert_true(static_cast<bool>(detect::ask_nvml_of(host, folder, findings)));
        assert_int_equal(findings.devices.size(), 2);
    }
    std::filesystem::remove_all(folder);
}

static void asks_for_those_that_are_awake(void **) {
    // By number it would end here.
    const std::string folder = folder_with("nvmlDeviceGetHandleByIndex 1 exit\n"
                                           "nvmlDeviceGetCount 1 exit\n");
    const test::MapHost host = host_with("suspended", "active");
    Findings findings;
    assert_true(static_cast<bool>(detect::ask_nvml_of(host, folder, findings)));
    assert_int_equal(findings.devices.size(), 1);
    const core::Device &card = findings.devices[0];
    assert_string_equal(card.id.c_str(), "pci-0000:02:00.0");
    assert_string_equal(card.name.value.c_str(), "Two");
    assert_int_equal(card.find_attr("nvml.index")->i, 1);
    std::filesystem::remove_all(folder);
}

static void tells_no_number_that_it_does_not_know(void **) {
    const std::string folder = folder_with("nvmlDeviceGetIndex 1 fail\n");
    Findings findings;
    assert_true(
        static_cast<bool>(detect::ask_nvml_of(host_with("active", "suspended"), folder, findings)));
    assert_int_equal(findings.devices.size(), 1);
    assert_string_equal(findings.devices[0].id.c_str(), "pci-0000:01:00.0");
    assert_null(findings.devices[0].find_attr("nvml.index"));
    std::filesystem::remove_all(folder);
}

int main(int argc, char **argv) {
    assert_int_equal(argc, 2);
    fake = std::filesystem::absolute(argv[1]);
    const CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_all_where_none_sleeps),
        cmocka_unit_test(asks_for_those_that_are_awake),
        cmocka_unit_test(tells_no_number_that_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
