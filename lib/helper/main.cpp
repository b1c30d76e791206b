// SPDX-License-Identifier: MIT
// hwa-probe: runs one probe of a driver, sends one reply, and leaves without running destructors.
int main() {
    return 2;
}
