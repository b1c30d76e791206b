// SPDX-License-Identifier: MIT
// CUDA: reading cubins and the head of PTX. Documents: ELF-64 Object File Format; PTX ISA, section
// "Source Format". Where a cubin has its capability was read off files that NVRTC 12.9 makes.
#include "launch/cuda_image.h"

#include "base/text.h"
#include "base/units.h"

#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

using Number = unsigned long long;

/// ELF-64 Object File Format, figures 2, 5 and 9: the parts of a file that are looked at.
struct Head {
    unsigned char ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t segments;
    uint64_t sections;
    uint32_t flags;
    uint16_t head_bytes;
    uint16_t segment_bytes;
    uint16_t segment_count;
    uint16_t section_bytes;
    uint16_t section_count;
    uint16_t names;
};
struct Section {
    uint32_t name;
    uint32_t type;
    uint64_t flags;
    uint64_t address;
    uint64_t offset;
    uint64_t size;
    uint32_t link;
    uint32_t info;
    uint64_t alignment;
    uint64_t entry_bytes;
};
struct Segment {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_bytes;
    uint64_t memory_bytes;
    uint64_t alignment;
};
static_assert(sizeof(Head) == 64 && sizeof(Section) == 64 && sizeof(Segment) == 56);

/// The first bytes: the mark, 64 bits, little end first; and where the ABI is.
constexpr unsigned char elf_start[] = {0x7f, 'E', 'L', 'F', 2, 1};
constexpr size_t elf_mark_bytes = 4;
constexpr size_t abi_at = 7;

/// Types of sections that take no room in the file.
constexpr uint32_t section_null = 0;
constexpr uint32_t section_no_bits = 8;

/// EM_CUDA, and the two forms of the flags by the ABI.
constexpr uint16_t machine_cuda = 190;
constexpr unsigned char abi_before_sm100 = 0x33;
constexpr unsigned char abi_since_sm100 = 0x41;

/// First bytes of a container of several binaries (fatbinary_section.h).
constexpr uint32_t fat_magic = 0xba55ed50;

/// Where the instructions of a kernel are: ".text.name".
constexpr std::string_view code_section = ".text.";

/// More kernels than a message would name.
constexpr size_t kernel_limit = 256;

base::Error damaged(const char *what, uint64_t at) {
    return base::error(Status::Build, "the cubin is damaged: %s at byte %llu", what, Number{at});
}

template <class T> bool read_at(std::span<const char> bytes, uint64_t at, T &into) {
    if (at > bytes.size() || bytes.size() - at < sizeof into)
        return false;
    std::memcpy(&into, bytes.data() + at, sizeof into);
    return true;
}

bool lies_within(std::span<const char> bytes, uint64_t at, uint64_t size) {
    return at <= bytes.size() && size <= bytes.size() - at;
}

base::Done check_table(std::span<const char> bytes, const char *what, uint64_t at, uint64_t count,
                       uint64_t entry_bytes, uint64_t least) {
    if (count == 0)
        return {};
    const auto size = base::checked_mul(count, entry_bytes);
    if (entry_bytes < least || !size || !lies_within(bytes, at, *size))
        return damaged(what, at);
    return {};
}

/// Every section and segment must lie within the file.
base::Done check_parts(std::span<const char> bytes, const Head &head) {
    HWA_CHECK(check_table(bytes, "the table of sections", head.sections, head.section_count,
                          head.section_bytes, sizeof(Section)));
    HWA_CHECK(check_table(bytes, "the table of segments", head.segments, head.segment_count,
                          head.segment_bytes, sizeof(Segment)));
    for (uint64_t i = 0; i < head.section_count; ++i) {
        Section section;
        const uint64_t at = head.sections + i * head.section_bytes;
        if (!read_at(bytes, at, section) ||
            (section.type != section_no_bits && section.type != section_null &&
             !lies_within(bytes, section.offset, section.size)))
            return damaged("a section", at);
    }
    for (uint64_t i = 0; i < head.segment_count; ++i) {
        Segment segment;
        const uint64_t at = head.segments + i * head.segment_bytes;
        if (!read_at(bytes, at, segment) || !lies_within(bytes, segment.offset, segment.file_bytes))
            return damaged("a segment", at);
    }
    return {};
}

/// Names of sections tell those of the kernels.
void read_kernels(std::span<const char> bytes, const Head &head, Cubin &cubin) {
    Section names;
    if (head.names >= head.section_count ||
        !read_at(bytes, head.sections + uint64_t{head.names} * head.section_bytes, names) ||
        !lies_within(bytes, names.offset, names.size))
        return;
    const std::string_view table(bytes.data() + names.offset, names.size);
    for (uint64_t i = 0; i < head.section_count && cubin.kernels.size() < kernel_limit; ++i) {
        Section section;
        if (!read_at(bytes, head.sections + i * head.section_bytes, section) ||
            section.name >= table.size())
            continue;
        std::string_view name = table.substr(section.name);
        name = name.substr(0, name.find('\0'));
        if (name.starts_with(code_section))
            cubin.kernels.emplace_back(name.substr(code_section.size()));
    }
}

void read_capability(const Head &head, Cubin &cubin) {
    if (head.ident[abi_at] == abi_before_sm100) {
        cubin.capability = static_cast<int>(head.flags & 0xff);
        cubin.exact = (head.flags & 0x800) != 0;
    } else if (head.ident[abi_at] == abi_since_sm100) {
        cubin.capability = static_cast<int>(head.flags >> 8 & 0xffff);
        cubin.exact = (head.flags & 0x8) != 0;
    }
}

} // namespace

base::Result<Cubin> read_cubin(std::span<const char> bytes) {
    uint32_t magic = 0;
    if (read_at(bytes, 0, magic) && magic == fat_magic)
        return base::error(Status::Unsupported,
                           "this is a fat binary; hand in the cubin or the PTX that is in it");
    Head head;
    if (!read_at(bytes, 0, head) || std::memcmp(head.ident, elf_start, elf_mark_bytes) != 0)
        return base::error(Status::Build, "a cubin is an ELF file, and this is none");
    if (std::memcmp(head.ident, elf_start, sizeof elf_start) != 0 || head.machine != machine_cuda)
        return base::error(Status::Unsupported, "this ELF file is for machine %u, not for CUDA",
                           head.machine);
    HWA_CHECK(check_parts(bytes, head));
    Cubin cubin;
    read_capability(head, cubin);
    read_kernels(bytes, head, cubin);
    return cubin;
}

bool cubin_runs_on(const Cubin &cubin, int capability) {
    if (cubin.capability == 0 || capability == 0)
        return true;
    if (cubin.exact)
        return cubin.capability == capability;
    return cubin.capability / 10 == capability / 10 && cubin.capability % 10 <= capability % 10;
}

PtxHead read_ptx_head(std::string_view text) {
    static constexpr std::string_view directive = ".target";
    PtxHead head;
    for (std::string_view line : base::split(text.substr(0, 64 * 1024), '\n')) {
        line = base::trim(line);
        if (!line.starts_with(directive))
            continue;
        line = base::trim(line.substr(directive.size()));
        line = base::trim(line.substr(0, line.find_first_of(",/")));
        head.target = base::sanitise(line, 32);
        const size_t digits = line.find_first_of("0123456789");
        if (!line.starts_with("sm_") || digits == std::string_view::npos)
            return head;
        line = line.substr(digits);
        line = line.substr(0, line.find_first_not_of("0123456789"));
        head.capability = static_cast<int>(base::parse_u64(line).value_or(0) % 10000);
        return head;
    }
    return head;
}

std::vector<std::string> split_options(std::string_view text) {
    std::vector<std::string> options;
    bool open = false;
    bool quoted = false;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\t' || c == '\n';
        if (blank && !quoted) {
            open = false;
            continue;
        }
        if (!open)
            options.emplace_back();
        open = true;
        if (c == '"')
            quoted = !quoted;
        else
            options.back() += c;
    }
    return options;
}

} // namespace hwa::launch
