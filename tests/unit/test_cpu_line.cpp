// SPDX-License-Identifier: MIT
// launch/cpu_line: who does the work of a queue, and copies that several threads share.
#include "check.h"

#include "launch/runtime.h"
#include "os/host.h"
#include "os/latch.h"
#include "os/thread.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

using namespace hwa;
using namespace hwa::launch;

static constexpr uint64_t second_ns = 1'000'000'000;
enum { most_tries = 2000 };

static std::unique_ptr<Queue> open_queue() {
    OpenRequest request;
    request.timeout_ns = 10 * second_ns;
    auto queue = find_runtime("cpu")->open(request);
    assert_true(bool(queue));
    (*queue)->runtime = find_runtime("cpu");
    return std::move(*queue);
}

/// What a kernel saw.
struct Witness {
    std::atomic<std::thread::id> thread{};
    std::atomic<bool> own{false};
    std::atomic<uint32_t> runs{0};
};

static int32_t testify(const void *state, const HostCall &) {
    auto &witness = *static_cast<Witness *>(const_cast<void *>(state));
    witness.thread = std::this_thread::get_id();
    witness.own = os::is_own_thread();
    ++witness.runs;
    return 0;
}

static std::shared_ptr<Program> program_of(Queue &queue, const std::shared_ptr<Witness> &witness,
                                           bool same_thread = false) {
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = testify;
    code.state = witness;
    code.same_thread = same_thread;
    std::string log;
    auto program = queue.build(code, log);
    assert_true(bool(program));
    return *program;
}

/// Runs it and waits; whether the calling thread did it.
static bool does_itself(Queue &queue, const std::shared_ptr<Program> &program,
                        const Witness &witness, uint64_t timeout_ns) {
    const auto event = queue.run(program, {}, {});
    assert_true(bool(event));
    assert_true(bool(queue.wait(**event, timeout_ns)));
    return witness.thread.load() == std::this_thread::get_id();
}

/// Leaves the queue as it is when those who wait do its work.
static void help(Queue &queue) {
    const auto witness = std::make_shared<Witness>();
    const auto program = program_of(queue, witness);
    int tries = 0;
    while (!does_itself(queue, program, *witness, os::forever_ns))
        assert_true(++tries < most_tries);
    assert_true(witness->own.load()); // so that a hook there does not wait for itself
    assert_false(os::is_own_thread());
}

static void who_waits_forever_does_the_work(void **) {
    const auto queue = open_queue();
    help(*queue);
    const auto witness = std::make_shared<Witness>();
    const auto program = program_of(*queue, witness);
    for (int i = 0; i < 200; ++i)
        assert_false(does_itself(*queue, program, *witness, 100 * second_ns));
    const auto bound = program_of(*queue, witness, true);
    for (int i = 0; i < 200; ++i)
        assert_false(does_itself(*queue, bound, *witness, os::forever_ns));
    const Launch launches[] = {{program, {}, {}}, {bound, {}, {}}};
    const auto recorded = queue->record(launches);
    assert_true(bool(recorded));
    for (int i = 0; i < 200; ++i)
        assert_false(does_itself(*queue, *recorded, *witness, os::forever_ns));
    help(*queue);
}

static void until(const std::atomic<uint32_t> &runs, uint32_t wanted) {
    const uint64_t start = os::clock_ns();
    while (runs.load() != wanted) {
        assert_true(os::clock_ns() - start < 60 * second_ns);
        std::this_thread::yield();
    }
}

static void work_goes_on_without_a_waiter(void **) {
    const auto queue = open_queue();
    const auto witness = std::make_shared<Witness>();
    const auto program = program_of(*queue, witness);
    for (uint32_t i = 0; i < 50; ++i) {
        help(*queue);
        assert_true(bool(queue->run(program, {}, {})));
        until(witness->runs, 4 * i + 1); // one alone
        help(*queue);
        const auto first = queue->run(program, {}, {});
        assert_true(bool(first));
        assert_true(bool(queue->run(program, {}, {})));
        assert_true(bool(queue->run(program, {}, {})));
        assert_true(bool(queue->wait(**first, os::forever_ns)));
        until(witness->runs, 4 * i + 4); // what is left behind the one waited for
    }
}

/// Two threads that wait for the same queue while a third puts work in.
static void many_may_wait(void **) {
    const auto queue = open_queue();
    const auto witness = std::make_shared<Witness>();
    const auto program = program_of(*queue, witness);
    constexpr uint32_t rounds = 300;
    std::atomic<uint32_t> good{0};
    const auto wait_for = [&](const std::shared_ptr<Event> &event, uint64_t timeout_ns) {
        if (queue->wait(*event, timeout_ns))
            ++good;
    };
    for (uint32_t i = 0; i < rounds; ++i) {
        const auto one = queue->run(program, {}, {});
        const auto two = queue->run(program, {}, {});
        assert_true(one && two);
        std::thread first(wait_for, *one, os::forever_ns);
        std::thread second(wait_for, *two, i % 2 == 0 ? os::forever_ns : 60 * second_ns);
        wait_for(*two, os::forever_ns);
        first.join();
        second.join();
        assert_int_equal(witness->runs.load(), 2 * (i + 1));
    }
    assert_int_equal(good.load(), 3 * rounds);
}

static void copies_of_any_size(void **) {
    constexpr uint64_t mib = 1 << 20;
    static constexpr struct {
        uint64_t size, to, from;
    } rows[] = {
        {1, 0, 0},           {mib - 1, 3, 9},        {mib, 0, 0},
        {mib + 1, 7, 0},     {3 * mib + 5, 1, 2},    {8 * mib, 64, 128},
        {8 * mib - 1, 0, 5}, {16 * mib + 33, 11, 4}, {24 * mib, 0, 0},
    };
    const auto queue = open_queue();
    const auto from = queue->allocate({.size_bytes = 25 * mib});
    const auto to = queue->allocate({.size_bytes = 25 * mib});
    assert_true(from && to);
    auto *const source = static_cast<uint8_t *>((*from)->host());
    auto *const target = static_cast<uint8_t *>((*to)->host());
    for (uint64_t i = 0; i < 25 * mib; ++i)
        source[i] = static_cast<uint8_t>((i * 2654435761u) >> 13);
    for (const auto &row : rows) {
        std::memset(target, 0xa5, 25 * mib);
        const auto event = queue->copy(*to, row.to, *from, row.from, row.size);
        assert_true(bool(event));
        assert_true(bool(queue->wait(**event, os::forever_ns)));
        assert_memory_equal(target + row.to, source + row.from, row.size);
        const auto touched = [](uint8_t byte) { return byte != 0xa5; };
        assert_true(std::none_of(target, target + row.to, touched));
        assert_true(std::none_of(target + row.to + row.size, target + 25 * mib, touched));
    }
    // Out of the middle of the memory that it goes to.
    std::memcpy(target, source, 25 * mib);
    const auto event = queue->write(*to, 1, target, 24 * mib);
    assert_true(bool(event));
    assert_true(bool(queue->wait(**event, os::forever_ns)));
    assert_memory_equal(target + 1, source, 24 * mib);
}

int main() {
    if (find_runtime("cpu") == nullptr)
        return 77; // left out of this build
    const CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_forever_does_the_work),
        cmocka_unit_test(work_goes_on_without_a_waiter),
        cmocka_unit_test(many_may_wait),
        cmocka_unit_test(copies_of_any_size),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
