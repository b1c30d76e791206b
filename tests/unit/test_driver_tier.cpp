// SPDX-License-Identifier: MIT
// detect/driver_tier: rows of backends that have nothing to ask. detect/helper: what one is given.
#include "check.h"
#include "map_host.h"

#include "detect/driver_tier.h"
#include "detect/helper.h"
#include "detect/probe.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace hwa;
using core::Outcome;

/// Asks over an empty machine, where no driver has a manifest.
static core::System asked(core::System system, const char *library_path) {
    char root[] = "/tmp/hwa-tier-XXXXXX";
    assert_non_null(::mkdtemp(root));
    const auto host = os::tree_host(root);
    assert_true(static_cast<bool>(host));
    detect::Options options;
    options.library_path = library_path;
    assert_true(static_cast<bool>(detect::ask_drivers(**host, options, system)));
    ::rmdir(root);
    const auto probes = detect::probes();
    const auto asks = [](const detect::Probe &p) { return p.driver != nullptr && p.built; };
    assert_int_equal(system.backends.size(), std::count_if(probes.begin(), probes.end(), asks));
    return system;
}

static void nothing_is_here(void **) {
    for (const char *library_path : {"", "/nonexistent"})
        for (const core::Backend &row : asked({}, library_path).backends) {
            assert_true(row.outcome == Outcome::Absent);
            const std::string lacking =
                *library_path == '\0' ? "no " + row.name + " driver" : "/nonexistent has no lib";
            assert_true(row.message.starts_with(lacking));
        }
}

static void a_gpu_without_a_driver(void **) {
    core::System system;
    core::Device gpu;
    gpu.id = "pci-0000:01:00.0";
    gpu.kind = core::Kind::Gpu;
    gpu.vendor.value = "nvidia";
    system.devices.push_back(gpu);
    for (const core::Backend &row : asked(system, "").backends) {
        // One that can only show devices of another maker misses nothing here.
        const std::string_view maker = detect::find_probe(row.name)->driver->vendor;
        if (!maker.empty() && maker != "nvidia") {
            assert_true(row.outcome == Outcome::Absent);
            continue;
        }
        assert_true(row.outcome == Outcome::Missing);
        assert_true(row.message.find("pci-0000:01:00.0") != std::string::npos);
    }
}

static void what_sleeps_is_not_woken(void **) {
    core::System system;
    for (const char *status : {"active", "suspended"}) {
        core::Device gpu;
        gpu.id = std::string("pci-0000:03:00.") + (*status == 'a' ? '0' : '1');
        gpu.kind = core::Kind::Gpu;
        gpu.vendor.value = "intel";
        gpu.driver.value = "xe";
        gpu.pci_vendor = {0x8086, core::Source::Kernel};
        gpu.put_attr(core::attr_text("power.runtime_status", status, core::Source::Kernel));
        system.devices.insert(system.devices.begin(), std::move(gpu));
    }
    for (const core::Backend &row : asked(std::move(system), "").backends)
        if (row.name == "level_zero") {
            assert_true(row.outcome == Outcome::Skipped);
            assert_string_equal(row.message.c_str(),
                                "pci-0000:03:00.1 sleeps, and to ask level_zero would wake it");
        }
}

static core::Device nvidia_card(const char *id, const char *driver, const char *power) {
    core::Device gpu;
    gpu.id = id;
    gpu.kind = core::Kind::Gpu;
    gpu.vendor.value = "nvidia";
    gpu.driver.value = driver;
    gpu.pci_vendor = {0x10de, core::Source::Kernel};
    gpu.put_attr(core::attr_text("power.runtime_status", power, core::Source::Kernel));
    return gpu;
}

static core::Backend row_of(const core::System &system, std::string_view name) {
    for (const core::Backend &row : system.backends)
        if (row.name == name)
            return row;
    fail_msg("no row");
    return {};
}

static void a_sleeping_card_keeps_nvidias_drivers_away(void **) {
    core::System system;
    system.devices = {nvidia_card("pci-0000:01:00.0", "nvidia", "suspended")};
    const core::System after = asked(std::move(system), "");
    for (const char *name : {"nvml", "cuda"}) {
        const core::Backend row = row_of(after, name);
        assert_true(row.outcome == Outcome::Skipped);
        assert_string_equal(
            row.message.c_str(),
            (std::string("pci-0000:01:00.0 sleeps, and to ask ") + name + " would wake it")
                .c_str());
    }
}

/// NVML can be asked of one card alone, CUDA of all or none.
static void a_card_that_is_awake_is_asked_of(void **) {
    const auto *nvml = detect::find_probe("nvml")->driver;
    const auto *cuda = detect::find_probe("cuda")->driver;
    static constexpr struct {
        const char *driver, *power;
        bool cuda;
    } beside[] = {{"nvidia", "suspended", false},
                  {"nvidia", "active", true},
                  {"vfio-pci", "suspended", true},
                  {"nouveau", "suspended", true}};
    const test::MapHost empty;
    for (const auto &other : beside) {
        core::System system;
        system.devices = {nvidia_card("pci-0000:01:00.0", "nvidia", "active"),
                          nvidia_card("pci-0000:02:00.0", other.driver, other.power)};
        assert_true(nvml->wanted(empty, system));
        assert_int_equal(cuda->wanted(empty, system), other.cuda);
    }
}

/// A helper that answers with a failure, and what it was given as the sentence.
static constexpr const char *teller =
    "#!/bin/sh\n"
    "printf '\\006\\016\\000\\000\\000failed\\n%s' \"$VK_TEST\" >&3\n"
    "printf '\\007\\000\\000\\000\\000' >&3\n";

static void a_helper_is_given_the_setting(void **) {
    char path[] = "/tmp/hwa-helper-XXXXXX";
    ::close(::mkstemp(path));
    std::ofstream(path) << teller;
    ::chmod(path, 0700);
    auto inquiry =
        detect::Inquiry::start(*detect::find_probe("vulkan"), path, "", "VK_TEST=setting", 10000);
    assert_true(static_cast<bool>(inquiry));
    while (!inquiry->advance()) {
        os::Child *const one[] = {&inquiry->child()};
        os::wait_for(one, inquiry->deadline_ns());
    }
    const core::Backend row = inquiry->take().row;
    assert_string_equal(row.message.c_str(), "setting");
    ::unlink(path);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_here),
        cmocka_unit_test(a_gpu_without_a_driver),
        cmocka_unit_test(what_sleeps_is_not_woken),
        cmocka_unit_test(a_sleeping_card_keeps_nvidias_drivers_away),
        cmocka_unit_test(a_card_that_is_awake_is_asked_of),
        cmocka_unit_test(a_helper_is_given_the_setting),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
