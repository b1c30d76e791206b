// SPDX-License-Identifier: MIT
// launch/match: the device that detection saw is found again among those a runtime shows, or the
// caller is told why not; never is another one taken for it.
#include "check.h"

#include "launch/match.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace hwa;
using base::Status;
using launch::Shown;

static const std::string uuid_a = "00112233445566778899aabbccddeeff";
/// Another one that differs in its last byte.
static const std::string uuid_b = "00112233445566778899aabbccddeefe";

/// What detection knows.
struct Known {
    const char *id;
    const char *name;
    const char *index;
    std::string uuid;
    uint32_t vendor;
    uint32_t model;
    const char *render;
};

struct Case {
    const char *what;
    Known known;
    std::vector<Shown> shown;
    size_t place; ///< if `status` is Ok
    Status status;
    const char *text; ///< part of the message, else
};

static constexpr const char *h200 = "NVIDIA H200";
static constexpr const char *c1 = "pci-0000:c1:00.0";

static const Case cases[] = {
    {"all 16 bytes of the uuid count",
     {c1, h200, "0:0", uuid_b, 0x10de, 0x2335, ""},
     {{"0:0", h200, uuid_a, "", 0, 0, 0}, {"0:1", h200, uuid_b, "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"the uuid counts more than address, name and index",
     {c1, h200, "0", uuid_a, 0, 0, ""},
     {{"0", h200, "", "0000:c1:00.0", 0, 0, 0}, {"1", "H200", uuid_a, "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"parts of one board share the address and not the uuid",
     {c1, h200, "0", uuid_b, 0, 0, ""},
     {{"0", h200, uuid_a, "0000:c1:00.0", 0, 0, 0}, {"1", h200, uuid_b, "0000:c1:00.0", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"a device with another uuid is another device, even at its place",
     {c1, h200, "0", uuid_a, 0, 0, ""},
     {{"0", h200, uuid_b, "0000:c1:00.0", 0, 0x10de, 0x2335}},
     0,
     Status::Unavailable,
     "shows no 'NVIDIA H200' at 0000:c1:00.0, but 0 'NVIDIA H200'"},
    {"the address",
     {c1, h200, "0", "", 0, 0, ""},
     {{"0", h200, "", "0000:41:00.0", 0, 0, 0}, {"1", "other", "", "0000:c1:00.0", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"the domain is part of the address",
     {c1, h200, "0", "", 0, 0, ""},
     {{"0", h200, "", "0001:c1:00.0", 0, 0, 0}},
     0,
     Status::Unavailable,
     "0000:c1:00.0"},
    {"who tells no address may be the one if the others tell theirs",
     {c1, h200, "9", "", 0, 0, ""},
     {{"0", h200, "", "0000:41:00.0", 0, 0, 0}, {"1", h200, "", "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"the render node",
     {"vulkan-0", "Mali-G610", "0", "", 0, 0, "226:129"},
     {{"0", "Mali-G610", "", "", 128, 0, 0}, {"1", "Mali-G610", "", "", 129, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"maker and model leave one",
     {c1, "Arc", "0", "", 0x8086, 0x56a0, ""},
     {{"0", "Arc", "", "", 0, 0x8086, 0x56a1}, {"1", "Arc", "", "", 0, 0x8086, 0x56a0}},
     1,
     Status::Ok,
     ""},
    {"another maker's device of that name",
     {c1, "GPU", "0", "", 0x8086, 0, ""},
     {{"0", "GPU", "", "", 0, 0x1002, 0}},
     0,
     Status::Unavailable,
     "shows no 'GPU'"},
    {"the only one of that name, wherever it is now",
     {"sw-opencl-0", "pthread-cpu", "1:0", "", 0, 0, ""},
     {{"0:0", "llvmpipe", "", "", 0, 0, 0}, {"0:1", "pthread-cpu", "", "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"twins by index",
     {"sw-opencl-1", "pthread-cpu", "0:1", "", 0, 0, ""},
     {{"0:0", "pthread-cpu", "", "", 0, 0, 0}, {"0:1", "pthread-cpu", "", "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"an index does not make another name right",
     {"sw-vulkan-0", "llvmpipe", "0", "", 0, 0, ""},
     {{"0", "SwiftShader", "", "", 0, 0, 0}},
     0,
     Status::Unavailable,
     "shows no 'llvmpipe', but 0 'SwiftShader'"},
    {"lavapipe tells the same uuid on every machine, and detection keeps none",
     {"sw-vulkan-1", "llvmpipe", "1", "", 0, 0, ""},
     {{"0", "llvmpipe", uuid_a, "", 0, 0, 0}, {"1", "llvmpipe", uuid_a, "", 0, 0, 0}},
     1,
     Status::Ok,
     ""},
    {"twins without anything to tell them by",
     {c1, h200, "2:0", "", 0x10de, 0, ""},
     {{"0:0", h200, "", "", 0, 0, 0},
      {"0:1", "x", "", "", 0, 0, 0},
      {"1:0", h200, "", "", 0, 0, 0}},
     0,
     Status::Ambiguous,
     "pci-0000:c1:00.0: 0:0 'NVIDIA H200', 1:0 'NVIDIA H200'"},
    {"nothing at all",
     {c1, h200, "0:0", "", 0, 0, ""},
     {},
     0,
     Status::Unavailable,
     "nothing at all"},
};

static core::Device device_of(const Known &known) {
    core::Device device;
    device.id = known.id;
    device.name.offer("as another witness spells it", core::Source::Driver);
    device.pci_vendor.value = known.vendor;
    device.pci_device.value = known.model;
    if (*known.render != '\0')
        device.put_attr(core::attr_text("vulkan.render_node", known.render, core::Source::Driver));
    core::Runtime runtime;
    runtime.name = "opencl";
    runtime.native_id = known.index;
    runtime.device_name = known.name;
    runtime.device_uuid = known.uuid;
    device.runtimes.push_back(runtime);
    return device;
}

static void each_case(void **) {
    for (const Case &row : cases) {
        const core::Device device = device_of(row.known);
        const auto place = launch::match_device(device, device.runtimes[0], row.shown);
        if (static_cast<bool>(place) != (row.status == Status::Ok))
            fail_msg("%s: %s", row.what, place ? "found" : place.error().message.c_str());
        if (place) {
            if (*place != row.place)
                fail_msg("%s: took %zu", row.what, *place);
            continue;
        }
        const base::Error &why = place.error();
        if (why.status != row.status || why.backend != "opencl" ||
            why.message.find(row.text) == std::string::npos)
            fail_msg("%s: %d, %s", row.what, static_cast<int>(why.status), why.message.c_str());
    }
}

/// An older description of a system has no spelling of the runtime's own.
static void name_of_the_device(void **) {
    core::Device device = device_of({"sw-opencl-0", "", "0:0", "", 0, 0, ""});
    const std::vector<Shown> shown = {{"0:0", device.name.value, "", "", 0, 0, 0}};
    assert_true(static_cast<bool>(launch::match_device(device, device.runtimes[0], shown)));
}

/// An index means nothing once other variables steer the drivers; a name still does.
static void other_environment(void **) {
    core::Device device = device_of({"sw-opencl-1", "pthread-cpu", "0:1", "", 0, 0, ""});
    const Shown first = {"0:0", "pthread-cpu", "", "", 0, 0, 0};
    const Shown second = {"0:1", "pthread-cpu", "", "", 0, 0, 0};
    const std::vector<Shown> twins = {first, second};
    ::setenv("POCL_DEVICES", "pthread basic", 1);
    auto place = launch::match_device(device, device.runtimes[0], twins);
    assert_false(static_cast<bool>(place));
    assert_int_equal(place.error().status, Status::Ambiguous);
    assert_true(static_cast<bool>(
        launch::match_device(device, device.runtimes[0], std::span(twins).first(1))));

    device.put_attr(core::attr_text("opencl.environment", "POCL_DEVICES=pthread basic",
                                    core::Source::Measured));
    place = launch::match_device(device, device.runtimes[0], twins);
    assert_true(static_cast<bool>(place));
    assert_int_equal(*place, 1);

    ::unsetenv("POCL_DEVICES");
    assert_false(static_cast<bool>(launch::match_device(device, device.runtimes[0], twins)));
}

/// By runtime: a variable of the drivers behind it, and one that means nothing to them.
static void variable_is_named(void **) {
    static constexpr struct {
        const char *runtime;
        const char *obeyed;
        const char *foreign;
    } rows[] = {
        {"cuda", "CUDA_VISIBLE_DEVICES", "POCL_DEVICES"},
        {"opencl", "OCL_ICD_VENDORS", "VK_DRIVER_FILES"},
        {"opencl", "RUSTICL_ENABLE", "HIP_VISIBLE_DEVICES"},
        {"vulkan", "VK_ICD_FILENAMES", "RUSTICL_ENABLE"},
        {"vulkan", "MESA_VK_DEVICE_SELECT", "OCL_ICD_VENDORS"},
        {"hip", "ROCR_VISIBLE_DEVICES", "VK_DRIVER_FILES"},
        {"level_zero", "ZE_AFFINITY_MASK", "CUDA_VISIBLE_DEVICES"},
    };
    for (const auto &row : rows) {
        core::Device device = device_of({c1, h200, "0", "", 0, 0, ""});
        device.runtimes[0].name = row.runtime;
        ::setenv(row.obeyed, "7", 1);
        ::setenv(row.foreign, "8", 1);
        const auto place = launch::match_device(device, device.runtimes[0], {});
        ::unsetenv(row.obeyed);
        ::unsetenv(row.foreign);
        assert_false(static_cast<bool>(place));
        assert_int_equal(place.error().status, Status::Unavailable);
        assert_non_null(std::strstr(place.error().message.c_str(), row.obeyed));
        assert_non_null(std::strstr(place.error().message.c_str(), "=7"));
        assert_null(std::strstr(place.error().message.c_str(), row.foreign));
    }
}

int main() {
    for (const char *name : {"CUDA_VISIBLE_DEVICES", "OCL_ICD_VENDORS", "POCL_DEVICES",
                             "RUSTICL_ENABLE", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"})
        ::unsetenv(name);
    const CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(name_of_the_device),
        cmocka_unit_test(other_environment),
        cmocka_unit_test(variable_is_named),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
