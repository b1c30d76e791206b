// SPDX-License-Identifier: MIT
// plan/roofline: what a device brings to a plan.
#include "check.h"

#include "plan/time/roofline.h"

using namespace hwa;

static core::Device processor(uint32_t cores, uint64_t bytes_per_second) {
    core::Device device;
    device.kind = core::Kind::Cpu;
    device.compute_units = {cores, core::Source::Kernel};
    device.memories.resize(1);
    device.memories[0].bytes_per_second = {bytes_per_second, core::Source::Table};
    return device;
}

static void few_cores_do_not_draw_all_channels(void **) {
    const uint64_t channels = 576000000000;
    const double two = plan::rates_of(processor(2, channels)).bytes_per_second;
    const double four = plan::rates_of(processor(4, channels)).bytes_per_second;
    const double many = plan::rates_of(processor(192, channels)).bytes_per_second;
    assert_true(two > 0 && two < 0.2 * static_cast<double>(channels));
    assert_true(four == 2 * two);
    assert_true(many > 10 * two && many < static_cast<double>(channels));
    // Where nobody counted the cores, the channels alone are the limit.
    assert_true(plan::rates_of(processor(0, channels)).bytes_per_second == many);
}

static void unknown_stays_unknown(void **) {
    const plan::Rates rates = plan::rates_of(processor(64, 0));
    assert_true(rates.bytes_per_second == 0);
    assert_true(rates.ops_per_second == 0);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(few_cores_do_not_draw_all_channels),
        cmocka_unit_test(unknown_stays_unknown),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
