// SPDX-License-Identifier: MIT
// launch/cuda_timeline: what becomes of work and of its events, over a driver that is played: a
// stream whose work ends when the test says so.
#include "check.h"

#include "launch/cuda_timeline.h"

#include <cstring>

using namespace hwa;
using namespace hwa::launch;
using base::Status;

namespace {

/// The one stream of the played driver, and where the marks in it are.
struct Stream {
    int put = 0;  ///< pieces of work and marks
    int done = 0; ///< of them
    CUresult sticky = CUDA_SUCCESS;
    bool tells = false; ///< of marks that were reached before the fault
    CUresult create = CUDA_SUCCESS;
    int creates = 0;
    int records = 0;
    int destroyed = 0;
    std::array<int, 64> marks{}; ///< place of each event
};
Stream stream;

size_t index_of(CUevent event) {
    return reinterpret_cast<uintptr_t>(event) - 1;
}

CUresult get_current(CUcontext *context) {
    *context = nullptr;
    return CUDA_SUCCESS;
}
CUresult create_event(CUevent *event, unsigned) {
    if (stream.sticky != CUDA_SUCCESS || stream.create != CUDA_SUCCESS)
        return stream.sticky != CUDA_SUCCESS ? stream.sticky : stream.create;
    *event = reinterpret_cast<CUevent>(static_cast<uintptr_t>(++stream.creates));
    return CUDA_SUCCESS;
}
CUresult record_event(CUevent event, CUstream) {
    ++stream.records;
    stream.marks[index_of(event)] = ++stream.put;
    return stream.sticky;
}
CUresult query_event(CUevent event) {
    const bool reached = stream.done >= stream.marks[index_of(event)];
    if (stream.sticky != CUDA_SUCCESS)
        return stream.tells && reached ? CUDA_SUCCESS : stream.sticky;
    return reached ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult synchronize_event(CUevent event) {
    stream.done = stream.marks[index_of(event)];
    return stream.sticky;
}
CUresult query_stream(CUstream) {
    if (stream.sticky != CUDA_SUCCESS)
        return stream.sticky;
    return stream.done >= stream.put ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}
CUresult destroy_stream(CUstream) {
    ++stream.destroyed;
    return CUDA_SUCCESS;
}

struct Played {
    api::Cuda cuda;
    CudaContextPtr context;
    std::shared_ptr<CudaTimeline> line;

    explicit Played(bool timed = false) {
        stream = Stream();
        cuda.cuCtxGetCurrent = get_current;
        cuda.cuEventCreate = create_event;
        cuda.cuEventRecord = record_event;
        cuda.cuEventQuery = query_event;
        cuda.cuEventSynchronize = synchronize_event;
        cuda.cuStreamQuery = query_stream;
        cuda.cuStreamDestroy_v2 = destroy_stream;
        context = std::make_shared<CudaContext>(cuda);
        line = std::make_shared<CudaTimeline>(context, nullptr, timed);
    }

    EventResult submit(CUresult code = CUDA_SUCCESS, bool whole = true) {
        return line->submit(line->make(), "cuThing", whole, [code](CUstream) {
            stream.put += code == CUDA_SUCCESS ? 1 : 0;
            return code;
        });
    }
    std::shared_ptr<Event> good() {
        EventResult event = submit();
        assert_true(static_cast<bool>(event));
        return *event;
    }
    bool is(const std::shared_ptr<Event> &event, Status status) const {
        const base::Done done = line->wait(*event, 0);
        return done ? status == Status::Ok : done.error().status == status;
    }
};

/// Launch and wait, again and again, is told by the stream: no mark is made for it.
void needs_no_mark_for_the_last(void **) {
    const auto played = std::make_unique<Played>();
    for (int i = 0; i < 100; ++i) {
        const auto event = played->good();
        assert_true(played->is(event, Status::Timeout));
        stream.done = stream.put;
        assert_true(static_cast<bool>(played->line->wait(*event, UINT64_MAX)));
    }
    assert_int_equal(stream.records, 0);
}

/// Who waits for longer than a moment sleeps in the driver, and so needs one.
void sleeps_on_a_mark(void **) {
    const auto played = std::make_unique<Played>();
    const auto event = played->good();
    assert_true(static_cast<bool>(played->line->wait(*event, UINT64_MAX)));
    assert_int_equal(stream.records, 1);
}

/// What is behind an event does not keep it from being over.
void ends_in_order(void **) {
    const auto played = std::make_unique<Played>();
    const auto first = played->good();
    const auto second = played->good();
    stream.done = stream.put - 1;
    assert_true(played->is(second, Status::Timeout));
    assert_true(played->is(first, Status::Ok));
    stream.done = stream.put;
    assert_true(played->is(second, Status::Ok));
}

/// The code of what failed, not that of what we tried.
void says_why_there_is_no_mark(void **) {
    static constexpr struct {
        CUresult code;
        Status status;
        bool final;
    } table[] = {{CUDA_ERROR_OUT_OF_MEMORY, Status::DeviceMemory, false},
                 {CUDA_ERROR_ILLEGAL_ADDRESS, Status::Driver, true},
                 {CUDA_ERROR_INVALID_VALUE, Status::Driver, false}};
    for (const bool timed : {false, true})
        for (const auto &row : table) {
            const auto played = std::make_unique<Played>(timed);
            const auto first = timed ? nullptr : played->good();
            stream.create = row.code;
            const EventResult second = played->submit();
            // A fault is that of an earlier piece, and all events tell of it.
            assert_int_equal(static_cast<bool>(second), row.final);
            const base::Done done =
                second ? played->line->wait(**second, 0) : base::Done(second.error());
            assert_true(!done && done.error().status == row.status);
            assert_int_equal(done.error().code, row.code);
            stream.create = CUDA_SUCCESS;
            if (!row.final)
                assert_true(static_cast<bool>(played->submit()));
            stream.done = stream.put;
        }
}

/// What was over before the fault stays good where the driver tells so, and only there.
void tells_what_was_over_before_a_fault(void **) {
    for (const bool tells : {true, false}) {
        const auto played = std::make_unique<Played>();
        const auto first = played->good();
        const auto second = played->good();
        const auto third = played->good();
        stream.done = stream.put - 2;
        stream.sticky = CUDA_ERROR_ILLEGAL_ADDRESS;
        stream.tells = tells;
        const base::Done last = played->line->wait(*third, 0);
        assert_true(!last && last.error().code == CUDA_ERROR_ILLEGAL_ADDRESS);
        assert_true(played->is(first, tells ? Status::Ok : Status::Driver));
        assert_true(played->is(second, Status::Driver));
        // Whatever the driver says of what came after it.
        const EventResult later = played->submit();
        assert_true(!later || played->is(*later, Status::Driver));
    }
}

/// A submission that the driver took in part fails, and what comes after it; not what came before.
void keeps_what_came_before_a_refusal(void **) {
    const auto played = std::make_unique<Played>();
    const auto before = played->good();
    const EventResult refused = played->submit(CUDA_ERROR_INVALID_VALUE, false);
    assert_true(!refused && refused.error().code == CUDA_ERROR_INVALID_VALUE);
    const EventResult later = played->submit();
    stream.done = stream.put;
    assert_true(played->is(before, Status::Ok));
    if (later)
        assert_true(played->is(*later, Status::Driver));
    const base::Done all = played->line->wait_all(0);
    assert_true(!all && all.error().code == CUDA_ERROR_INVALID_VALUE);
}

/// Whoever opens the last of the gates puts in what waits for it, in order.
void keeps_back_behind_gates(void **) {
    const auto played = std::make_unique<Played>();
    const auto before = played->good();
    const auto first = played->line->close_gate();
    const auto second = played->line->close_gate();
    const auto after_both = played->good();
    assert_true(played->line->is_gated());
    assert_int_equal(stream.put, 1);
    played->line->open_gate(*second, {});
    assert_int_equal(stream.put, 1);
    stream.done = stream.put;
    assert_true(played->is(before, Status::Ok));
    assert_true(played->is(after_both, Status::Timeout));
    assert_false(played->line->can_be_waited_for(static_cast<CudaEvent &>(*after_both)));
    played->line->open_gate(*first, {});
    assert_false(played->line->is_gated());
    assert_true(played->line->can_be_waited_for(static_cast<CudaEvent &>(*after_both)));
    assert_true(stream.put > 1);
    assert_true(played->is(after_both, Status::Timeout));
    stream.done = stream.put;
    assert_true(played->is(after_both, Status::Ok));
}

/// Nothing behind a gate that opened with a failure reaches the stream, and what came before it is
/// as good as it was.
void runs_nothing_behind_a_failure(void **) {
    const auto played = std::make_unique<Played>();
    const auto before = played->good();
    const auto gate = played->line->close_gate();
    int calls = 0;
    const EventResult kept =
        played->line->submit(played->line->make(), "cuThing", true, [&calls](CUstream) {
            ++calls;
            return CUDA_SUCCESS;
        });
    assert_true(static_cast<bool>(kept));
    base::Error why = base::error(Status::Cancelled, "no more of it");
    why.code = 7;
    played->line->open_gate(*gate, why);
    assert_int_equal(calls, 0);
    assert_false(played->line->can_be_waited_for(static_cast<CudaEvent &>(*before)));
    stream.done = stream.put;
    assert_true(played->is(before, Status::Ok));
    const base::Done done = played->line->wait(**kept, 0);
    assert_true(!done && done.error().status == Status::Cancelled && done.error().code == 7);
    const auto later = played->good();
    stream.done = stream.put;
    assert_true(played->is(later, Status::Cancelled));
}

/// A refusal that comes when the gate opens is that of the event, which the caller has already, and
/// of all later ones.
void fails_what_is_refused_late(void **) {
    const auto played = std::make_unique<Played>();
    const auto gate = played->line->close_gate();
    const auto good = played->good();
    const EventResult bad = played->submit(CUDA_ERROR_INVALID_VALUE);
    const auto later = played->good();
    played->line->open_gate(*gate, {});
    stream.done = stream.put;
    assert_true(played->is(good, Status::Ok));
    const base::Done refused = played->line->wait(**bad, 0);
    assert_true(!refused && refused.error().code == CUDA_ERROR_INVALID_VALUE);
    const base::Done behind = played->line->wait(*later, 0);
    assert_true(!behind && behind.error().code == CUDA_ERROR_INVALID_VALUE);
    assert_non_null(std::strstr(behind.error().message.c_str(), "earlier work of this queue"));
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(needs_no_mark_for_the_last),
        cmocka_unit_test(sleeps_on_a_mark),
        cmocka_unit_test(ends_in_order),
        cmocka_unit_test(says_why_there_is_no_mark),
        cmocka_unit_test(tells_what_was_over_before_a_fault),
        cmocka_unit_test(keeps_what_came_before_a_refusal),
        cmocka_unit_test(keeps_back_behind_gates),
        cmocka_unit_test(runs_nothing_behind_a_failure),
        cmocka_unit_test(fails_what_is_refused_late),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
