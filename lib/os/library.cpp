// SPDX-License-Identifier: MIT
// dlopen with the file vetted first, and tables of symbols.
#include "os/library.h"

#include "base/text.h"
#include "os/file.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>

namespace hwa::os {

using base::Status;

base::Done check_library(const std::string &path) {
    HWA_TRY(const File file, File::open(path));
    ElfW(Ehdr) head = {};
    HWA_TRY(const size_t got, file.read_at(0, {reinterpret_cast<char *>(&head), sizeof head}));
    if (got < sizeof head || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return base::error(Status::Unavailable, "%s: is not an ELF library", path.c_str());
    const uint64_t sections = uint64_t{head.e_shnum} * head.e_shentsize;
    if (head.e_shoff > file.size() || sections > file.size() - head.e_shoff)
        return base::error(Status::Unavailable, "%s: is truncated", path.c_str());
    return {};
}

static std::string mapped_path(void *handle, const std::string &fallback) {
    struct link_map *map = nullptr;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr && map->l_name[0] != '\0')
        return map->l_name;
    return fallback;
}

static base::Result<Library> open_one(const char *soname, const std::string &directory) {
    const std::string path = directory.empty() ? soname : directory + "/" + soname;
    if (!directory.empty())
        HWA_CHECK(check_library(path));
    void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
        const char *why = ::dlerror();
        const std::string said = why != nullptr ? why : path;
        const bool there = said.rfind(path + ": cannot open shared object", 0) != 0;
        return base::error(there ? Status::Unavailable : Status::NotFound, "%s", said.c_str());
    }
    return Library{handle, mapped_path(handle, path)};
}

/// What an earlier library had is overwritten, be it with NULL.
static base::Done fill(const Library &library, std::span<const Symbol> symbols, void *table) {
    for (const Symbol &symbol : symbols) {
        void *address = ::dlsym(library.handle, symbol.name);
        if (address == nullptr && symbol.required)
            return base::error(Status::Unsupported, "%s: lacks the symbol %s", library.path.c_str(),
                               symbol.name);
        std::memcpy(static_cast<char *>(table) + symbol.offset, &address, sizeof address);
    }
    return {};
}

base::Result<Library> load(std::span<const char *const> sonames, const std::string &directory,
                           std::span<const Symbol> symbols, void *table) {
    base::Error why = base::error(Status::NotFound, "no library was named");
    for (const char *soname : sonames) {
        auto opened = open_one(soname, directory);
        base::Done filled = opened ? fill(*opened, symbols, table) : base::Done();
        if (opened && filled)
            return std::move(*opened);
        // A library that is there but will not do says more than one that is not.
        if (why.status == Status::NotFound)
            why = std::move(opened ? filled.error() : opened.error());
    }
    if (why.status != Status::Unsupported)
        why.status = Status::Unavailable;
    return why;
}

} // namespace hwa::os
