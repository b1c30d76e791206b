// SPDX-License-Identifier: MIT
// launch/vulkan_spirv: what a kernel declares is read, and what is malformed is told by the word.
#include "check.h"

#include "launch/vulkan_spirv.h"

#include <cstring>
#include <string>
#include <vector>

using namespace hwa;
using base::Status;

using Words = std::vector<uint32_t>;

/// An instruction: its number of words goes before its opcode.
static void put(Words &into, uint32_t opcode, const Words &operands) {
    into.push_back(static_cast<uint32_t>(operands.size() + 1) << 16 | opcode);
    into.insert(into.end(), operands.begin(), operands.end());
}

static constexpr uint32_t main_word = 'm' | 'a' << 8 | 'i' << 16 | 'n' << 24;

/// Ids of the module below.
enum Id : uint32_t {
    Main = 1,
    Void,
    Signature,
    Label,
    Uint,
    Array,
    Block,
    Pointer,
    Buffer,
    Length,
    Shared,
    SharedPointer,
    Scratch,
    Values,
    ValuesPointer,
    ValuesBlock,
    Bound
};

/// A kernel with two names of one buffer at binding 1, a block of two values, and scratch. From
/// version 1.4 on the interface names what it uses.
static Words whole(uint32_t version = 0x00010300, const Words &interface = {}) {
    Words made = {0x07230203, version, 0, Bound, 0};
    Words entry = {5, Main, main_word, 0};
    entry.insert(entry.end(), interface.begin(), interface.end());
    put(made, 17, {1});                             // capability Shader
    put(made, 14, {0, 1});                          // logical, GLSL450
    put(made, 15, entry);                           // GLCompute "main"
    put(made, 16, {Main, 17, 8, 4, 2});             // LocalSize
    put(made, 71, {Array, 6, 4});                   // ArrayStride
    put(made, 72, {Block, 0, 35, 0});               // Offset
    put(made, 71, {Block, 2});                      // Block
    put(made, 71, {Buffer, 34, 0});                 // DescriptorSet
    put(made, 71, {Buffer, 33, 1});                 // Binding
    put(made, 71, {Length, 1, 7});                  // SpecId
    put(made, 72, {Values, 0, 35, 0});              // Offset
    put(made, 72, {Values, 1, 35, 4});              // Offset
    put(made, 19, {Void});                          // void
    put(made, 33, {Signature, Void});               // void ()
    put(made, 21, {Uint, 32, 0});                   // uint
    put(made, 29, {Array, Uint});                   // uint[]
    put(made, 30, {Block, Array});                  // struct
    put(made, 32, {Pointer, 12, Block});            // StorageBuffer
    put(made, 59, {Pointer, Buffer, 12});           // variable
    put(made, 50, {Uint, Length, 16});              // SpecConstant
    put(made, 28, {Shared, Uint, Length});          // uint[Length]
    put(made, 32, {SharedPointer, 4, Shared});      // Workgroup
    put(made, 59, {SharedPointer, Scratch, 4});     // variable
    put(made, 30, {Values, Uint, Uint});            // struct
    put(made, 32, {ValuesPointer, 9, Values});      // PushConstant
    put(made, 59, {ValuesPointer, ValuesBlock, 9}); // variable
    put(made, 54, {Void, Main, 0, Signature});      // function
    put(made, 248, {Label});                        // label
    put(made, 253, {});                             // return
    put(made, 56, {});                              // end
    return made;
}

static void reads_what_a_kernel_takes(void **) {
    const auto kernel = launch::read_spirv(whole(), "main");
    if (!kernel)
        fail_msg("%s", kernel.error().message.c_str());
    assert_int_equal(kernel->group[0].value, 8);
    assert_int_equal(kernel->group[1].value, 4);
    assert_int_equal(kernel->group[2].value, 2);
    assert_false(kernel->group[0].constant.has_value());
    assert_int_equal(kernel->bindings.size(), 2);
    assert_true(kernel->bindings[0] == launch::SpirvBinding::Unused);
    assert_true(kernel->bindings[1] == launch::SpirvBinding::Storage);
    assert_int_equal(kernel->values.size(), 2);
    assert_int_equal(kernel->value_bytes, 8);
    assert_int_equal(kernel->scratch.size(), 1);
    assert_int_equal(kernel->scratch[0].constant, 7);
    assert_int_equal(kernel->scratch[0].length, 16);
    assert_int_equal(kernel->scratch[0].element_bytes, 4);
    assert_int_equal(kernel->shared_bytes, 0);
    assert_int_equal(kernel->capabilities.size(), 1);
}

/// The first word of the instruction that has these words in a row.
static size_t find(const Words &words, const Words &row) {
    for (size_t i = 0; i + row.size() <= words.size(); ++i)
        if (std::equal(row.begin(), row.end(), words.begin() + static_cast<ptrdiff_t>(i)))
            return i;
    fail_msg("no such words");
    return 0;
}

struct Change {
    const char *what;
    Words row;     ///< to be found; empty: the module from its start
    size_t place;  ///< in the row
    uint32_t word; ///< what is written there
    Status status;
    const char *text;
};

static const Change changes[] = {
    {"magic", {}, 0, 0x12345678, Status::Build, "word 0: this is no SPIR-V"},
    {"byte order", {}, 0, 0x03022307, Status::Build, "word 0: the module is of the other byte"},
    {"version 0", {}, 1, 0x00000100, Status::Build, "word 1: "},
    {"version 2", {}, 1, 0x00020000, Status::Unsupported, "newer than 1.6"},
    {"no ids", {}, 3, 0, Status::Build, "word 3: "},
    {"too many ids", {}, 3, 0x7fffffff, Status::Build, "word 3: "},
    {"small bound", {}, 3, 5, Status::Build, "not below the bound"},
    {"schema", {}, 4, 1, Status::Build, "word 4: "},
    {"no words", {}, 5, 17, Status::Build, "word 5: an instruction of no words"},
    {"too many words", {}, 5, 0xffff0011, Status::Build, "word 5: an instruction of 65535"},
    {"another kernel", {5, Main, main_word}, 2, 'x', Status::NotFound, "no kernel \"main\""},
    {"no function", {5, Main, main_word}, 1, Label, Status::Build, "not there"},
    {"endless name", {5, Main, main_word, 0}, 3, main_word, Status::Build, "has no end"},
    {"empty group", {Main, 17, 8}, 2, 0, Status::Build, "extent of a group is 0"},
    {"twice", {Uint, 32, 0}, 0, Void, Status::Build, "not defined before"},
    {"number of 7 bits", {Uint, 32, 0}, 1, 7, Status::Build, "a number of 7 bits"},
    {"set 3", {Buffer, 34, 0}, 2, 3, Status::Unsupported, "set 3"},
    {"far binding", {Buffer, 33, 1}, 2, 1u << 31, Status::Unsupported, "over the limit"},
    {"no binding", {Buffer, 33, 1}, 1, 39, Status::Build, "without a binding"},
    {"image", {Pointer, 12, Block}, 1, 0, Status::Build, "another storage class"},
    {"OpenCL", {0, 1, 5u << 16 | 15}, 1, 2, Status::Unsupported, "OpenCL"},
    {"no offset", {Values, 1, 35, 4}, 2, 39, Status::Build, "member 1"},
    {"length of 64 bits", {Uint, 32, 0}, 1, 64, Status::Unsupported, "whole number of 32 bits"},
    {"length that is no integer",
     {4u << 16 | 21, Uint},
     0,
     4u << 16 | 22,
     Status::Unsupported,
     "whole number of 32 bits"},
    {"value of unknown size", {Values, Uint, Uint}, 1, Shared, Status::Unsupported, "member 0"},
    {"value without end", {Values, Uint, Uint}, 2, Array, Status::Unsupported, "member 1"},
    {"no label", {2u << 16 | 248, Label}, 0, 2u << 16 | 8, Status::Build, "without a body"},
};

static void names_the_word(void **) {
    for (const Change &change : changes) {
        Words words = whole();
        words[find(words, change.row) + change.place] = change.word;
        const auto kernel = launch::read_spirv(words, "main");
        if (kernel)
            fail_msg("%s: was taken", change.what);
        if (kernel.error().status != change.status ||
            kernel.error().message.find(change.text) == std::string::npos)
            fail_msg("%s: %s", change.what, kernel.error().message.c_str());
    }
}

/// Cut anywhere, it is malformed, or its last function lacks.
static void takes_nothing_cut_short(void **) {
    const Words words = whole();
    for (size_t size = 0; size < words.size(); ++size) {
        const auto kernel = launch::read_spirv({words.data(), size}, "main");
        if (kernel)
            fail_msg("%zu of %zu words were taken", size, words.size());
    }
}

/// In whatever order the interface has them.
static void takes_what_the_interface_names(void **) {
    const auto all = launch::read_spirv(whole(0x00010400, {ValuesBlock, Buffer, Scratch}), "main");
    const auto some = launch::read_spirv(whole(0x00010400, {ValuesBlock, Buffer}), "main");
    assert_true(all && some);
    assert_int_equal(all->values.size(), 2);
    assert_int_equal(all->bindings.size(), 2);
    assert_int_equal(all->scratch.size(), 1);
    assert_int_equal(some->values.size(), 2);
    assert_int_equal(some->bindings.size(), 2);
    assert_int_equal(some->scratch.size(), 0);
}

/// The module with more types and constants, before its function. Their ids begin at Bound.
static Words with(const Words &more) {
    Words words = whole();
    words[3] = Bound + 8;
    const size_t at = find(words, {5u << 16 | 54, Void, Main});
    words.insert(words.begin() + static_cast<ptrdiff_t>(at), more.begin(), more.end());
    return words;
}

static void wraps_around_no_size(void **) {
    Words more;
    put(more, 43, {Uint, Bound, UINT32_MAX});
    put(more, 28, {Bound + 1, Uint, Bound}); // uint[2^32 - 1]
    put(more, 43, {Uint, Bound + 2, (1u << 30) - 1});
    put(more, 28, {Bound + 3, Bound + 1, Bound + 2}); // nearly all that 64 bits can count
    assert_true(static_cast<bool>(launch::read_spirv(with(more), "main")));
    put(more, 23, {Bound + 4, Bound + 3, 16}); // and sixteen of these
    const auto kernel = launch::read_spirv(with(more), "main");
    assert_true(!kernel && kernel.error().status == Status::Build);
    assert_non_null(strstr(kernel.error().message.c_str(), "larger than memory can be"));
}

static void counts_by_constants_of_64_bits(void **) {
    Words more;
    put(more, 21, {Bound, 64, 0});               // uint64_t
    put(more, 43, {Bound, Bound + 1, 0, 1});     // 2^32
    put(more, 28, {Bound + 2, Uint, Bound + 1}); // uint[2^32]
    put(more, 32, {Bound + 3, 4, Bound + 2});    // Workgroup
    put(more, 59, {Bound + 3, Bound + 4, 4});    // variable
    const auto kernel = launch::read_spirv(with(more), "main");
    assert_true(kernel && kernel->shared_bytes == uint64_t{1} << 34);
}

static void adds_up_scratch_of_any_size(void **) {
    launch::SpirvScratch scratch;
    scratch.element_bytes = 12;
    assert_int_equal(scratch.add_to(100, 3), 136);
    assert_true(scratch.add_to(UINT64_MAX - 35, 3) == UINT64_MAX);
    scratch.element_bytes = uint64_t{1} << 40;
    assert_true(scratch.add_to(0, uint64_t{1} << 24) == UINT64_MAX);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_kernel_takes),
        cmocka_unit_test(names_the_word),
        cmocka_unit_test(takes_nothing_cut_short),
        cmocka_unit_test(takes_what_the_interface_names),
        cmocka_unit_test(wraps_around_no_size),
        cmocka_unit_test(counts_by_constants_of_64_bits),
        cmocka_unit_test(adds_up_scratch_of_any_size),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
