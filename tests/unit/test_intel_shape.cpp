// SPDX-License-Identifier: MIT
// detect/intel_shape: answers that no driver gives lead to nothing; rates against data sheets.
#include "check.h"

#include "data/rates.h"
#include "detect/intel_shape.h"
#include "detect/peak.h"
#include "os/uapi/intel.h"

#include <cmath>
#include <cstring>

using namespace hwa;
namespace uapi = os::uapi;

template <class T> static void append(std::string &answer, const T &part) {
    answer.append(reinterpret_cast<const char *>(&part), sizeof part);
}

static std::string xe_memory(uint32_t count, std::initializer_list<uapi::XeRegion> regions) {
    std::string answer;
    append(answer, uapi::XeRegions{count, 0});
    for (const uapi::XeRegion &region : regions)
        append(answer, region);
    return answer;
}

static uapi::XeRegion region(uint16_t kind, uint64_t size) {
    uapi::XeRegion made = {};
    made.memory_class = kind;
    made.total_size = size;
    return made;
}

static void regions_count_by_class(void **) {
    const auto told =
        detect::read_xe_memory(xe_memory(3, {region(0, 5), region(1, 7), region(1, 0)}));
    assert_int_equal(told.host, 5);
    assert_int_equal(told.own.size(), 1);
    assert_int_equal(told.own[0], 7);
}

static void what_is_cut_short_is_not_believed(void **) {
    const std::string whole = xe_memory(2, {region(0, 5), region(1, 7)});
    for (size_t length = 0; length < whole.size(); ++length) {
        const auto told = detect::read_xe_memory(whole.substr(0, length));
        assert_int_equal(told.host, 0);
        assert_true(told.own.empty());
    }
    assert_true(detect::read_xe_memory(xe_memory(1000000, {region(1, 7)})).own.empty());
    assert_true(detect::read_xe_memory(xe_memory(1, {region(1, uint64_t{1} << 60)})).own.empty());
}

static void masks_are_cut_nowhere_but_at_their_ends(void **) {
    std::string answer;
    append(answer, uapi::XeMask{0, uapi::xe_geometry, 2});
    answer += "\x0f\x01";
    append(answer, uapi::XeMask{0, uapi::xe_compute, 1});
    answer += '\x1f';
    append(answer, uapi::XeMask{0, uapi::xe_units, 1});
    answer += '\xff';
    append(answer, uapi::XeMask{1, 77, 0}); // a kind of mask of a newer kernel
    const auto told = detect::read_xe_engines(answer);
    assert_int_equal(told.cores, 6);
    assert_int_equal(told.units, 48);
    assert_int_equal(detect::read_xe_engines(answer.substr(0, answer.size() - 9)).units, 0);
    std::string far;
    append(far, uapi::XeMask{60000, uapi::xe_geometry, 0});
    assert_int_equal(detect::read_xe_engines(far).cores, 0);
}

static void slices_lie_where_the_head_says(void **) {
    uapi::I915Topology head = {};
    head.max_slices = 2;
    head.max_subslices = 3;
    head.max_units = 8;
    head.subslice_offset = 1;
    head.subslice_stride = 1;
    head.unit_offset = 3;
    head.unit_stride = 1;
    std::string answer;
    append(answer, head);
    answer += std::string("\x03\x07\x05\xff\xff\xff\x7f\x00\xff", 9);
    const auto told = detect::read_i915_engines(answer);
    assert_int_equal(told.cores, 5);
    assert_int_equal(told.units, 39);
    assert_int_equal(detect::read_i915_engines(answer.substr(0, answer.size() - 1)).units, 0);
    head.unit_offset = 60000;
    std::memcpy(answer.data(), &head, sizeof head);
    assert_int_equal(detect::read_i915_engines(answer).cores, 0);
}

static void peaks_are_those_of_data_sheets(void **) {
    struct Row {
        const char *architecture;
        uint32_t units;
        uint64_t mhz;
        core::Dtype dtype;
        double tera;
    };
    for (const Row &row : {
             Row{"xe-lp", 96, 1350, core::Dtype::F32, 2.07},
             Row{"xe-hpg", 512, 2100, core::Dtype::F32, 17.2},
             Row{"xe-hpc", 1024, 1600, core::Dtype::F64, 52.4},
             Row{"xe-hpc", 1024, 1600, core::Dtype::Bf16, 839},
             Row{"xe2-hpg", 160, 2400, core::Dtype::I8, 197},
             Row{"xe2-lpg", 64, 2050, core::Dtype::I8, 67},
             Row{"npu37xx", 2, 1400, core::Dtype::I8, 11.5},
             Row{"npu40xx", 6, 1950, core::Dtype::I8, 48},
         }) {
        core::Device device;
        device.compute_units = {row.units, core::Source::Kernel};
        device.clock_hz = {row.mhz * 1000000, core::Source::Kernel};
        detect::put_peaks(data::intel_rates(row.architecture), device);
        const core::Compute *compute = device.find_compute(row.dtype);
        assert_non_null(compute);
        assert_true(std::fabs(compute->ops_per_second / 1e12 / row.tera - 1) < 0.013);
    }
    assert_true(data::intel_rates("xe9").empty());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(regions_count_by_class),
        cmocka_unit_test(what_is_cut_short_is_not_believed),
        cmocka_unit_test(masks_are_cut_nowhere_but_at_their_ends),
        cmocka_unit_test(slices_lie_where_the_head_says),
        cmocka_unit_test(peaks_are_those_of_data_sheets),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
