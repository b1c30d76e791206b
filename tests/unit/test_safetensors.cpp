// SPDX-License-Identifier: MIT
// plan/read_safetensors and plan/read_index: sums of sound checkpoints, a sentence for each bomb.
#include "check.h"

#include "base/text.h"
#include "gguf_maker.h"
#include "plan/model/read.h"
#include "plan/model/tally.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace hwa;
using namespace hwa::plan;
using namespace hwa::test;
using base::Status;

static std::string file_of(std::string_view json, size_t data) {
    Bytes made;
    made.u64(json.size()).raw(json).raw(std::string(data, '\0'));
    return made.str();
}

static base::Result<core::Model> tally(const std::string &text, uint64_t size = 0,
                                       uint32_t packed_bits = 0) {
    const MemorySource memory{text, size};
    core::Model model;
    const Source source = memory.source("m.safetensors");
    HeaderBudget budget;
    Tally tensors(model);
    HWA_CHECK(tally_safetensors(source, packed_bits, tensors, budget));
    tensors.finish();
    return model;
}

static constexpr const char *two_tensors =
    R"({"__metadata__":{"format":"pt"},)"
    R"("model.layers.1.self_attn.q_proj.weight":)"
    R"({"dtype":"BF16","shape":[4,8],"data_offsets":[0,64]},)"
    R"("model.norm.weight":{"dtype":"F32","shape":[4],"data_offsets":[64,80]}})";

static void adds_up_tensors(void **) {
    const auto model = tally(file_of(two_tensors, 80));
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    assert_int_equal(model->layers.size(), 2);
    assert_int_equal(model->layers[1].weights.matrix, 32);
    assert_int_equal(model->layers[1].weights.bytes, 64);
    assert_int_equal(model->other.plain, 4);
    assert_int_equal(model->other.bytes, 16);
}

static void counts_packed_weights(void **) {
    const auto model = tally(
        file_of(
            R"({"model.layers.0.q.qweight":{"dtype":"I32","shape":[2,4],"data_offsets":[0,32]},)"
            R"("model.layers.0.q.scales":{"dtype":"F16","shape":[2],"data_offsets":[32,36]}})",
            36),
        0, 4);
    assert_true(bool(model));
    assert_int_equal(model->layers[0].weights.parameters(), 64);
    assert_int_equal(model->layers[0].weights.bytes, 36);
}

namespace {

struct Bomb {
    const char *name;
    std::string text;
    const char *words;
};

std::string one(const char *body, size_t data = 64) {
    return file_of(std::string(R"({"t":)") + body + "}", data);
}

std::vector<Bomb> bombs() {
    std::string deep(200, '[');
    return {
        {"empty", "", "byte 0: a header of 0 bytes is announced in a file of 0"},
        {"short", "abc", "byte 0: a header of"},
        {"length past the end", Bytes().u64(100).raw("{}").str(), "a header of 100 bytes"},
        {"length of 2^63", Bytes().u64(uint64_t{1} << 63).raw("{}").str(),
         "is announced in a file"},
        {"no JSON", file_of("hello", 0), "m.safetensors: byte"},
        {"an array", file_of("[]", 0), "an object is wanted here"},
        {"cut JSON", file_of(R"({"t":{"dtype":"F32")", 0), "m.safetensors: byte"},
        {"two documents", file_of("{}{}", 0), "m.safetensors: byte"},
        {"deep metadata", file_of(R"({"__metadata__":)" + deep, 0), "m.safetensors: byte"},
        {"tensor is a number", one("5"), "an object is wanted here"},
        {"unknown dtype", one(R"({"dtype":"F7","shape":[1],"data_offsets":[0,4]})"),
         "unknown dtype F7"},
        {"negative shape", one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
         "whole number"},
        {"product wraps",
         one(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],)"
             R"("data_offsets":[0,0]})"),
         "product of the dimensions overflows"},
        {"size differs", one(R"({"dtype":"F32","shape":[4],"data_offsets":[0,12]})"),
         "16 bytes by its shape and 12 by its offsets"},
        {"past the end", one(R"({"dtype":"F32","shape":[32],"data_offsets":[0,128]})"),
         "lies at bytes 0 to 128 of 64"},
        {"backwards", one(R"({"dtype":"F32","shape":[4],"data_offsets":[16,0]})"),
         "lies at bytes 16 to 0"},
        {"three offsets", one(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16,32]})"),
         "array of two whole numbers"},
        {"no shape", one(R"({"dtype":"F32","data_offsets":[0,16]})"), "lacks dtype, shape"},
        {"same name twice",
         file_of(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                 R"("t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                 8),
         "m.safetensors: byte"},
        {"overlap",
         file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                 12),
         "overlap at byte 4"},
        {"nul in a name", file_of(R"({"a\u0000b":{}})", 0), "m.safetensors: byte"},
    };
}

/// A folder that is gone when the test is.
class Folder {
  public:
    Folder() {
        char name[] = "/tmp/hwa-model-XXXXXX";
        assert_non_null(::mkdtemp(name));
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string put(const char *name, const std::string &text) const {
        std::ofstream(path_ + "/" + name, std::ios::binary) << text;
        return path_ + "/" + name;
    }
    const std::string &path() const { return path_; }

  private:
    std::string path_;
};

constexpr const char *config =
    R"({"model_type":"llama","hidden_size":8,"num_hidden_layers":2,"num_attention_heads":2,)"
    R"("intermediate_size":16,"vocab_size":32,"torch_dtype":"bfloat16"})";

} // namespace

static void refuses_bombs(void **) {
    for (const Bomb &bomb : bombs()) {
        const auto model = tally(bomb.text);
        if (model)
            fail_msg("%s: was read", bomb.name);
        if (model.error().status != Status::Parse ||
            model.error().message.find(bomb.words) == std::string::npos)
            fail_msg("%s: %s", bomb.name, model.error().message.c_str());
    }
    const auto large = tally(Bytes().u64(100000001).str(), uint64_t{1} << 40);
    assert_false(bool(large));
    assert_non_null(std::strstr(large.error().message.c_str(), "100000000 are allowed"));
}

static void reads_a_checkpoint_of_shards(void **) {
    const Folder folder;
    folder.put("config.json", config);
    folder.put("a.safetensors", file_of(two_tensors, 80));
    folder.put("b.safetensors", file_of(R"({"lm_head.weight":{"dtype":"BF16","shape":[32,8],)"
                                        R"("data_offsets":[0,512]}})",
                                        512));
    folder.put("model.safetensors.index.json",
               R"({"metadata":{"total_size":592},"weight_map":{"x":"b.safetensors",)"
               R"("y":"a.safetensors","z":"b.safetensors"}})");
    const auto model = read_model(folder.path());
    if (!model)
        fail_msg("%s", model.error().message.c_str());
    assert_int_equal(model->weight_bytes(), 592);
    assert_int_equal(model->output.matrix, 256);
    assert_int_equal(model->layers[0].kv_heads, 2);
    assert_int_equal(model->layers[0].key_size, 4);
    assert_string_equal(model->architecture.c_str(), "llama");
    assert_true(model->dtype == core::Dtype::Bf16);

    std::filesystem::remove(folder.path() + "/b.safetensors");
    const auto partly = read_model(folder.path());
    assert_false(bool(partly));
    assert_true(partly.error().status == Status::NotFound);
    std::filesystem::remove(folder.path() + "/a.safetensors");
    const auto without = read_model(folder.path());
    assert_true(bool(without));
    assert_true(without->parameters > 0);
    assert_non_null(std::strstr(without->notes.back().c_str(), "none of the 2 files"));
}

/// Two thousand files may not cost two thousand times what one may.
static void shards_share_one_budget(void **) {
    const std::string text = file_of(two_tensors, 80);
    const MemorySource memory{text, 0};
    const uint64_t length = text.size() - 8 - 80;
    core::Model model;
    Tally tensors(model);
    HeaderBudget bytes{.bytes = 2 * length - 1};
    assert_true(bool(tally_safetensors(memory.source("a"), 0, tensors, bytes)));
    const auto long_one = tally_safetensors(memory.source("b"), 0, tensors, bytes);
    assert_false(bool(long_one));
    assert_non_null(std::strstr(long_one.error().message.c_str(), "b: byte 0: a header of"));
    HeaderBudget values;
    assert_true(bool(tally_safetensors(memory.source("a"), 0, tensors, values)));
    values.values = HeaderBudget{}.values - values.values - 1;
    const auto wide_one = tally_safetensors(memory.source("b"), 0, tensors, values);
    assert_false(bool(wide_one));
    assert_non_null(std::strstr(wide_one.error().message.c_str(), "has more than"));
}

static void stays_in_its_folder(void **) {
    for (const char *name : {"../a", "/etc/passwd", "..", ".", "", "x/y"}) {
        const Folder folder;
        folder.put("config.json", config);
        folder.put("model.safetensors.index.json",
                   base::format(R"({"weight_map":{"t":"%s"}})", name));
        const auto model = read_model(folder.path());
        assert_false(bool(model));
        assert_true(model.error().status == Status::Parse);
        assert_non_null(
            std::strstr(model.error().message.c_str(), "is no name of a file in the same folder"));
    }
}

static void names_what_a_path_is(void **) {
    const Folder folder;
    const auto status = [](const std::string &path) {
        const auto model = read_model(path);
        return model ? Status::Ok : model.error().status;
    };
    assert_true(status(folder.path()) == Status::NotFound);
    assert_true(status(folder.path() + "/none.gguf") == Status::NotFound);
    assert_true(status("/dev/zero") == Status::Invalid);
    assert_true(status("") == Status::NotFound);
    assert_true(status(folder.put("empty.gguf", "")) == Status::Parse);
    assert_true(status(folder.put("a.txt", "just text")) == Status::Unsupported);
    const std::string llama = small_llama().file();
    assert_true(status(folder.put("m.bin", llama)) == Status::Ok);
    assert_true(status(folder.put("m-00002-of-00003.gguf", llama)) == Status::Invalid);
    assert_true(status(folder.put("m-00001-of-00003.gguf", llama)) == Status::NotFound);
    std::filesystem::remove(folder.path() + "/empty.gguf");
    std::filesystem::remove(folder.path() + "/m-00001-of-00003.gguf");
    folder.put("one.gguf", llama);
    assert_true(status(folder.path()) == Status::Ok);
    folder.put("two.gguf", llama);
    assert_true(status(folder.path()) == Status::Ambiguous);
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(adds_up_tensors),         cmocka_unit_test(counts_packed_weights),
        cmocka_unit_test(refuses_bombs),           cmocka_unit_test(reads_a_checkpoint_of_shards),
        cmocka_unit_test(stays_in_its_folder),     cmocka_unit_test(names_what_a_path_is),
        cmocka_unit_test(shards_share_one_budget),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
