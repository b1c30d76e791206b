// SPDX-License-Identifier: MIT
// launch/cpu: what the contract of a runtime asks beyond what the public header reaches.
#include "check.h"

#include "launch/cpu_pool.h"
#include "os/host.h"
#include "os/latch.h"

#include <cstring>
#include <numeric>
#include <sched.h>

using namespace hwa;
using namespace hwa::launch;
using base::Status;

static constexpr uint64_t second_ns = 1'000'000'000;

static std::unique_ptr<Queue> open_queue(uint64_t timeout_ns = 10 * second_ns, bool timed = false,
                                         const core::Device *device = nullptr) {
    OpenRequest request;
    request.device = device;
    request.timeout_ns = timeout_ns;
    request.timed = timed;
    auto queue = find_runtime("cpu")->open(request);
    assert_true(bool(queue));
    (*queue)->runtime = find_runtime("cpu");
    return std::move(*queue);
}

static std::shared_ptr<Program> program_of(Queue &queue, HostKernel kernel, Lease state = {}) {
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = kernel;
    code.state = std::move(state);
    std::string log;
    auto program = queue.build(code, log);
    assert_true(bool(program));
    return *program;
}

static std::shared_ptr<Memory> memory_of(Queue &queue, uint64_t size_bytes) {
    MemoryRequest request;
    request.size_bytes = size_bytes;
    auto memory = queue.allocate(request);
    assert_true(bool(memory));
    std::memset((*memory)->host(), 0, size_bytes);
    return *memory;
}

/// x[0] = x[0] * 10 + d, so that the digits tell the order.
static int32_t digit(const void *, const HostCall &call) {
    uint32_t value = 0;
    std::memcpy(&value, call.args[1], sizeof value);
    auto *const x = static_cast<uint64_t *>(call.args[0]);
    *x = *x * 10 + value;
    return 0;
}

static int32_t failing(const void *, const HostCall &) {
    return 42;
}

/// Ends when the latch that is its state opens.
static int32_t held(const void *state, const HostCall &) {
    static_cast<const os::Latch *>(state)->wait(os::forever_ns);
    return 0;
}

static EventResult put_digit(Queue &queue, const std::shared_ptr<Program> &program,
                             const std::shared_ptr<Memory> &memory, uint32_t value) {
    const Arg args[] = {{&memory, 0, nullptr, 8}, {nullptr, 0, &value, sizeof value}};
    return queue.run(program, args, {});
}

static uint64_t value_of(const std::shared_ptr<Memory> &memory) {
    uint64_t value = 0;
    std::memcpy(&value, memory->host(), sizeof value);
    return value;
}

static Status outcome(Queue &queue, const EventResult &event) {
    assert_true(bool(event));
    const auto done = queue.wait(**event, 10 * second_ns);
    return done ? Status::Ok : done.error().status;
}

static void copies_and_maps(void **) {
    const auto one = open_queue();
    const auto other = open_queue();
    const auto from = memory_of(*one, 64);
    const auto to = memory_of(*other, 64);
    std::memcpy(from->host(), "here and there", 15);
    assert_int_equal(outcome(*one, one->copy(from, 32, from, 0, 15)), Status::Ok);
    assert_int_equal(outcome(*other, other->copy_from(*one, to, 1, from, 37, 9)), Status::Ok);
    MemoryRequest part;
    part.host = static_cast<std::byte *>(from->host()) + 1;
    const auto beside = one->wrap(part); // memory that two have in part
    assert_int_equal(outcome(*one, one->copy(*beside, 0, from, 0, 60)), Status::Ok);
    assert_string_equal(static_cast<char *>(from->host()) + 1, "here and there");
    const auto mapped = other->map(to);
    assert_true(bool(mapped));
    assert_string_equal(static_cast<char *>(*mapped) + 1, "and there");
    assert_true(bool(other->unmap(to)));
    assert_ptr_equal(to->host(), reinterpret_cast<void *>(static_cast<uintptr_t>(to->native())));
    const auto foreign = open_queue();
    foreign->runtime = nullptr;
    assert_int_equal(other->copy_from(*foreign, to, 0, from, 0, 1).error().status,
                     Status::Unsupported);
    assert_false(*other->wait_for(nullptr, *foreign));
}

static void runs_many_in_order(void **) {
    const auto queue = open_queue(10 * second_ns, true);
    const auto program = program_of(*queue, digit);
    const auto x = memory_of(*queue, 8);
    uint32_t values[9];
    Arg args[9][2];
    std::vector<std::shared_ptr<Program>> programs(9, program);
    std::vector<Launch> launches;
    for (uint32_t i = 0; i < 9; ++i) {
        values[i] = i + 1;
        args[i][0] = {&x, 0, nullptr, 8};
        args[i][1] = {nullptr, 0, &values[i], sizeof values[i]};
        launches.push_back({programs[i], args[i], {}});
    }
    const auto event = queue->run_many(launches);
    assert_int_equal(outcome(*queue, event), Status::Ok);
    assert_int_equal(value_of(x), 123456789);
    assert_true(queue->elapsed_ns(**event) > 0);

    programs[4] = program_of(*queue, failing);
    const auto broken = queue->run_many(launches);
    assert_int_equal(outcome(*queue, broken), Status::Driver);
    assert_int_equal(queue->wait(**broken, 0).error().code, 42);
    assert_int_equal(value_of(x), 1234567891234); // those after it have not run
    assert_int_equal(outcome(*queue, put_digit(*queue, program, x, 1)), Status::Driver);
    assert_int_equal(value_of(x), 1234567891234);
}

static void replays_what_it_recorded(void **) {
    const auto queue = open_queue();
    auto program = program_of(*queue, digit);
    auto x = memory_of(*queue, 8);
    const uint32_t values[] = {4, 2};
    std::shared_ptr<Program> twice;
    {
        const Arg first[] = {{&x, 0, nullptr, 8}, {nullptr, 0, &values[0], 4}};
        const Arg second[] = {{&x, 0, nullptr, 8}, {nullptr, 0, &values[1], 4}};
        const Launch launches[] = {{program, first, {}}, {program, second, {}}};
        auto once = queue->record(launches);
        assert_true(bool(once));
        const Launch again[] = {{*once, {}, {}}, {*once, {}, {}}};
        auto made = queue->record(again);
        assert_true(bool(made));
        twice = *made;
    }
    assert_int_equal(value_of(x), 0); // recorded, not run
    const std::weak_ptr<Program> seen = program;
    program.reset();
    assert_false(seen.expired()); // it holds what it uses
    assert_int_equal(outcome(*queue, queue->run(twice, {}, {})), Status::Ok);
    assert_int_equal(value_of(x), 4242);
    assert_int_equal(outcome(*queue, queue->run(twice, {}, {})), Status::Ok);
    assert_int_equal(value_of(x), 42424242);
    twice.reset();
    assert_true(seen.expired());
}

static void waits_for_others(void **) {
    const auto first = open_queue();
    const auto second = open_queue();
    const auto x = memory_of(*first, 8);
    const auto program = program_of(*first, digit);
    const auto mine = program_of(*second, digit);
    const auto latch = std::make_shared<os::Latch>();
    // To and fro: each waits for what the other was given before.
    assert_true(bool(first->run(program_of(*first, held, latch), {}, {})));
    EventResult last = put_digit(*first, program, x, 1);
    for (uint32_t i = 2; i <= 9; ++i) {
        Queue &now = i % 2 == 0 ? *second : *first;
        Queue &before = i % 2 == 0 ? *first : *second;
        assert_true(*now.wait_for(*last, before));
        last = put_digit(now, i % 2 == 0 ? mine : program, x, i);
    }
    assert_int_equal(value_of(x), 0);
    latch->open();
    assert_int_equal(outcome(*first, last), Status::Ok);
    assert_int_equal(value_of(x), 123456789);

    const auto broken = first->run(program_of(*first, failing), {}, {});
    assert_true(*second->wait_for(*broken, *first));
    const auto after_it = put_digit(*second, mine, x, 1);
    assert_int_equal(outcome(*second, after_it), Status::Driver);
    assert_int_equal(second->wait(**after_it, 0).error().code, 42);
    assert_int_equal(value_of(x), 123456789);
}

static void gates_hold(void **) {
    const auto queue = open_queue();
    const auto program = program_of(*queue, digit);
    const auto x = memory_of(*queue, 8);
    auto gate = queue->gate();
    assert_true(bool(gate));
    const auto event = put_digit(*queue, program, x, 7);
    assert_int_equal(queue->wait(**event, 1000).error().status, Status::Timeout);
    (*gate)->open({});
    assert_int_equal(outcome(*queue, event), Status::Ok);
    assert_int_equal(value_of(x), 7);

    auto bad = queue->gate();
    const auto fails = put_digit(*queue, program, x, 7);
    base::Error why = base::error(Status::Lost, "the other device is gone");
    why.code = 5;
    (*bad)->open(why);
    assert_int_equal(outcome(*queue, fails), Status::Lost);
    const base::Error told = queue->wait(**fails, 0).error();
    assert_int_equal(told.code, 5);
    assert_non_null(std::strstr(told.message.c_str(), "the other device is gone"));
    assert_int_equal(value_of(x), 7);

    const auto third = open_queue();
    assert_true(bool(third->gate())); // and nobody keeps it
    assert_int_equal(third->finish(10 * second_ns).error().status, Status::Cancelled);
}

static void closes_before_its_gate(void **) {
    auto queue = open_queue(1'000'000);
    const auto x = memory_of(*queue, 8);
    auto gate = queue->gate();
    const auto event = put_digit(*queue, program_of(*queue, digit), x, 3);
    const auto over = std::make_shared<os::Latch>();
    queue->notify(*event, [over](const base::Done &how) {
        if (how)
            over->open();
    });
    const uint64_t start = os::clock_ns();
    queue.reset();
    assert_true(os::clock_ns() - start >= 1'000'000);
    assert_int_equal(value_of(x), 0);
    (*gate)->open({}); // what it held back is still done
    assert_true(over->wait(10 * second_ns));
    assert_int_equal(value_of(x), 3);
}

/// What lets go of a queue may be a hook that runs in a queue it waits for.
static void closes_inside_what_it_waits_for(void **) {
    auto first = open_queue();
    const auto second = open_queue();
    const auto latch = std::make_shared<os::Latch>();
    const auto x = memory_of(*second, 8);
    const auto mine = program_of(*first, digit);
    const auto holder = std::make_shared<std::unique_ptr<Queue>>();
    MemoryRequest request;
    request.host = x->host();
    request.lease = Lease(x->host(), [holder](const void *) { holder->reset(); });
    auto lent = second->wrap(request);
    request.lease.reset();
    assert_true(bool(lent));
    const Arg arg{&*lent, 0, nullptr, 8};
    const auto event = second->run(program_of(*second, held, latch), {&arg, 1}, {});
    assert_true(*first->wait_for(*event, *second));
    const auto last = put_digit(*first, mine, x, 5);
    const auto over = std::make_shared<os::Latch>();
    first->notify(*last, [over](const base::Done &) { over->open(); });
    *holder = std::move(first);
    lent->reset();
    latch->open();
    const auto done = second->wait(**event, 5 * second_ns);
    assert_true(bool(done));
    assert_null(holder->get());
    assert_true(over->wait(10 * second_ns)); // what was queued is done all the same
    assert_int_equal(value_of(x), 5);
}

static void notices_come_in_order(void **) {
    const auto queue = open_queue();
    const auto latch = std::make_shared<os::Latch>();
    const auto event = queue->run(program_of(*queue, held, latch), {}, {});
    std::string order;
    os::Latch last;
    for (const char name : {'a', 'b', 'c'})
        queue->notify(*event, [&, name](const base::Done &how) {
            order += how ? name : '-';
            // Who hears of the end and asks finds it over.
            order += queue->wait(**event, 0) ? '+' : '-';
            if (name == 'c')
                last.open();
        });
    assert_string_equal(order.c_str(), "");
    latch->open();
    assert_true(last.wait(10 * second_ns));
    assert_string_equal(order.c_str(), "a+b+c+");
    queue->notify(*event, [&](const base::Done &) { order += "late"; });
    assert_string_equal(order.c_str(), "a+b+c+late");

    const auto broken = queue->run(program_of(*queue, failing), {}, {});
    os::Latch heard;
    int32_t code = 0;
    queue->notify(*broken, [&](const base::Done &how) {
        code = how ? 0 : how.error().code;
        heard.open();
    });
    assert_true(heard.wait(10 * second_ns));
    assert_int_equal(code, 42);
}

static void queues_share_their_threads(void **) {
    const auto one = Pool::of({});
    assert_ptr_equal(one.get(), Pool::of({}).get());
    const auto part = Pool::of({0});
    assert_ptr_not_equal(one.get(), part.get());
    assert_ptr_equal(part.get(), Pool::of({0}).get());
}

static std::vector<uint32_t> own_cpus() {
    std::vector<uint32_t> every(CPU_SETSIZE);
    std::iota(every.begin(), every.end(), 0u);
    cpu_set_t set;
    assert_int_equal(::sched_getaffinity(0, sizeof set, &set), 0);
    std::erase_if(every, [&](uint32_t cpu) { return !CPU_ISSET(cpu, &set); });
    return every;
}

/// Fails on a thread that may leave the one processor that its state names.
static int32_t stays(const void *state, const HostCall &) {
    const auto cpus = own_cpus();
    return cpus.size() == 1 && cpus[0] == *static_cast<const uint32_t *>(state) ? 0 : 1;
}

static void keeps_to_its_socket(void **) {
    const auto cpus = own_cpus();
    if (cpus.size() < 2)
        _skip(__FILE__, __LINE__);
    core::Device device;
    const auto last = std::make_shared<uint32_t>(cpus.back());
    device.attrs.push_back(
        core::attr_text("cpu.list", std::to_string(*last) + ",900-950", core::Source::Kernel));
    const auto queue = open_queue(10 * second_ns, false, &device);
    Shape shape;
    shape.grid = {64, 1, 1};
    const auto program = program_of(*queue, stays, last);
    assert_int_equal(outcome(*queue, queue->run(program, {}, shape)), Status::Ok);
    assert_true(own_cpus() == cpus); // the caller's thread is as it was
    assert_true(os::usable_among(cpus).empty());
    const std::vector<uint32_t> first = {cpus[0], 900};
    assert_true(os::usable_among(first) == std::vector<uint32_t>{cpus[0]});
}

/// Hundreds of groups with scratch: each finds its own, and all of them run.
static int32_t count_groups(const void *, const HostCall &call) {
    auto *const seen = static_cast<uint8_t *>(call.args[0]);
    auto *const scratch = static_cast<uint8_t *>(call.args[1]);
    std::memset(scratch, static_cast<int>(call.group[0]), call.arg_bytes[1]);
    std::memset(call.shared, static_cast<int>(call.group[1]), call.shared_bytes);
    for (size_t i = 0; i < call.arg_bytes[1]; ++i)
        if (scratch[i] != static_cast<uint8_t>(call.group[0]))
            return 1;
    seen[(call.group[2] * call.grid[1] + call.group[1]) * call.grid[0] + call.group[0]] += 1;
    return 0;
}

static void runs_each_group_once(void **) {
    const auto queue = open_queue();
    const auto program = program_of(*queue, count_groups);
    const auto seen = memory_of(*queue, 7 * 11 * 13);
    const Arg args[] = {{&seen, 0, nullptr, 7 * 11 * 13}, {nullptr, 0, nullptr, 100}};
    Shape shape;
    shape.grid = {7, 11, 13};
    shape.shared_bytes = 72;
    for (int i = 0; i < 20; ++i)
        assert_int_equal(outcome(*queue, queue->run(program, args, shape)), Status::Ok);
    const auto *const counts = static_cast<const uint8_t *>(seen->host());
    for (size_t i = 0; i < 7 * 11 * 13; ++i)
        assert_int_equal(counts[i], 20);
}

int main() {
    if (find_runtime("cpu") == nullptr)
        return 77; // left out of this build
    const CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_maps),
        cmocka_unit_test(runs_many_in_order),
        cmocka_unit_test(replays_what_it_recorded),
        cmocka_unit_test(waits_for_others),
        cmocka_unit_test(gates_hold),
        cmocka_unit_test(closes_before_its_gate),
        cmocka_unit_test(closes_inside_what_it_waits_for),
        cmocka_unit_test(notices_come_in_order),
        cmocka_unit_test(queues_share_their_threads),
        cmocka_unit_test(keeps_to_its_socket),
        cmocka_unit_test(runs_each_group_once),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
