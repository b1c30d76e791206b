// SPDX-License-Identifier: MIT
// Watcher: a notice for every event, in order, also when the watcher goes first.
#include "check.h"

#include "launch/watcher.h"
#include "os/latch.h"

#include <atomic>
#include <vector>

using namespace hwa;

namespace {

struct TestEvent final : launch::Event {
    os::Latch over;
    int32_t code = 0;
};

base::Done wait(const launch::Event &event) {
    const auto &mine = static_cast<const TestEvent &>(event);
    mine.over.wait(os::forever_ns);
    if (mine.code == 0)
        return {};
    base::Error why = base::error(base::Status::Driver, "it failed");
    why.code = mine.code;
    return why;
}

std::vector<std::shared_ptr<TestEvent>> make_events(size_t count) {
    std::vector<std::shared_ptr<TestEvent>> events(count);
    for (auto &event : events)
        event = std::make_shared<TestEvent>();
    return events;
}

} // namespace

static void tells_in_order_how_it_went(void **) {
    launch::Watcher watcher(wait);
    const auto events = make_events(50);
    std::vector<int32_t> codes;
    os::Latch last;
    for (size_t i = 0; i < events.size(); ++i) {
        events[i]->code = static_cast<int32_t>(i);
        watcher.watch(events[i], [&](const base::Done &how) {
            codes.push_back(how ? 0 : how.error().code);
            if (codes.size() == events.size())
                last.open();
        });
    }
    for (size_t i = events.size(); i-- > 0;)
        events[i]->over.open();
    assert_true(last.wait(10'000'000'000));
    for (size_t i = 0; i < events.size(); ++i)
        assert_int_equal(codes[i], i);
}

/// The thread goes on by itself, and holds what it needs: the events and the notices.
static void goes_on_when_the_watcher_is_gone(void **) {
    const auto events = make_events(2);
    auto told = std::make_shared<std::pair<std::atomic<int>, os::Latch>>();
    {
        launch::Watcher watcher(wait);
        for (const auto &event : events)
            watcher.watch(event, [told](const base::Done &) {
                if (++told->first == 2)
                    told->second.open();
            });
    }
    assert_int_equal(told->first.load(), 0);
    for (const auto &event : events)
        event->over.open();
    assert_true(told->second.wait(10'000'000'000));
}

/// It starts no thread that is not needed, and ends the one it has, however soon it goes.
static void comes_and_goes(void **) {
    for (int i = 0; i < 200; ++i) {
        const auto events = make_events(1);
        auto latch = std::make_shared<os::Latch>();
        launch::Watcher idle(wait);
        {
            launch::Watcher watcher(wait);
            if (i % 2 == 0)
                events[0]->over.open();
            watcher.watch(events[0], [latch](const base::Done &) { latch->open(); });
        }
        events[0]->over.open();
        assert_true(latch->wait(10'000'000'000));
    }
}

struct Feeder {
    launch::Watcher *watcher;
    std::atomic<int> told{0};
};

static void *feed(void *user) {
    auto &feeder = *static_cast<Feeder *>(user);
    for (int i = 0; i < 500; ++i) {
        auto event = std::make_shared<TestEvent>();
        feeder.watcher->watch(event, [&feeder](const base::Done &) { ++feeder.told; });
        event->over.open();
    }
    return nullptr;
}

static void takes_events_from_many_threads(void **) {
    launch::Watcher watcher(wait);
    std::vector<Feeder> feeders(4);
    std::vector<pthread_t> threads(feeders.size());
    for (size_t i = 0; i < feeders.size(); ++i) {
        feeders[i].watcher = &watcher;
        assert_int_equal(pthread_create(&threads[i], nullptr, feed, &feeders[i]), 0);
    }
    for (const pthread_t thread : threads)
        pthread_join(thread, nullptr);
    auto last = std::make_shared<TestEvent>();
    last->over.open();
    os::Latch done;
    watcher.watch(last, [&](const base::Done &) { done.open(); });
    assert_true(done.wait(10'000'000'000));
    for (const Feeder &feeder : feeders)
        assert_int_equal(feeder.told.load(), 500);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_in_order_how_it_went),
        cmocka_unit_test(goes_on_when_the_watcher_is_gone),
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(takes_events_from_many_threads),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
