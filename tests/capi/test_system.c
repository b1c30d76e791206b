/* SPDX-License-Identifier: MIT */
/* Systems and devices through the public header: growing structs, NULL, unknown values, order of
   release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <stdlib.h>
#include <string.h>

#define DOCUMENT                                                                                   \
    "{\"schema\":1,\"platform\":\"test\",\"flags\":[\"live\",\"virtual\"],\"memory_bytes\":4096,"  \
    "\"usd_per_hour\":1.5,\"devices\":["                                                           \
    "{\"id\":\"cpu-0\",\"kind\":\"cpu\",\"memory_bytes\":1000},"                                   \
    "{\"id\":\"gpu-0\",\"kind\":\"gpu\",\"parent\":\"cpu-0\",\"flags\":[\"usable\"],"              \
    "\"name\":\"G\",\"clock_hz\":2000000000,\"numa_node\":0,"                                      \
    "\"sources\":{\"name\":\"driver\",\"clock_hz\":\"table\"},"                                    \
    "\"memories\":[{\"kind\":\"hbm\",\"size_bytes\":7,\"size_source\":\"kernel\","                 \
    "\"bytes_per_second\":9,\"source\":\"measured\"}],"                                            \
    "\"compute\":{\"bf16\":{\"support\":\"native\",\"ops_per_second\":1e15,"                       \
    "\"source\":\"table\"}},"                                                                      \
    "\"runtimes\":[{\"name\":\"opencl\",\"status\":\"denied\",\"message\":\"no\"}],"               \
    "\"attrs\":{\"b\":{\"value\":2.5,\"source\":\"driver\"},"                                      \
    "\"a\":{\"value\":\"x\",\"source\":\"kernel\"}},\"backends\":[\"nvidia\",\"vulkan\"]}],"       \
    "\"links\":[{\"kind\":\"pcie\",\"a\":\"cpu-0\",\"b\":\"gpu-0\",\"bytes_per_second\":5}],"      \
    "\"backends\":[{\"name\":\"vulkan\",\"outcome\":\"crashed\",\"message\":\"it died\"}],"        \
    "\"attrs\":{\"k\":{\"value\":3,\"source\":\"kernel\"}}}"

static hwa_system_t *system_of(const char *json) {
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_system_from_json(json, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static void reads_everything_of_a_document(void **state) {
    (void)state;
    hwa_system_t *system = system_of(DOCUMENT);
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    assert_int_equal(hwa_system_info(system, &info), HWA_OK);
    assert_int_equal(info.flags, HWA_SYSTEM_VIRTUAL); /* Never live. */
    assert_int_equal(info.device_count, 2);
    assert_int_equal(info.memory_bytes, 4096);
    assert_string_equal(info.platform, "test");
    assert_null(info.catalog_name);
    assert_true(info.usd_per_hour > 1.4);

    const hwa_device_t *gpu = hwa_system_find_device(system, "gpu-0");
    assert_ptr_equal(gpu, hwa_system_device(system, 1));
    hwa_device_info_t device = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(gpu, &device), HWA_OK);
    assert_int_equal(device.kind, HWA_KIND_GPU);
    assert_ptr_equal(device.parent, hwa_system_device(system, 0));
    assert_string_equal(device.backends, "nvidia,vulkan");
    assert_int_equal(device.memory_bytes, 7);
    assert_int_equal(device.bytes_per_second, 9);
    assert_null(device.vendor);

    hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
    assert_int_equal(hwa_device_memory(gpu, 0, &memory), HWA_OK);
    assert_int_equal(memory.kind, HWA_MEMORY_HBM);
    assert_int_equal(memory.source, HWA_SOURCE_MEASURED);
    assert_int_equal(hwa_device_memory(gpu, 1, &memory), HWA_ERROR_RANGE);

    hwa_compute_info_t compute = HWA_INIT(hwa_compute_info_t);
    assert_int_equal(hwa_device_compute(gpu, HWA_DTYPE_BF16, &compute), HWA_OK);
    assert_int_equal(compute.support, HWA_SUPPORT_NATIVE);
    assert_int_equal(hwa_device_compute(gpu, HWA_DTYPE_F64, &compute), HWA_OK);
    assert_int_equal(compute.support, HWA_SUPPORT_UNKNOWN);
    assert_int_equal(hwa_device_compute(gpu, (hwa_dtype_t)12345, &compute), HWA_OK);
    assert_int_equal(compute.support, HWA_SUPPORT_UNKNOWN);
    assert_int_equal(hwa_device_compute(gpu, (hwa_dtype_t)-1, &compute), HWA_OK);
    assert_int_equal(compute.support, HWA_SUPPORT_UNKNOWN);

    hwa_runtime_info_t runtime = HWA_INIT(hwa_runtime_info_t);
    assert_int_equal(hwa_device_runtime(gpu, 0, &runtime), HWA_OK);
    assert_int_equal(runtime.status, HWA_ERROR_DENIED);
    assert_int_equal(hwa_device_runtime(gpu, 1, &runtime), HWA_ERROR_RANGE);

    hwa_link_info_t link = HWA_INIT(hwa_link_info_t);
    assert_int_equal(hwa_system_link(system, 0, &link), HWA_OK);
    assert_ptr_equal(link.b, gpu);
    assert_int_equal(hwa_system_link(system, 1, &link), HWA_ERROR_RANGE);

    hwa_backend_info_t backend = HWA_INIT(hwa_backend_info_t);
    assert_int_equal(hwa_system_backend(system, 0, &backend), HWA_OK);
    assert_int_equal(backend.outcome, HWA_OUTCOME_CRASHED);
    assert_int_equal(hwa_system_backend(system, 1, &backend), HWA_ERROR_RANGE);
    hwa_system_free(system);
}

static void attributes_and_fields_by_name(void **state) {
    (void)state;
    hwa_system_t *system = system_of(DOCUMENT);
    const hwa_device_t *gpu = hwa_system_find_device(system, "gpu-0");
    hwa_attr_t attr;
    assert_int_equal(hwa_device_attr_at(gpu, 0, &attr), HWA_OK);
    assert_string_equal(attr.key, "a");
    assert_string_equal(attr.s, "x");
    assert_int_equal(hwa_device_attr_at(gpu, 2, &attr), HWA_ERROR_RANGE);
    assert_int_equal(hwa_device_attr(gpu, "b", &attr), HWA_OK);
    assert_int_equal(attr.type, HWA_ATTR_REAL);
    assert_int_equal(attr.source, HWA_SOURCE_DRIVER);
    assert_int_equal(hwa_device_attr(gpu, "c", &attr), HWA_ERROR_NOT_FOUND);
    assert_int_equal(attr.type, HWA_ATTR_NONE);

    assert_int_equal(hwa_device_attr(gpu, "memory_bytes", &attr), HWA_OK);
    assert_int_equal(attr.i, 7);
    assert_int_equal(attr.source, HWA_SOURCE_KERNEL);
    assert_int_equal(hwa_device_attr(gpu, "clock_hz", &attr), HWA_OK);
    assert_int_equal(attr.i, 2000000000);
    assert_int_equal(attr.source, HWA_SOURCE_TABLE);
    assert_int_equal(hwa_device_attr(gpu, "name", &attr), HWA_OK);
    assert_string_equal(attr.s, "G");
    assert_int_equal(attr.source, HWA_SOURCE_DRIVER);
    assert_int_equal(hwa_device_attr(gpu, "numa_node", &attr), HWA_OK);
    assert_int_equal(attr.i, 0);
    assert_int_equal(hwa_device_attr(gpu, "vendor", &attr), HWA_ERROR_NOT_FOUND);

    static const char *const fields[] = {
        "kind",   "flags", "memory_count", "attr_count",       "runtime_count",
        "access", "id",    "parent",       "bytes_per_second", "backends",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i) {
        assert_int_equal(hwa_device_attr(gpu, fields[i], &attr), HWA_OK);
        assert_string_equal(attr.key, fields[i]);
    }
    assert_int_equal(hwa_system_attr(system, "memory_bytes", &attr), HWA_OK);
    assert_int_equal(attr.i, 4096);
    assert_int_equal(hwa_system_attr(system, "usd_per_hour", &attr), HWA_OK);
    assert_int_equal(attr.type, HWA_ATTR_REAL);
    assert_int_equal(hwa_system_attr(system, "k", &attr), HWA_OK);
    assert_int_equal(attr.i, 3);
    assert_int_equal(hwa_system_attr_at(system, 0, &attr), HWA_OK);
    assert_int_equal(hwa_system_attr_at(system, 1, &attr), HWA_ERROR_RANGE);
    assert_int_equal(hwa_system_attr(system, "catalog_name", &attr), HWA_ERROR_NOT_FOUND);
    hwa_system_free(system);
}

/* A later caller's struct: ours, and a tail we do not know. */
struct longer {
    hwa_device_info_t info;
    uint64_t tail[4];
};

static void structs_of_any_size_come_out(void **state) {
    (void)state;
    hwa_system_t *system = system_of(DOCUMENT);
    const hwa_device_t *gpu = hwa_system_device(system, 1);
    struct longer longer;
    memset(&longer, 0xee, sizeof longer);
    longer.info.struct_size = sizeof longer;
    assert_int_equal(hwa_device_info(gpu, &longer.info), HWA_OK);
    assert_int_equal(longer.info.struct_size, sizeof longer.info);
    assert_string_equal(longer.info.id, "gpu-0");
    assert_int_equal(longer.tail[0] | longer.tail[3], 0);

    hwa_device_info_t shorter;
    memset(&shorter, 0xee, sizeof shorter);
    shorter.struct_size = 8;
    assert_int_equal(hwa_device_info(gpu, &shorter), HWA_OK);
    assert_int_equal(shorter.struct_size, 8);
    assert_int_equal(shorter.kind, HWA_KIND_GPU);
    assert_int_equal(shorter.flags, 0xeeeeeeee); /* Beyond its 8 bytes nothing is written. */

    static const uint32_t bad[] = {0, 1, 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        hwa_device_info_t info = {0};
        info.struct_size = bad[i];
        assert_int_equal(hwa_device_info(gpu, &info), HWA_ERROR_INVALID);
        assert_int_equal(info.struct_size, bad[i]);
    }
    hwa_system_free(system);
}

static void null_is_refused_or_harmless(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    hwa_attr_t attr;
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    hwa_error_t error;
    assert_int_equal(hwa_system_from_json(NULL, &system, &error), HWA_ERROR_INVALID);
    assert_null(system);
    system = system_of(DOCUMENT);
    const hwa_device_t *device = hwa_system_device(system, 0);
    assert_int_equal(hwa_system_from_json("{}", NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_detect(NULL, NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_info(NULL, &info), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_info(system, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_attr(NULL, "k", &attr), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_attr(system, NULL, &attr), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_attr(system, "k", NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_attr_at(NULL, 0, &attr), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_attr_at(system, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_backend(NULL, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_backend(system, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_link(system, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_info(NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_info(device, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_memory(device, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_compute(device, HWA_DTYPE_F32, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_runtime(NULL, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_attr(device, NULL, &attr), HWA_ERROR_INVALID);
    assert_int_equal(hwa_device_attr_at(device, 0, NULL), HWA_ERROR_INVALID);
    assert_null(hwa_system_json(NULL));
    assert_null(hwa_system_device(NULL, 0));
    assert_null(hwa_system_device(system, 2));
    assert_null(hwa_system_find_device(system, NULL));
    assert_null(hwa_system_find_device(system, "gpu"));
    assert_null(hwa_system_find_device(NULL, "gpu-0"));
    hwa_system_free(NULL);
    hwa_system_free(system);
}

static void errors_name_the_place(void **state) {
    (void)state;
    hwa_system_t *system = (hwa_system_t *)&state;
    hwa_error_t error;
    assert_int_equal(hwa_system_from_json("{\"devices\":[{\"id\":1}]}", &system, &error),
                     HWA_ERROR_PARSE);
    assert_null(system);
    assert_string_equal(error.message, "json: $.devices[0].id: should be a text");
    assert_int_equal(hwa_system_from_json("{\"devices\":[", &system, &error), HWA_ERROR_PARSE);
    assert_string_equal(error.message,
                        "json: byte 12: $.devices[0]: the text ends where a value should be");
    assert_int_equal(hwa_system_from_json("", &system, NULL), HWA_ERROR_PARSE);
}

static void json_is_the_same_again_and_again(void **state) {
    (void)state;
    hwa_system_t *first = system_of(DOCUMENT);
    const char *text = hwa_system_json(first);
    assert_ptr_equal(hwa_system_json(first), text);
    hwa_system_t *second = system_of(text);
    char *copy = strdup(text);
    hwa_system_free(first); /* What was read from its text does not need it. */
    assert_string_equal(hwa_system_json(second), copy);
    free(copy);
    hwa_system_free(second);
}

static void names_of_unknown_values(void **state) {
    (void)state;
    for (int i = 0; i < 2; ++i) {
        const int32_t odd = i == 0 ? 12345 : -1;
        assert_string_equal(hwa_kind_name((hwa_kind_t)odd), "unknown");
        assert_string_equal(hwa_dtype_name((hwa_dtype_t)odd), "unknown");
        assert_string_equal(hwa_status_name((hwa_status_t)odd), "unknown status");
        assert_true(hwa_dtype_bits((hwa_dtype_t)odd) == 0);
    }
    assert_int_equal(hwa_dtype_from_name("f1"), HWA_DTYPE_UNKNOWN);
    assert_int_equal(hwa_dtype_from_name(NULL), HWA_DTYPE_UNKNOWN);
}

static int released;

static void count_release(void *user) {
    assert_ptr_equal(user, &released);
    ++released;
}

static void count_line(void *user, hwa_log_level_t level, const char *backend, const char *text) {
    (void)level;
    (void)backend;
    assert_ptr_equal(user, &released);
    assert_non_null(text);
}

static hwa_detect_options_t options_with_log(void) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    options.log_level = HWA_LOG_DEBUG;
    options.log = count_line;
    options.log_release = count_release;
    options.log_user = &released;
    released = 0;
    return options;
}

static void the_log_is_released_once(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    hwa_detect_options_t options = options_with_log();
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    assert_int_equal(released, 0);
    hwa_system_free(system);
    assert_int_equal(released, 1);

    options = options_with_log();
    assert_int_equal(hwa_detect(&options, NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(released, 1);

    options = options_with_log();
    options.log = NULL;
    options.sysroot = "/no/such/tree";
    assert_int_not_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    assert_null(system);
    assert_int_equal(released, 1);
}

static void options_out_of_bounds_are_refused(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    hwa_error_t error;
    hwa_detect_options_t options = options_with_log();
    options.flags = 1u << 31;
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "0x80000000"));
    assert_int_equal(released, 1);

    options = options_with_log();
    options.log_level = (hwa_log_level_t)9;
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_ERROR_INVALID);
    assert_non_null(strstr(error.message, "log_level"));
    options.log_level = (hwa_log_level_t)-1;
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_ERROR_INVALID);
    assert_int_equal(released, 2);

    options = options_with_log();
    options.backends = "cpu, -nosuch";
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "\"nosuch\""));
    assert_int_equal(released, 1);

    struct {
        hwa_detect_options_t options;
        uint64_t tail;
    } later = {options_with_log(), 0};
    later.options.struct_size = sizeof later;
    assert_int_equal(hwa_detect(&later.options, &system, &error), HWA_OK);
    hwa_system_free(system);
    assert_int_equal(released, 1);
    later.tail = 1;
    assert_int_equal(hwa_detect(&later.options, &system, &error), HWA_ERROR_UNSUPPORTED);
    later.options.struct_size = 0;
    assert_int_equal(hwa_detect(&later.options, &system, &error), HWA_ERROR_INVALID);
    assert_non_null(strstr(error.message, "HWA_INIT"));
    later.options.struct_size = 8; /* An earlier caller: flags only. */
    assert_int_equal(hwa_detect(&later.options, &system, &error), HWA_OK);
    hwa_system_free(system);
}

static const char *text_attr(const hwa_device_t *device, const char *key) {
    hwa_attr_t attr;
    return hwa_device_attr(device, key, &attr) == HWA_OK ? attr.s : NULL;
}

#define PORT(index, kind, rate, state)                                                             \
    "\"network." index ".kind\":{\"value\":\"" kind "\"},"                                         \
    "\"network." index ".bytes_per_second\":{\"value\":" rate "},"                                 \
    "\"network." index ".state\":{\"value\":\"" state "\"}"
#define NODE(name, attrs)                                                                          \
    "{\"schema\":1,\"memory_bytes\":10,\"numa_count\":2,\"usd_per_hour\":1.5,"                     \
    "\"devices\":[{\"id\":\"gpu-0\",\"kind\":\"gpu\",\"parent\":\"cpu-0\",\"memories\":[]},"       \
    "{\"id\":\"cpu-0\",\"kind\":\"cpu\",\"memories\":[]}],"                                        \
    "\"links\":[{\"a\":\"cpu-0\",\"b\":\"gpu-0\",\"kind\":\"pcie\",\"bytes_per_second\":5}],"      \
    "\"attrs\":{\"host.name\":{\"value\":\"" name "\"}" attrs "}}"

static void joins_machines(void **state) {
    (void)state;
    hwa_system_t *parts[] = {
        system_of(
            NODE("b", "," PORT("0", "infiniband", "50", "up") "," PORT(
                          "1", "infiniband", "50", "down") "," PORT("2", "ethernet", "7", "up"))),
        system_of(NODE("a", "," PORT("0", "ethernet", "7", "up"))),
        system_of(NODE("b", "")),
        system_of(NODE("", "")),
    };
    hwa_system_t *joined = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_system_join((const hwa_system_t *const *)parts, 4, &joined, &error),
                     HWA_OK);
    for (int i = 0; i < 4; ++i)
        hwa_system_free(parts[i]); /* The join keeps what it needs. */
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    assert_int_equal(hwa_system_info(joined, &info), HWA_OK);
    assert_int_equal(info.device_count, 8);
    assert_int_equal(info.link_count, 4);
    assert_int_equal(info.memory_bytes, 40);
    assert_int_equal(info.numa_count, 8);
    assert_true(info.usd_per_hour == 6);
    static const char *const ids[] = {"a/gpu-0", "b-2/gpu-0", "b/gpu-0", "node-3/gpu-0"};
    for (uint32_t i = 0; i < 4; ++i) {
        hwa_device_info_t device = HWA_INIT(hwa_device_info_t);
        assert_int_equal(hwa_device_info(hwa_system_device(joined, i), &device), HWA_OK);
        assert_string_equal(device.id, ids[i]);
        const size_t name = strlen(ids[i]) - strlen("/gpu-0");
        assert_memory_equal(text_attr(hwa_system_device(joined, i), "host.name"), ids[i], name);
        assert_non_null(device.parent);
    }
    hwa_attr_t rate;
    const hwa_device_t *b = hwa_system_find_device(joined, "b/gpu-0");
    assert_int_equal(hwa_device_attr(b, "host.network_bytes_per_second", &rate), HWA_OK);
    assert_int_equal(rate.i, 50); /* Ethernet does not count beside InfiniBand. */
    const hwa_device_t *a = hwa_system_find_device(joined, "a/gpu-0");
    assert_int_equal(hwa_device_attr(a, "host.network_bytes_per_second", &rate), HWA_OK);
    assert_int_equal(rate.i, 7);

    /* A join is a system like others: it can be written, read and joined again. */
    hwa_system_t *again = system_of(hwa_system_json(joined));
    const hwa_system_t *both[] = {joined, again};
    hwa_system_t *twice = NULL;
    assert_int_equal(hwa_system_join(both, 2, &twice, &error), HWA_OK);
    assert_string_equal(text_attr(hwa_system_find_device(twice, "node-1/b/cpu-0"), "host.name"),
                        "node-1/b");
    hwa_system_free(twice);
    hwa_system_free(again);
    hwa_system_free(joined);
}

static void joins_nothing(void **state) {
    (void)state;
    hwa_system_t *one = system_of(NODE("a", ""));
    const hwa_system_t *parts[] = {one, NULL};
    hwa_system_t *joined = one;
    hwa_error_t error = {0};
    assert_int_equal(hwa_system_join(parts, 2, &joined, &error), HWA_ERROR_INVALID);
    assert_null(joined);
    assert_string_equal(error.message, "systems[1] is NULL");
    assert_int_equal(hwa_system_join(parts, 0, &joined, &error), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_join(NULL, 2, &joined, &error), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_join(parts, 1, NULL, &error), HWA_ERROR_INVALID);
    hwa_system_free(one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything_of_a_document),
        cmocka_unit_test(joins_machines),
        cmocka_unit_test(joins_nothing),
        cmocka_unit_test(attributes_and_fields_by_name),
        cmocka_unit_test(structs_of_any_size_come_out),
        cmocka_unit_test(null_is_refused_or_harmless),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(json_is_the_same_again_and_again),
        cmocka_unit_test(names_of_unknown_values),
        cmocka_unit_test(the_log_is_released_once),
        cmocka_unit_test(options_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
