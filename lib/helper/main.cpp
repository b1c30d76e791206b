// SPDX-License-Identifier: MIT
// hwa-probe: lets one driver answer, once or for a monitor, and leaves without destructors.
#include "detect/answer.h"
#include "detect/probe.h"
#include "monitor/serve.h"
#include "os/confine.h"
#include "os/process.h"
#include "os/requests.h"

#include <string>
#include <string_view>
#include <vector>

/// Reads devices for a monitor, for as long as it asks.
[[noreturn]] static void serve_monitor(int argc, char **argv) {
    using namespace hwa;
    const monitor::Sampler *sampler = argc >= 5 ? monitor::find_sampler(argv[2]) : nullptr;
    if (sampler == nullptr)
        os::leave(2);
    const auto reply = os::confine(os::reply_descriptor);
    if (!reply)
        os::leave(3);
    const auto requests = os::Requests::take();
    if (!requests)
        os::leave(3);
    const std::vector<std::string> ids(argv + 4, argv + argc);
    const auto served = monitor::serve(*sampler, argv[3], ids, *requests, *reply);
    os::leave(served ? 0 : 3);
}

/// Usage: hwa-probe NAME [LIBRARY_PATH], with the pipe to answer on as descriptor 3, or
/// hwa-probe --monitor NAME LIBRARY_PATH DEVICE..., with a socket of requests as descriptor 0
/// besides. Ends with 0 when all was answered, 2 if it was called in another way, 3 if it could not
/// answer.
int main(int argc, char **argv) {
    using namespace hwa;
    if (argc >= 2 && std::string_view(argv[1]) == "--monitor")
        serve_monitor(argc, argv);
    const detect::Probe *probe = argc >= 2 ? detect::find_probe(argv[1]) : nullptr;
    if (probe == nullptr || probe->driver == nullptr)
        os::leave(2);
    const auto reply = os::confine(os::reply_descriptor);
    if (!reply)
        os::leave(3);
    const auto answered = detect::answer(*probe, argc >= 3 ? argv[2] : "", *reply);
    os::leave(answered ? 0 : 3);
}
