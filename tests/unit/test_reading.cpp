// SPDX-License-Identifier: MIT
// monitor/reading: readings as text and back, and text that is none.
#include "check.h"

#include "monitor/reading.h"

#include <cmath>
#include <string>

using namespace hwa;
using monitor::Reading;

static void goes_there_and_back(void **) {
    Reading reading;
    reading.utilization = 0.25F;
    reading.temperature_c = -3.5F;
    reading.memory_used_bytes = 0;
    reading.clock_hz = 1980000000;
    reading.time_ns = 77;
    reading.status = base::Status::Lost;
    reading.message = "it is gone\x1b";
    const auto back = monitor::parse_reading(monitor::reading_text(12, reading));
    assert_true(static_cast<bool>(back));
    assert_int_equal(back->index, 12);
    const Reading &got = back->reading;
    assert_true(got.utilization == 0.25F && got.temperature_c == -3.5F && std::isnan(got.power_w));
    assert_int_equal(got.memory_used_bytes, 0);
    assert_true(got.memory_free_bytes == monitor::unknown_count);
    assert_int_equal(got.clock_hz, 1980000000);
    assert_int_equal(got.time_ns, 77);
    assert_true(got.status == base::Status::Lost);
    assert_true(got.message.starts_with("it is gone") && got.message.back() != '\x1b');
}

static void refuses_what_makes_no_sense(void **) {
    for (const char *text : {
             "", "0", "x - - - - - - - 1 0\n",
             "0 1.01 - - - - - - 1 0\n",                // busier than can be
             "0 nan - - - - - - 1 0\n",                 //
             "0 - -300 - - - - - 1 0\n",                // colder than can be
             "0 - - -1 - - - - 1 0\n",                  //
             "0 - - - 9999999999999999999 - - - 1 0\n", //
             "0 - - - - - - 99999999999999 1 0\n",      // a clock of 100 THz
             "0 - - - - - - - 1 21\n",                  // no such status
             "0 - - - - - - - 1 -\n",                   //
             "0 - - - - - - - 1\n",                     // too few
             "0 - - - - - - - 1 0 0\n",                 // too many
             "4294967296 - - - - - - - 1 0\n",          //
             "0 - - - - - - - 1 0 trailing\n",          //
         })
        if (monitor::parse_reading(text))
            fail_msg("took \"%s\"", text);
    assert_true(static_cast<bool>(monitor::parse_reading("0 - - - - - - - 1 0")));
}

static void fills_in_only_what_is_missing(void **) {
    Reading reading, other;
    reading.utilization = 0;
    other.utilization = 1;
    other.power_w = 5;
    other.memory_total_bytes = 6;
    reading.fill_from(other);
    assert_true(reading.utilization == 0 && reading.power_w == 5);
    assert_int_equal(reading.memory_total_bytes, 6);
    assert_true(std::isnan(reading.temperature_c));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(goes_there_and_back),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(fills_in_only_what_is_missing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
