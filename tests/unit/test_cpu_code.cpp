// SPDX-License-Identifier: MIT
// launch/cpu_compiler and os/trust, os/temp: options, files, and folders that go away.
#include "check.h"

#include "launch/cpu_compiler.h"
#include "os/file.h"
#include "os/image.h"
#include "os/temp.h"
#include "os/trust.h"

#include <cstring>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace hwa;
using base::Status;

static void splits_options(void **) {
    const auto list = launch::c_options("  -O2\t-DX=a/b -march=native -ffast-math  -std=gnu11 ");
    assert_true(bool(list));
    const std::vector<std::string> wanted = {"-O2", "-DX=a/b", "-march=native", "-ffast-math",
                                             "-std=gnu11"};
    assert_true(*list == wanted);
    assert_true(launch::c_options("")->empty());
    assert_true(
        bool(launch::c_options("-fopenmp -fno-math-errno -Wall -UX -g -w -ggdb -pedantic-errors")));
}

static void refuses_options(void **) {
    static constexpr const char *bad[] = {
        "-o",
        "x.c",
        "-Ifolder",
        "-Lfolder",
        "-lm",
        "-include",
        "@args",
        "-fplugin=a",
        "-Wl,-z,x",
        "-Wa,-x",
        "-Wp,-x",
        "-flto",
        "-MD",
        "-save-temps",
        "-B",
        "-fsanitize=leak",
        "-E",
        "-march=a/b",
        "-fpass-plugin=x",
        "-fdump-tree-all",
        "-fprofile-use",
        "-gsplit-dwarf",
        "-gcc-toolchain",
        "-gen-reproducer",
        "-wrapper",
        "-working-directory",
        "-module-dependency-dir",
        "-fproc-stat-report=x",
        "-foptimization-record-file=x",
        "-fdeps-file=x",
        "-fmemory-profile=x",
        "-framework",
        "-D",
        "-fdiagnostics-format=json-file",
        "-ftime-trace",
        "-mllvm",
        "-fno-PIC",
        "-O2 -c",
    };
    for (const char *option : bad) {
        const auto list = launch::c_options(option);
        if (list)
            fail_msg("%s was let through", option);
        assert_int_equal(list.error().status, Status::Invalid);
    }
}

static void prelude_is_what_the_header_says(void **) {
    assert_non_null(std::strstr(launch::c_prelude, "#ifndef HWA_HWA_H"));
    assert_non_null(std::strstr(launch::c_prelude, "} hwa_host_call_t;"));
    assert_non_null(std::strstr(launch::c_prelude, "hwa_host_kernel_fn"));
    assert_null(std::strstr(launch::c_prelude, "hwa_kernel_desc_t"));
}

static void removes_its_folder(void **) {
    std::string path;
    {
        const auto folder = os::TempFolder::make();
        assert_true(bool(folder));
        path = folder->path();
        struct stat facts = {};
        assert_int_equal(::stat(path.c_str(), &facts), 0);
        assert_int_equal(facts.st_mode & 07777u, 0700);
        assert_true(bool(folder->add_folder("in")));
        assert_true(bool(folder->add_file("in/side", "content")));
        assert_false(bool(folder->add_file("in/side", "again")));
        assert_string_equal(os::read_whole(path + "/in/side", 100)->c_str(), "content");
    }
    assert_int_equal(os::path_kind(path), os::PathKind::Missing);
}

static void trusts_by_owner_and_mode(void **) {
    const auto folder = os::TempFolder::make();
    assert_true(bool(folder));
    assert_true(bool(folder->add_folder("in")));
    assert_true(bool(folder->add_file("in/file", "12345")));
    const std::string inside = folder->path() + "/in";
    const std::string path = inside + "/file";
    const std::string link = folder->path() + "/link";
    assert_int_equal(::symlink(path.c_str(), link.c_str()), 0);
    const auto both = os::Owner::RootOrCaller;
    const auto found = os::trust(link, both);
    assert_true(bool(found));
    assert_string_equal(found->path.c_str(), path.c_str());
    assert_int_equal(found->size_bytes, 5);
    const struct {
        const std::string &what;
        mode_t mode;
        bool trusted;
    } cases[] = {
        {path, 0620, false},           {path, 0602, false},           {path, 0644, true},
        {inside, 0720, false},         {inside, 01777, false},        {inside, 0755, true},
        {folder->path(), 0770, false}, {folder->path(), 01777, true}, {folder->path(), 0700, true},
    };
    for (const auto &one : cases) {
        assert_int_equal(::chmod(one.what.c_str(), one.mode), 0);
        const auto again = os::trust(path, both);
        if (bool(again) != one.trusted)
            fail_msg("%s with mode %o", one.what.c_str(), one.mode);
        if (!again)
            assert_int_equal(again.error().status, Status::Denied);
        if (one.mode != 01777)
            continue;
        assert_int_equal(::chmod(one.what.c_str(), 0700), 0);
    }
    assert_int_equal(os::trust(inside, both).error().status, Status::Denied);
    assert_int_equal(os::trust(path + "s", both).error().status, Status::NotFound);
    if (::geteuid() != 0) // of our own, which is not root's
        assert_int_equal(os::trust(path, os::Owner::Root).error().status, Status::Denied);
}

static void refuses_bytes_that_are_no_library(void **) {
    const auto none = os::Image::from_bytes("");
    assert_int_equal(none.error().status, Status::Unavailable);
    const auto text = os::Image::from_bytes(std::string(100, 'x'));
    assert_int_equal(text.error().status, Status::Unavailable);
    auto whole = os::read_whole("/proc/self/exe", 1u << 30);
    assert_true(bool(whole));
    whole->resize(whole->size() / 2);
    const auto half = os::Image::from_bytes(*whole);
    assert_int_equal(half.error().status, Status::Unavailable);
}

/// Past the limit the kernel ends the process by a signal.
static void keeps_within_the_limit_of_files(void **) {
    const auto folder = os::TempFolder::make();
    assert_true(bool(folder));
    const std::string large(2000, 'x');
    struct rlimit before = {};
    assert_int_equal(::getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = before;
    limit.rlim_cur = 1000;
    assert_int_equal(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto added = folder->add_file("large", large);
    const auto loaded = os::Image::from_bytes(large);
    const bool small = bool(folder->add_file("small", large.substr(1000)));
    assert_int_equal(::setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(added.error().status, Status::Io);
    assert_int_equal(loaded.error().status, Status::Io);
    assert_true(small);
}

static void tells_times_that_nanoseconds_reach(void **) {
    assert_int_equal(os::file_time_ns({1, 2}), 1'000'000'002);
    assert_int_equal(os::file_time_ns({-1, 2}), -999'999'998);
    assert_int_equal(os::file_time_ns({9223372036, 854775807}), INT64_MAX);
    assert_int_equal(os::file_time_ns({9223372036, 854775808}), INT64_MAX);
    assert_int_equal(os::file_time_ns({99999999999, 0}), INT64_MAX);
    assert_int_equal(os::file_time_ns({-99999999999, 0}), INT64_MIN);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(splits_options),
        cmocka_unit_test(refuses_options),
        cmocka_unit_test(prelude_is_what_the_header_says),
        cmocka_unit_test(removes_its_folder),
        cmocka_unit_test(trusts_by_owner_and_mode),
        cmocka_unit_test(refuses_bytes_that_are_no_library),
        cmocka_unit_test(keeps_within_the_limit_of_files),
        cmocka_unit_test(tells_times_that_nanoseconds_reach),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
