// SPDX-License-Identifier: MIT
// detect/neuron_rt and what the driver tier makes of it: each device that AWS's driver runs hears
// what the runtime tells of all of them, and nobody else does.
#include "check.h"
#include "map_host.h"

#include "detect/driver_tier.h"
#include "detect/helper.h"
#include "detect/neuron_rt.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace hwa;
using core::Outcome;
using core::System;

static std::string fakes, helper;

/// As the kernel tier sees it; without a driver where that is "".
static core::Device on_bus(const char *id, const char *backend, const char *driver) {
    core::Device device;
    device.id = id;
    device.kind = core::Kind::Asic;
    device.vendor.offer("amazon", core::Source::Kernel);
    if (*driver != '\0')
        device.driver.offer(driver, core::Source::Kernel);
    device.backends = {backend};
    return device;
}

static System machine() {
    System system;
    system.devices = {on_bus("pci-0000:10:1c.0", "neuron", "neuron-driver"),
                      on_bus("pci-0000:10:1d.0", "neuron", "neuron"),
                      on_bus("pci-0000:a0:1c.0", "neuron", ""),
                      on_bus("pci-0000:a0:1d.0", "neuron", "vfio-pci"),
                      on_bus("pci-0000:b0:00.0", "pci", "neuron")};
    return system;
}

/// What becomes of a machine where that fake is the runtime, asked in process.
static System asked(System system, const std::string &fake, const char *scenario) {
    char folder[] = "/tmp/hwa-neuron-XXXXXX";
    assert_non_null(::mkdtemp(folder));
    const std::string library = std::string(folder) + "/libnrt.so.1";
    const std::string cores = std::string(folder) + "/neuron_rt.scenario";
    assert_int_equal(::symlink((fakes + "/libfake-" + fake + ".so").c_str(), library.c_str()), 0);
    std::ofstream(cores) << scenario;
    test::MapHost host;
    host.files[library] = "";
    detect::Options options;
    options.library_path = folder;
    options.backends = "neuron_rt";
    options.in_process = true;
    assert_true(static_cast<bool>(detect::ask_drivers(host, options, system)));
    ::unlink(library.c_str());
    ::unlink(cores.c_str());
    ::rmdir(folder);
    assert_int_equal(system.backends.size(), 1);
    return system;
}

/// In a process of its own, because a library stays loaded.
template <class Check> static void apart(Check &&check) {
    const pid_t child = ::fork();
    if (child == 0) {
        check();
        ::_exit(0);
    }
    int status = -1;
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int64_t number(const core::Device &device, const char *key) {
    const core::Attr *attr = device.find_attr(key);
    return attr != nullptr ? attr->i : -1;
}

static bool heard(const core::Device &device) {
    return device.backends.back() == "neuron_rt";
}

static void each_device_of_the_driver_hears(void **) {
    apart([] {
        const System system = asked(machine(), "neuron-rt", "cores 4 2\n");
        const core::Backend &row = system.backends[0];
        assert_true(row.outcome == Outcome::Found);
        assert_int_equal(row.device_count, 2);
        assert_string_equal(row.version.c_str(), "2.31.24.0");
        assert_int_equal(system.devices.size(), 5);
        for (size_t i = 0; i < 2; ++i) {
            const core::Device &device = system.devices[i];
            assert_true(heard(device));
            assert_int_equal(number(device, "neuron_rt.total_cores"), 4);
            assert_int_equal(number(device, "neuron_rt.visible_cores"), 2);
            assert_string_equal(device.find_attr("neuron_rt.version")->s.c_str(), "2.31.24.0");
            // Of one device alone it told nothing.
            assert_int_equal(device.compute_units.value, 0);
        }
        for (size_t i = 2; i < 5; ++i)
            assert_true(!heard(system.devices[i]) && system.devices[i].attrs.empty());
    });
}

static void an_old_one_tells_less(void **) {
    apart([] {
        const System system = asked(machine(), "neuron-rt-old", "cores 4 2\n");
        assert_true(heard(system.devices[0]));
        assert_int_equal(number(system.devices[0], "neuron_rt.total_cores"), 4);
        assert_int_equal(number(system.devices[0], "neuron_rt.visible_cores"), -1);
        assert_string_equal(system.backends[0].version.c_str(), "2.31.24.0");
    });
}

static void more_visible_than_there_are_is_not_told(void **) {
    apart([] {
        const System system = asked(machine(), "neuron-rt", "cores 4 5\n");
        assert_int_equal(number(system.devices[0], "neuron_rt.total_cores"), 4);
        assert_int_equal(number(system.devices[0], "neuron_rt.visible_cores"), -1);
    });
}

/// The helper is given what leaves cores to the process that asks.
static void the_environment_leaves_cores(void **) {
    char folder[] = "/tmp/hwa-neuron-XXXXXX";
    assert_non_null(::mkdtemp(folder));
    const std::string library = std::string(folder) + "/libnrt.so.1";
    assert_int_equal(::symlink((fakes + "/libfake-neuron-rt.so").c_str(), library.c_str()), 0);
    ::setenv("NEURON_RT_NUM_CORES", "3", 1);
    auto inquiry =
        detect::Inquiry::start(*detect::find_probe("neuron_rt"), helper, folder, "", 20000);
    ::unsetenv("NEURON_RT_NUM_CORES");
    assert_true(static_cast<bool>(inquiry));
    while (!inquiry->advance()) {
        os::Child *const one[] = {&inquiry->child()};
        os::wait_for(one, inquiry->deadline_ns());
    }
    const detect::Answer answer = inquiry->take();
    assert_int_equal(answer.devices.size(), 1);
    assert_int_equal(number(answer.devices[0], "neuron_rt.total_cores"), 32);
    assert_int_equal(number(answer.devices[0], "neuron_rt.visible_cores"), 3);
    ::unlink(library.c_str());
    ::rmdir(folder);
}

static void without_a_device_there_is_none(void **) {
    apart([] {
        const System system = asked({}, "neuron-rt", "cores 4 2\n");
        assert_true(system.devices.empty());
        assert_true(system.backends[0].outcome == Outcome::Absent);
        assert_int_equal(system.backends[0].device_count, 0);
    });
}

static void is_asked_where_the_driver_runs_a_device(void **) {
    const test::MapHost host;
    System system = machine();
    assert_true(detect::neuron_rt_wanted(host, system));
    system.devices.erase(system.devices.begin(), system.devices.begin() + 2);
    assert_false(detect::neuron_rt_wanted(host, system));
}

/// A device without a driver lacks one, and the row says so.
static void a_device_without_its_driver(void **) {
    System system;
    system.devices = {on_bus("pci-0000:a0:1c.0", "neuron", "")};
    const test::MapHost host;
    detect::Options options;
    options.backends = "neuron_rt";
    assert_true(static_cast<bool>(detect::ask_drivers(host, options, system)));
    assert_true(system.backends[0].outcome == Outcome::Missing);
    assert_true(system.backends[0].message.find("pci-0000:a0:1c.0") != std::string::npos);
}

int main(int count, char **args) {
    assert_int_equal(count, 3);
    fakes = args[1];
    helper = args[2];
    const CMUnitTest tests[] = {
        cmocka_unit_test(each_device_of_the_driver_hears),
        cmocka_unit_test(an_old_one_tells_less),
        cmocka_unit_test(more_visible_than_there_are_is_not_told),
        cmocka_unit_test(the_environment_leaves_cores),
        cmocka_unit_test(without_a_device_there_is_none),
        cmocka_unit_test(is_asked_where_the_driver_runs_a_device),
        cmocka_unit_test(a_device_without_its_driver),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
