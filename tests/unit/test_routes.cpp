// SPDX-License-Identifier: MIT
// detect/routes: each device lists every runtime that could drive it, best first, and each that
// does not says why.
#include "check.h"
#include "map_host.h"

#include "detect/routes.h"

#include <cstring>
#include <string>

using namespace hwa;
using base::Status;
using core::Kind;
using core::Outcome;
using test::MapHost;

static core::Device gpu_of(uint32_t vendor) {
    core::Device device;
    device.id = "pci-0000:01:00.0";
    device.kind = Kind::Gpu;
    device.name.value = "GPU";
    device.pci_vendor.value = vendor;
    device.backends = {"pci"};
    return device;
}

static core::Runtime works(const char *name, const char *native_id) {
    core::Runtime row;
    row.name = name;
    row.native_id = native_id;
    return row;
}

static core::Backend row_of(const char *name, Outcome outcome, const char *stage,
                            const char *message) {
    core::Backend row;
    row.name = name;
    row.outcome = outcome;
    row.stage = stage;
    row.message = message;
    return row;
}

static core::System routed(core::Device device, std::vector<core::Backend> backends,
                           const MapHost &host = {}) {
    core::System system;
    system.devices.push_back(std::move(device));
    system.backends = std::move(backends);
    detect::find_routes(host, system);
    return system;
}

/// "opencl,vulkan": the runtimes of the first device in their order.
static std::string names(const core::System &system) {
    std::string text;
    for (const core::Runtime &row : system.devices[0].runtimes)
        text += (text.empty() ? "" : ",") + row.name;
    return text;
}

static const std::vector<core::Backend> both_absent = {
    row_of("vulkan", Outcome::Absent, "", "no driver"),
    row_of("opencl", Outcome::Absent, "", "no driver")};

static void by_maker_and_kind(void **) {
    static constexpr struct {
        uint32_t vendor;
        Kind kind;
        uint32_t flags;
        const char *names;
    } rows[] = {
        {0x10de, Kind::Gpu, 0, "opencl,vulkan"},
        {0x1002, Kind::Gpu, 0, "opencl,vulkan"},
        {0x8086, Kind::Gpu, core::DeviceIntegrated, "opencl,vulkan"},
        {0, Kind::Gpu, core::DeviceIntegrated, "opencl,vulkan"},
        {0, Kind::Npu, core::DeviceIntegrated, ""},
        {0x1a03, Kind::Gpu, 0, ""}, // the screen of a management controller
        {0x8086, Kind::Offload, 0, ""},
        {0x8086, Kind::Cpu, 0, ""},
        {0x1002, Kind::Cpu, core::DeviceSoftware, ""},
        {0x8086, Kind::Npu, 0, ""},
    };
    for (const auto &row : rows) {
        core::Device device = gpu_of(row.vendor);
        device.kind = row.kind;
        device.flags = row.flags;
        assert_string_equal(names(routed(device, both_absent)).c_str(), row.names);
    }
    MapHost captured;
    captured.alive = false;
    assert_string_equal(names(routed(gpu_of(0x10de), both_absent, captured)).c_str(), "");
}

static void what_works_comes_first(void **) {
    core::Device device = gpu_of(0x10de);
    core::Runtime shut = works("cuda", "0");
    shut.status = Status::Unavailable;
    device.runtimes = {works("vulkan", "0"), works("opencl", "1:0"), shut, works("opencl", "0:0")};
    const core::System system = routed(device, both_absent);
    assert_string_equal(names(system).c_str(), "opencl,opencl,vulkan,cuda");
    assert_string_equal(system.devices[0].runtimes[0].native_id.c_str(), "1:0");
}

/// A driver that shows the device without a way to run on it has had its say.
static void a_witness_is_not_missing(void **) {
    core::Device device = gpu_of(0x10de);
    device.backends = {"pci", "vulkan"};
    assert_string_equal(names(routed(device, both_absent)).c_str(), "opencl");
}

static void each_says_why(void **) {
    static const struct {
        core::Backend backend;
        const char *variable;
        const char *message;
    } rows[] = {
        {row_of("opencl", Outcome::Missing, "dlopen", "libOpenCL.so.1 is not here"), "",
         "libOpenCL.so.1 is not here"},
        {row_of("opencl", Outcome::Absent, "", "no opencl driver is installed"), "",
         "no opencl driver is installed"},
        {row_of("opencl", Outcome::Skipped, "", "left out by the option backends"), "/etc/x",
         "left out by the option backends"},
        {row_of("opencl", Outcome::Crashed, "clGetPlatformIDs", "signal 11"), "",
         "crashed in clGetPlatformIDs: signal 11"},
        {row_of("opencl", Outcome::Timeout, "clGetDeviceIDs", ""), "", "timeout in clGetDeviceIDs"},
        {row_of("opencl", Outcome::Starved, "", ""), "", "starved"},
        {row_of("opencl", Outcome::Found, "clGetDeviceInfo", ""), "",
         "its drivers do not show this device, but sw-opencl-0 'pthread'"},
        {row_of("opencl", Outcome::Found, "", ""), "/etc/x",
         "its drivers do not show this device, but sw-opencl-0 'pthread'; what hides it may be the "
         "environment, where OCL_ICD_VENDORS=/etc/x"},
    };
    for (const auto &row : rows) {
        MapHost host;
        if (*row.variable != '\0')
            host.variables["OCL_ICD_VENDORS"] = row.variable;
        core::System system;
        system.devices.push_back(gpu_of(0x1002));
        core::Device software;
        software.id = "sw-opencl-0";
        software.kind = Kind::Cpu;
        software.flags = core::DeviceSoftware;
        software.name.value = "pthread";
        software.backends = {"opencl"};
        system.devices.push_back(software);
        system.backends = {row.backend};
        detect::find_routes(host, system);
        assert_string_equal(names(system).c_str(), "opencl");
        const core::Runtime &made = system.devices[0].runtimes[0];
        assert_int_equal(made.status, Status::Unavailable);
        assert_string_equal(made.message.c_str(), row.message);
        assert_int_equal(system.devices[1].runtimes.size(), 0);
    }
}

static void a_shut_device_says_so(void **) {
    core::Device device = gpu_of(0x10de);
    device.access = Status::Denied;
    device.access_message = "/dev/dri/renderD128 belongs to the group render";
    const core::System system = routed(device, both_absent);
    for (const core::Runtime &row : system.devices[0].runtimes) {
        assert_int_equal(row.status, Status::Denied);
        assert_string_equal(row.message.c_str(), device.access_message.c_str());
    }
}

static void variables_are_noted(void **) {
    MapHost host;
    host.variables = {{"POCL_DEVICES", "pthread"}, {"VK_DRIVER_FILES", "/etc/x.json"}};
    core::Device device = gpu_of(0x10de);
    device.flags = core::DeviceSoftware;
    device.runtimes = {works("opencl", "0:0")};
    const core::Device noted = routed(device, both_absent, host).devices[0];
    assert_string_equal(noted.find_attr("opencl.environment")->s.c_str(), "POCL_DEVICES=pthread");
    assert_null(noted.find_attr("vulkan.environment"));
}

static constexpr struct {
    const char *backend, *variable;
} variables_of[] = {
    {"amd", "GPU_DEVICE_ORDINAL"},
    {"amd", "HIP_VISIBLE_DEVICES"},
    {"amd", "HSA_OVERRIDE_GFX_VERSION"},
    {"amd", "ROCR_VISIBLE_DEVICES"},
    {"ascend", "ASCEND_RT_VISIBLE_DEVICES"},
    {"ascend", "ASCEND_VISIBLE_DEVICES"},
    {"asic", "XPU_VISIBLE_DEVICES"},
    {"cambricon", "MLU_VISIBLE_DEVICES"},
    {"enflame", "TOPS_VISIBLE_DEVICES"},
    {"gaudi", "HABANA_VISIBLE_DEVICES"},
    {"gaudi", "HABANA_VISIBLE_MODULES"},
    {"google_tpu", "PJRT_DEVICE"},
    {"google_tpu", "TPU_CHIPS_PER_PROCESS_BOUNDS"},
    {"google_tpu", "TPU_PROCESS_BOUNDS"},
    {"google_tpu", "TPU_SKIP_MDS_QUERY"},
    {"google_tpu", "TPU_VISIBLE_CHIPS"},
    {"google_tpu", "TPU_VISIBLE_DEVICES"},
    {"hygon", "HIP_VISIBLE_DEVICES"},
    {"iluvatar", "CUDA_VISIBLE_DEVICES"},
    {"intel_gpu", "ONEAPI_DEVICE_SELECTOR"},
    {"intel_gpu", "SYCL_DEVICE_FILTER"},
    {"intel_gpu", "ZE_AFFINITY_MASK"},
    {"intel_gpu", "ZE_FLAT_DEVICE_HIERARCHY"},
    {"intel_npu", "ZE_AFFINITY_MASK"},
    {"metax", "MACA_VISIBLE_DEVICES"},
    {"moore_threads", "MUSA_VISIBLE_DEVICES"},
    {"neuron", "NEURON_LOGICAL_NC_CONFIG"},
    {"neuron", "NEURON_RT_NUM_CORES"},
    {"neuron", "NEURON_RT_VISIBLE_CORES"},
    {"nvidia", "CUDA_DEVICE_ORDER"},
    {"nvidia", "CUDA_VISIBLE_DEVICES"},
    {"nvidia", "GGML_VK_VISIBLE_DEVICES"},
    {"nvidia", "NVIDIA_VISIBLE_DEVICES"},
    {"opencl", "OCL_ICD_FILENAMES"},
    {"opencl", "OCL_ICD_VENDORS"},
    {"opencl", "POCL_DEVICES"},
    {"qualcomm", "QAIC_VISIBLE_DEVICES"},
    {"rebellions", "RBLN_DEVICES"},
    {"tenstorrent", "TT_VISIBLE_DEVICES"},
    {"vulkan", "MESA_VK_DEVICE_SELECT"},
    {"vulkan", "VK_DRIVER_FILES"},
    {"vulkan", "VK_ICD_FILENAMES"},
};

static void each_family_has_its_variables(void **) {
    for (const auto &row : variables_of) {
        MapHost host;
        host.variables[row.variable] = "";
        core::System system;
        system.devices.resize(2);
        system.devices[0].backends = {row.backend};
        system.devices[1].backends = {"cpu"};
        detect::find_routes(host, system);
        assert_int_equal(system.devices.size(), 2); // an empty list hides all from others, not here
        const core::Attr *attr =
            system.devices[0].find_attr(std::string(row.backend) + ".environment");
        assert_non_null(attr);
        assert_string_equal(attr->s.c_str(), (std::string(row.variable) + '=').c_str());
        assert_true(system.devices[1].attrs.empty());
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(by_maker_and_kind),
        cmocka_unit_test(what_works_comes_first),
        cmocka_unit_test(a_witness_is_not_missing),
        cmocka_unit_test(each_says_why),
        cmocka_unit_test(a_shut_device_says_so),
        cmocka_unit_test(variables_are_noted),
        cmocka_unit_test(each_family_has_its_variables),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
