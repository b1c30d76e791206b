// SPDX-License-Identifier: MIT
// hwa_detect(): checks its options and runs the pipeline.
#include "capi/entry.h"
#include "capi/objects.h"

#include "base/text.h"
#include "detect/detect.h"
#include "detect/probe.h"

using namespace hwa;
using namespace hwa::capi;

static constexpr uint32_t known_flags =
    HWA_DETECT_NO_DRIVERS | HWA_DETECT_IN_PROCESS | HWA_DETECT_NO_LINKS;

/// The caller's log functions, behind those of a LogSink.
struct CallerLog {
    hwa_log_fn write;
    hwa_release_fn release;
    void *user;
};

static void write_line(void *user, base::LogLevel level, const char *backend, const char *message) {
    const auto *log = static_cast<const CallerLog *>(user);
    log->write(log->user, static_cast<hwa_log_level_t>(level), backend, message);
}

static void release_log(void *user) {
    const std::unique_ptr<const CallerLog> log(static_cast<const CallerLog *>(user));
    if (log->release != nullptr)
        log->release(log->user);
}

/// Takes over the caller's log, so that its release hook runs once whatever happens from here on.
static base::Done adopt_log(const hwa_detect_options_t &options, base::Log &log) {
    auto *caller = new (std::nothrow) CallerLog{options.log, options.log_release, options.log_user};
    if (caller == nullptr) {
        if (options.log_release != nullptr)
            options.log_release(options.log_user);
        return base::error(base::Status::HostMemory, "no memory for the log");
    }
    const auto level = static_cast<base::LogLevel>(number(options.log_level));
    const auto write = options.log != nullptr ? write_line : nullptr;
    const auto *sink = new (std::nothrow) base::LogSink(level, write, caller, release_log);
    if (sink == nullptr) {
        release_log(caller);
        return base::error(base::Status::HostMemory, "no memory for the log");
    }
    log.reset(sink);
    return {};
}

/// Every name in the list is that of a backend.
static base::Done check_backends(const std::string &list) {
    for (std::string_view name : base::split(list, ',')) {
        name = base::trim(name);
        if (name.starts_with('-'))
            name.remove_prefix(1);
        if (detect::find_probe(name) == nullptr)
            return base::error(base::Status::NotFound, "backends: there is no backend \"%s\"",
                               base::sanitise(name).c_str());
    }
    return {};
}

static base::Result<detect::Options> read_options(const hwa_detect_options_t &given) {
    if ((given.flags & ~known_flags) != 0)
        return base::error(base::Status::Unsupported,
                           "options.flags: this version does not know the bits 0x%x",
                           given.flags & ~known_flags);
    const int32_t level = number(given.log_level);
    if (level < HWA_LOG_NONE || level > HWA_LOG_DEBUG)
        return base::error(base::Status::Invalid, "options.log_level: there is no level %d", level);
    detect::Options options;
    options.no_drivers = (given.flags & HWA_DETECT_NO_DRIVERS) != 0;
    options.in_process = (given.flags & HWA_DETECT_IN_PROCESS) != 0;
    options.no_links = (given.flags & HWA_DETECT_NO_LINKS) != 0;
    if (given.timeout_ms != 0)
        options.timeout_ms = given.timeout_ms;
    options.backends = or_empty(given.backends);
    HWA_CHECK(check_backends(options.backends));
    options.sysroot = or_empty(given.sysroot);
    options.library_path = or_empty(given.library_path);
    options.capture_dir = or_empty(given.capture_dir);
    options.cancelled = given.cancelled;
    options.cancelled_user = given.cancelled_user;
    return options;
}

hwa_status_t hwa_detect(const hwa_detect_options_t *options, hwa_system_t **out_system,
                        hwa_error_t *error) {
    hwa_detect_options_t given = {};
    base::Log log;
    const auto take = [&]() -> base::Done {
        HWA_TRY(given, take_in(options, "options"));
        return adopt_log(given, log);
    };
    return hand_out(out_system, error, take, [&]() -> base::Result<std::unique_ptr<hwa_system_t>> {
        HWA_TRY(detect::Options wanted, read_options(given));
        wanted.log = log;
        HWA_TRY(core::System system, detect::detect(wanted));
        auto made = std::make_unique<hwa_system_t>();
        made->state = make_state(std::move(system), std::move(log), std::move(wanted.library_path));
        return made;
    });
}
