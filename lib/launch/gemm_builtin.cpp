// SPDX-License-Identifier: MIT
// Products on the CPU where no BLAS is installed: packed blocks and a kernel that keeps a tile of C
// in registers, compiled for three generations of x86 and once for all else. The method is that of
// Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
#include "base/units.h"
#include "launch/gemm.h"
#include "os/cpuid.h"

#include <algorithm>
#include <cstring>

// The one loop here that is worth its size. A fused multiply-add is wanted where there is one;
// -std=c++20 makes GCC leave it out.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "fp-contract=fast")
#endif

namespace hwa::launch {
namespace {

/// A group computes a block of this many rows and columns of C, over `depth` at a time. Blocks of A
/// (96 KiB) and B (256 KiB) in f32 fit the second-level cache of common processors.
constexpr uint64_t block_rows = 96;
constexpr uint64_t block_columns = 256;
constexpr uint64_t depth = 256;

/// Rows of the register tile; both divide block_rows.
constexpr uint64_t tile_rows = 6;

/// Columns of the register tile: two vectors.
template <class T, int Bytes> constexpr uint64_t tile_columns = 2 * Bytes / sizeof(T);

/// Scratch of a group, in elements.
constexpr uint64_t packed_a = block_rows * depth;
constexpr uint64_t packed_b = block_columns * depth;

enum class Level { Any, Avx2, Avx512 };

struct State {
    Gemm gemm;
    Level level;
};

/// A part of C and of the sum that one step adds to it.
struct Step {
    uint64_t row, rows;
    uint64_t column, columns;
    uint64_t from, count;
};

/// Rows of op(A), tile by tile, each element of a column beside the next; rows past the end are 0.
template <class T> void pack_a(const Gemm &gemm, const Step &step, const T *a, T *to) {
    for (uint64_t i = 0; i < step.rows; i += tile_rows)
        for (uint64_t p = 0; p < step.count; ++p)
            for (uint64_t r = 0; r < tile_rows; ++r) {
                const uint64_t row = step.row + i + r;
                const uint64_t inner = step.from + p;
                const uint64_t at =
                    gemm.transpose_a ? inner * gemm.lda + row : row * gemm.lda + inner;
                *to++ = i + r < step.rows ? a[at] : T(0);
            }
}

/// Columns of op(B), tile by tile, row after row; columns past the end are 0.
template <class T, uint64_t Columns>
void pack_b(const Gemm &gemm, const Step &step, const T *b, T *to) {
    for (uint64_t j = 0; j < step.columns; j += Columns)
        for (uint64_t p = 0; p < step.count; ++p) {
            const uint64_t inner = step.from + p;
            const uint64_t column = step.column + j;
            const uint64_t there = std::min(Columns, step.columns - j);
            for (uint64_t c = 0; c < there; ++c)
                to[c] = gemm.transpose_b ? b[(column + c) * gemm.ldb + inner]
                                         : b[inner * gemm.ldb + column + c];
            std::fill(to + there, to + Columns, T(0));
            to += Columns;
        }
}

/// A tile of the product of packed panels, all of it in registers.
template <class T, int Bytes>
[[gnu::always_inline]] inline void tile(const T *a, const T *b, uint64_t count, T *out) {
    using Vector [[gnu::vector_size(Bytes)]] = T;
    constexpr uint64_t lanes = Bytes / sizeof(T);
    Vector sum[tile_rows][2] = {};
    for (uint64_t p = 0; p < count; ++p) {
        Vector left;
        Vector right;
        std::memcpy(&left, b, Bytes);
        std::memcpy(&right, b + lanes, Bytes);
        for (uint64_t r = 0; r < tile_rows; ++r) {
            sum[r][0] += a[r] * left;
            sum[r][1] += a[r] * right;
        }
        a += tile_rows;
        b += 2 * lanes;
    }
    std::memcpy(out, sum, sizeof sum);
}

/// Adds a tile to C; the first step of a sum brings in beta, and a beta of 0 does not read C.
template <class T>
void add_tile(const Gemm &gemm, bool first, const T *from, uint64_t width, uint64_t rows,
              uint64_t columns, T *c) {
    const T alpha = static_cast<T>(gemm.alpha);
    const T beta = static_cast<T>(first ? gemm.beta : 1);
    for (uint64_t i = 0; i < rows; ++i)
        for (uint64_t j = 0; j < columns; ++j) {
            const T old = beta == T(0) ? T(0) : beta * c[i * gemm.ldc + j];
            c[i * gemm.ldc + j] = alpha * from[i * width + j] + old;
        }
}

template <class T, int Bytes>
[[gnu::always_inline]] inline void multiply_packed(const Gemm &gemm, const Step &step, const T *a,
                                                   const T *b, T *c) {
    constexpr uint64_t width = tile_columns<T, Bytes>;
    T out[tile_rows * width];
    for (uint64_t j = 0; j < step.columns; j += width)
        for (uint64_t i = 0; i < step.rows; i += tile_rows) {
            tile<T, Bytes>(a + i * step.count, b + j * step.count, step.count, out);
            add_tile(gemm, step.from == 0, out, width, std::min(tile_rows, step.rows - i),
                     std::min(width, step.columns - j),
                     c + (step.row + i) * gemm.ldc + step.column + j);
        }
}

template <class T> using Multiply = void (*)(const Gemm &, const Step &, const T *, const T *, T *);

template <class T>
void multiply_any(const Gemm &gemm, const Step &step, const T *a, const T *b, T *c) {
    multiply_packed<T, 16>(gemm, step, a, b, c);
}

/// A block of C from start to end.
template <class T, int Bytes>
void run_block(const void *state, const HostCall &call, Multiply<T> multiply) {
    const Gemm &gemm = static_cast<const State *>(state)->gemm;
    T *const panel_a = static_cast<T *>(call.shared);
    T *const panel_b = panel_a + packed_a;
    Step step = {};
    step.row = call.group[1] * block_rows;
    step.rows = std::min(block_rows, gemm.m - step.row);
    step.column = call.group[0] * block_columns;
    step.columns = std::min(block_columns, gemm.n - step.column);
    do {
        step.count = std::min(depth, gemm.depth() - step.from);
        pack_a(gemm, step, static_cast<const T *>(call.args[0]), panel_a);
        pack_b<T, tile_columns<T, Bytes>>(gemm, step, static_cast<const T *>(call.args[1]),
                                          panel_b);
        multiply(gemm, step, panel_a, panel_b, static_cast<T *>(call.args[2]));
        step.from += depth;
    } while (step.from < gemm.depth());
}

#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2,fma")]] void multiply_avx2(const Gemm &gemm, const Step &step, const T *a,
                                               const T *b, T *c) {
    multiply_packed<T, 32>(gemm, step, a, b, c);
}

template <class T>
[[gnu::target("avx512f")]] void multiply_avx512(const Gemm &gemm, const Step &step, const T *a,
                                                const T *b, T *c) {
    multiply_packed<T, 64>(gemm, step, a, b, c);
}
#endif

/// What the processor has and the operating system saves. Asked here and not by the compiler's
/// builtin, which would put a constructor into the library.
Level find_level() {
    const auto leaf1 = os::cpuid(1, 0);
    const auto leaf7 = os::cpuid(7, 0);
    constexpr uint32_t osxsave = 1u << 27, fma = 1u << 12, avx2 = 1u << 5, avx512f = 1u << 16;
    constexpr uint64_t ymm_state = 0x6, zmm_state = 0xe6;
    if (!leaf1 || !leaf7 || (leaf1->ecx & osxsave) == 0)
        return Level::Any;
    const uint64_t saved = os::read_xcr0();
    if ((leaf7->ebx & avx512f) != 0 && (saved & zmm_state) == zmm_state)
        return Level::Avx512;
    const bool fused = (leaf7->ebx & avx2) != 0 && (leaf1->ecx & fma) != 0;
    return fused && (saved & ymm_state) == ymm_state ? Level::Avx2 : Level::Any;
}

template <class T> int32_t run(const void *state, const HostCall &call) {
    [[maybe_unused]] const Level level = static_cast<const State *>(state)->level;
#if defined(__x86_64__)
    if (level == Level::Avx512) {
        run_block<T, 64>(state, call, multiply_avx512<T>);
        return 0;
    }
    if (level == Level::Avx2) {
        run_block<T, 32>(state, call, multiply_avx2<T>);
        return 0;
    }
#endif
    run_block<T, 16>(state, call, multiply_any<T>);
    return 0;
}

} // namespace

base::Result<Operation> gemm_builtin(const OpRequest &request) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    HWA_CHECK(check_wide(gemm));
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = gemm.dtype == core::Dtype::F64 ? run<double> : run<float>;
    code.state = std::make_shared<State>(State{gemm, find_level()});
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    made.provider = "builtin";
    made.shape.grid = {static_cast<uint32_t>(base::divide_up(gemm.n, block_columns)),
                       static_cast<uint32_t>(base::divide_up(gemm.m, block_rows)), 1};
    made.shape.shared_bytes = static_cast<uint32_t>((packed_a + packed_b) * gemm.element_bytes());
    return made;
}

} // namespace hwa::launch
