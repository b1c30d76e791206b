// SPDX-License-Identifier: MIT
// plan/gguf and plan/read_gguf: exact bytes of sound files, and a sentence for each bomb.
#include "check.h"

#include "base/text.h"
#include "gguf_maker.h"
#include "plan/model/gguf.h"
#include "plan/model/read.h"

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using base::Status;

static base::Result<core::Model> read(const std::string &text, uint64_t size = 0) {
    const MemorySource memory{text, size};
    return read_gguf_parts({memory.source()});
}

static void adds_up_a_small_model(void **) {
    const auto model = read(small_llama().file());
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    const uint64_t layer = 256 * 256 + 512 * 256 + 256;
    assert_true(model->parameters == 2 * 256 * 1024 + 2 * layer + 256);
    assert_true(model->active_parameters == model->parameters);
    assert_true(model->weight_bytes() ==
                1024 * 144 + 2 * (1024 + 256 * 144 + 512 * 210) + 1024 + 1024 * 210);
    assert_string_equal(model->name.c_str(), "Small");
    assert_string_equal(model->recipe.c_str(), "Q4_K_M");
    assert_int_equal(model->layers.size(), 2);
    assert_int_equal(model->layers[1].kv_heads, 2);
    assert_int_equal(model->layers[1].key_size, 64);
    assert_int_equal(model->vocabulary, 3);
    assert_int_equal(model->context_limit, 4096);
    assert_int_equal(model->types.size(), 3);
    assert_string_equal(model->types[1].name.c_str(), "q4_k");
    assert_int_equal(model->types[1].tensors, 3);
    assert_true(model->dtype == core::Dtype::Q6_K);
    assert_true(model->layers[0].weights.plain == 256);
    assert_false(model->tied());
}

static void takes_numbers_of_each_layer(void **) {
    GgufMaker made = small_llama();
    made.key_bytes = Bytes();
    made.keys = 0;
    made.text("general.architecture", "x").u32("x.block_count", 2).u32("x.embedding_length", 256);
    made.array("x.attention.head_count", {4, 0}).array("x.attention.head_count_kv", {1, 0});
    made.u32("x.attention.key_length", 96).u32("x.attention.value_length", 64);
    const auto model = read(made.file());
    assert_true(bool(model));
    assert_int_equal(model->layers[0].kv_heads, 1);
    assert_int_equal(model->layers[1].kv_heads, 0);
    assert_int_equal(model->layers[0].key_size, 96);
    assert_int_equal(model->layers[0].value_size, 64);
    assert_int_equal(model->heads, 4);
}

static void takes_a_model_without_layers_whole(void **) {
    GgufMaker made;
    made.text("general.architecture", "x").tensor("t", {256, 4}, 0, 4096);
    const auto model = read(made.file());
    assert_true(bool(model));
    assert_int_equal(model->layers.size(), 1);
    assert_int_equal(model->weight_bytes(), 4096);
    assert_int_equal(model->parameters, 1024);
}

static void counts_experts(void **) {
    GgufMaker made = small_llama();
    made.u32("llama.expert_count", 8).u32("llama.expert_used_count", 2);
    made.tensor("blk.0.ffn_up_exps.weight", {256, 64, 8}, 0, 256 * 64 * 8 * 4);
    made.tensor("blk.0.scale", {256}, 0, 1024); // stays unpacked for its one dimension
    made.tensor("blk.0.ffn_gate_inp.weight", {256, 8}, 0, 256 * 8 * 4);
    const auto model = read(made.file());
    assert_true(bool(model));
    assert_true(model->layers[0].weights.expert == 256 * 64 * 8);
    assert_true(model->layers[0].weights.plain == 2 * 256 + 256 * 8);
    assert_true(model->parameters - model->active_parameters == 256 * 64 * 6);
}

/// The header may be read in pieces of one window, and no more than one window beyond its end.
static void stops_at_the_data(void **) {
    GgufMaker made = small_llama();
    Bytes tokens;
    tokens.u32(GgufText).u64(30000);
    for (int i = 0; i < 30000; ++i)
        tokens.text("token");
    made.key("tokenizer.ggml.merges", GgufArray, tokens);
    const MemorySource memory{made.file(), 0};
    const Source source = memory.source();
    const auto header =
        read_gguf_header(source, [](const GgufTensor &) -> base::Done { return {}; });
    assert_true(bool(header));
    assert_true(header->data_offset == made.file().size() - made.data);
    assert_true(*memory.read_end <= header->data_offset + Window::window_bytes);
}

static void refuses_every_cut(void **) {
    const std::string whole = small_llama().file();
    const std::string header = small_llama().header();
    for (size_t length = 0; length < header.size(); ++length) {
        const auto model = read(whole.substr(0, length));
        assert_false(bool(model));
        assert_true(model.error().status == Status::Parse);
        assert_non_null(std::strstr(model.error().message.c_str(), "m.gguf: byte "));
    }
    const auto short_of_one = read(whole.substr(0, whole.size() - 64));
    assert_false(bool(short_of_one));
    assert_non_null(std::strstr(short_of_one.error().message.c_str(), "cut short"));
    // A hole is as good as data.
    assert_true(bool(read(header, whole.size())));
}

namespace {

struct Bomb {
    const char *name;
    std::string text;
    uint64_t size; ///< of the sparse file it stands for
    Status status;
    const char *words;
};

std::string with(void (*change)(GgufMaker &)) {
    GgufMaker made = small_llama();
    change(made);
    return made.file();
}

constexpr uint64_t huge = uint64_t{1} << 62;

std::vector<Bomb> structure_bombs() {
    return {
        {"no magic", "GGML............", 0, Status::Parse, "byte 0: not a GGUF file"},
        {"big-endian", Bytes().raw("GGUF").put(uint32_t{0x03000000}).u64(0).u64(0).str(), 0,
         Status::Unsupported, "big-endian"},
        {"version 1", Bytes().raw("GGUF").u32(1).u64(0).u64(0).str(), 0, Status::Unsupported,
         "GGUF version 1"},
        {"many tensors", Bytes().raw("GGUF").u32(3).u64(huge).u64(0).str(), 0, Status::Parse,
         "tensors are announced"},
        {"many keys", Bytes().raw("GGUF").u32(3).u64(0).u64(huge).str(), 0, Status::Parse,
         "keys are announced"},
        {"key without end", Bytes().raw("GGUF").u32(3).u64(0).u64(1).u64(uint64_t{1} << 30).str(),
         160, Status::Parse, "byte 24: a text of 1073741824 bytes is announced"},
        {"long key in a hole",
         Bytes().raw("GGUF").u32(3).u64(0).u64(1).u64(uint64_t{1} << 30).str(), huge, Status::Parse,
         "more than the 1048576 allowed"},
    };
}

std::vector<Bomb> array_bombs() {
    return {
        {"array longer than the file",
         Bytes()
             .raw("GGUF")
             .u32(3)
             .u64(0)
             .u64(1)
             .text("k")
             .u32(GgufArray)
             .u32(GgufText)
             .u64(huge)
             .str(),
         0, Status::Parse, "elements are announced"},
        {"array of empty texts in a hole",
         Bytes()
             .raw("GGUF")
             .u32(3)
             .u64(0)
             .u64(1)
             .text("k")
             .u32(GgufArray)
             .u32(GgufText)
             .u64(huge / 16)
             .str(),
         huge, Status::Parse, "too long to be one"},
        {"arrays in arrays in arrays",
         Bytes()
             .raw("GGUF")
             .u32(3)
             .u64(0)
             .u64(1)
             .text("k")
             .u32(GgufArray)
             .u32(GgufArray)
             .u64(1)
             .u32(GgufArray)
             .u64(1)
             .u32(GgufU8)
             .u64(0)
             .raw(std::string(64, '\0'))
             .str(),
         0, Status::Parse, "nested more than 2 deep"},
        {"unknown value", Bytes().raw("GGUF").u32(3).u64(0).u64(1).text("k").u32(99).u64(0).str(),
         0, Status::Parse, "key k: unknown value type 99"},
    };
}

std::vector<Bomb> tensor_bombs() {
    return {
        {"product wraps to 0", with([](GgufMaker &m) {
             m.tensor("t", {huge, 4, 4, 4}, 0, 32);
         }),
         0, Status::Parse, "tensor t: the product of its dimensions overflows"},
        {"no dimension", with([](GgufMaker &m) { m.tensor("t", {}, 0, 32); }), 0, Status::Parse,
         "tensor t has 0 dimensions"},
        {"nine dimensions",
         with([](GgufMaker &m) { m.tensor("t", std::vector<uint64_t>(9, 1), 0, 32); }), 0,
         Status::Parse, "tensor t has 9 dimensions"},
        {"empty dimension", with([](GgufMaker &m) {
             m.tensor("t", {32, 0}, 0, 32);
         }),
         0, Status::Parse, "tensor t: dimension 1 is 0"},
        {"unknown type", with([](GgufMaker &m) { m.tensor("t", {32}, 31, 32); }), 0, Status::Parse,
         "tensor t: unknown type 31"},
        {"row of half a block", with([](GgufMaker &m) {
             m.tensor("t", {128, 2}, 12, 144);
         }),
         0, Status::Parse, "tensor t: rows of 128 are no whole blocks of q4_k"},
        {"same name twice", with([](GgufMaker &m) { m.tensor("output.weight", {32}, 0, 128); }), 0,
         Status::Parse, "have one name"},
        {"odd offset", with([](GgufMaker &m) { m.tensor_at("t", {32}, 0, m.data + 8, 128); }), 0,
         Status::Parse, "is not a multiple of 32"},
        {"overlap", with([](GgufMaker &m) { m.tensor_at("t", {32}, 0, 0, 128); }), 0, Status::Parse,
         "lies inside the tensor before it"},
        {"offset past the end", with([](GgufMaker &m) {
             m.tensor_at("t", {32}, 0, huge, 128);
             m.data = 4096;
         }),
         0, Status::Parse, "past the end of the file"},
        {"layer far out", with([](GgufMaker &m) {
             m.tensor("blk.4000000.x", {32, 1}, 0, 128);
         }),
         0, Status::Parse, "is of a layer beyond"},
        {"nul in a name",
         with([](GgufMaker &m) { m.tensor(std::string_view("a\0b", 3), {32}, 0, 128); }), 0,
         Status::Parse, "holds a NUL"},
    };
}

std::vector<Bomb> key_bombs() {
    return {
        {"alignment 0", with([](GgufMaker &m) { m.u32("general.alignment", 0); }), 0, Status::Parse,
         "general.alignment is not a power of two"},
        {"alignment 3", with([](GgufMaker &m) { m.u32("general.alignment", 3); }), 0, Status::Parse,
         "general.alignment is not a power of two"},
        {"alignment 2^31",
         with([](GgufMaker &m) { m.u32("general.alignment", uint64_t{1} << 31); }), 0,
         Status::Parse, "general.alignment is not a power of two"},
        {"key twice", with([](GgufMaker &m) { m.u32("llama.block_count", 2); }), 0, Status::Parse,
         "two keys before this byte have one name"},
        {"no architecture", GgufMaker().tensor("t", {32}, 0, 128).file(), 0, Status::Parse,
         "general.architecture is missing"},
        {"no tensors", GgufMaker().text("general.architecture", "x").file(), 0, Status::Parse,
         "holds no tensors"},
    };
}

std::vector<Bomb> shape_bombs() {
    return {
        {"2^63 layers",
         GgufMaker()
             .text("general.architecture", "x")
             .key("x.block_count", GgufU64, Bytes().u64(uint64_t{1} << 63))
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.block_count is 9223372036854775808"},
        {"no layers",
         GgufMaker()
             .text("general.architecture", "x")
             .u32("x.block_count", 0)
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.block_count is 0"},
        {"-1 layers",
         GgufMaker()
             .text("general.architecture", "x")
             .key("x.block_count", GgufI32, Bytes().u32(UINT32_MAX))
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.block_count is no whole number"},
        {"half a layer",
         GgufMaker()
             .text("general.architecture", "x")
             .key("x.block_count", GgufF32, Bytes().u32(0x3f000000))
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.block_count is no whole number"},
        {"layers in words",
         GgufMaker()
             .text("general.architecture", "x")
             .text("x.block_count", "two")
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.block_count is no whole number"},
        {"width 0",
         GgufMaker()
             .text("general.architecture", "x")
             .u32("x.block_count", 1)
             .u32("x.embedding_length", 0)
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "key x.embedding_length is 0"},
        {"more experts than there are",
         GgufMaker()
             .text("general.architecture", "x")
             .u32("x.block_count", 1)
             .u32("x.expert_used_count", 9)
             .tensor("t", {32}, 0, 128)
             .file(),
         0, Status::Parse, "is more than expert_count"},
    };
}

void check(const std::vector<Bomb> &bombs) {
    for (const Bomb &bomb : bombs) {
        const auto model = read(bomb.text, bomb.size);
        if (model)
            fail_msg("%s: was read", bomb.name);
        if (model.error().status != bomb.status ||
            model.error().message.find(bomb.words) == std::string::npos)
            fail_msg("%s: %s: %s", bomb.name, base::status_name(model.error().status),
                     model.error().message.c_str());
    }
}

} // namespace

static void refuses_bombs(void **) {
    check(structure_bombs());
    check(array_bombs());
    check(tensor_bombs());
    check(key_bombs());
    check(shape_bombs());
}

/// A key of one name in many namespaces fills no memory.
static void bounds_what_it_keeps(void **) {
    GgufMaker made = small_llama();
    for (int i = 0; i < 300; ++i)
        made.u32("a" + std::to_string(i) + ".block_count", 1);
    const auto model = read(made.file());
    assert_false(bool(model));
    assert_non_null(std::strstr(model.error().message.c_str(), "more than 256 keys"));
}

static void knows_the_types(void **) {
    static constexpr struct {
        uint32_t id;
        const char *name;
        double bits;
    } known[] = {{2, "q4_0", 4.5},      {10, "q2_k", 2.625},   {12, "q4_k", 4.5},
                 {14, "q6_k", 6.5625},  {19, "iq1_s", 1.5625}, {23, "iq4_xs", 4.25},
                 {34, "tq1_0", 1.6875}, {39, "mxfp4", 4.25},   {40, "nvfp4", 4.5},
                 {41, "q1_0", 1.125},   {42, "q2_0", 2.25}};
    for (const auto &row : known) {
        const GgmlType *type = find_ggml_type(row.id);
        assert_non_null(type);
        assert_string_equal(type->name, row.name);
        assert_true(8.0 * type->block_bytes / type->block_elements == row.bits);
    }
    for (const GgmlType &type : ggml_types())
        if (const core::DtypeRow *row = core::find_dtype(type.dtype)) {
            assert_string_equal(row->name, type.name);
            assert_int_equal(row->block_bytes * type.block_elements,
                             type.block_bytes * row->block_elements);
        }
    for (const uint32_t gone : {4u, 5u, 31u, 36u, 43u, UINT32_MAX})
        assert_null(find_ggml_type(gone));
}

static void reads_all_parts(void **) {
    GgufMaker first = small_llama(), second;
    first.u32("split.count", 2);
    second.tensor("blk.2.attn_q.weight", {256, 256}, 0, 256 * 256 * 4);
    const MemorySource a{first.file(), 0}, b{second.file(), 0};
    const auto both = read_gguf_parts({a.source("a"), b.source("b")});
    assert_true(bool(both));
    assert_int_equal(both->layers.size(), 3);
    const auto alone = read_gguf_parts({a.source("a")});
    assert_false(bool(alone));
    assert_non_null(std::strstr(alone.error().message.c_str(), "one part of 2"));
    // What the parts may announce, they may announce together.
    GgufMaker wide = small_llama();
    wide.tensors = 1000000;
    const MemorySource c{wide.file(), 0};
    const auto both_wide = read_gguf_parts({a.source("a"), c.source("c")});
    assert_false(bool(both_wide));
    assert_non_null(std::strstr(both_wide.error().message.c_str(),
                                "c: byte 8: 1000000 tensors are announced, more than the 9999"));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(adds_up_a_small_model),
        cmocka_unit_test(takes_numbers_of_each_layer),
        cmocka_unit_test(takes_a_model_without_layers_whole),
        cmocka_unit_test(counts_experts),
        cmocka_unit_test(stops_at_the_data),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_bombs),
        cmocka_unit_test(bounds_what_it_keeps),
        cmocka_unit_test(knows_the_types),
        cmocka_unit_test(reads_all_parts),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
