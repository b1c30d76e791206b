// SPDX-License-Identifier: MIT
// Products by OpenBLAS, BLIS or oneDNN, whichever the machine has, in one call from the queue's
// thread: the libraries bring threads of their own.
//
// Whom to ask first, measured for f32 with Debian's builds on 2 threads of a processor newer than
// they are, in GFLOP/s at 1024 and 256 rows: oneDNN 2.6 442 and 490, OpenBLAS 0.3.21 128 and 195,
// BLIS 0.9 43 and 42. The threads of oneDNN are those of OpenMP, which meet at a barrier: when
// others keep the processors busy, that costs a time slice, and a product of 64 rows took 4000 µs
// in place of 5. So oneDNN comes first for products that are about as long as that slice, and after
// OpenBLAS for others. BLIS is left out where it has no kernels for the processor. Loading costs,
// in ms and MiB: OpenBLAS 2 and 3, BLIS 0.3 and 1, oneDNN 9 and 5, and its first product 30 and 7
// more.
#include "api/blas.h"
#include "api/dnnl.h"
#include "base/text.h"
#include "base/units.h"
#include "launch/gemm.h"
#include "os/caller.h"

#include <mutex>

namespace hwa::launch {
namespace {

using base::Status;

/// 512 cubed: from here on a product takes about as long as a time slice of Linux.
constexpr uint64_t large_product = uint64_t{1} << 27;

/// A library that is open: one of the two, as `multiply` wants it.
struct Backend {
    api::Blas blas;
    api::Dnnl dnnl;
    std::string version;
    /// Answers 0, or what the library says is wrong.
    int32_t (*single)(const Backend &, const Gemm &, const float *, const float *,
                      float *) = nullptr;
    int32_t (*twice)(const Backend &, const Gemm &, const double *, const double *,
                     double *) = nullptr; ///< NULL: it has no f64
    bool generic = false;

    const std::string &path() const {
        return blas.library.handle != nullptr ? blas.library.path : dnnl.library.path;
    }
};

template <class T, class Int>
void call_cblas(const void *symbol, const Gemm &gemm, const T *a, const T *b, T *c) {
    const auto call = reinterpret_cast<api::CblasGemm<T, Int>>(const_cast<void *>(symbol));
    const auto operation = [](bool transpose) {
        return transpose ? api::cblas_transpose : api::cblas_no_transpose;
    };
    // Not k: OpenBLAS's kernels for small products on newer processors multiply by an alpha of 0.
    call(api::cblas_row_major, operation(gemm.transpose_a), operation(gemm.transpose_b),
         static_cast<Int>(gemm.m), static_cast<Int>(gemm.n), static_cast<Int>(gemm.depth()),
         static_cast<T>(gemm.alpha), a, static_cast<Int>(gemm.lda), b, static_cast<Int>(gemm.ldb),
         static_cast<T>(gemm.beta), c, static_cast<Int>(gemm.ldc));
}

template <class T>
int32_t multiply_cblas(const Backend &backend, const Gemm &gemm, const T *a, const T *b, T *c) {
    const void *symbol = sizeof(T) == 8 ? backend.blas.cblas_dgemm : backend.blas.cblas_sgemm;
    if (backend.blas.wide)
        call_cblas<T, int64_t>(symbol, gemm, a, b, c);
    else
        call_cblas<T, int32_t>(symbol, gemm, a, b, c);
    return 0;
}

int32_t multiply_dnnl(const Backend &backend, const Gemm &gemm, const float *a, const float *b,
                      float *c) {
    const auto wide = [](uint64_t value) { return static_cast<int64_t>(value); };
    return backend.dnnl.dnnl_sgemm(
        gemm.transpose_a ? 'T' : 'N', gemm.transpose_b ? 'T' : 'N', wide(gemm.m), wide(gemm.n),
        wide(gemm.k), static_cast<float>(gemm.alpha), a, wide(gemm.lda), b, wide(gemm.ldb),
        static_cast<float>(gemm.beta), c, wide(gemm.ldc));
}

/// A wrong width of integers or a broken build shows in the smallest product there is.
template <class T, class Call> bool multiplies_right(const Backend &backend, Call call) {
    Gemm gemm;
    gemm.m = gemm.n = gemm.k = gemm.lda = gemm.ldb = gemm.ldc = 2;
    gemm.alpha = 2;
    gemm.beta = 1;
    const T a[] = {1, 2, 3, 4};
    const T b[] = {5, 6, 7, 8};
    T c[] = {1, 1, 1, 1};
    return call(backend, gemm, a, b, c) == 0 && c[0] == 39 && c[1] == 45 && c[2] == 87 &&
           c[3] == 101;
}

base::Result<Backend> from_blas(base::Result<api::Blas> loaded) {
    if (!loaded)
        return std::move(loaded.error());
    Backend backend;
    backend.blas = std::move(*loaded);
    backend.version = backend.blas.version;
    backend.generic = backend.blas.generic;
    backend.single = multiply_cblas<float>;
    backend.twice = multiply_cblas<double>;
    return backend;
}

base::Result<Backend> load_openblas(const std::string &directory) {
    return from_blas(api::load_openblas(directory));
}

base::Result<Backend> load_blis(const std::string &directory) {
    return from_blas(api::load_blis(directory));
}

base::Result<Backend> load_onednn(const std::string &directory) {
    Backend backend;
    HWA_TRY(backend.dnnl, api::load_dnnl(directory));
    backend.version = backend.dnnl.version;
    backend.single = multiply_dnnl;
    return backend;
}

struct Row {
    const char *name;
    base::Result<Backend> (*load)(const std::string &directory);
};
constexpr Row openblas = {"openblas", load_openblas};
constexpr Row blis = {"blis", load_blis};
constexpr Row onednn = {"onednn", load_onednn};

base::Result<Backend> open(const Row &row, const std::string &directory) {
    const os::CallerState state;
    base::Result<Backend> backend = row.load(directory);
    if (!backend)
        return backend;
    if (!multiplies_right<float>(*backend, backend->single) ||
        (backend->twice != nullptr && !multiplies_right<double>(*backend, backend->twice)))
        return base::error(Status::Unavailable, "%s: gives wrong products",
                           backend->path().c_str());
    return backend;
}

/// What came of opening a library, for good: the first product asks for it, and it stays.
struct Opened {
    const Row *row;
    std::string directory;
    base::Result<Backend> backend;
    const Opened *next;
};

const base::Result<Backend> &opened(const Row &row, const std::string &directory) {
    static std::mutex mutex;
    static const Opened *first = nullptr;
    const std::lock_guard lock(mutex);
    for (const Opened *one = first; one != nullptr; one = one->next)
        if (one->row == &row && one->directory == directory)
            return one->backend;
    first = new Opened{&row, directory, open(row, directory), first};
    return first->backend;
}

struct State {
    const Backend *backend;
    Gemm gemm;
};

template <class T> int32_t run(const void *opaque, const HostCall &call) {
    const auto &state = *static_cast<const State *>(opaque);
    const T *a = static_cast<const T *>(call.args[0]);
    const T *b = static_cast<const T *>(call.args[1]);
    T *c = static_cast<T *>(call.args[2]);
    if constexpr (sizeof(T) == 8)
        return state.backend->twice(*state.backend, state.gemm, a, b, c);
    else
        return state.backend->single(*state.backend, state.gemm, a, b, c);
}

base::Result<Operation> make(const OpRequest &request, const Row &row) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    HWA_CHECK(check_wide(gemm));
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    const auto &found = opened(row, request.library_path);
    if (!found)
        return found.error();
    const Backend &backend = *found;
    const bool f64 = gemm.dtype == core::Dtype::F64;
    if (f64 && backend.twice == nullptr)
        return base::error(Status::Unsupported, "multiplies f32 only");
    if (backend.generic && !request.forced)
        return base::error(Status::Unsupported, "%s: has no kernels for this processor",
                           backend.path().c_str());
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = f64 ? run<double> : run<float>;
    code.state = std::make_shared<State>(State{&backend, gemm});
    code.same_thread = true;
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    made.provider = base::format("%s %s", row.name, backend.version.c_str());
    return made;
}

} // namespace

base::Result<Operation> gemm_openblas(const OpRequest &request) {
    return make(request, openblas);
}

base::Result<Operation> gemm_blis(const OpRequest &request) {
    return make(request, blis);
}

base::Result<Operation> gemm_onednn(const OpRequest &request) {
    return make(request, onednn);
}

base::Result<Operation> gemm_onednn_large(const OpRequest &request) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    const auto face = base::checked_mul(gemm.m, gemm.n);
    const auto size = face ? base::checked_mul(*face, gemm.k) : std::nullopt;
    if (gemm.dtype != core::Dtype::F32 || (size && *size < large_product))
        return base::error(Status::Unsupported, "comes first for large products of f32 alone");
    return make(request, onednn);
}

} // namespace hwa::launch
