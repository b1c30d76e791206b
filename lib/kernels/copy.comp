// SPDX-License-Identifier: MIT
// y = x; T is an unsigned integer as wide as the element.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "elements.glsl"
layout(std430, binding = 0) readonly buffer X {
    T x[];
};
layout(std430, binding = 1) writeonly buffer Y {
    T y[];
};
layout(push_constant) uniform Values {
    uint n;
};

void main() {
    EACH(i, n)
        y[i] = x[i];
}
