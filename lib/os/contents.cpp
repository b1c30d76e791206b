// SPDX-License-Identifier: MIT
// Contents by read(2) and getdents64(2).
#include "os/contents.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

namespace hwa::os {

using base::Result;

static base::Error failure(const std::string &path) {
    const int code = errno;
    return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
}

/// One read, again if a signal came first.
static ssize_t read_some(int descriptor, char *into, size_t room) {
    ssize_t got = 0;
    do
        got = ::read(descriptor, into, room);
    while (got < 0 && errno == EINTR);
    return got;
}

/// Reads to the end or the limit. The kernel hands out its text files by pages, so what is shorter
/// than half a page was the last of it, and the read that would say so can be spared.
Result<std::string> read_all(int descriptor, const std::string &path, size_t limit) {
    constexpr size_t whole_below = 2048;
    char piece[4096];
    std::string text;
    while (text.size() < limit) {
        const size_t room = std::min(sizeof piece, limit - text.size());
        const ssize_t got = read_some(descriptor, piece, room);
        if (got < 0)
            return failure(path);
        text.append(piece, static_cast<size_t>(got));
        if (got == 0 || (static_cast<size_t>(got) < room && text.size() < whole_below))
            break;
    }
    return text;
}

/// The record getdents64(2) fills in; the C library declares none.
struct DirectoryRecord {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t kind;
    char name[1];
};

static void append_names(const char *records, size_t size, size_t limit,
                         std::vector<std::string> &names) {
    for (size_t at = 0; at < size && names.size() < limit;) {
        uint16_t length = 0;
        std::memcpy(&length, records + at + offsetof(DirectoryRecord, length), sizeof length);
        const char *name = records + at + offsetof(DirectoryRecord, name);
        if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0)
            names.emplace_back(name);
        at += length;
    }
}

Result<std::vector<std::string>> list_all(int descriptor, const std::string &path, size_t limit) {
    std::vector<std::string> names;
    alignas(DirectoryRecord) char records[16384];
    while (names.size() < limit) {
        const long got = ::syscall(SYS_getdents64, descriptor, records, sizeof records);
        if (got < 0)
            return failure(path);
        if (got == 0)
            break;
        append_names(records, static_cast<size_t>(got), limit, names);
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace hwa::os
