// SPDX-License-Identifier: MIT
// cmocka with the headers it wants first, for C++.
#pragma once

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

extern "C" {
#include <cmocka.h>
}

// Too plain a pair of words for macros: the C++ library and ours use them as names.
#undef fail
#undef skip
#undef fail_msg
#define fail_msg(...)                                                                              \
    do {                                                                                           \
        print_error("ERROR: " __VA_ARGS__);                                                        \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (false)
