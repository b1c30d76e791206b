// SPDX-License-Identifier: MIT
// plan/read_onnx: shapes and bytes of initializers, and protobufs that lie.
#include "check.h"

#include "gguf_maker.h"
#include "plan/model/read.h"
#include "plan/model/tally.h"

#include <cstring>
#include <string>

using namespace hwa;
using namespace hwa::plan;
using base::Status;

static std::string varint(uint64_t value) {
    std::string made;
    for (; value > 127; value >>= 7)
        made.push_back(static_cast<char>((value & 127) | 128));
    made.push_back(static_cast<char>(value));
    return made;
}

static std::string number(uint64_t field, uint64_t value) {
    return varint(field << 3) + varint(value);
}

static std::string bytes(uint64_t field, const std::string &value) {
    return varint(field << 3 | 2) + varint(value.size()) + value;
}

static std::string tensor(const std::string &name, std::initializer_list<uint64_t> dims,
                          uint64_t type, const std::string &rest = "") {
    std::string packed;
    for (const uint64_t size : dims)
        packed += varint(size);
    return bytes(5, bytes(1, packed) + number(2, type) + bytes(8, name) + rest);
}

static std::string external(const std::string &path) {
    return bytes(13, bytes(1, "location") + bytes(2, path)) + number(14, 1);
}

static std::string file(const std::string &graph) {
    return number(1, 8) + bytes(7, graph);
}

static base::Result<core::Model> read(const std::string &text) {
    const test::MemorySource memory{text, 0};
    const Source source = memory.source("m.onnx");
    core::Model model;
    Tally tally(model);
    HWA_CHECK(tally_onnx(source, tally));
    tally.finish();
    return model;
}

static void counts_initializers(void **) {
    const auto model =
        read(file(tensor("model.embed_tokens.weight", {10, 4}, 10, bytes(9, std::string(80, 0))) +
                  tensor("model.layers.0.mlp.up_proj.weight", {8, 4}, 16, external("m.onnx_data")) +
                  tensor("model.layers.1.mlp.up_proj.weight", {8, 4}, 16, external("a/b.bin")) +
                  tensor("shape", {2}, 7, bytes(9, std::string(16, 0)))));
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    assert_int_equal(model->parameters, 40 + 32 + 32);
    assert_int_equal(model->layers.size(), 2);
    assert_int_equal(model->layers[1].weights.bytes, 64);
    assert_int_equal(model->embedding.bytes, 80);
    assert_int_equal(model->other.bytes, 16);
}

/// Constants of nodes count too, also those of graphs inside of them.
static void looks_into_nodes(void **) {
    const std::string constant =
        bytes(1, bytes(5, bytes(5, bytes(1, varint(3)) + number(2, 1) + bytes(8, "c"))));
    const auto model = read(file(bytes(1, bytes(5, bytes(6, constant))) + constant));
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    assert_int_equal(model->parameters, 6);
}

static std::string nested(int depth) {
    std::string made = tensor("x", {1}, 1);
    for (int i = 0; i < depth; ++i)
        made = bytes(1, bytes(5, bytes(6, made)));
    return file(made);
}

static void refuses_what_cannot_be(void **) {
    const struct {
        std::string text;
        const char *words;
    } bad[] = {
        {"", "holds no tensors"},
        {number(1, 8), "holds no tensors"},
        {file(tensor("w", {2, 2}, 1, external("../w.bin"))), "is no file of the same folder"},
        {file(tensor("w", {2, 2}, 1, external("a/../../w"))), "is no file of the same folder"},
        {file(tensor("w", {2, 2}, 1, external("/etc/w"))), "is no file of the same folder"},
        {file(tensor("w", {2, 2}, 1, bytes(9, "12"))), "16 bytes by its shape and has 2"},
        {file(tensor("w", {1ULL << 40, 1ULL << 40}, 1)), "dimensions overflows"},
        {file(tensor("w", {UINT64_MAX}, 1)), "dimensions overflows"},
        {file(tensor("w", {2}, 99)), "unknown type 99"},
        {varint(7 << 3 | 2) + varint(100) + "abc", "fewer are left"},
        {std::string(12, '\xff'), "more than 64 bits"},
        {varint(7 << 3 | 3), "wire type 3"},
        {nested(40), "nested more than 32 deep"},
    };
    for (const auto &[text, words] : bad) {
        const auto model = read(text);
        if (model)
            fail_msg("%s: was read", words);
        assert_true(model.error().status == Status::Parse);
        if (model.error().message.find(words) == std::string::npos)
            fail_msg("%s, not %s", model.error().message.c_str(), words);
    }
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(counts_initializers),
        cmocka_unit_test(looks_into_nodes),
        cmocka_unit_test(refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
