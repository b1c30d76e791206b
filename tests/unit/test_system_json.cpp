// SPDX-License-Identifier: MIT
// core/system_json: what is written reads back as the same text, and what does not hang together
// is refused with its place.
#include "check.h"

#include "core/system_json.h"

#include <cstring>
#include <limits>

using namespace hwa;
using namespace hwa::core;

static Device processor() {
    Device cpu;
    cpu.id = "cpu-0";
    cpu.kind = Kind::Cpu;
    cpu.flags = DeviceUsable;
    cpu.name.offer("Some \"Processor\" \xc2\xb5", Source::Kernel);
    cpu.vendor.offer("some", Source::Kernel);
    cpu.architecture.offer("zen4", Source::Table);
    cpu.driver.offer("amd-pstate", Source::Kernel);
    cpu.numa_node.offer(0, Source::Kernel);
    cpu.pci_vendor.offer(0x1022, Source::Kernel);
    cpu.pci_device.offer(0x1, Source::Kernel);
    cpu.compute_units.offer(16, Source::Driver);
    cpu.power_limit_mw.offer(170000, Source::Measured);
    cpu.clock_hz.offer(5700000000, Source::Derived);
    cpu.uuid = "00112233445566778899aabbccddeeff";
    cpu.memories.emplace_back();
    cpu.memories[0].kind = MemoryKind::Ddr;
    cpu.memories[0].role = MemoryRole::Unified;
    cpu.memories[0].size_bytes.offer(uint64_t{64} << 30, Source::Kernel);
    cpu.memories[0].usable_bytes = uint64_t{60} << 30;
    cpu.memories[0].bytes_per_second.offer(83200000000, Source::Derived);
    cpu.memories[0].bus_bits = 128;
    cpu.memories[0].name = "DDR5-5200";
    cpu.put_compute({Dtype::I8, Support::Native, 2e12, 4e12, Source::Derived});
    cpu.put_compute({Dtype::F32, Support::Native, 1.5e12, 0, Source::Derived});
    cpu.runtimes.push_back({"cpu", base::Status::Ok, BackendRunsKernels, 2, "0", "1", "fine",
                            "Some CPU", "ffeeddccbbaa99887766554433221100"});
    cpu.put_attr(attr_int("cores", 16, Source::Kernel));
    cpu.put_attr(attr_real("volts", 2, Source::Measured));
    cpu.put_attr(attr_text("isa", "avx2,avx512f", Source::Kernel));
    cpu.backends = {"cpu", "opencl"};
    return cpu;
}

static System machine() {
    System system;
    system.flags = SystemContained | SystemVirtual;
    system.platform = "linux 6.1.0 x86_64";
    system.memory_bytes = uint64_t{64} << 30;
    system.numa_count = 1;
    system.usd_per_hour = 2.49;
    system.catalog_name = "some-machine";
    Device part;
    part.id = "sw-0";
    part.parent = "cpu-0";
    part.kind = Kind::Cpu;
    part.flags = DeviceSoftware;
    part.access = base::Status::Denied;
    part.access_message = "add yourself to the group render";
    system.devices = {processor(), part};
    system.links.push_back({LinkKind::Pcie, "cpu-0", "sw-0", 64000000000, 900, LinkCoherent,
                            "pcie5 x16", Source::Kernel});
    system.backends.push_back({"vulkan", Outcome::Crashed, BackendDetects, 0, 1234567, "1.3",
                               "/usr/lib/libvulkan.so.1", "vkCreateInstance", "it died"});
    system.put_attr(attr_int("cgroup.memory_max", 1 << 30, Source::Kernel));
    system.notes = {"A note."};
    return system;
}

static System read_back(const std::string &text) {
    base::Result<System> system = system_from_json("system", text);
    if (!system)
        fail_msg("%s", system.error().message.c_str());
    return std::move(*system);
}

static void our_own_text_reads_back_as_itself(void **) {
    const std::string text = system_to_json(machine());
    const System again = read_back(text);
    assert_string_equal(system_to_json(again).c_str(), text.c_str());
    assert_string_equal(system_to_json(read_back(system_to_json({}))).c_str(),
                        system_to_json({}).c_str());
    const Device &cpu = again.devices[0];
    assert_true(cpu.name.source == Source::Kernel);
    assert_true(cpu.find_attr("volts")->type == AttrType::Real);
    assert_true(cpu.find_attr("cores")->type == AttrType::Int);
    assert_true(cpu.find_compute(Dtype::F32)->ops_per_second == 1.5e12);
    assert_int_equal(cpu.memory_bytes(), uint64_t{64} << 30);
    assert_true(again.devices[1].access == base::Status::Denied);
    assert_true(again.backends[0].outcome == Outcome::Crashed);
}

static void what_is_unknown_is_null(void **) {
    Device device;
    device.id = "x";
    const std::string text = device_to_json(device);
    assert_non_null(std::strstr(text.c_str(), "\"name\":null"));
    assert_non_null(std::strstr(text.c_str(), "\"numa_node\":null"));
    assert_non_null(std::strstr(text.c_str(), "\"clock_hz\":null"));
    assert_null(std::strchr(text.c_str(), '\n'));
    device.numa_node.offer(0, Source::Kernel);
    assert_non_null(std::strstr(device_to_json(device).c_str(), "\"numa_node\":0"));
}

static void a_device_needs_id_kind_and_memory_only(void **) {
    const System system = read_back(R"({"devices":[{"id":"g","kind":"gpu","memory_bytes":1000}]})");
    assert_int_equal(system.devices[0].memory_bytes(), 1000);
    assert_true(system.devices[0].kind == Kind::Gpu);
    assert_int_equal(system.devices[0].numa_node.value, -1);
}

static void a_document_is_never_live(void **) {
    assert_int_equal(read_back(R"({"flags":["live","virtual"],"devices":[]})").flags,
                     SystemVirtual);
}

static void what_is_newer_is_passed_over(void **) {
    const System system = read_back(R"({"schema":7,"weather":{"wet":[1,2]},"flags":["flying"],
        "devices":[{"id":"q","kind":"quantum","memories":[{"kind":"foam"}],"compute":{"f1":{}},
                    "access":"haunted","smell":1}]})");
    assert_true(system.devices[0].kind == Kind::Unknown);
    assert_true(system.devices[0].memories[0].kind == MemoryKind::Unknown);
    assert_true(system.devices[0].access == base::Status::Internal);
    assert_int_equal(system.notes.size(), 1);
    assert_non_null(std::strstr(system.notes[0].c_str(), "schema 7"));
}

#define DEVICE(id, rest) "{\"id\":\"" id "\",\"kind\":\"gpu\",\"memory_bytes\":1" rest "}"

static void says_where_a_document_is_wrong(void **) {
    struct Row {
        const char *text;
        const char *says;
    };
    const Row rows[] = {
        {"{}", "system: $: \"devices\" is missing"},
        {"[]", "system: $: should be an object"},
        {R"({"devices":{}})", "system: $.devices: should be an array"},
        {R"({"devices":[7]})", "system: $.devices[0]: should be an object"},
        {R"({"devices":[{"kind":"gpu","memory_bytes":1}]})", "$.devices[0]: \"id\" is missing"},
        {R"({"devices":[{"id":"","kind":"gpu","memory_bytes":1}]})", "$.devices[0].id"},
        {R"({"devices":[{"id":"a","memory_bytes":1}]})", "\"kind\" is missing"},
        {R"({"devices":[{"id":"a","kind":"gpu"}]})", "\"memories\" is missing"},
        {R"({"devices":[{"id":"a","kind":3,"memory_bytes":1}]})", "$.devices[0].kind"},
        {R"({"devices":[{"id":"a","kind":"gpu","memory_bytes":"1"}]})", "memory_bytes"},
        {R"({"devices":[{"id":"a","kind":"gpu","memory_bytes":-1}]})", "0 or more"},
        {R"({"devices":[{"id":"a","kind":"gpu","memory_bytes":1.5}]})", "whole number"},
        {R"({"devices":[{"id":"a","kind":"gpu","memories":[3]}]})", "$.devices[0].memories[0]"},
        {"{\"devices\":[" DEVICE("a", "") "," DEVICE("a", "") "]}", "$.devices[1]: a second"},
        {"{\"devices\":[" DEVICE("a", ",\"parent\":\"b\"") "]}", "parent \"b\" is no device"},
        {"{\"devices\":[" DEVICE("a", ",\"parent\":\"a\"") "]}", "ancestor of itself"},
        {"{\"devices\":[" DEVICE("a", ",\"parent\":\"b\"") "," DEVICE("b",
                                                                      ",\"parent\":\"a\"") "]}",
         "ancestor of itself"},
        {"{\"devices\":[" DEVICE("a", ",\"flags\":[1]") "]}", "$.devices[0].flags[0]"},
        {"{\"devices\":[" DEVICE("a", ",\"flags\":\"usable\"") "]}", "should be an array"},
        {"{\"devices\":[" DEVICE("a", ",\"pci_vendor\":4294967296") "]}", "beyond 2^32 - 1"},
        {"{\"devices\":[" DEVICE("a", ",\"numa_node\":-2") "]}", "no memory node"},
        {"{\"devices\":[" DEVICE("a", ",\"compute\":{\"f32\":{\"ops_per_second\":-1}}") "]}",
         "$.devices[0].compute.f32.ops_per_second"},
        {"{\"devices\":[" DEVICE("a", ",\"compute\":{\"f32\":1}") "]}", "compute.f32"},
        {"{\"devices\":[" DEVICE("a", ",\"sources\":[]") "]}", "$.devices[0].sources"},
        {"{\"devices\":[" DEVICE("a", ",\"sources\":{\"name\":1},\"name\":\"x\"") "]}",
         "$.devices[0].sources.name"},
        {"{\"devices\":[" DEVICE("a", ",\"attrs\":{\"k\":1}") "]}", "$.devices[0].attrs.k"},
        {"{\"devices\":[" DEVICE("a", ",\"attrs\":{\"k\":{\"value\":[]}}") "]}", "attrs.k.value"},
        {"{\"devices\":[" DEVICE("a", ",\"runtimes\":[{}]") "]}", "runtimes[0]: \"name\""},
        {"{\"devices\":[" DEVICE("a", "") "],\"links\":[{\"a\":\"a\"}]}", "\"b\" is missing"},
        {"{\"devices\":[" DEVICE("a", "") "],\"links\":[{\"a\":\"a\",\"b\":\"c\"}]}",
         "$.links[0]: its end \"c\""},
        {R"({"devices":[],"schema":"1"})", "$.schema"},
        {R"({"devices":[],"schema":0})", "schema 0"},
        {R"({"devices":[],"notes":[1]})", "$.notes[0]"},
        {R"({"devices":[],"backends":[{}]})", "$.backends[0]"},
        {R"({"devices":[],"usd_per_hour":-1})", "$.usd_per_hour"},
        {R"({"devices":[],"devices":[]})", "the key is there twice"},
        {R"({"devices":[)", "byte 12"},
    };
    for (const Row &row : rows) {
        const base::Result<System> system = system_from_json("system", row.text);
        if (system)
            fail_msg("accepted: %s", row.text);
        assert_true(system.error().status == base::Status::Parse);
        if (std::strstr(system.error().message.c_str(), row.says) == nullptr)
            fail_msg("%s: %s", row.text, system.error().message.c_str());
    }
}

static void numbers_and_texts_keep_within_what_documents_can_hold(void **) {
    System system = machine();
    Device &cpu = system.devices[0];
    cpu.clock_hz.value = std::numeric_limits<uint64_t>::max();
    cpu.compute[0].ops_per_second = 1e22;
    cpu.put_attr(attr_real("broken", std::numeric_limits<double>::quiet_NaN(), Source::Driver));
    const System once = read_back(system_to_json(system));
    assert_int_equal(once.devices[0].clock_hz.value, (uint64_t{1} << 53) - 1);
    assert_true(once.devices[0].compute[0].ops_per_second == 1e22);
    assert_null(once.devices[0].find_attr("broken"));
    cpu.name.value = "evil\x1b[31m\xff";
    assert_string_equal(read_back(system_to_json(system)).devices[0].name.value.c_str(),
                        "evil?[31m\xef\xbf\xbd");
}

/// `count` times `row`, with a comma between any two.
static std::string rows(size_t count, const std::string &row) {
    std::string text;
    for (size_t i = 0; i < count; ++i)
        text += (i == 0 ? "" : ",") + row;
    return text;
}

static std::string chain(int count) {
    std::string text = "{\"devices\":[";
    for (int i = 0; i < count; ++i) {
        const std::string id = std::to_string(i);
        text += (i == 0 ? "" : ",") + std::string("{\"id\":\"") + id +
                "\",\"kind\":\"gpu\",\"memory_bytes\":1";
        text += i == 0 ? "}" : ",\"parent\":\"" + std::to_string(i - 1) + "\"}";
    }
    return text + "]}";
}

/// Lists that a few bytes each make long, and that would be many times as long when written.
static void lists_are_bounded(void **) {
    assert_int_equal(read_back(chain(18432)).devices.size(), 18432);
    const std::string one = R"({"devices":[{"id":"a","kind":"gpu","memories":[{}]},)"
                            R"({"id":"b","kind":"gpu","memories":[)";
    const struct {
        std::string text;
        const char *message;
    } table[] = {
        {chain(18433), "doc: $: has 18433 devices, more than the 18432 allowed"},
        {one + rows(65536, "{}") + "]}]}",
         "doc: $.devices[1]: more than 65536 memories and runtimes up to here"},
        {one + "],\"runtimes\":[" + rows(65536, R"({"name":"a"})") + "]}]}",
         "doc: $.devices[1]: more than 65536 memories and runtimes up to here"},
        {R"({"devices":[],"backends":[)" + rows(65537, R"({"name":"a"})") + "]}",
         "doc: $: has 65537 backends, more than the 65536 allowed"},
    };
    assert_int_equal(read_back(one + rows(65535, "{}") + "]}]}").devices.size(), 2);
    for (const auto &[text, message] : table) {
        const auto system = system_from_json("doc", text);
        assert_false(bool(system));
        assert_string_equal(system.error().message.c_str(), message);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(our_own_text_reads_back_as_itself),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(a_device_needs_id_kind_and_memory_only),
        cmocka_unit_test(a_document_is_never_live),
        cmocka_unit_test(what_is_newer_is_passed_over),
        cmocka_unit_test(says_where_a_document_is_wrong),
        cmocka_unit_test(numbers_and_texts_keep_within_what_documents_can_hold),
        cmocka_unit_test(lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
