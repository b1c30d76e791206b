// SPDX-License-Identifier: MIT
// Calls: launches on the CPU with all they need, each in one block of memory that is used again.
#pragma once

#include "base/blocks.h"
#include "launch/cpu_pool.h"

namespace hwa::launch {

/// One launch, and what it keeps alive. What the pointers lead to lies behind it in its block.
struct Call {
    Call *next = nullptr;
    size_t block_bytes = 0;
    std::shared_ptr<Program> program;
    Shape shape;
    std::span<void *> args; ///< NULL where every group gets scratch of its own
    uint64_t *arg_bytes = nullptr;
    std::span<std::shared_ptr<Memory>> memories;
};

/// Launches that run one after the other.
class Calls {
  public:
    Calls() = default;
    explicit Calls(std::shared_ptr<base::Blocks> blocks) : blocks_(std::move(blocks)) {}
    ~Calls() { clear(); }
    Calls(Calls &&other) noexcept;
    Calls &operator=(Calls &&other) noexcept;

    void add(const std::shared_ptr<Program> &program, std::span<const Arg> args,
             const Shape &shape);
    /// Runs them on this thread and those of the pool, until one fails.
    std::optional<base::Error> perform(Pool &pool, Scratch &scratch) const;

  private:
    void clear();

    std::shared_ptr<base::Blocks> blocks_;
    Call *first_ = nullptr;
    Call *last_ = nullptr;
};

struct CpuMemory final : Memory {
    CpuMemory(void *memory, Lease on_loan) : data(memory), lease(std::move(on_loan)) {}
    ~CpuMemory() override;
    uint64_t native() const override { return reinterpret_cast<uintptr_t>(data); }
    void *host() const override { return data; }

    void *data;
    bool owned = false;
    Lease lease;
};

/// A function, or launches that were recorded.
struct CpuProgram final : Program {
    HostKernel kernel = nullptr;
    Lease state;
    Calls recorded; ///< where there is no kernel
};

} // namespace hwa::launch
