// SPDX-License-Identifier: MIT
// Cache: an entry is a file, named by the hash of its key: header, key, content, checksum. Nothing
// of it is believed before the checksum is right and the whole key is the one that is asked for.
#include "launch/cache.h"

#include "base/hash.h"
#include "base/text.h"
#include "os/environment.h"
#include "os/file.h"
#include "os/folder.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hwa::launch {
namespace {

/// In the order of bytes of the machine: a cache does not travel.
struct Header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint64_t key_bytes;
    uint64_t content_bytes;
};
static_assert(sizeof(Header) == 32);

constexpr Header blank = {{'h', 'w', 'a', 'c', 'a', 'c', 'h', 'e'}, 1, 0x01020304, 0, 0};
constexpr size_t frame_bytes = sizeof(Header) + sizeof(base::Hash);

template <class T> std::string_view bytes_of(const T &value) {
    return {reinterpret_cast<const char *>(&value), sizeof value};
}

Header header_of(std::string_view key, std::string_view content) {
    Header header = blank;
    header.key_bytes = key.size();
    header.content_bytes = content.size();
    return header;
}

base::Hash checksum(const Header &header, std::string_view key, std::string_view content) {
    return base::hash(content, base::hash(key, base::hash(bytes_of(header))));
}

std::string entry_name(std::string_view key) {
    return base::hash_text(base::hash(key));
}

/// What else is in the folder is none of ours.
bool is_entry(std::string_view name) {
    return name.size() == 2 * sizeof(base::Hash) &&
           name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Where the content begins and ends in a file that is an entry for `key`; nothing if it is none.
std::optional<std::string_view> content_of(std::string_view file, std::string_view key) {
    if (file.size() < frame_bytes + key.size())
        return {};
    const std::string_view content =
        file.substr(sizeof(Header) + key.size(), file.size() - frame_bytes - key.size());
    // A sound entry for this key has one header only.
    const Header header = header_of(key, content);
    if (!file.starts_with(bytes_of(header)) || file.substr(sizeof header, key.size()) != key)
        return {};
    base::Hash stored;
    std::memcpy(&stored, file.data() + file.size() - sizeof stored, sizeof stored);
    if (stored != checksum(header, key, content))
        return {};
    return content;
}

/// Removes what was not used for longest until the rest is within the limits.
void trim(const os::Folder &folder, const CacheLimits &limits) {
    static constexpr size_t most = 1 << 16; // beyond which this is no cache of ours
    auto files = folder.list(most);
    if (!files)
        return;
    std::erase_if(*files, [](const auto &file) { return !is_entry(file.name); });
    std::sort(files->begin(), files->end(),
              [](const auto &a, const auto &b) { return a.used_ns > b.used_ns; });
    uint64_t total = 0;
    size_t count = 0;
    for (const os::FolderFile &file : *files) {
        total = base::checked_add(total, file.size_bytes).value_or(UINT64_MAX);
        if (total > limits.total_bytes || ++count > limits.entries)
            folder.remove(file.name);
    }
}

} // namespace

bool reads_files(std::string_view source, std::string_view options) {
    // A directive may go over several lines.
    std::string joined;
    for (size_t i = 0; i < source.size(); ++i) {
        const std::string_view rest = source.substr(i);
        if (rest.starts_with("\\\n"))
            i += 1;
        else if (rest.starts_with("\\\r\n"))
            i += 2;
        else
            joined += source[i];
    }
    for (const char *word : {"include", "import", "imacros", "embed"})
        if (joined.find(word) != std::string::npos || options.find(word) != std::string_view::npos)
            return true;
    return options.find('@') != std::string_view::npos;
}

std::string cache_key(std::initializer_list<std::string_view> parts) {
    std::string key;
    for (const std::string_view part : parts)
        key += base::format("%zu:", part.size()) + std::string(part);
    return key;
}

std::string default_cache_folder() {
    const auto absolute = [](const char *name) {
        const auto value = os::environment_variable(name);
        return value && value->starts_with('/') ? *value : std::string();
    };
    if (const std::string cache = absolute("XDG_CACHE_HOME"); !cache.empty())
        return cache + "/hwa";
    // A home that is not there is one on purpose: that of a user who has none.
    const std::string home = absolute("HOME");
    return os::path_kind(home) == os::PathKind::Directory ? home + "/.cache/hwa" : std::string();
}

base::Result<std::shared_ptr<Cache>> Cache::open(const std::string &path,
                                                 const CacheLimits &limits) {
    HWA_TRY(const os::Folder folder, os::Folder::open(path, true));
    return std::shared_ptr<Cache>(new Cache(path, limits));
}

std::optional<std::string> Cache::find(std::string_view key) const {
    const auto folder = os::Folder::open(folder_, false);
    if (!folder)
        return {};
    auto file = folder->read(entry_name(key), limits_.entry_bytes);
    if (!file)
        return {};
    const auto content = content_of(*file, key);
    if (!content)
        return {};
    const auto begin = static_cast<size_t>(content->data() - file->data());
    file->resize(begin + content->size());
    file->erase(0, begin);
    return std::move(*file);
}

void Cache::store(std::string_view key, std::string_view content) const {
    const uint64_t room = std::min(limits_.entry_bytes, limits_.total_bytes);
    if (key.size() > room || content.size() > room - key.size() ||
        frame_bytes > room - key.size() - content.size())
        return;
    const auto folder = os::Folder::open(folder_, true);
    if (!folder)
        return;
    const Header header = header_of(key, content);
    const base::Hash check = checksum(header, key, content);
    const std::array<std::string_view, 4> pieces = {bytes_of(header), key, content,
                                                    bytes_of(check)};
    if (folder->replace(entry_name(key), pieces))
        trim(*folder, limits_);
}

} // namespace hwa::launch
