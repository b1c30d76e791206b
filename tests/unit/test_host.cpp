// SPDX-License-Identifier: MIT
// os/host: a tree is never left, no path makes it wait, and a capture keeps nothing that names a
// machine.
#include "check.h"

#include "base/cpulist.h"
#include "os/blank.h"
#include "os/facts.h"
#include "os/host.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace hwa;
using base::Status;

static std::string root; ///< of the tree; its parent has a file that must not be seen

static void put(const std::string &path, const std::string &content) {
    fs::create_directories((root + path).substr(0, (root + path).rfind('/')));
    std::ofstream(root + path) << content;
}

static void put_link(const std::string &path, const std::string &target) {
    fs::create_directories((root + path).substr(0, (root + path).rfind('/')));
    fs::create_symlink(target, root + path);
}

static int make_tree(void **) {
    char folder[] = "/tmp/hwa-host-XXXXXX";
    if (mkdtemp(folder) == nullptr)
        return -1;
    std::ofstream(std::string(folder) + "/secret") << "secret";
    root = std::string(folder) + "/tree";
    fs::create_directory(root);
    put("/sys/file", "inside\n");
    put("/secret", "ours");
    return 0;
}

static int remove_tree(void **) {
    fs::remove_all(fs::path(root).parent_path());
    return 0;
}

static std::unique_ptr<os::Host> tree() {
    auto host = os::tree_host(root);
    assert_true(static_cast<bool>(host));
    return std::move(*host);
}

static std::string text_of(const std::string &path, size_t limit = 4096) {
    const auto text = tree()->read_file(path, limit);
    return text ? *text : std::string("error: ") + base::status_name(text.error().status);
}

static void files_are_read_up_to_a_limit(void **) {
    assert_string_equal(text_of("/sys/file").c_str(), "inside\n");
    assert_string_equal(text_of("/sys/./../sys//file").c_str(), "inside\n");
    assert_string_equal(text_of("/sys/file", 3).c_str(), "ins");
    assert_string_equal(text_of("/sys/absent").c_str(), "error: not found");
    put("/large", std::string(100000, 'x'));
    assert_int_equal(text_of("/large", 70000).size(), 70000);
}

static void no_link_leads_out(void **) {
    put_link("/l/absolute", "/secret");
    put_link("/l/up", "../../../../secret");
    put_link("/l/folder", "/../..");
    put_link("/l/chain", "absolute");
    put_link("/l/into", "../sys");
    for (const char *path : {"/l/absolute", "/l/up", "/l/folder/secret", "/l/chain",
                             "/../../secret", "/l/into/../../../secret"})
        assert_string_equal(text_of(path).c_str(), "ours");
    assert_string_equal(text_of("/l/into/file").c_str(), "inside\n");
    assert_string_equal(tree()->read_link("/l/up")->c_str(), "../../../../secret");
    put_link("/l/zero", "/dev/zero");
    assert_string_equal(text_of("/l/zero").c_str(), "error: not found");
}

static void loops_end(void **) {
    put_link("/loop/self", "self");
    put_link("/loop/a", "b");
    put_link("/loop/b", "a");
    put_link("/loop/deep", "deep/deep/deep/deep");
    for (const char *path : {"/loop/self", "/loop/a", "/loop/deep", "/loop/self/x"})
        assert_string_equal(text_of(path).c_str(), "error: i/o");
    std::string deep = "/loop";
    for (int i = 0; i < 2000; ++i)
        deep += "/..";
    assert_string_equal(text_of(deep + "/secret").c_str(), "ours");
}

static void what_is_no_file_is_refused(void **) {
    assert_int_equal(mkfifo((root + "/fifo").c_str(), 0600), 0);
    fs::create_directory(root + "/folder");
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", root.c_str());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(socket, reinterpret_cast<struct sockaddr *>(&address), sizeof address),
                     0);
    close(socket);
    for (const char *path : {"/fifo", "/folder", "/socket"})
        assert_string_equal(text_of(path).c_str(), "error: invalid");
    if (mknod((root + "/device").c_str(), S_IFCHR | 0600, 1 << 8 | 5) == 0) // as /dev/zero
        assert_string_equal(text_of("/device").c_str(), "error: invalid");
    assert_false(static_cast<bool>(tree()->list("/sys/file")));
}

static void a_sparse_file_costs_its_limit(void **) {
    put("/sparse", "");
    assert_int_equal(truncate((root + "/sparse").c_str(), off_t{3} << 30), 0);
    assert_int_equal(text_of("/sparse", 65536).size(), 65536);
}

static void lists_are_sorted_and_bounded(void **) {
    put("/list/b", "");
    put("/list/a", "");
    put("/list/c", "");
    const auto host = tree();
    assert_true(*host->list("/list", 65536) == (std::vector<std::string>{"a", "b", "c"}));
    assert_int_equal(host->list("/list", 2)->size(), 2);
    assert_false(static_cast<bool>(host->list("/absent", 10)));
    assert_true(host->exists("/list") && host->exists("/list/a") && !host->exists("/list/x"));
    assert_false(host->live());
    assert_false(host->environment("PATH").has_value());
}

static void the_live_host_does_not_wait(void **) {
    const auto host = os::live_host();
    put("/live", "text\n");
    assert_int_equal(mkfifo((root + "/live-fifo").c_str(), 0600), 0);
    assert_string_equal(host->read_file(root + "/live")->c_str(), "text\n");
    const auto nothing = host->read_file(root + "/live-fifo");
    assert_true(!nothing || nothing->empty());
    assert_int_equal(host->read_file("/dev/zero", 5000)->size(), 5000);
    assert_false(static_cast<bool>(host->read_file(root)));
    assert_true(host->live());
    assert_false(host->affinity().empty());
    assert_string_equal(host->kernel().system.c_str(), "Linux");
}

static void facts_survive_the_file(void **) {
    os::HostFacts facts;
    facts.kernel = {"Linux", "6.1.0", "x86_64"};
    facts.xcr0 = 0xe7;
    facts.counter_hz = 2600000000;
    facts.sve_bytes = 32;
    facts.affinity = {0, 1, 2, 8};
    facts.cpuid[{7, 1}] = {1, 2, 3, 0xffffffff};
    facts.auxiliary[16] = ~uint64_t{0};
    facts.access["/dev/dri/renderD128"] = Status::Denied;
    facts.group["/dev/dri/renderD128"] = 105;
    facts.links["/sys/a"] = "../b";
    facts.answers[{"/dev/accel/accel0", "ivpu.param.11"}] = std::string("\x00\xff\x3f", 3);
    const os::HostFacts again = os::read_facts(os::write_facts(facts));
    assert_string_equal(os::write_facts(again).c_str(), os::write_facts(facts).c_str());
    assert_int_equal(again.cpuid.at({7, 1}).edx, 0xffffffff);
    assert_true(again.access.at("/dev/dri/renderD128") == Status::Denied);
    assert_int_equal(again.answers.at({"/dev/accel/accel0", "ivpu.param.11"}).size(), 3);
    assert_true(os::read_facts("query /dev/a b 0\nquery /dev/a b xy\n").answers.empty());
    // Whatever is in the file, it does no harm.
    os::read_facts("cpuid\ncpuid 1 2\nkernel\naffinity x\nxcr0 -1\n# \n \n\x01\xff\nlink a");
    os::read_facts(std::string(100000, ' '));
}

static void a_node_is_asked_only_what_there_is(void **) {
    const auto host = os::live_host();
    assert_true(host->query("/dev/null", "no.such").error().status == Status::NotFound);
    for (const char *question :
         {"drm.version", "habana.chip", "i915.1", "i915.4", "ivpu.param.11", "xe.1", "xe.5"})
        assert_int_equal(host->query("/dev/null", question).error().code, ENOTTY);
    // Numbers of questions that would change something, or that are none.
    for (const char *question : {"i915.3", "xe.0", "xe.6", "xe.", "xe.-1", "xe.4294967296", "xe"})
        assert_true(host->query("/dev/null", question).error().status == Status::NotFound);
    assert_true(host->query("/dev/hwa-none", "drm.version").error().status == Status::NotFound);
}

static void ids_are_blanked_by_their_shape(void **) {
    struct Row {
        const char *before, *after;
    };
    static constexpr Row rows[] = {
        {"GPU-5f3a1b2c-0d1e-2f3a-4b5c-6d7e8f901234", "GPU-00000000-0000-0000-0000-000000000000"},
        {"00:1a:2b:3c:4d:5e", "00:00:00:00:00:00"},
        {"/docker/2f1c8e6a0b9d4c7e8f00112233445566", "/docker/00000000000000000000000000000000"},
        {"0000:c1:00.0", "0000:c1:00.0"},
        {"9223372036854771712", "9223372036854771712"},
        {"MemTotal: 24684092 kB", "MemTotal: 24684092 kB"},
        {"PCI_ID=10DE:2684", "PCI_ID=10DE:2684"},
        {"deadbeefdeadbeefs", "deadbeefdeadbeefs"},
        {"kubepods-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f.slice",
         "kubepods-pod00000000_0000_0000_0000_000000000000.slice"},
    };
    for (const Row &row : rows)
        assert_string_equal(os::blank_ids(row.before).c_str(), row.after);
    assert_string_equal(os::blank_file("/sys/x/board_serial", "PF1XYZ\n").c_str(), "000000\n");
    assert_string_equal(os::blank_file("/sys/class/net/eth0/address", "ab:cd\n").c_str(),
                        "00:00\n");
    assert_string_equal(os::blank_file("/proc/cpuinfo", "a: 1\nSerial\t: 10000000abcd\n").c_str(),
                        "a: 1\nSerial\t: 000000000000\n");
}

static void lists_of_numbers(void **) {
    const auto list = base::parse_cpulist("0-3,8,10-11\n");
    assert_true(list && list->size() == 7);
    assert_string_equal(base::cpulist_text(*list).c_str(), "0-3,8,10-11");
    assert_true(base::parse_cpulist("\n")->empty());
    for (const char *bad : {"a", "1-", "-1", "3-1", "0-65536", "1,,2", "1 2", "0x1"})
        assert_false(base::parse_cpulist(bad).has_value());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_up_to_a_limit),
        cmocka_unit_test(no_link_leads_out),
        cmocka_unit_test(loops_end),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_sparse_file_costs_its_limit),
        cmocka_unit_test(lists_are_sorted_and_bounded),
        cmocka_unit_test(the_live_host_does_not_wait),
        cmocka_unit_test(facts_survive_the_file),
        cmocka_unit_test(a_node_is_asked_only_what_there_is),
        cmocka_unit_test(ids_are_blanked_by_their_shape),
        cmocka_unit_test(lists_of_numbers),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
