// SPDX-License-Identifier: MIT
// plan/memory: buffers and cache of llama.cpp. The bytes are those its own allocator asked for.
#include "check.h"

#include "plan/memory/best_fit.h"
#include "plan/memory/graph.h"
#include "plan/memory/llamacpp.h"

using namespace hwa;
using namespace hwa::plan;
using core::Layer;
using core::Model;

static void takes_the_tightest_hole(void **) {
    BestFit room(16);
    const uint64_t first = room.take(100); // 112 with padding
    const uint64_t second = room.take(16);
    const uint64_t third = room.take(40);
    room.take(16);
    assert_true(first == 0 && second == 112 && third == 128);
    assert_int_equal(room.peak(), 192);
    room.give_back(first, 100);
    room.give_back(third, 40);
    assert_int_equal(room.take(33), 128);
    assert_int_equal(room.take(64), 0);
    assert_int_equal(room.peak(), 192);
    room.give_back(second, 16);
    assert_int_equal(room.take(60), 64); // the rest of the first hole and the second are one
    assert_int_equal(room.peak(), 192);
}

static void shrinks_at_the_end(void **) {
    BestFit room(1);
    const uint64_t first = room.take(10);
    const uint64_t second = room.take(10);
    room.give_back(second, 10);
    room.give_back(first, 10);
    assert_int_equal(room.take(15), 0);
    assert_int_equal(room.peak(), 20);
}

static void frees_what_was_read(void **) {
    Graph graph;
    const Graph::Id in = graph.input(100);
    const Graph::Id wide = graph.tensor(300, {in});
    const Graph::Id over = graph.in_place(300, {wide});
    const Graph::Id seen = graph.view(over);
    graph.tensor(100, {seen});
    assert_int_equal(graph.peak(1, 1), 400); // the last one takes the place of the input
    assert_int_equal(graph.peak(4, 1), 800); // of four inputs none is freed
    graph.keep(over);
    assert_int_equal(graph.peak(1, 1), 400);
}

static void writes_over_what_nobody_else_reads(void **) {
    Graph graph;
    const Graph::Id in = graph.tensor(100, {});
    const Graph::Id changed = graph.in_place(100, {in});
    graph.tensor(100, {in, changed});
    assert_int_equal(graph.peak(1, 1), 300);
}

/// Widths of a decoder of `count` equal layers.
static Model decoder(uint32_t count, uint32_t hidden, uint32_t heads, uint32_t kv_heads,
                     uint32_t head, uint32_t ffn, uint32_t vocabulary) {
    Model model;
    model.architecture = "llama";
    model.dtype = core::Dtype::F16;
    model.hidden_size = hidden;
    model.vocabulary = vocabulary;
    Layer layer;
    layer.heads = heads;
    layer.kv_heads = kv_heads;
    layer.key_size = layer.value_size = head;
    layer.ffn = ffn;
    model.layers.assign(count, layer);
    return model;
}

static Model llama_2_7b() {
    return decoder(32, 4096, 32, 32, 128, 11008, 32000);
}

struct Answer {
    uint64_t cache, buffer, host;
};

static Answer ask(const Model &model, Run run, uint64_t context, uint32_t first, uint32_t count,
                  core::Kind kind = core::Kind::Gpu) {
    core::Device device;
    device.kind = kind;
    run.engine = Engine::LlamaCpp;
    Case one;
    one.model = &model;
    one.workload.batch = 1;
    one.workload.context_tokens = context;
    one.workload.cache_dtype = core::Dtype::F16;
    one.run = run;
    Slice slice;
    slice.device = &device;
    slice.first_layer = first;
    slice.layer_count = count;
    slice.embedding = first == 0;
    slice.output = first + count == model.layers.size();
    const auto made = llamacpp_bytes(one, slice);
    if (!made)
        fail_msg("%s", made.error().message.c_str());
    return {made->cache, made->activations, made->offload};
}

static void buffers_of_one_device(void **) {
    const Model model = llama_2_7b();
    Run run;
    Answer made = ask(model, run, 2048, 0, 32);
    assert_int_equal(made.cache, 1073741824);
    assert_int_equal(made.buffer, 94908416); // 4·512·(3·(f + d) + n/2 + 6)
    assert_int_equal(made.host, 18888704);   // 4·512·(2d + n/2 + 7)
    run.flash_attention = false;
    made = ask(model, run, 2048, 0, 32);
    assert_int_equal(made.buffer, 188751872);
    assert_int_equal(made.host, 37758976);
    // Llama 3.1 8B: the logits are wider than any layer.
    const Model wide = decoder(32, 4096, 32, 8, 128, 14336, 128256);
    assert_int_equal(ask(wide, Run(), 8192, 0, 32).buffer, 4 * 512 * (128256 + 4096));
    // Llama 3.2 3B: the logits find no hole at 4096 cells, and do at 8192.
    const Model narrow = decoder(28, 3072, 24, 8, 128, 8192, 128256);
    assert_int_equal(ask(narrow, Run(), 4096, 0, 28).buffer, 4 * 512 * 142598);
    assert_int_equal(ask(narrow, Run(), 8192, 0, 28).buffer, 4 * 512 * 131328);
}

static void buffers_grow_with_the_micro_batch(void **) {
    const Model model = llama_2_7b();
    for (const uint64_t tokens : {64U, 128U, 1024U, 2048U}) {
        Run run;
        run.ubatch = tokens;
        assert_int_equal(ask(model, run, 4096, 0, 32).buffer, 4 * tokens * 47366);
    }
}

static void buffers_of_many_devices(void **) {
    const Model model = llama_2_7b();
    Run run;
    run.pipeline = 4;
    const Answer first = ask(model, run, 4096, 0, 9);
    assert_int_equal(first.cache, 603979776);
    assert_int_equal(first.buffer, 143171584);
    assert_int_equal(first.host, 33611776);
    assert_int_equal(ask(model, run, 4096, 9, 8).buffer, 176726016);
    const Answer last = ask(model, run, 4096, 25, 7);
    assert_int_equal(last.cache, 469762048);
    assert_int_equal(last.buffer, 176734208);
    assert_int_equal(last.host, 0);
}

static void buffers_of_the_processor(void **) {
    const Model model = llama_2_7b();
    Run run;
    assert_int_equal(ask(model, run, 4096, 0, 32, core::Kind::Cpu).buffer, 105396224);
    run.flash_attention = false;
    assert_int_equal(ask(model, run, 4096, 0, 32, core::Kind::Cpu).buffer, 335554560);
}

static void packed_caches(void **) {
    // Qwen 2.5 1.5B: rows of 256 are half of what CUDA reads at once.
    const Model model = decoder(28, 1536, 12, 2, 128, 8960, 151936);
    Run run;
    run.key_format = run.value_format = find_cache_format("q8_0");
    assert_int_equal(ask(model, run, 8192, 0, 28).cache, 124802048);
    run.key_format = run.value_format = find_cache_format("q5_1");
    assert_int_equal(ask(model, run, 8192, 0, 28).cache, 88094720);
    assert_int_equal(ask(model, run, 8192, 0, 28, core::Kind::Cpu).cache, 88080384);
    // Two matrices that rotate keys and values, 128² and 64².
    run.key_format = run.value_format = find_cache_format("q4_0");
    assert_int_equal(ask(llama_2_7b(), run, 4096, 0, 32).buffer, 4 * 512 * 47406);
}

static void pools_of_many_sequences(void **) {
    const Model model = llama_2_7b();
    Run run;
    run.sequences = 16;
    run.unified_cache = false;
    Answer made = ask(model, run, 4096, 0, 32);
    assert_int_equal(made.cache, 2147483648);
    assert_int_equal(made.buffer, 4 * 512 * 45446); // masks of 256 cells
    run.sequences = 10;                             // 409 tokens each become 512 cells
    assert_int_equal(ask(model, run, 4096, 0, 32).cache, 32ULL * 2 * 4096 * 2 * 512 * 10);
    run.unified_cache = true;
    made = ask(model, run, 4096, 0, 32);
    assert_int_equal(made.cache, 2147483648);
    assert_int_equal(made.buffer, 4 * 512 * 47366);
}

static void windows(void **) {
    // Gemma 3 27B: five layers in six look back 1024 tokens.
    Model model = decoder(62, 5376, 32, 16, 128, 21504, 262208);
    model.architecture = "gemma3";
    for (size_t i = 0; i < model.layers.size(); ++i)
        model.layers[i].window = i % 6 == 5 ? 0 : 1024;
    // 52 layers of pad(1024 + 512, 256) cells and 10 of 8192, 2 · 2048 numbers of 2 bytes each.
    const Answer made = ask(model, Run(), 8192, 0, 62);
    assert_int_equal(made.cache, (52ULL * 1536 + 10ULL * 8192) * 8192);
    Run run;
    run.full_window = true;
    assert_int_equal(ask(model, run, 8192, 0, 62).cache, 62ULL * 8192 * 8192);
    run = Run();
    run.pipeline = 4;
    assert_int_equal(ask(model, run, 8192, 0, 16).buffer, 4ULL * 512 * 120356);
    assert_int_equal(ask(model, run, 8192, 16, 16).buffer, 4ULL * 512 * 141860);
}

static void mixtures(void **) {
    // Qwen 3 30B A3B on two devices: 24 layers, and 24 with the output.
    Model model = decoder(48, 2048, 32, 4, 128, 0, 151936);
    for (Layer &layer : model.layers) {
        layer.experts = 128;
        layer.experts_per_token = 8;
        layer.expert_ffn = 768;
    }
    assert_int_equal(ask(model, Run(), 8192, 0, 48).buffer, 4 * 512 * 153984);
}

static void hostile_numbers(void **) {
    Model model = llama_2_7b();
    core::Device device;
    Case one;
    one.model = &model;
    one.workload.batch = UINT64_MAX;
    one.workload.context_tokens = 3;
    one.workload.cache_dtype = core::Dtype::F16;
    Slice slice{&device, 0, 32};
    assert_int_equal(llamacpp_bytes(one, slice).error().status, base::Status::Invalid);
    one.workload.batch = 1;
    one.workload.context_tokens = uint64_t{1} << 55;
    assert_int_equal(llamacpp_bytes(one, slice).error().status, base::Status::Invalid);
    one.workload.context_tokens = 1;
    one.run.ubatch = uint64_t{1} << 40;
    assert_true(bool(llamacpp_bytes(one, slice))); // no more tokens at once than there are cells
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_tightest_hole),
        cmocka_unit_test(shrinks_at_the_end),
        cmocka_unit_test(frees_what_was_read),
        cmocka_unit_test(writes_over_what_nobody_else_reads),
        cmocka_unit_test(buffers_of_one_device),
        cmocka_unit_test(buffers_grow_with_the_micro_batch),
        cmocka_unit_test(buffers_of_many_devices),
        cmocka_unit_test(buffers_of_the_processor),
        cmocka_unit_test(packed_caches),
        cmocka_unit_test(pools_of_many_sequences),
        cmocka_unit_test(windows),
        cmocka_unit_test(mixtures),
        cmocka_unit_test(hostile_numbers),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
