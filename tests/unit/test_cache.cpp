// SPDX-License-Identifier: MIT
// launch/cache: what comes back is what was stored under that very key, or nothing; no state of
// the folder, and no other process, makes it anything else.
#include "check.h"

#include "launch/cache.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace hwa;
using base::Status;
using launch::Cache;
namespace fs = std::filesystem;

/// A folder for one test; the cache is one below it that is not there yet.
class Room {
  public:
    Room() {
        char name[] = "/tmp/hwa-cache-XXXXXX";
        assert_non_null(::mkdtemp(name));
        root_ = name;
    }
    ~Room() { fs::remove_all(root_); }
    std::string root() const { return root_; }
    std::string path() const { return root_ + "/above/hwa"; }
    std::shared_ptr<Cache> cache(const launch::CacheLimits &limits = {}) const {
        auto cache = Cache::open(path(), limits);
        if (!cache)
            fail_msg("%s", cache.error().message.c_str());
        return *cache;
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto &entry : fs::directory_iterator(path()))
            names.push_back(entry.path());
        return names;
    }
    /// The file of the only entry.
    std::string only() const {
        const auto names = files();
        assert_int_equal(names.size(), 1);
        return names[0];
    }

  private:
    std::string root_;
};

static std::string slurp(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

static void spill(const std::string &path, const std::string &text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

static std::string noise(size_t size, unsigned seed) {
    std::string text(size, '\0');
    for (char &c : text)
        c = static_cast<char>((seed = seed * 1103515245 + 12345) >> 16);
    return text;
}

static void keys_do_not_collide(void **) {
    const std::string all[] = {
        launch::cache_key({"ab", "c"}), launch::cache_key({"a", "bc"}),
        launch::cache_key({"abc"}),     launch::cache_key({"abc", ""}),
        launch::cache_key({"", "abc"}), launch::cache_key({"1:a", "bc"}),
    };
    for (const std::string &a : all)
        for (const std::string &b : all)
            assert_true((&a == &b) == (a == b));
}

static void gives_back_what_was_stored(void **) {
    const Room room;
    const auto cache = room.cache();
    assert_false(cache->find("key").has_value());
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{9}, size_t{100000}}) {
        const std::string content = noise(size, 1);
        cache->store("key", content);
        assert_true(room.cache()->find("key") == content);
        assert_int_equal(room.files().size(), 1);
    }
    assert_false(cache->find("kez").has_value());
    assert_false(cache->find("").has_value());
    cache->store("", "of the empty key");
    assert_true(cache->find("") == "of the empty key");
    struct stat facts = {};
    assert_int_equal(::stat(room.path().c_str(), &facts), 0);
    assert_int_equal(facts.st_mode & 07777u, 0700);
    assert_int_equal(::stat(room.files()[0].c_str(), &facts), 0);
    assert_int_equal(facts.st_mode & 07777u, 0600);
}

static void every_damaged_byte_shows(void **) {
    const Room room;
    const auto cache = room.cache();
    const std::string key = launch::cache_key({"opencl", "kernel"});
    cache->store(key, noise(123, 2));
    const std::string file = room.only();
    const std::string sound = slurp(file);
    for (size_t at = 0; at < sound.size(); ++at)
        for (const int bit : {0x01, 0x80, 0xff}) {
            std::string damaged = sound;
            damaged[at] = static_cast<char>(damaged[at] ^ bit);
            spill(file, damaged);
            if (cache->find(key).has_value())
                fail_msg("byte %zu", at);
        }
    for (size_t size = 0; size < sound.size(); ++size) {
        spill(file, sound.substr(0, size));
        if (cache->find(key).has_value())
            fail_msg("cut at %zu", size);
    }
    spill(file, sound + '\0');
    assert_false(cache->find(key).has_value());
    spill(file, sound);
    assert_true(cache->find(key) == noise(123, 2));
}

/// As if two keys had one hash: the other's entry lies where this one's belongs.
static void another_key_of_that_hash(void **) {
    const Room room;
    const auto cache = room.cache();
    cache->store("key a", "content a");
    const std::string file = room.only();
    const std::string of_a = slurp(file);
    fs::remove(file);
    for (const char *other : {"key b", "key", "key a and more"}) {
        cache->store(other, "content b");
        spill(room.only(), of_a);
        assert_false(cache->find(other).has_value());
        cache->store(other, "content b");
        assert_true(cache->find(other) == "content b");
        fs::remove(room.only());
    }
}

static void assert_denied(const std::string &path) {
    const auto cache = Cache::open(path);
    assert_false(static_cast<bool>(cache));
    assert_int_equal(cache.error().status, Status::Denied);
    assert_non_null(std::strstr(cache.error().message.c_str(), path.c_str()));
}

static void folder_of_others(void **) {
    const Room room;
    const auto cache = room.cache();
    cache->store("key", "content");
    for (const mode_t mode : {0770u, 0702u, 0777u}) {
        assert_int_equal(::chmod(room.path().c_str(), mode), 0);
        assert_denied(room.path());
        assert_false(cache->find("key").has_value());
    }
    assert_int_equal(::chmod(room.path().c_str(), 0755), 0);
    assert_true(cache->find("key") == "content");

    const std::string link = room.root() + "/link";
    assert_int_equal(::symlink(room.path().c_str(), link.c_str()), 0);
    assert_denied(link);
    spill(room.root() + "/file", "");
    assert_denied(room.root() + "/file");
    const auto relative = Cache::open("hwa");
    assert_false(static_cast<bool>(relative));
    assert_int_equal(relative.error().status, Status::Invalid);
}

/// Only root can give files away.
static void other_owner(void **) {
    if (::geteuid() != 0)
        _skip(__FILE__, __LINE__);
    constexpr uid_t nobody = 65534;
    const Room room;
    const auto cache = room.cache();
    cache->store("key", "content");
    const std::string file = room.only();
    assert_int_equal(::chown(file.c_str(), nobody, nobody), 0);
    assert_false(cache->find("key").has_value());
    assert_int_equal(::chown(file.c_str(), 0, 0), 0);
    assert_true(cache->find("key") == "content");
    assert_int_equal(::chown(room.path().c_str(), nobody, nobody), 0);
    assert_denied(room.path());
    assert_false(cache->find("key").has_value());

    // Root makes nothing in a user's folder, who could not use it then.
    const std::string home = room.root() + "/home";
    fs::create_directory(home);
    assert_int_equal(::chown(home.c_str(), nobody, nobody), 0);
    const auto made = Cache::open(home + "/.cache/hwa");
    assert_false(static_cast<bool>(made));
    assert_int_equal(made.error().status, Status::Denied);
    assert_false(fs::exists(home + "/.cache"));
}

static void file_of_others(void **) {
    const Room room;
    const auto cache = room.cache();
    cache->store("key", "content");
    const std::string file = room.only();
    for (const mode_t mode : {0620u, 0602u}) {
        assert_int_equal(::chmod(file.c_str(), mode), 0);
        assert_false(cache->find("key").has_value());
    }
    assert_int_equal(::chmod(file.c_str(), 0600), 0);
    const std::string elsewhere = room.root() + "/elsewhere";
    fs::rename(file, elsewhere);
    assert_int_equal(::symlink(elsewhere.c_str(), file.c_str()), 0);
    assert_false(cache->find("key").has_value());
    fs::remove(file);
    assert_int_equal(::mkfifo(file.c_str(), 0600), 0); // and does not wait for a writer
    assert_false(cache->find("key").has_value());
    cache->store("key", "new");
    assert_true(cache->find("key") == "new");
}

static void folder_that_vanishes(void **) {
    const Room room;
    const auto cache = room.cache();
    cache->store("key", "content");
    fs::remove_all(room.root() + "/above");
    assert_false(cache->find("key").has_value());
    cache->store("key", "content");
    assert_true(cache->find("key") == "content");
    fs::remove_all(room.root() + "/above");
    spill(room.root() + "/above", "in the way");
    cache->store("key", "content");
    assert_false(cache->find("key").has_value());
}

/// As a full disk does, a limit on files ends writing; it must not end the process.
static void no_room_on_disk(void **) {
    const Room room;
    const auto cache = room.cache();
    const pid_t child = ::fork();
    if (child == 0) {
        const struct rlimit limit = {4096, 4096};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0)
            ::_exit(2);
        cache->store("large", noise(8192, 3));
        cache->store("small", "content");
        ::_exit(cache->find("small") == "content" && !cache->find("large") ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(room.files().size(), 1);
}

static uint64_t total_bytes(const Room &room) {
    uint64_t total = 0;
    for (const std::string &file : room.files())
        total += fs::file_size(file);
    return total;
}

/// Sets back when a file was last used.
static void age(const std::string &file, time_t seconds) {
    struct timespec times[2] = {{1000000 - seconds, 0}, {1000000 - seconds, 0}};
    assert_int_equal(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
}

static void stays_within_its_limits(void **) {
    const Room room;
    const auto cache = room.cache({.total_bytes = 10000, .entry_bytes = 4000, .entries = 4096});
    cache->store("too large", noise(4000, 4));
    assert_int_equal(room.files().size(), 0);
    for (unsigned i = 0; i < 40; ++i) {
        cache->store("key " + std::to_string(i), noise(900, i));
        assert_true(total_bytes(room) <= 10000);
    }
    assert_int_equal(room.files().size(), 10);

    const Room other;
    const auto few = other.cache({.total_bytes = 10000, .entry_bytes = 4000, .entries = 3});
    for (unsigned i = 0; i < 9; ++i)
        few->store("key " + std::to_string(i), "");
    assert_int_equal(other.files().size(), 3);
}

static void what_was_not_used_goes_first(void **) {
    const Room room;
    const auto cache = room.cache({.total_bytes = 1 << 20, .entry_bytes = 1 << 20, .entries = 3});
    for (const char *key : {"a", "b", "c"}) {
        const auto before = room.files();
        cache->store(key, key);
        for (const std::string &file : room.files())
            if (std::find(before.begin(), before.end(), file) == before.end())
                age(file, *key == 'a' ? 300 : *key == 'b' ? 200 : 100);
    }
    spill(room.path() + "/notes.txt", "a file that is none of the cache's");
    age(room.path() + "/notes.txt", 900);
    assert_true(cache->find("a") == "a"); // so that b is the oldest
    cache->store("d", "d");
    assert_true(cache->find("a") == "a");
    assert_false(cache->find("b").has_value());
    assert_true(cache->find("c") == "c");
    assert_true(cache->find("d") == "d");
    assert_true(fs::exists(room.path() + "/notes.txt"));
}

/// A writer that ended early leaves a file without a lock; one at work holds it.
static void what_dead_writers_leave(void **) {
    const Room room;
    const auto cache = room.cache();
    const std::string dead = room.path() + "/.new-1-2-3";
    const std::string alive = room.path() + "/.new-4-5-6";
    spill(dead, "half");
    spill(alive, "half");
    const int writer = ::open(alive.c_str(), O_WRONLY | O_CLOEXEC);
    assert_int_equal(::flock(writer, LOCK_EX), 0);
    cache->store("key", "content");
    assert_false(fs::exists(dead));
    assert_true(fs::exists(alive));
    ::close(writer);
    cache->store("key", "content");
    assert_false(fs::exists(alive));
}

/// Stores and finds; 0 if all that it found was right.
static int hammer(const Cache &cache, unsigned seed) {
    for (unsigned i = 0; i < 300; ++i) {
        seed = seed * 1103515245 + 12345;
        const unsigned which = seed >> 16 & 7;
        const std::string key = "key " + std::to_string(which);
        // Contents of one key differ in size and agree in what they begin with.
        if ((seed >> 20 & 1) != 0)
            cache.store(key, noise(500 + 300 * (seed >> 21 & 7), which));
        else if (const auto found = cache.find(key))
            if (*found != noise(found->size(), which) || found->size() < 500)
                return 1;
    }
    return 0;
}

static void two_processes_at_once(void **) {
    const Room room;
    const auto cache = room.cache({.total_bytes = 8000, .entry_bytes = 4000, .entries = 6});
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(hammer(*cache, 5));
    const int here = hammer(*cache, 6);
    int status = 0;
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(here, 0);
    cache->store("last", "one");
    assert_true(total_bytes(room) <= 8000);
    for (const std::string &file : room.files())
        assert_null(std::strstr(file.c_str(), ".new-"));
}

static size_t descriptors() {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

static void descriptors_do_not_leak(void **) {
    const Room room;
    const auto cache = room.cache();
    cache->store("key", "content");
    const size_t before = descriptors();
    for (int i = 0; i < 10000; ++i) {
        assert_true(cache->find("key") == "content");
        if (i % 100 == 0)
            cache->store("other", cache->find("none").value_or("x"));
    }
    assert_int_equal(descriptors(), before);
}

static void where_it_is_by_default(void **) {
    static constexpr struct {
        const char *cache;
        const char *home;
        const char *folder;
    } rows[] = {
        {"/var/c", "/nonexistent", "/var/c/hwa"},
        {"", "/tmp", "/tmp/.cache/hwa"},
        {"rel", "/tmp", "/tmp/.cache/hwa"},
        {"", "/nonexistent", ""},
        {"", "tmp", ""},
        {"", "", ""},
    };
    for (const auto &row : rows) {
        ::setenv("XDG_CACHE_HOME", row.cache, 1);
        ::setenv("HOME", row.home, 1);
        assert_string_equal(launch::default_cache_folder().c_str(), row.folder);
    }
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("HOME");
    assert_string_equal(launch::default_cache_folder().c_str(), "");
}

static void knows_what_takes_in_files(void **) {
    struct Row {
        const char *source;
        const char *options;
        bool reads;
    };
    static constexpr Row rows[] = {
        {"kernel void f() {}", "-DN=2 -I/usr/share", false},
        {"#include <a.h>", "", true},
        {"#import \"a.h\"", "", true},
        {"#inc\\\nlude \"a.h\"", "", true},
        {"#inc\\\r\nlude \"a.h\"", "", true},
        {"#define F(x) \\\n  x", "", false},
        {"", "-include a.h", true},
        {"", "-imacros a.h", true},
        {"", "--pre-include=a.h", true},
        {"", "@options", true},
    };
    for (const Row &row : rows)
        if (launch::reads_files(row.source, row.options) != row.reads)
            fail_msg("\"%s\" with \"%s\"", row.source, row.options);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(keys_do_not_collide),
        cmocka_unit_test(knows_what_takes_in_files),
        cmocka_unit_test(gives_back_what_was_stored),
        cmocka_unit_test(every_damaged_byte_shows),
        cmocka_unit_test(another_key_of_that_hash),
        cmocka_unit_test(folder_of_others),
        cmocka_unit_test(other_owner),
        cmocka_unit_test(file_of_others),
        cmocka_unit_test(folder_that_vanishes),
        cmocka_unit_test(no_room_on_disk),
        cmocka_unit_test(stays_within_its_limits),
        cmocka_unit_test(what_was_not_used_goes_first),
        cmocka_unit_test(what_dead_writers_leave),
        cmocka_unit_test(two_processes_at_once),
        cmocka_unit_test(descriptors_do_not_leak),
        cmocka_unit_test(where_it_is_by_default),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
