// SPDX-License-Identifier: MIT
// Steps: what a queue of the CPU does one after the other, each in a block of its store.
#pragma once

#include "launch/cpu_event.h"
#include "launch/cpu_pool.h"
#include "launch/cpu_store.h"

#include <optional>

namespace hwa::launch {

/// What a step works with.
struct Bench {
    Pool &pool;
    Scratch &scratch;
};

/// One thing to do, and what it keeps alive until then.
struct Step {
    Step() = default;
    Step(const Step &) = delete;
    Step &operator=(const Step &) = delete;
    virtual ~Step() = default;
    virtual std::optional<base::Error> perform(const Bench &bench) const = 0;
    /// Whether it must be done by the thread of the queue, and by no other.
    virtual bool is_bound() const { return false; }

    Step *next = nullptr;
    std::shared_ptr<CpuEvent> event; ///< of the last step of a submission
};

/// Bytes from one place to another.
struct Transfer final : Step {
    std::optional<base::Error> perform(const Bench &bench) const override;

    std::shared_ptr<Memory> target;
    std::shared_ptr<Memory> source;
    void *to = nullptr;
    const void *from = nullptr;
    uint64_t size_bytes = 0;
};

/// A wait for what another queue does, or for a gate.
struct Barrier final : Step {
    std::optional<base::Error> perform(const Bench &bench) const override;

    std::shared_ptr<CpuEvent> until;
};

/// A launch. What the pointers lead to lies behind it in its block.
struct Call final : Step {
    Call(const std::shared_ptr<Program> &of, const Shape &cut) : program(of), shape(cut) {}
    ~Call() override;
    std::optional<base::Error> perform(const Bench &bench) const override;
    bool is_bound() const override;

    const std::shared_ptr<Program> program;
    const Shape shape;
    void **args = nullptr; ///< NULL where every group gets scratch of its own
    uint64_t *arg_bytes = nullptr;
    size_t arg_count = 0;
    std::shared_ptr<Memory> *memories = nullptr;
    size_t memory_count = 0;
};

Call *make_call(Store &store, const std::shared_ptr<Program> &program, std::span<const Arg> args,
                const Shape &shape);

/// Steps that belong together, the newest first: the way a line takes them in.
class Steps {
  public:
    Steps() = default;
    explicit Steps(Step *only) : newest_(only), oldest_(only) {}
    ~Steps();
    Steps(Steps &&other) noexcept;
    Steps &operator=(Steps &&other) noexcept;

    bool empty() const { return newest_ == nullptr; }
    Step *newest() const { return newest_; }
    Step *oldest() const { return oldest_; }
    void add(Step *step);
    /// Turns them about, the oldest first: the way they are done.
    void reverse();
    void release() { newest_ = oldest_ = nullptr; }

    static void destroy(Step *step);
    /// The list that starts with `newest`, turned about.
    static Step *reversed(Step *newest);

  private:
    Step *newest_ = nullptr;
    Step *oldest_ = nullptr;
};

struct CpuMemory final : Memory {
    CpuMemory(void *memory, Lease on_loan) : data(memory), lease(std::move(on_loan)) {}
    ~CpuMemory() override;
    uint64_t native() const override { return reinterpret_cast<uintptr_t>(data); }
    void *host() const override { return data; }
    bool is_plain() const override { return true; }

    void *data;
    bool owned = false;
    Lease lease;
};

/// A function, or launches that were recorded.
struct CpuProgram final : Program {
    HostKernel kernel = nullptr;
    Lease state;
    bool bound = false; ///< to the thread of the queue
    Steps recorded;     ///< where there is no kernel; the oldest first
};

} // namespace hwa::launch
