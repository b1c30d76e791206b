// SPDX-License-Identifier: MIT
// Blocks: pieces come back, fit, do not overlap, and may be given by any thread.
#include "check.h"

#include "base/blocks.h"

#include <cstring>
#include <set>
#include <thread>
#include <vector>

using hwa::base::BlockAllocator;
using hwa::base::Blocks;

static void gives_back_what_it_was_given(void **) {
    for (const size_t size : {size_t{1}, size_t{64}, size_t{65}, Blocks::block_limit}) {
        Blocks blocks;
        void *const first = blocks.take(size);
        std::memset(first, 0xab, size);
        blocks.give(first, size);
        assert_ptr_equal(blocks.take(size), first);
        blocks.give(first, size);
    }
}

static void keeps_sizes_apart(void **) {
    Blocks blocks;
    void *const small = blocks.take(64);
    blocks.give(small, 64);
    void *const larger = blocks.take(65);
    assert_ptr_not_equal(larger, small);
    assert_ptr_equal(blocks.take(40), small); // of the same step
    blocks.give(small, 40);
    blocks.give(larger, 65);
}

static void passes_what_is_large_or_empty_to_the_heap(void **) {
    Blocks blocks;
    for (const size_t size : {size_t{0}, Blocks::block_limit + 1, size_t{1} << 20}) {
        void *const block = blocks.take(size);
        assert_non_null(block);
        blocks.give(block, size);
    }
}

static void hands_out_each_piece_once(void **) {
    Blocks blocks;
    std::set<void *> pieces;
    for (int round = 0; round < 3; ++round) {
        pieces.clear();
        for (int i = 0; i < 100; ++i)
            assert_true(pieces.insert(blocks.take(128)).second);
        for (void *piece : pieces)
            blocks.give(piece, 128);
    }
}

/// Containers and shared objects keep the blocks alive, whoever goes first.
static void outlives_its_owner(void **) {
    auto blocks = std::make_shared<Blocks>();
    auto number = std::allocate_shared<int>(BlockAllocator<int>(blocks), 7);
    std::vector<int, BlockAllocator<int>> list{BlockAllocator<int>(blocks)};
    list.resize(10, 3);
    blocks.reset();
    list.resize(200, 3);
    assert_int_equal(*number, 7);
    assert_int_equal(list[199], 3);
    number.reset();
}

/// A piece that one thread took is given by another, as the handles of events are.
static void serves_many_threads(void **) {
    Blocks blocks;
    std::vector<std::vector<int *>> passed(4);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < passed.size(); ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 5000; ++i) {
                auto *piece = static_cast<int *>(blocks.take(sizeof(int)));
                *piece = static_cast<int>(t);
                passed[t].push_back(piece);
                if (i % 3 != 0) {
                    blocks.give(passed[t].back(), sizeof(int));
                    passed[t].pop_back();
                }
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    threads.clear();
    for (size_t t = 0; t < passed.size(); ++t)
        threads.emplace_back([&, t] {
            const size_t from = (t + 1) % passed.size();
            for (int *piece : passed[from]) {
                if (*piece != static_cast<int>(from))
                    std::abort();
                blocks.give(piece, sizeof(int));
            }
        });
    for (std::thread &thread : threads)
        thread.join();
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_it_was_given),
        cmocka_unit_test(keeps_sizes_apart),
        cmocka_unit_test(passes_what_is_large_or_empty_to_the_heap),
        cmocka_unit_test(hands_out_each_piece_once),
        cmocka_unit_test(outlives_its_owner),
        cmocka_unit_test(serves_many_threads),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
