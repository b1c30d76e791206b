// SPDX-License-Identifier: MIT
// Products by OpenBLAS or BLIS, whichever the machine has, in one call from the queue's thread:
// the libraries bring threads of their own.
#include "api/blas.h"
#include "base/once.h"
#include "base/text.h"
#include "launch/gemm.h"
#include "os/caller.h"

namespace hwa::launch {
namespace {

using base::Status;
using Blas = base::Result<api::Blas>;

template <class T> void *symbol(const api::Blas &blas);
template <> void *symbol<float>(const api::Blas &blas) {
    return blas.cblas_sgemm;
}
template <> void *symbol<double>(const api::Blas &blas) {
    return blas.cblas_dgemm;
}

template <class T, class Int>
void multiply_as(const api::Blas &blas, const Gemm &gemm, const T *a, const T *b, T *c) {
    const auto call = reinterpret_cast<api::CblasGemm<T, Int>>(symbol<T>(blas));
    const auto operation = [](bool transpose) {
        return transpose ? api::cblas_transpose : api::cblas_no_transpose;
    };
    call(api::cblas_row_major, operation(gemm.transpose_a), operation(gemm.transpose_b),
         static_cast<Int>(gemm.m), static_cast<Int>(gemm.n), static_cast<Int>(gemm.k),
         static_cast<T>(gemm.alpha), a, static_cast<Int>(gemm.lda), b, static_cast<Int>(gemm.ldb),
         static_cast<T>(gemm.beta), c, static_cast<Int>(gemm.ldc));
}

template <class T>
void multiply(const api::Blas &blas, const Gemm &gemm, const T *a, const T *b, T *c) {
    if (blas.wide)
        multiply_as<T, int64_t>(blas, gemm, a, b, c);
    else
        multiply_as<T, int32_t>(blas, gemm, a, b, c);
}

/// A wrong width of integers or a broken build shows in the smallest product there is.
template <class T> bool multiplies_right(const api::Blas &blas) {
    Gemm gemm;
    gemm.m = gemm.n = gemm.k = gemm.lda = gemm.ldb = gemm.ldc = 2;
    gemm.alpha = 2;
    gemm.beta = 1;
    const T a[] = {1, 2, 3, 4};
    const T b[] = {5, 6, 7, 8};
    T c[] = {1, 1, 1, 1};
    multiply<T>(blas, gemm, a, b, c);
    return c[0] == 39 && c[1] == 45 && c[2] == 87 && c[3] == 101;
}

Blas open(Blas (*load)(const std::string &)) {
    const os::CallerState state;
    Blas blas = load("");
    if (blas && !(multiplies_right<float>(*blas) && multiplies_right<double>(*blas)))
        return base::error(Status::Unavailable, "%s: gives wrong products",
                           blas->library.path.c_str());
    return blas;
}

/// One library, opened when the first product asks for it and kept.
struct Opened {
    base::Once once;
    const Blas *blas = nullptr;

    const Blas &get(Blas (*load)(const std::string &)) {
        once.run([&] { blas = new Blas(open(load)); });
        return *blas;
    }
};

Opened openblas;
Opened blis;

struct State {
    const api::Blas *blas;
    Gemm gemm;
};

template <class T> int32_t run(const void *opaque, const HostCall &call) {
    const auto &state = *static_cast<const State *>(opaque);
    multiply<T>(*state.blas, state.gemm, static_cast<const T *>(call.args[0]),
                static_cast<const T *>(call.args[1]), static_cast<T *>(call.args[2]));
    return 0;
}

base::Result<Operation> make(const OpRequest &request, const char *name, Opened &opened,
                             Blas (*load)(const std::string &)) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    const Blas &blas = opened.get(load);
    if (!blas)
        return blas.error();
    CodeRequest code;
    code.kind = core::Code::Host;
    code.host = gemm.dtype == core::Dtype::F64 ? run<double> : run<float>;
    code.state = std::make_shared<State>(State{&*blas, gemm});
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    made.provider = base::format("%s %s", name, blas->version.c_str());
    return made;
}

} // namespace

base::Result<Operation> gemm_openblas(const OpRequest &request) {
    return make(request, "openblas", openblas, api::load_openblas);
}

base::Result<Operation> gemm_blis(const OpRequest &request) {
    return make(request, "blis", blis, api::load_blis);
}

} // namespace hwa::launch
