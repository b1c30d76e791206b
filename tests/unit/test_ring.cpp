// SPDX-License-Identifier: MIT
// Ring: first in, first out, through every place of its list, and nothing held that was taken out.
#include "check.h"

#include "base/ring.h"

#include <deque>
#include <memory>

using hwa::base::Ring;

/// Against std::deque, with a pattern that grows it while its content wraps around.
static void keeps_the_order(void **) {
    Ring<int> ring;
    std::deque<int> model;
    int next = 0;
    for (int round = 1; round < 60; ++round) {
        for (int i = 0; i < round; ++i) {
            ring.push_back(next);
            model.push_back(next++);
        }
        for (int i = 0; i < round - (round % 3 == 0 ? 5 : 0) && !model.empty(); ++i) {
            assert_int_equal(ring.front(), model.front());
            assert_int_equal(ring.back(), model.back());
            assert_int_equal(ring.pop_front(), model.front());
            model.pop_front();
        }
        assert_int_equal(ring.size(), model.size());
        assert_int_equal(ring.empty(), model.empty());
    }
}

static void lets_go_of_what_is_taken_out(void **) {
    Ring<std::shared_ptr<int>> ring;
    const auto value = std::make_shared<int>(1);
    for (int i = 0; i < 40; ++i)
        ring.push_back(value);
    assert_int_equal(value.use_count(), 41);
    for (int i = 0; i < 40; ++i) {
        auto taken = ring.pop_front();
        assert_int_equal(value.use_count(), 41 - i);
    }
    assert_int_equal(value.use_count(), 1);
}

static void takes_what_cannot_be_copied(void **) {
    Ring<std::unique_ptr<int>> ring;
    for (int i = 0; i < 100; ++i)
        ring.push_back(std::make_unique<int>(i));
    for (int i = 0; i < 100; ++i)
        assert_int_equal(*ring.pop_front(), i);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order),
        cmocka_unit_test(lets_go_of_what_is_taken_out),
        cmocka_unit_test(takes_what_cannot_be_copied),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
