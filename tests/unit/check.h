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
