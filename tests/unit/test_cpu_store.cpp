// SPDX-License-Identifier: MIT
// launch/cpu_store: blocks come back from any thread, at any time, and large ones are not hoarded.
#include "check.h"

#include "launch/cpu_store.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <vector>

using hwa::launch::Store;

static constexpr size_t large = 1 << 20;
static std::atomic<int> large_ones{0}; ///< that there are now
static std::atomic<int> all{0};

#if OWN_HEAP
namespace {

/// Stands before each piece of the heap.
struct alignas(16) Size {
    size_t bytes;
};

} // namespace

void *operator new(size_t bytes) {
    auto *const piece = static_cast<Size *>(std::malloc(sizeof(Size) + bytes));
    if (piece == nullptr)
        throw std::bad_alloc();
    piece->bytes = bytes;
    ++all;
    large_ones += bytes >= large ? 1 : 0;
    return piece + 1;
}

void operator delete(void *given) noexcept {
    if (given == nullptr)
        return;
    Size *const piece = static_cast<Size *>(given) - 1;
    --all;
    large_ones -= piece->bytes >= large ? 1 : 0;
    std::free(piece);
}

void operator delete(void *given, size_t) noexcept {
    operator delete(given);
}
#endif

static void uses_small_ones_again(void **) {
    const auto store = Store::make();
    void *first = store->take(100);
    std::memset(first, 1, 100);
    Store::give(first);
    const int before = all;
    for (int i = 0; i < 1000; ++i)
        Store::give(store->take(100));
    assert_int_equal(all, before);
}

/// Plenty of small ones in store do not let large ones pile up.
static void gives_large_ones_back(void **) {
    const auto store = Store::make();
    std::vector<void *> many(4096);
    for (void *&one : many)
        one = store->take(100);
    for (void *one : many)
        Store::give(one);
    for (int i = 0; i < 100; ++i) {
        Store::give(store->take(large));
        Store::give(store->take(100));
        assert_true(large_ones <= 1);
    }
}

static void *give_all(void *user) {
    for (void *one : *static_cast<std::vector<void *> *>(user))
        Store::give(one);
    return nullptr;
}

/// It goes with its owner or with the last block, whichever is later.
static void closes_while_others_give(void **) {
    for (int i = 0; i < 100; ++i) {
        const int before = all;
        {
            std::vector<void *> some(64);
            auto store = Store::make();
            for (size_t k = 0; k < some.size(); ++k)
                some[k] = store->take(k * 32);
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, nullptr, give_all, &some), 0);
            if (i % 2 == 0)
                Store::give(store->take(40));
            store.reset();
            pthread_join(thread, nullptr);
        }
        assert_int_equal(all, before);
    }
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_small_ones_again),
        cmocka_unit_test(gives_large_ones_back),
        cmocka_unit_test(closes_while_others_give),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
