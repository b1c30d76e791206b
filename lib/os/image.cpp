// SPDX-License-Identifier: MIT
// Image by dlopen, of a path or of a sealed memfd.
#include "os/image.h"

#include "base/text.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/library.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <utility>

namespace hwa::os {

using base::Status;

/// Wanted from Linux 6.3 on, where a machine may be set to make files in memory not executable.
static constexpr unsigned memfd_exec = 0x10;

static base::Result<void *> load(const std::string &path, int flags) {
    HWA_CHECK(check_library(path));
    void *const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | flags);
    if (handle != nullptr)
        return handle;
    const char *const why = ::dlerror();
    return base::error(Status::Unavailable, "%s", why != nullptr ? why : path.c_str());
}

base::Result<Image> Image::open_file(const std::string &path) {
    HWA_TRY(void *const handle, load(path, RTLD_NODELETE));
    return Image(handle, true);
}

static base::Result<Descriptor> sealed(std::string_view bytes) {
    if (!may_write(bytes.size()))
        return base::error(Status::Io, "a file in memory for code: is larger than files may be");
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    Descriptor file(::memfd_create("hwa-code", flags | memfd_exec));
    if (file.get() < 0 && errno == EINVAL)
        file = Descriptor(::memfd_create("hwa-code", flags));
    if (file.get() < 0)
        return base::os_error(errno, "a file in memory for code: %s", std::strerror(errno));
    while (!bytes.empty()) {
        const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return base::os_error(errno, "a file in memory for code: %s", std::strerror(errno));
        bytes.remove_prefix(static_cast<size_t>(put));
    }
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
        return base::os_error(errno, "a file in memory for code: %s", std::strerror(errno));
    return file;
}

/// The dynamic loader takes two libraries of one name for one. Descriptors are used again, so each
/// name spells a number of its own in slashes and dots, which lead nowhere.
static std::string unique_path(int descriptor) {
    static std::atomic<uint32_t> count{0};
    std::string path = "/proc/self/fd";
    for (uint32_t number = count.fetch_add(1); number != 0; number /= 2)
        path += number % 2 != 0 ? "/." : "/";
    return base::format("%s/%d", path.c_str(), descriptor);
}

base::Result<Image> Image::from_bytes(std::string_view bytes) {
    HWA_TRY(const Descriptor file, sealed(bytes));
    HWA_TRY(void *const handle, load(unique_path(file.get()), 0));
    return Image(handle, false);
}

Image::~Image() {
    if (handle_ != nullptr && !kept_)
        ::dlclose(handle_);
}

Image::Image(Image &&other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), kept_(other.kept_) {}

Image &Image::operator=(Image &&other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(kept_, other.kept_);
    return *this;
}

/// Where the library begins that has this address, or NULL.
static void *start_of(void *address) {
    Dl_info facts = {};
    return ::dladdr(address, &facts) != 0 ? facts.dli_fbase : nullptr;
}

void *Image::find(const std::string &name) const {
    void *const address = ::dlsym(handle_, name.c_str());
    struct link_map *map = nullptr;
    if (address == nullptr || ::dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0)
        return nullptr;
    // dlsym looks into the libraries that this one needs as well, libc among them.
    return start_of(address) == start_of(map->l_ld) ? address : nullptr;
}

} // namespace hwa::os
