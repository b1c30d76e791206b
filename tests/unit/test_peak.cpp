// SPDX-License-Identifier: MIT
// detect/peak: the two formulas against figures that data sheets publish.
#include "check.h"

#include "detect/peak.h"

#include <cmath>

using namespace hwa;
using core::Dtype;
using core::Source;

static core::Device device_of(uint32_t units, uint64_t mhz) {
    core::Device device;
    device.compute_units = {units, Source::Driver};
    device.clock_hz = {mhz * 1000000, Source::Driver};
    return device;
}

static void peaks_are_those_of_data_sheets(void **) {
    struct Row {
        const char *name;
        uint32_t capability, units;
        uint64_t mhz;
        Dtype dtype;
        double tera; ///< dense, as published
    };
    // Boost clocks and multiprocessors as in the same document as the rate.
    for (const Row &row : {
             Row{"Tesla V100-SXM2-32GB", 70, 80, 1530, Dtype::F16, 125},
             Row{"Tesla T4", 75, 40, 1590, Dtype::F16, 65},
             Row{"Tesla T4", 75, 40, 1590, Dtype::I8, 130},
             Row{"NVIDIA GeForce RTX 2080 Ti", 75, 68, 1545, Dtype::F16, 53.8},
             Row{"NVIDIA A100-SXM4-80GB", 80, 108, 1410, Dtype::Bf16, 312},
             Row{"NVIDIA A100-SXM4-80GB", 80, 108, 1410, Dtype::F64, 19.5},
             Row{"NVIDIA A40", 86, 84, 1740, Dtype::F16, 149.7},
             Row{"NVIDIA GeForce RTX 3090", 86, 82, 1695, Dtype::Bf16, 71},
             Row{"NVIDIA GeForce RTX 4090", 89, 128, 2520, Dtype::F8E4M3, 330.3},
             Row{"NVIDIA L40", 89, 142, 2490, Dtype::Bf16, 181},
             Row{"NVIDIA L40S", 89, 142, 2520, Dtype::Bf16, 366},
             Row{"NVIDIA H100 80GB HBM3", 90, 132, 1830, Dtype::Bf16, 989.4},
             Row{"NVIDIA H100 80GB HBM3", 90, 132, 1830, Dtype::F8E4M3, 1978.9},
             Row{"NVIDIA GeForce RTX 5090", 120, 170, 2407, Dtype::Bf16, 209.5},
             Row{"NVIDIA GeForce RTX 5090", 120, 170, 2407, Dtype::F4E2M1, 1676},
         }) {
        core::Device device = device_of(row.units, row.mhz);
        const data::Tensor tensor = data::nvidia_tensor(row.capability, row.name);
        detect::put_peaks(data::nvidia_rates(row.capability, tensor), device);
        const core::Compute *known = device.find_compute(row.dtype);
        assert_non_null(known);
        assert_int_equal(known->source, Source::Derived);
        if (std::fabs(known->ops_per_second / 1e12 - row.tera) > 0.013 * row.tera)
            fail_msg("%s %s: %g", row.name, core::dtype_name(row.dtype), known->ops_per_second);
    }
}

static void names_tell_matrix_units_apart(void **) {
    using data::Tensor;
    assert_int_equal(data::nvidia_tensor(61, "NVIDIA GeForce GTX 1080"), Tensor::None);
    assert_int_equal(data::nvidia_tensor(75, "NVIDIA GeForce GTX 1660"), Tensor::None);
    assert_int_equal(data::nvidia_tensor(75, "NVIDIA T1000 8GB"), Tensor::Unknown);
    assert_int_equal(data::nvidia_tensor(75, "Quadro RTX 6000"), Tensor::Full);
    assert_int_equal(data::nvidia_tensor(89, "NVIDIA L40S"), Tensor::Full);
    assert_int_equal(data::nvidia_tensor(89, "NVIDIA L40"), Tensor::Half);
    assert_int_equal(data::nvidia_tensor(90, "NVIDIA H20-3e"), Tensor::Unknown);
    assert_int_equal(data::nvidia_tensor(90, "NVIDIA H200"), Tensor::Full);
    assert_int_equal(data::nvidia_tensor(120, "NVIDIA GeForce RTX 5090 D"), Tensor::Unknown);
    assert_int_equal(data::nvidia_tensor(121, "NVIDIA GB10"), Tensor::Half);
    assert_int_equal(data::nvidia_tensor(90, ""), Tensor::Unknown);
    assert_true(data::nvidia_rates(999, Tensor::Full).empty());
}

static void what_is_not_known_gives_no_rate(void **) {
    const auto rates = data::nvidia_rates(90, data::Tensor::Full);
    for (core::Device device : {device_of(0, 1830), device_of(132, 0)}) {
        detect::put_peaks(rates, device);
        assert_true(device.compute.empty());
    }
    core::Device told = device_of(132, 1830);
    told.put_compute({Dtype::Bf16, core::Support::Native, 5, 0, Source::Driver});
    told.put_compute({Dtype::F16, core::Support::Native, 0, 0, Source::Driver});
    detect::put_peaks(rates, told);
    assert_true(told.find_compute(Dtype::Bf16)->ops_per_second == 5);
    assert_true(told.find_compute(Dtype::F16)->sparse_ops_per_second > 1.9e15);
}

static void bandwidth_is_width_times_transfers(void **) {
    core::Memory memory;
    detect::put_bandwidth(memory, 5120, 0, 2);
    assert_int_equal(memory.bytes_per_second.source, Source::Unknown);
    detect::put_bandwidth(memory, 5120, 2619000000, 2); // H100 SXM
    assert_int_equal(memory.bytes_per_second.value, 3352320000000);
    assert_int_equal(memory.bus_bits, 5120);
    detect::put_bandwidth(memory, UINT32_MAX, UINT64_MAX, 4);
    assert_int_equal(memory.bytes_per_second.value, 3352320000000);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_those_of_data_sheets),
        cmocka_unit_test(names_tell_matrix_units_apart),
        cmocka_unit_test(what_is_not_known_gives_no_rate),
        cmocka_unit_test(bandwidth_is_width_times_transfers),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
