// SPDX-License-Identifier: MIT
// detect/surroundings, storage and network: who is told from whom, and what is left unsaid.
#include "check.h"

#include "detect/network.h"
#include "detect/storage.h"
#include "detect/surroundings.h"
#include "map_host.h"

using namespace hwa;
using test::MapHost;

static std::string text_of(const core::System &system, const char *key) {
    const core::Attr *attr = core::find_attr(system.attrs, key);
    return attr == nullptr ? "" : attr->s;
}

static void clouds_are_known_by_their_firmware(void **) {
    static constexpr struct {
        const char *vendor, *product, *tag, *provider, *instance;
    } rows[] = {
        {"Amazon EC2", "p5.48xlarge", "", "aws", "p5.48xlarge"},
        {"Amazon EC2", "HVM domU", "", "aws", ""},
        {"Google", "Google Compute Engine", "", "gcp", ""},
        {"Microsoft Corporation", "Virtual Machine", "7783-7084-3265-9085-8269-3286-77", "azure",
         ""},
        {"Microsoft Corporation", "Virtual Machine", "", "", ""}, // Hyper-V at home
        {"QEMU", "Standard PC", "OracleCloud.com", "oracle", ""},
        {"QEMU", "Standard PC", "", "", ""},
        {"Dell Inc.", "p5.48xlarge", "", "", ""},
    };
    for (const auto &row : rows) {
        MapHost host;
        host.files["/sys/class/dmi/id/sys_vendor"] = std::string(row.vendor) + '\n';
        host.files["/sys/class/dmi/id/product_name"] = std::string(row.product) + '\n';
        host.files["/sys/class/dmi/id/chassis_asset_tag"] = std::string(row.tag) + '\n';
        core::System system;
        detect::find_surroundings(host, system);
        assert_string_equal(text_of(system, "cloud.provider").c_str(), row.provider);
        assert_string_equal(text_of(system, "cloud.instance").c_str(), row.instance);
        assert_string_equal(text_of(system, "machine.product").c_str(), row.product);
    }
}

static void names_of_hosts_are_names(void **) {
    static constexpr struct {
        const char *said, *name;
    } rows[] = {
        {"node-7.cluster\n", "node-7.cluster"},
        {"GPU_box\n", "GPU_box"},
        {"\n", ""},
        {"(none)\n", ""},
        {"-x\n", ""},
        {"a b\n", ""},
        {"\xff\xfe\n", ""},
    };
    for (const auto &row : rows) {
        MapHost host;
        host.files["/proc/sys/kernel/hostname"] = row.said;
        core::System system;
        detect::find_surroundings(host, system);
        assert_string_equal(text_of(system, "host.name").c_str(), row.name);
    }
}

static void containers_are_known_by_what_they_leave(void **) {
    static constexpr struct {
        const char *path, *content, *kind;
        bool contained;
    } rows[] = {
        {"/.dockerenv", "", "docker", true},
        {"/run/.containerenv", "", "podman", true},
        {"/run/systemd/container", "lxc\n", "lxc", true},
        {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", "default", "", true},
        {"/etc/hostname", "docker\n", "", false},
        // What is garbled says that there is something, and not what.
        {"/run/systemd/container", "lx\xff\n", "", true},
        {"/run/systemd/container", "Not a word\n", "", true},
        {"/run/systemd/container", "-lxc\n", "", true},
    };
    for (const auto &row : rows) {
        MapHost host;
        host.files[row.path] = row.content;
        core::System system;
        detect::find_surroundings(host, system);
        assert_string_equal(text_of(system, "container.kind").c_str(), row.kind);
        assert_int_equal((system.flags & core::SystemContained) != 0, row.contained);
    }
}

static void garbled_names_are_not_shown(void **) {
    for (const char *garbled : {"Amazon\x01", "p5.\xff\xfe", "a\nb", "\x7f"}) {
        MapHost host;
        host.files["/sys/class/dmi/id/sys_vendor"] = garbled;
        host.files["/sys/firmware/devicetree/base/model"] = garbled;
        core::System system;
        detect::find_surroundings(host, system);
        host.files["/sys/class/dmi/id/sys_vendor"] = "Amazon EC2\n";
        host.files["/sys/class/dmi/id/product_name"] = garbled;
        detect::find_surroundings(host, system);
        assert_string_equal(text_of(system, "machine.product").c_str(), "");
        assert_string_equal(text_of(system, "cloud.instance").c_str(), "");
    }
    for (const char *space : {"Default", "a.b", "a b", "-a", "a-", "a\xff"}) {
        MapHost host;
        host.files["/var/run/secrets/kubernetes.io/serviceaccount/namespace"] = space;
        core::System system;
        detect::find_surroundings(host, system);
        assert_string_equal(text_of(system, "kubernetes.namespace").c_str(), "");
        assert_true((system.flags & core::SystemContained) != 0);
    }
}

static void a_board_has_a_model(void **) {
    MapHost host;
    host.files["/sys/firmware/devicetree/base/model"] = std::string("Radxa ROCK 5B\0", 14);
    core::System system;
    detect::find_surroundings(host, system);
    assert_string_equal(text_of(system, "machine.product").c_str(), "Radxa ROCK 5B");
}

static void rates_that_cannot_be_are_left_out(void **) {
    for (const char *rate :
         {"", "x Gb/sec", "-1 Gb/sec", "0 Gb/sec", "1e99 Gb/sec", "400", "400 Tb/sec"}) {
        MapHost host;
        host.files["/sys/class/infiniband/mlx5_0/ports/1/rate"] = rate;
        core::System system;
        detect::find_network(host, system);
        assert_string_equal(text_of(system, "network.0.name").c_str(), "mlx5_0");
        assert_null(core::find_attr(system.attrs, "network.0.bytes_per_second"));
        assert_null(core::find_attr(system.attrs, "network.0.kind"));
        assert_null(core::find_attr(system.attrs, "network.0.state"));
    }
}

static void a_disk_larger_than_can_be_has_no_size(void **) {
    MapHost host;
    host.files["/sys/block/sda/size"] = "18446744073709551615\n";
    core::System system;
    detect::find_storage(host, system);
    assert_string_equal(text_of(system, "storage.0.name").c_str(), "sda");
    assert_null(core::find_attr(system.attrs, "storage.0.size_bytes"));
    assert_null(core::find_attr(system.attrs, "storage.0.class"));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(clouds_are_known_by_their_firmware),
        cmocka_unit_test(names_of_hosts_are_names),
        cmocka_unit_test(containers_are_known_by_what_they_leave),
        cmocka_unit_test(garbled_names_are_not_shown),
        cmocka_unit_test(a_board_has_a_model),
        cmocka_unit_test(rates_that_cannot_be_are_left_out),
        cmocka_unit_test(a_disk_larger_than_can_be_has_no_size),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
