// SPDX-License-Identifier: MIT
// launch/cuda_image: cubins are read within their bytes; PTX and options are taken apart.
#include "check.h"

#include "launch/cuda_image.h"

#include <algorithm>
#include <cstring>

using namespace hwa;
using base::Status;

namespace {

/// Builds a cubin with one kernel as NVRTC lays it out: head, names, code, the two tables.
struct Maker {
    std::string bytes;

    template <class T> void put(size_t at, T value) {
        if (bytes.size() < at + sizeof value)
            bytes.resize(at + sizeof value, '\0');
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }

    void section(size_t at, uint32_t name, uint32_t type, uint64_t offset, uint64_t size) {
        put<uint64_t>(at + 56, 0);
        put(at, name);
        put(at + 4, type);
        put(at + 24, offset);
        put(at + 32, size);
    }

    Maker(unsigned char abi, uint32_t flags) {
        static constexpr char names[] = "\0.shstrtab\0.text.add\0.nv.shared";
        put<uint64_t>(0, 0x0001010102464c457f);
        std::memcpy(bytes.data(),
                    "\x7f"
                    "ELF\2\1\1",
                    7);
        bytes[7] = static_cast<char>(abi);
        put<uint16_t>(16, 2);
        put<uint16_t>(18, 190);
        put<uint64_t>(32, 384); // segments
        put<uint64_t>(40, 128); // sections
        put<uint32_t>(48, flags);
        put<uint16_t>(54, 56);
        put<uint16_t>(56, 1);
        put<uint16_t>(58, 64);
        put<uint16_t>(60, 4);
        put<uint16_t>(62, 1);
        bytes.resize(128, '\0');
        std::memcpy(bytes.data() + 64, names, sizeof names);
        section(128, 0, 0, 0, 0);
        section(192, 1, 3, 64, sizeof names);
        section(256, 11, 1, 96, 32);
        section(320, 21, 8, 1 << 20, 1 << 20); // takes no room in the file
        put<uint64_t>(384 + 48, 0);
        put<uint32_t>(384, 1);
        put<uint64_t>(384 + 8, 96);
        put<uint64_t>(384 + 32, 32);
    }
};

void reads_a_cubin(void **) {
    static constexpr struct {
        unsigned char abi;
        uint32_t flags;
        int capability;
        bool exact;
    } table[] = {
        {0x33, 0x320532, 50, false},   {0x33, 0x560556, 86, false},   {0x33, 0x5a055a, 90, false},
        {0x33, 0x5a0d5a, 90, true},    {0x41, 0x6006402, 100, false}, {0x41, 0x600640a, 100, true},
        {0x41, 0x6007802, 120, false}, {0x55, 0x6007802, 0, false},
    };
    for (const auto &row : table) {
        const Maker made(row.abi, row.flags);
        const auto cubin = launch::read_cubin(made.bytes);
        assert_true(static_cast<bool>(cubin));
        assert_int_equal(cubin->capability, row.capability);
        assert_int_equal(cubin->exact, row.exact);
        assert_int_equal(cubin->kernels.size(), 1);
        assert_string_equal(cubin->kernels[0].c_str(), "add");
    }
}

/// Cut off anywhere, it is refused; whatever byte is changed, nothing is read past the end.
void reads_no_further_than_it_is(void **) {
    const Maker made(0x33, 0x5a055a);
    for (size_t size = 0; size < made.bytes.size(); ++size) {
        const std::string cut = made.bytes.substr(0, size);
        const auto cubin = launch::read_cubin({cut.data(), cut.size()});
        assert_false(static_cast<bool>(cubin));
        assert_true(cubin.error().status == Status::Build);
    }
    for (size_t at = 0; at < made.bytes.size(); ++at)
        for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
            std::string changed = made.bytes;
            changed[at] = static_cast<char>(value);
            static_cast<void>(static_cast<bool>(launch::read_cubin(changed)));
        }
}

void refuses_what_is_no_cubin(void **) {
    Maker other(0x33, 0x5a055a);
    other.put<uint16_t>(18, 62); // x86-64
    const auto code = launch::read_cubin(other.bytes);
    assert_true(!code && code.error().status == Status::Unsupported);
    std::string fat("\x50\xed\x55\xba", 4);
    fat.resize(200, '\1');
    const auto container = launch::read_cubin(fat);
    assert_true(!container && container.error().status == Status::Unsupported);
    assert_non_null(std::strstr(container.error().message.c_str(), "fat binary"));
}

/// Everything that a field points to must be there.
void finds_the_damage(void **) {
    static constexpr struct {
        size_t at;
        uint64_t value;
        const char *says;
    } table[] = {
        {40, UINT64_MAX - 60, "the table of sections"},
        {32, 1 << 20, "the table of segments"},
        {192 + 24, 1 << 20, "a section at byte 192"},
        {256 + 32, UINT64_MAX, "a section at byte 256"},
        {384 + 8, UINT64_MAX, "a segment at byte 384"},
        {384 + 32, 1 << 20, "a segment at byte 384"},
    };
    for (const auto &row : table) {
        Maker made(0x33, 0x5a055a);
        made.put(row.at, row.value);
        const auto damaged = launch::read_cubin(made.bytes);
        assert_true(!damaged && damaged.error().status == Status::Build);
        assert_non_null(std::strstr(damaged.error().message.c_str(), row.says));
    }
}

void tells_what_runs_where(void **) {
    static constexpr struct {
        int made_for;
        bool exact;
        int device;
        bool runs;
    } table[] = {
        {80, false, 80, true},  {80, false, 86, true},   {86, false, 80, false},
        {80, false, 90, false}, {90, true, 90, true},    {100, true, 103, false},
        {90, false, 89, false}, {100, false, 103, true}, {0, false, 90, true},
    };
    for (const auto &row : table) {
        launch::Cubin cubin;
        cubin.capability = row.made_for;
        cubin.exact = row.exact;
        assert_int_equal(launch::cubin_runs_on(cubin, row.device), row.runs);
    }
}

void reads_the_head_of_ptx(void **) {
    static constexpr struct {
        const char *text;
        int capability;
        const char *target;
    } table[] = {
        {"//\n.version 8.4\n.target sm_90a\n.address_size 64\n", 90, "sm_90a"},
        {"  .target\tsm_75, debug // x\n", 75, "sm_75"},
        {"// .target sm_10\n.target sm_100f/*x*/\n", 100, "sm_100f"},
        {".version 8.0\n", 0, ""},
        {".target compute\n", 0, "compute"},
        {".target sm_99999999999999999999\n", 0, "sm_99999999999999999999"},
        {"", 0, ""},
    };
    for (const auto &row : table) {
        const auto head = launch::read_ptx_head(row.text);
        assert_int_equal(head.capability, row.capability);
        assert_string_equal(head.target.c_str(), row.target);
    }
}

void splits_options(void **) {
    const auto all = launch::split_options("  -DA=1\t-DT=\"long long\"  --std=c++17 \"\" ");
    assert_int_equal(all.size(), 4);
    assert_string_equal(all[0].c_str(), "-DA=1");
    assert_string_equal(all[1].c_str(), "-DT=long long");
    assert_string_equal(all[2].c_str(), "--std=c++17");
    assert_string_equal(all[3].c_str(), "");
    assert_int_equal(launch::split_options(" \t ").size(), 0);
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_cubin),
        cmocka_unit_test(reads_no_further_than_it_is),
        cmocka_unit_test(refuses_what_is_no_cubin),
        cmocka_unit_test(finds_the_damage),
        cmocka_unit_test(tells_what_runs_where),
        cmocka_unit_test(reads_the_head_of_ptx),
        cmocka_unit_test(splits_options),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
