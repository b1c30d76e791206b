// SPDX-License-Identifier: MIT
// hwa-probe: runs one probe of a driver, sends one reply, and leaves without running destructors.
#include "detect/answer.h"
#include "detect/probe.h"
#include "os/confine.h"
#include "os/process.h"

/// Usage: hwa-probe NAME [LIBRARY_PATH], with the pipe to answer on as descriptor 3. Ends with 0
/// after a whole answer, 2 if it was called in another way, 3 if it could not answer.
int main(int argc, char **argv) {
    using namespace hwa;
    const detect::Probe *probe = argc >= 2 ? detect::find_probe(argv[1]) : nullptr;
    if (probe == nullptr || probe->driver == nullptr)
        os::leave(2);
    const auto reply = os::confine(os::reply_descriptor);
    if (!reply)
        os::leave(3);
    const auto answered = detect::answer(*probe, argc >= 3 ? argv[2] : "", *reply);
    os::leave(answered ? 0 : 3);
}
