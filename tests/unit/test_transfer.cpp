// SPDX-License-Identifier: MIT
// launch/transfer: copies between two queues of a model, whose work goes on step by step, in any
// order of the two; with host memory on either side or none, and with a failure at every call.
#include "check.h"

#include "launch/transfer.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>
#include <random>

using namespace hwa;
using namespace hwa::launch;

static int heap_left = -1; ///< how many more pieces the heap has; negative: no end of them

#if OWN_HEAP
void *operator new(size_t bytes) {
    if (heap_left == 0)
        throw std::bad_alloc();
    heap_left -= heap_left > 0 ? 1 : 0;
    void *const piece = std::malloc(bytes == 0 ? 1 : bytes);
    if (piece == nullptr)
        throw std::bad_alloc();
    return piece;
}

void operator delete(void *piece) noexcept {
    std::free(piece);
}

void operator delete(void *piece, size_t) noexcept {
    std::free(piece);
}
#endif

/// What is kept for good on purpose is no leak.
extern "C" void __lsan_disable() __attribute__((weak));
extern "C" void __lsan_enable() __attribute__((weak));

namespace {

struct ModelEvent final : Event {
    std::optional<base::Done> how;
    std::vector<Notice> notices;
};

int alive = 0; ///< memories that have not been let go of

struct ModelMemory final : Memory {
    ModelMemory(size_t size, bool reached) : bytes(size), by_host(reached) { ++alive; }
    ~ModelMemory() override { --alive; }
    uint64_t native() const override { return 0; }
    void *host() const override { return by_host ? bytes.data() : nullptr; }
    mutable std::vector<char> bytes;
    bool by_host;
};

struct ModelGate final : Gate {
    void open(const base::Done &end) override { how = end; }
    std::optional<base::Done> how;
};

/// One piece of work, or a gate before the next one.
struct Entry {
    std::function<void()> work;
    std::shared_ptr<ModelEvent> event;
    std::shared_ptr<ModelGate> gate;
};

class ModelQueue final : public Queue {
  public:
    bool stages_by_host = false;
    bool deaf = false;  ///< has no thread to wait for events, and says so at once
    int refuse_at = -1; ///< which call is refused, from 0 on
    int calls = 0;

    /// True if something went on.
    bool step() {
        if (list_.empty())
            return false;
        Entry &next = list_.front();
        if (next.gate != nullptr) {
            if (!next.gate->how)
                return false;
            if (!*next.gate->how && !failure_)
                failure_ = next.gate->how->error();
            list_.pop_front();
            return true;
        }
        const Entry taken = std::move(next);
        list_.pop_front();
        if (!failure_)
            taken.work();
        taken.event->how = failure_ ? base::Done(*failure_) : base::Done();
        for (const Notice &notice : std::exchange(taken.event->notices, {}))
            notice(*taken.event->how);
        return true;
    }

    const Limits &limits() const override { return limits_; }
    void *native() const override { return nullptr; }
    std::string driver() const override { return {}; }
    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        return std::shared_ptr<Memory>(
            std::make_shared<ModelMemory>(request.size_bytes, stages_by_host));
    }
    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        return allocate(request);
    }
    EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                      uint64_t size_bytes) override {
        return put([=] { std::memcpy(bytes(*into) + offset, data, size_bytes); });
    }
    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override {
        return put([=] { std::memcpy(data, bytes(*from) + offset, size_bytes); });
    }
    EventResult copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                     const std::shared_ptr<Memory> &from, uint64_t from_offset,
                     uint64_t size_bytes) override {
        return put(
            [=] { std::memcpy(bytes(*to) + to_offset, bytes(*from) + from_offset, size_bytes); });
    }
    base::Result<void *> map(const std::shared_ptr<Memory> &) override { return nullptr; }
    base::Done unmap(const std::shared_ptr<Memory> &) override { return {}; }
    base::Result<std::shared_ptr<Program>> build(const CodeRequest &, std::string &) override {
        return std::make_shared<Program>();
    }
    EventResult run(const std::shared_ptr<Program> &, std::span<const Arg>,
                    const Shape &) override {
        return put([] {});
    }
    EventResult run_many(std::span<const Launch>) override {
        return put([] {});
    }
    base::Result<std::shared_ptr<Program>> record(std::span<const Launch>) override {
        return std::make_shared<Program>();
    }
    base::Result<bool> wait_for(const std::shared_ptr<Event> &, Queue &) override { return false; }
    base::Result<std::shared_ptr<Gate>> gate() override {
        auto made = std::make_shared<ModelGate>();
        list_.push_back({nullptr, nullptr, made});
        return std::shared_ptr<Gate>(made);
    }
    void notify(const std::shared_ptr<Event> &event, Notice notice) override {
        auto &mine = static_cast<ModelEvent &>(*event);
        if (mine.how)
            notice(*mine.how);
        else if (deaf)
            notice(base::error(base::Status::Io, "no thread"));
        else
            mine.notices.push_back(std::move(notice));
    }
    base::Done wait(const Event &event, uint64_t) override {
        const auto &mine = static_cast<const ModelEvent &>(event);
        return mine.how ? *mine.how : base::error(base::Status::Timeout, "not yet");
    }
    base::Done finish(uint64_t) override { return {}; }
    uint64_t elapsed_ns(const Event &) override { return 0; }

  private:
    static char *bytes(const Memory &memory) {
        return static_cast<const ModelMemory &>(memory).bytes.data();
    }

    EventResult put(std::function<void()> work) {
        if (calls++ == refuse_at)
            return base::error(base::Status::Driver, "refused");
        auto event = std::make_shared<ModelEvent>();
        list_.push_back({std::move(work), event, nullptr});
        return std::shared_ptr<Event>(std::move(event));
    }

    std::deque<Entry> list_;
    std::optional<base::Error> failure_;
    Limits limits_;
};

struct Way {
    bool to_by_host, from_by_host, stages_by_host;
    uint64_t size_bytes;
};

constexpr uint64_t piece = uint64_t{8} << 20;
constexpr Way ways[] = {
    {false, false, false, 1},
    {false, false, true, 1},
    {false, false, false, piece},
    {false, false, true, 2 * piece + 3},
    {false, false, false, 3 * piece + 5},
    {true, false, false, 1000},
    {false, true, false, 1000},
    {true, true, true, 1000},
};

/// Both queues go on as far as they can, now the one and now the other.
void drain(ModelQueue &a, ModelQueue &b, std::mt19937 &order) {
    for (bool going = true; going;) {
        ModelQueue &first = order() % 2 == 0 ? a : b;
        going = first.step() || (&first == &a ? b : a).step();
    }
}

/// Eight bytes at a time: some of the buffers are large.
void fill(std::vector<char> &bytes, uint64_t state) {
    for (size_t i = 0; i < bytes.size(); i += sizeof state) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        std::memcpy(bytes.data() + i, &state, std::min(sizeof state, bytes.size() - i));
    }
}

/// False if a queue refused a call. All that was lent has come back either way.
bool carry_once(const Way &way, int refuse_a, int refuse_b, std::mt19937 &order, int &calls) {
    bool well = false;
    {
        ModelQueue a, b;
        b.stages_by_host = way.stages_by_host;
        auto from = std::make_shared<ModelMemory>(way.size_bytes + 2, way.from_by_host);
        auto to = std::make_shared<ModelMemory>(way.size_bytes + 2, way.to_by_host);
        fill(from->bytes, order());
        const std::vector<char> model = from->bytes;
        a.refuse_at = refuse_a;
        b.refuse_at = refuse_b;
        auto carried = carry({&b, to, 1}, {&a, from, 2}, way.size_bytes);
        from.reset();
        drain(a, b, order);
        calls = std::max(a.calls, b.calls);
        well = static_cast<bool>(carried);
        if (well) {
            assert_true(static_cast<bool>(b.wait(**carried, 0)));
            assert_memory_equal(to->bytes.data() + 1, model.data() + 2, way.size_bytes);
            assert_int_equal(to->bytes[0], 0);
            assert_int_equal(to->bytes[way.size_bytes + 1], 0);
            assert_int_equal(alive, 1);
        }
    }
    assert_int_equal(alive, 0);
    return well;
}

} // namespace

static void carries_by_every_way(void **) {
    std::mt19937 order(std::random_device{}());
    int calls = 0;
    for (const Way &way : ways)
        for (int round = 0; round < 2; ++round)
            assert_true(carry_once(way, -1, -1, order, calls));
}

static void gives_all_back_when_a_call_is_refused(void **) {
    std::mt19937 order(std::random_device{}());
    for (const Way &way : ways) {
        int calls = 0;
        carry_once(way, -1, -1, order, calls);
        int refused = 0;
        for (int i = 0, unused = 0; i < calls; ++i) {
            refused += carry_once(way, i, -1, order, unused) ? 0 : 1;
            refused += carry_once(way, -1, i, order, unused) ? 0 : 1;
        }
        assert_true(refused >= calls);
    }
}

/// A notice that comes too early does not mean that memory is free to go.
static void keeps_what_nobody_can_tell_of(void **) {
    std::mt19937 order(1);
    for (const Way &way : ways) {
        if (__lsan_disable != nullptr)
            __lsan_disable();
        alive = 0;
        ModelQueue a, b;
        a.deaf = b.deaf = true;
        b.stages_by_host = way.stages_by_host;
        auto from = std::make_shared<ModelMemory>(way.size_bytes, way.from_by_host);
        const auto to = std::make_shared<ModelMemory>(way.size_bytes, way.to_by_host);
        const bool staged = way.stages_by_host && !way.from_by_host && !way.to_by_host;
        assert_true(bool(carry({&b, to, 0}, {&a, from, 0}, way.size_bytes)));
        assert_true(alive >= (staged ? 3 : 2));
        drain(a, b, order);
        if (__lsan_enable != nullptr)
            __lsan_enable();
    }
    alive = 0;
}

static void survives_a_lack_of_memory(void **) {
    std::mt19937 order(1);
    for (const Way &way : ways) {
        bool starved = true;
        for (int left = 0; starved && way.size_bytes <= 1000; ++left) {
            if (__lsan_disable != nullptr)
                __lsan_disable();
            ModelQueue a, b;
            b.stages_by_host = way.stages_by_host;
            const auto from = std::make_shared<ModelMemory>(way.size_bytes, way.from_by_host);
            const auto to = std::make_shared<ModelMemory>(way.size_bytes, way.to_by_host);
            heap_left = left;
            try {
                starved = !carry({&b, to, 0}, {&a, from, 0}, way.size_bytes);
            } catch (const std::bad_alloc &) {
            }
            heap_left = -1;
            drain(a, b, order);
            if (__lsan_enable != nullptr)
                __lsan_enable();
        }
    }
    alive = 0;
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_by_every_way),
        cmocka_unit_test(gives_all_back_when_a_call_is_refused),
        cmocka_unit_test(keeps_what_nobody_can_tell_of),
        cmocka_unit_test(survives_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
