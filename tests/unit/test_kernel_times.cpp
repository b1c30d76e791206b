// SPDX-License-Identifier: MIT
// plan/time: classes of chips, and kernels and collectives at their limits, worked by hand.
#include "check.h"

#include "plan/time/collectives.h"
#include "plan/time/curves.h"

#include <cmath>

using namespace hwa;
using namespace hwa::plan;
using core::Dtype;

static core::Device card(const char *vendor, core::MemoryKind memory,
                         std::initializer_list<std::pair<Dtype, double>> rates) {
    core::Device device;
    device.kind = core::Kind::Gpu;
    device.vendor = {vendor, core::Source::Table};
    core::Memory made;
    made.kind = memory;
    made.bytes_per_second = {1000000000000, core::Source::Table};
    device.memories.push_back(made);
    for (const auto &[dtype, rate] : rates)
        device.put_compute({dtype, core::Support::Native, rate, 0, core::Source::Table});
    return device;
}

static const double tera = 1e12;

static void assert_near(double left, double right, double apart) {
    assert_true(std::fabs(left - right) <= apart);
}

static void classes_go_by_formats_and_memory(void **) {
    using core::MemoryKind;
    const auto of = [](const char *vendor, MemoryKind memory, auto rates) {
        return chip_class(card(vendor, memory, rates));
    };
    const std::initializer_list<std::pair<Dtype, double>> bf16 = {{Dtype::Bf16, tera}};
    const std::initializer_list<std::pair<Dtype, double>> fp8 = {{Dtype::Bf16, tera},
                                                                 {Dtype::F8E4M3, 2 * tera}};
    const std::initializer_list<std::pair<Dtype, double>> fp4 = {{Dtype::F8E4M3, 2 * tera},
                                                                 {Dtype::F4E2M1, 4 * tera}};
    assert_true(of("nvidia", MemoryKind::Hbm, bf16) == ChipClass::AmpereHbm);
    assert_true(of("NVIDIA Corporation", MemoryKind::Gddr, bf16) == ChipClass::AmpereGddr);
    assert_true(of("nvidia", MemoryKind::Hbm, fp8) == ChipClass::Hopper);
    assert_true(of("nvidia", MemoryKind::Gddr, fp8) == ChipClass::Ada);
    assert_true(of("nvidia", MemoryKind::Hbm, fp4) == ChipClass::Blackwell);
    assert_true(of("nvidia", MemoryKind::Gddr, fp4) == ChipClass::BlackwellGddr);
    assert_true(of("amd", MemoryKind::Hbm, fp8) == ChipClass::AmdHbm);
    assert_true(of("somebody", MemoryKind::Hbm, fp8) == ChipClass::Other);
}

/// A chip of round numbers: 100 units, 100 TFLOP/s, 1 TB/s.
static Chip round_chip() {
    Chip chip;
    chip.kind = ChipClass::Hopper;
    for (double &rate : chip.ops_per_second)
        rate = 100 * tera;
    chip.bytes_per_second = tera;
    chip.units = 100;
    return chip;
}

static const GemmCurve sharp = {1e-6, 1, 0, 1, 60, 0, 1, 1, 1, 1, 1};

static void products_take_whole_waves(void **) {
    // 1280 x 1280 are 100 tiles of 128 x 128, one for each unit: 2 x 1280 x 1280 x 4096 operations
    // at 100 TFLOP/s. One row more needs a second wave of something.
    const double full = 2 * 1280. * 1280 * 4096 / (100 * tera);
    const auto seconds = [](double m) {
        return gemm_seconds(round_chip(), sharp, Gemm{m, 1280, 4096, Math::Bf16, 0, false});
    };
    assert_near(seconds(1280), 1e-6 + full, 1e-8);
    assert_true(seconds(1281) > 1e-6 + full * 1.01);
}

static void small_products_read_their_weights(void **) {
    // 8192 x 8192 weights of two bytes at 1 TB/s: 134.2 us, and far less of anything else.
    const Gemm shape = {1, 8192, 8192, Math::Bf16, 0, false};
    assert_near(gemm_seconds(round_chip(), sharp, shape), 1e-6 + 134.25e-6, 1e-6);
    Gemm packed = shape;
    packed.weight_bytes = 0.5;
    assert_near(gemm_seconds(round_chip(), sharp, packed), 1e-6 + 33.59e-6, 1e-6);
}

static void kernels_grow_with_their_work(void **) {
    const Chip chip = chip_of(card("nvidia", core::MemoryKind::Hbm, {{Dtype::Bf16, 989 * tera}}));
    double before = 0;
    for (double m = 1; m < 1e6; m *= 4) {
        const double now = seconds_of(chip, Gemm{m, 4096, 4096, Math::Bf16, 0, false});
        assert_true(std::isfinite(now) && now > before);
        before = now;
    }
    Experts experts = {4096, 4096, 1024, 128, 8, 1, Math::Bf16, 0, true, false};
    const double even = seconds_of(chip, experts);
    experts.ranks = 8;
    assert_true(seconds_of(chip, experts) < even);
    const double balanced = seconds_of(chip, experts);
    experts.skew = 1.2;
    assert_true(seconds_of(chip, experts) > balanced);
    assert_true(seconds_of(Chip{}, experts) == 0);
}

static Fabric nodes_of_eight() {
    Fabric fabric;
    fabric.wire = Wire::NvLink4;
    fabric.bytes_per_second = 450e9;
    fabric.island = 8;
    fabric.network_bytes_per_second = 50e9;
    return fabric;
}

static void collectives_cross_the_slower_part(void **) {
    const Fabric fabric = nodes_of_eight();
    const double gb = 1e9;
    const auto seconds = [&](Collective what, double ranks, double stride) {
        return collective_seconds(fabric, what, ranks, gb, stride);
    };
    assert_true(seconds(Collective::AllReduce, 1, 1) == 0);
    // 7/8 of a gigabyte, at most at the rate of the wire.
    assert_true(seconds(Collective::AllGather, 8, 1) > 0.875 / 450);
    assert_true(seconds(Collective::AllReduce, 8, 1) > seconds(Collective::AllGather, 8, 1));
    // One rank of each of eight islands: 2 x 7/8 GB at 40 GB/s, and four steps of 12 us.
    assert_near(seconds(Collective::AllReduce, 8, 8), 1.75 / 40 + 4 * 12e-6, 1e-6);
    assert_true(seconds(Collective::AllReduce, 64, 1) < seconds(Collective::AllReduce, 8, 8));
}

static void fabric_follows_the_links(void **) {
    core::System system;
    for (int i = 0; i < 4; ++i) {
        core::Device device =
            card("nvidia", core::MemoryKind::Hbm, {{Dtype::Bf16, tera}, {Dtype::F8E4M3, 2 * tera}});
        device.id = "gpu-" + std::to_string(i);
        device.put_attr(core::attr_text("host.name", i < 2 ? "a" : "b", core::Source::Derived));
        system.devices.push_back(device);
    }
    core::Link link;
    link.kind = core::LinkKind::Pcie;
    link.a = "gpu-0";
    link.b = "gpu-1";
    link.bytes_per_second = 28000000000;
    system.links.push_back(link);
    std::vector<const core::Device *> devices;
    for (const core::Device &device : system.devices)
        devices.push_back(&device);
    const Fabric told = fabric_of(system, devices);
    assert_true(told.wire == Wire::Pcie4 && told.bytes_per_second == 28e9 && told.island == 2);
    system.links.clear();
    const Fabric usual = fabric_of(system, devices);
    assert_true(usual.wire == Wire::NvLink4 && usual.island == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_go_by_formats_and_memory),
        cmocka_unit_test(products_take_whole_waves),
        cmocka_unit_test(small_products_read_their_weights),
        cmocka_unit_test(kernels_grow_with_their_work),
        cmocka_unit_test(collectives_cross_the_slower_part),
        cmocka_unit_test(fabric_follows_the_links),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
