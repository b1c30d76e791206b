// SPDX-License-Identifier: MIT
// detect/driver_tier: rows of backends that have nothing to ask.
#include "check.h"

#include "detect/driver_tier.h"

#include <cstdlib>
#include <string>
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
    assert_int_equal(system.backends.size(), 2);
    return system;
}

static void nothing_is_here(void **) {
    for (const char *library_path : {"", "/nonexistent"})
        for (const core::Backend &row : asked({}, library_path).backends) {
            assert_true(row.outcome == Outcome::Absent);
            assert_string_equal(row.message.c_str(), "");
        }
}

static void a_gpu_without_a_driver(void **) {
    core::System system;
    core::Device gpu;
    gpu.id = "pci-0000:01:00.0";
    gpu.kind = core::Kind::Gpu;
    system.devices.push_back(gpu);
    for (const core::Backend &row : asked(system, "").backends) {
        assert_true(row.outcome == Outcome::Missing);
        assert_true(row.message.find("pci-0000:01:00.0") != std::string::npos);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_here),
        cmocka_unit_test(a_gpu_without_a_driver),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
