// SPDX-License-Identifier: MIT
// detect/merge: one physical device is one device, and two are two, whatever interfaces show them.
#include "check.h"

#include "detect/merge.h"

#include <string>

using namespace hwa;
using core::Device;
using core::Kind;
using core::MemoryRole;
using core::Source;
using core::System;

static constexpr uint64_t gib = uint64_t{1} << 30;

/// A GPU as the kernel tier sees it.
static Device on_bus(const char *id) {
    Device device;
    device.id = id;
    device.kind = Kind::Gpu;
    device.name.offer("AD102 [GeForce RTX 4090]", Source::Table);
    device.vendor.offer("nvidia", Source::Kernel);
    device.pci_vendor.offer(0x10de, Source::Kernel);
    device.pci_device.offer(0x2684, Source::Kernel);
    device.access = base::Status::Denied;
    device.backends = {"pci"};
    return device;
}

/// The same as a driver sees it.
static Device shown(const char *id, const char *uuid, uint64_t bytes) {
    Device device;
    device.id = id;
    device.kind = Kind::Gpu;
    device.flags = core::DeviceUsable;
    device.uuid = uuid;
    device.name.offer("NVIDIA GeForce RTX 4090", Source::Driver);
    device.pci_vendor.offer(0x10de, Source::Driver);
    device.pci_device.offer(0x2684, Source::Driver);
    core::Memory memory;
    memory.role = MemoryRole::Dedicated;
    memory.size_bytes.offer(bytes, Source::Driver);
    device.memories.push_back(memory);
    return device;
}

static System with_cpu() {
    System system;
    Device cpu;
    cpu.id = "cpu-0";
    cpu.kind = Kind::Cpu;
    system.devices.push_back(cpu);
    return system;
}

static void three_witnesses_one_device(void **) {
    System system = with_cpu();
    system.devices.push_back(on_bus("pci-0000:c1:00.0"));
    detect::merge(system, "vulkan", {shown("pci-0000:c1:00.0", "aa", 24 * gib)});
    Device cl = shown("pci-0000:c1:00.0", "aa", 23 * gib);
    cl.compute_units.offer(128, Source::Driver);
    cl.runtimes.push_back({"opencl", base::Status::Ok, 2, 256, "0:0", "", ""});
    detect::merge(system, "opencl", {cl});
    assert_int_equal(system.devices.size(), 2);
    const Device &gpu = system.devices[1];
    assert_int_equal(gpu.backends.size(), 3);
    assert_string_equal(gpu.backends[2].c_str(), "opencl");
    assert_string_equal(gpu.name.value.c_str(), "NVIDIA GeForce RTX 4090");
    assert_string_equal(gpu.vendor.value.c_str(), "nvidia");
    assert_string_equal(gpu.find_attr("table.name")->s.c_str(), "AD102 [GeForce RTX 4090]");
    assert_true(gpu.memory_bytes() == 24 * gib);
    assert_true(gpu.find_attr("opencl.memory_bytes")->i == static_cast<int64_t>(23 * gib));
    assert_int_equal(gpu.compute_units.value, 128);
    assert_int_equal(gpu.runtimes.size(), 1);
    assert_true(gpu.access == base::Status::Ok);
    assert_true((gpu.flags & core::DeviceUsable) != 0);
}

static void twins_by_address(void **) {
    System system;
    system.devices = {on_bus("pci-0000:01:00.0"), on_bus("pci-0000:02:00.0")};
    detect::merge(
        system, "vulkan",
        {shown("pci-0000:02:00.0", "bb", 2 * gib), shown("pci-0000:01:00.0", "aa", 1 * gib)});
    detect::merge(system, "opencl",
                  {shown("pci-0000:01:00.0", "", 1 * gib), shown("pci-0000:02:00.0", "", 2 * gib)});
    assert_int_equal(system.devices.size(), 2);
    assert_true(system.devices[0].memory_bytes() == 1 * gib);
    assert_true(system.devices[1].memory_bytes() == 2 * gib);
    assert_null(system.devices[0].find_attr("opencl.memory_bytes"));
}

static void twins_without_address_stay_apart(void **) {
    System system;
    detect::merge(system, "vulkan", {shown("vulkan-0", "", gib), shown("vulkan-1", "", gib)});
    detect::merge(system, "opencl", {shown("opencl-0", "", gib), shown("opencl-1", "", gib)});
    assert_int_equal(system.devices.size(), 4);
}

static void equal_uuids_at_two_addresses_stay_apart(void **) {
    System system;
    detect::merge(system, "vulkan", {shown("pci-0000:01:00.0", "aa", gib)});
    detect::merge(system, "opencl", {shown("pci-0000:02:00.0", "aa", gib)});
    assert_int_equal(system.devices.size(), 2);
}

static void one_uuid_for_all_names_nobody(void **) {
    System system;
    Device a = shown("uuid-aa", "aa", gib);
    Device b = shown("uuid-aa", "aa", 2 * gib);
    detect::merge(system, "vulkan", {a, b});
    assert_int_equal(system.devices.size(), 2);
    assert_string_not_equal(system.devices[0].id.c_str(), system.devices[1].id.c_str());
    detect::merge(system, "opencl", {a, b});
    assert_int_equal(system.devices.size(), 4);
}

static void uuid_joins_and_the_address_names(void **) {
    System system;
    Device no_address = shown("uuid-aa", "aa", gib);
    no_address.name.value = "another name";
    detect::merge(system, "vulkan", {no_address});
    detect::merge(system, "opencl", {shown("pci-0000:01:00.0", "aa", gib)});
    assert_int_equal(system.devices.size(), 1);
    assert_string_equal(system.devices[0].id.c_str(), "pci-0000:01:00.0");
    assert_string_equal(system.devices[0].find_attr("opencl.name")->s.c_str(),
                        "NVIDIA GeForce RTX 4090");
}

static void a_render_node_joins_what_has_no_address(void **) {
    core::System system;
    for (const char *node : {"/dev/dri/renderD128", "/dev/dri/renderD129"}) {
        core::Device device;
        device.id = std::string("platform-") + node;
        device.kind = core::Kind::Gpu;
        device.put_attr(core::attr_text("device.node", node, core::Source::Kernel));
        system.devices.push_back(device);
    }
    core::Device told = shown("vulkan-0", "", gib);
    told.put_attr(core::attr_text("vulkan.render_node", "226:129", core::Source::Driver));
    detect::merge(system, "vulkan", {told});
    assert_int_equal(system.devices.size(), 2);
    assert_string_equal(system.devices[1].id.c_str(), "platform-/dev/dri/renderD129");
    assert_string_equal(system.devices[1].backends[0].c_str(), "vulkan");
    assert_true(system.devices[0].backends.empty());
    // A node that nobody has, one of no render node's number, and one that two engines share.
    for (const char *node : {"226:130", "234:129", "226:128"}) {
        core::System others = system;
        others.devices[1] = others.devices[0];
        core::Device stranger = shown("vulkan-1", "", gib);
        stranger.put_attr(core::attr_text("vulkan.render_node", node, core::Source::Driver));
        detect::merge(others, "vulkan", {stranger});
        assert_int_equal(others.devices.size(), 3);
    }
}

/// The chip of a Jetson as the device tree has it.
static Device on_chip(const char *id) {
    Device device;
    device.id = id;
    device.kind = Kind::Gpu;
    device.name.offer("NVIDIA Orin (GA10B)", Source::Table);
    device.vendor.offer("nvidia", Source::Table);
    device.backends = {"nvidia"};
    return device;
}

static void the_only_chip_of_a_maker(void **) {
    Device told = shown("cuda-0", "", gib);
    told.pci_device = {};
    told.vendor.offer("nvidia", Source::Driver);
    Device engine = on_chip("platform-15880000.nvdla0");
    engine.kind = Kind::Npu;
    System one;
    one.devices = {on_chip("platform-17000000.gpu"), engine};
    detect::merge(one, "nvml", {told});
    detect::merge(one, "cuda", {told});
    assert_int_equal(one.devices.size(), 2);
    assert_string_equal(one.devices[0].id.c_str(), "platform-17000000.gpu");
    assert_int_equal(one.devices[0].backends.size(), 3);
    // Two on either side, a card on the bus, another maker, a part of a device.
    System two;
    two.devices = {on_chip("platform-17000000.gpu"), on_chip("platform-18000000.gpu")};
    detect::merge(two, "cuda", {told});
    assert_int_equal(two.devices.size(), 3);
    Device twin = told;
    twin.id = "cuda-1";
    Device card = shown("pci-0000:01:00.0", "", gib);
    card.vendor.offer("nvidia", Source::Driver);
    Device other = told;
    other.vendor.value = "amd";
    Device part = told;
    part.parent = "pci-0000:01:00.0";
    for (const std::vector<Device> &strangers :
         {std::vector<Device>{told, twin}, {card}, {other}, {part}}) {
        System system;
        system.devices = {on_chip("platform-17000000.gpu")};
        detect::merge(system, "cuda", strangers);
        assert_int_equal(system.devices.size(), 1 + strangers.size());
    }
}

static void a_lone_model_is_recognised(void **) {
    System system;
    system.devices = {on_bus("pci-0000:01:00.0")};
    detect::merge(system, "vulkan", {shown("vulkan-0", "", gib)});
    assert_int_equal(system.devices.size(), 1);
    Device other = shown("opencl-0", "", gib);
    other.pci_device.value = 0x2704;
    detect::merge(system, "opencl", {other});
    assert_int_equal(system.devices.size(), 2);
}

static void two_drivers_of_one_backend(void **) {
    System system;
    Device first = shown("pci-0000:01:00.0", "aa", gib);
    Device second = shown("pci-0000:01:00.0", "bb", gib);
    first.runtimes.push_back({"opencl", base::Status::Ok, 2, 256, "0:0", "", ""});
    second.runtimes.push_back({"opencl", base::Status::Ok, 2, 256, "1:0", "", ""});
    detect::merge(system, "opencl", {first, second});
    assert_int_equal(system.devices.size(), 1);
    assert_int_equal(system.devices[0].runtimes.size(), 2);
    assert_int_equal(system.devices[0].backends.size(), 1);
}

static void software_hangs_below_the_processor(void **) {
    System system = with_cpu();
    for (const char *backend : {"vulkan", "opencl"}) {
        Device device = shown((std::string("sw-") + backend + "-0").c_str(), "", 0);
        device.kind = Kind::Cpu;
        device.flags |= core::DeviceSoftware;
        detect::merge(system, backend, {device});
    }
    assert_int_equal(system.devices.size(), 3);
    assert_string_equal(system.devices[1].parent.c_str(), "cpu-0");
    assert_string_equal(system.devices[2].parent.c_str(), "cpu-0");
}

static void support_adds_up_and_rates_stay(void **) {
    System system;
    Device known = on_bus("pci-0000:01:00.0");
    known.put_compute({core::Dtype::F16, core::Support::Storage, 1e12, 0, Source::Table});
    system.devices = {known};
    Device told = shown("pci-0000:01:00.0", "", gib);
    told.put_compute({core::Dtype::F16, core::Support::Native, 0, 0, Source::Driver});
    told.put_compute({core::Dtype::F64, core::Support::Native, 0, 0, Source::Driver});
    detect::merge(system, "vulkan", {told});
    const core::Compute *f16 = system.devices[0].find_compute(core::Dtype::F16);
    assert_true(f16->support == core::Support::Native && f16->ops_per_second == 1e12);
    assert_non_null(system.devices[0].find_compute(core::Dtype::F64));
}

/// NVML tells where a part is and its UUID; CUDA tells of a part no more than the UUID.
/// A container may be given one part of a card; functions of a card are found before parts.
static void a_part_by_the_bits_of_the_function(void **) {
    System system = with_cpu();
    system.devices.push_back(on_bus("pci-0000:05:00.0"));
    system.devices.push_back(on_bus("pci-0000:05:00.0-xcp3"));
    system.devices.push_back(on_bus("pci-0000:05:00.0-xcp4"));
    system.devices.push_back(on_bus("pci-0000:05:00.4"));
    detect::merge(system, "hsa", {shown("pci-0000:05:00.3", "", gib)});
    detect::merge(system, "hsa", {shown("pci-0000:05:00.4", "", gib)});
    assert_int_equal(system.devices.size(), 5);
    const auto heard = [&](size_t at) { return system.devices[at].backends.size() == 2; };
    assert_true(!heard(1) && heard(2) && !heard(3) && heard(4));
    assert_string_equal(system.devices[2].id.c_str(), "pci-0000:05:00.0-xcp3");
}

static void a_part_is_one_to_all_witnesses(void **) {
    System system;
    system.devices = {on_bus("pci-0000:83:00.0"), on_bus("pci-0000:83:00.0-gi2-ci0"),
                      on_bus("pci-0000:83:00.0-gi2-ci1")};
    for (const size_t i : {size_t{1}, size_t{2}}) {
        system.devices[i].flags = core::DevicePartition;
        system.devices[i].parent = "pci-0000:83:00.0";
    }
    const auto part = [](const char *id, const char *uuid, uint64_t bandwidth) {
        Device device = shown(id, uuid, 70 * gib);
        device.flags |= core::DevicePartition;
        device.memories[0].bytes_per_second.offer(bandwidth, Source::Derived);
        return device;
    };
    detect::merge(system, "nvml",
                  {shown("pci-0000:83:00.0", "aa", 140 * gib),
                   part("pci-0000:83:00.0-gi2-ci0", "bb", 1000),
                   part("pci-0000:83:00.0-gi2-ci1", "cc", 1000)});
    detect::merge(system, "cuda", {part("uuid-cc", "cc", 2000), part("uuid-bb", "bb", 2000)});
    assert_int_equal(system.devices.size(), 3);
    for (const size_t i : {size_t{1}, size_t{2}}) {
        assert_int_equal(system.devices[i].backends.size(), 3);
        assert_int_equal(system.devices[i].memories.size(), 1);
        assert_int_equal(system.devices[i].bytes_per_second(), 1000);
        assert_string_equal(system.devices[i].parent.c_str(), "pci-0000:83:00.0");
    }
    assert_string_equal(system.devices[2].id.c_str(), "pci-0000:83:00.0-gi2-ci1");
    assert_string_equal(system.devices[2].uuid.c_str(), "cc");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(three_witnesses_one_device),
        cmocka_unit_test(twins_by_address),
        cmocka_unit_test(twins_without_address_stay_apart),
        cmocka_unit_test(equal_uuids_at_two_addresses_stay_apart),
        cmocka_unit_test(one_uuid_for_all_names_nobody),
        cmocka_unit_test(uuid_joins_and_the_address_names),
        cmocka_unit_test(a_render_node_joins_what_has_no_address),
        cmocka_unit_test(the_only_chip_of_a_maker),
        cmocka_unit_test(a_lone_model_is_recognised),
        cmocka_unit_test(two_drivers_of_one_backend),
        cmocka_unit_test(software_hangs_below_the_processor),
        cmocka_unit_test(support_adds_up_and_rates_stay),
        cmocka_unit_test(a_part_by_the_bits_of_the_function),
        cmocka_unit_test(a_part_is_one_to_all_witnesses),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
