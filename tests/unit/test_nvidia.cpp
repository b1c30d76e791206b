// SPDX-License-Identifier: MIT
// detect/nvidia: what NVIDIA's driver writes into its files.
#include "check.h"

#include "detect/nvidia.h"

using namespace hwa;

static void values_stand_behind_their_keys(void **) {
    const std::string text = "Model: \t\t NVIDIA H200\nDevice Minor: \t 3\nGPU Excluded:\t No\n";
    assert_string_equal(detect::proc_value(text, "Model").c_str(), "NVIDIA H200");
    assert_string_equal(detect::proc_value(text, "Device Minor").c_str(), "3");
    assert_string_equal(detect::proc_value(text, "GPU Excluded").c_str(), "No");
    assert_string_equal(detect::proc_value(text, "Minor").c_str(), "");
    assert_string_equal(detect::proc_value("", "Model").c_str(), "");
    assert_int_equal(detect::proc_value("Model: " + std::string(500, 'x'), "Model").size(), 96);
}

static void uuids_have_32_digits(void **) {
    const char *const good = "8a5f0c1d0123456789abcdef01234567";
    for (const char *text :
         {"GPU-8a5f0c1d-0123-4567-89ab-cdef01234567", "MIG-8A5F0C1D-0123-4567-89AB-CDEF01234567",
          "8a5f0c1d0123456789abcdef01234567"})
        assert_string_equal(detect::nvidia_uuid(text).c_str(), good);
    for (const char *text :
         {"", "GPU-", "GPU-\?\?\?\?\?\?\?\?-0123-4567-89ab-cdef01234567",
          "GPU-8a5f0c1d-0123-4567-89ab-cdef0123456", "GPU-8a5f0c1d-0123-4567-89ab-cdef012345678",
          "GPU-00000000-0000-0000-0000-000000000000", "MIG-GPU-8a5f0c1d-0123/1/0"})
        assert_string_equal(detect::nvidia_uuid(text).c_str(), "");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_behind_their_keys),
        cmocka_unit_test(uuids_have_32_digits),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
