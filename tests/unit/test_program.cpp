// SPDX-License-Identifier: MIT
// os/program, os/environment: which helper is run, and what it is told of this process.
#include "check.h"

#include "os/environment.h"
#include "os/program.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace hwa;
using base::Status;

static std::string folder;

/// Path of a file from the folder of this very program, by way of the root.
static std::string beside(const std::string &name) {
    std::string path;
    for (int i = 0; i < 40; ++i)
        path += "../";
    return path + folder.substr(1) + '/' + name;
}

static void put(const std::string &name, mode_t mode) {
    const std::string path = folder + '/' + name;
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(::fchmod(file, mode), 0);
    ::close(file);
}

static base::Result<std::string> find(const std::string &name, const std::string &installed) {
    const std::string path = beside(name);
    const char *const one[] = {path.c_str()};
    return os::find_program(one, installed);
}

static void takes_what_is_safe(void **) {
    put("good", 0755);
    const auto found = find("good", "/nonexistent");
    assert_true(static_cast<bool>(found));
    assert_true(found->ends_with("/good"));
}

static void refuses_what_others_can_write(void **) {
    for (const mode_t mode : {0775u, 0757u, 0777u}) {
        put("open", mode);
        const auto refused = find("open", "/nonexistent");
        assert_false(static_cast<bool>(refused));
        assert_true(refused.error().status == Status::Denied);
        assert_true(refused.error().message.find("written by others") != std::string::npos);
    }
    put("good", 0755);
    assert_string_equal(find("open", folder + "/good")->c_str(), (folder + "/good").c_str());
}

static void refuses_what_is_no_program_of_ours(void **) {
    assert_int_equal(::mkdir((folder + "/folder").c_str(), 0700), 0);
    assert_true(find("folder", "/nonexistent").error().status == Status::Denied);
    assert_true(find("absent", "/nonexistent").error().status == Status::NotFound);
    if (::geteuid() != 0)
        return;
    put("foreign", 0755);
    assert_int_equal(::chown((folder + "/foreign").c_str(), 12345, 0), 0);
    assert_true(find("foreign", "/nonexistent").error().status == Status::Denied);
}

static void passes_on_what_steers_drivers(void **) {
    ::setenv("CUDA_VISIBLE_DEVICES", "1", 1);
    ::setenv("VK_DRIVER_FILES", "a.json", 1);
    ::setenv("VK_LOADER_LAYERS_DISABLE", "none", 1);
    ::setenv("LD_LIBRARY_PATH", "/lib/x", 1);
    ::setenv("LD_PRELOAD", "", 1);
    ::setenv("PASSWORD", "secret", 1);
    ::setenv("LC_ALL", "tr_TR.UTF-8", 1);
    ::setenv("PATH", "/tmp:/usr/bin:/bin", 1);
    const std::vector<std::string> list = os::helper_environment();
    const auto has = [&](const char *entry) {
        return std::find(list.begin(), list.end(), entry) != list.end();
    };
    assert_true(has("CUDA_VISIBLE_DEVICES=1"));
    assert_true(has("VK_DRIVER_FILES=a.json"));
    assert_true(has("LD_LIBRARY_PATH=/lib/x"));
    assert_true(has("PATH=/usr/bin:/bin"));
    assert_true(has("LC_ALL=C"));
    assert_true(has("VK_LOADER_LAYERS_DISABLE=~implicit~"));
    for (const std::string &entry : list) {
        const std::string name = entry.substr(0, entry.find('='));
        assert_string_not_equal(name.c_str(), "PASSWORD");
        assert_string_not_equal(name.c_str(), "LD_PRELOAD");
        const auto same = [&](const std::string &e) { return e.starts_with(name + '='); };
        assert_int_equal(std::count_if(list.begin(), list.end(), same), 1);
    }
}

int main() {
    char name[] = "/tmp/hwa-program-XXXXXX";
    if (::mkdtemp(name) == nullptr)
        return 99;
    folder = name;
    const CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_safe),
        cmocka_unit_test(refuses_what_others_can_write),
        cmocka_unit_test(refuses_what_is_no_program_of_ours),
        cmocka_unit_test(passes_on_what_steers_drivers),
    };
    const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
    for (const char *made : {"good", "open", "foreign"})
        ::unlink((folder + '/' + made).c_str());
    ::rmdir((folder + "/folder").c_str());
    ::rmdir(name);
    return failed;
}
