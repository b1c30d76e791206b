// SPDX-License-Identifier: MIT
// Detection as the tool does it: logged by HWA_LOG, with a word to whoever waits at a terminal.
#include "library.h"

#include "text.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::tool {

namespace {

/// The largest document the library reads.
constexpr size_t document_limit = size_t{4} << 20;

struct Answer {
    hwa_status_t status;
    Exit exit;
    const char *hint;
};

constexpr Answer answers[] = {
    {HWA_ERROR_INVALID, ExitUsage, "'hwa --help' lists what there is"},
    {HWA_ERROR_NOT_FOUND, ExitFailed, "check the name, and that it is there"},
    {HWA_ERROR_UNSUPPORTED, ExitFailed, "'hwa info' shows what the device can do"},
    {HWA_ERROR_UNAVAILABLE, ExitNothing, "'hwa doctor' says what to install"},
    {HWA_ERROR_DENIED, ExitDenied, "'hwa doctor' says which permission is wanted"},
    {HWA_ERROR_TIMEOUT, ExitTimeout, "'hwa doctor' shows who does not answer"},
    {HWA_ERROR_HOST_MEMORY, ExitFailed, "ask for less, or free some memory"},
    {HWA_ERROR_DEVICE_MEMORY, ExitFailed, "ask for less, or stop what else uses the device"},
    {HWA_ERROR_NO_FIT, ExitNoFit,
     "try a smaller --context or --batch, a smaller model, or more devices"},
    {HWA_ERROR_PARSE, ExitFailed, "see that the file is whole; make or fetch it again"},
    {HWA_ERROR_IO, ExitFailed, "check the path and its permissions"},
    {HWA_ERROR_DRIVER, ExitFailed, "'hwa doctor' shows the state of the drivers"},
    {HWA_ERROR_LOST, ExitLost, "reset the device or restart the machine, then try again"},
    {HWA_ERROR_BUILD, ExitFailed, "the message is the device compiler's; try another runtime"},
    {HWA_ERROR_AMBIGUOUS, ExitUsage, "name one of them"},
    {HWA_ERROR_CRASHED, ExitFailed, "'hwa doctor' shows which driver it was"},
};

hwa_log_level_t wanted_level() {
    static constexpr const char *names[] = {"none", "error", "warning", "info", "debug"};
    const char *wanted = std::getenv("HWA_LOG");
    if (wanted == nullptr || *wanted == '\0')
        return HWA_LOG_NONE;
    for (size_t i = 0; i < std::size(names); ++i)
        if (std::strcmp(wanted, names[i]) == 0)
            return static_cast<hwa_log_level_t>(i);
    warn("HWA_LOG takes error, warning, info or debug; it is passed over");
    return HWA_LOG_NONE;
}

void write_log(void *, hwa_log_level_t level, const char *backend, const char *message) {
    static constexpr const char *names[] = {"", "error", "warning", "info", "debug"};
    const auto index = static_cast<size_t>(level);
    const std::string text = printable(message);
    const bool named = backend != nullptr && *backend != '\0';
    std::fprintf(stderr, "hwa: %s: %s%s%s\n", index < std::size(names) ? names[index] : "log",
                 named ? backend : "", named ? ": " : "", text.c_str());
}

/// A word on a terminal while detection takes longer than a moment.
class Patience {
  public:
    ~Patience() {
        if (shown_)
            std::fputs("\r\033[K", stderr);
    }

    /// Asked by the library as it waits; never stops it.
    static int32_t wait(void *user) {
        auto &self = *static_cast<Patience *>(user);
        const auto waited = std::chrono::steady_clock::now() - self.start_;
        if (!self.shown_ && waited > std::chrono::milliseconds(300) && isatty(STDERR_FILENO) == 1) {
            std::fputs("hwa: waiting for drivers...", stderr);
            self.shown_ = true;
        }
        return 0;
    }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool shown_ = false;
};

/// All of a descriptor, up to the limit; nothing on failure, with errno set.
bool read_all(int descriptor, std::string &text) {
    char block[65536];
    for (;;) {
        const ssize_t count = read(descriptor, block, sizeof block);
        if (count == 0)
            return true;
        if (count < 0 && errno == EINTR)
            continue;
        if (count > 0 && text.size() + static_cast<size_t>(count) > document_limit)
            errno = EFBIG;
        if (count < 0 || text.size() + static_cast<size_t>(count) > document_limit)
            return false;
        text.append(block, static_cast<size_t>(count));
    }
}

int refuse_file(const std::string &path, int error) {
    return fail(error == EACCES || error == EPERM ? ExitDenied : ExitFailed,
                "cannot read '" + path + "': " + std::strerror(error),
                "give a file that 'hwa list --json' wrote");
}

/// Reads a saved system; only regular files, so that a pipe without a writer cannot hold us up.
int read_document(const std::string &path, std::string &text) {
    if (path == "-")
        return read_all(STDIN_FILENO, text) ? ExitDone : refuse_file(path, errno);
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor == -1)
        return refuse_file(path, errno);
    struct stat facts = {};
    int exit = ExitDone;
    if (fstat(descriptor, &facts) != 0)
        exit = refuse_file(path, errno);
    else if (!S_ISREG(facts.st_mode))
        exit = fail(ExitFailed, "'" + path + "' is not a regular file",
                    "to read from a pipe, use --system -");
    else if (!read_all(descriptor, text))
        exit = refuse_file(path, errno);
    close(descriptor);
    return exit;
}

System read_system(const std::string &path, int *exit) {
    System system;
    std::string text;
    *exit = read_document(path, text);
    if (*exit != ExitDone)
        return system;
    if (text.find('\0') != std::string::npos) {
        *exit = fail(ExitFailed, "'" + path + "' is not text", "give what 'hwa list --json' wrote");
        return system;
    }
    hwa_error_t error = {};
    if (hwa_system_from_json(text.c_str(), Out(system), &error) != HWA_OK) {
        // The library knows the text only; what it calls "json" is this file.
        std::string_view place = error.message;
        if (place.substr(0, 6) == "json: ")
            place.remove_prefix(6);
        *exit = fail(ExitFailed, "'" + path + "': " + std::string(place),
                     "give a file that 'hwa list --json' wrote");
    }
    return system;
}

/// A machine for hire; a name that is none is a misspelt one.
System hire(const std::string &name, int *exit) {
    System system;
    hwa_error_t error = {};
    if (hwa_system_from_catalog(nullptr, name.c_str(), Out(system), &error) == HWA_OK)
        return system;
    std::vector<std::string> names;
    for (uint32_t i = 0; const char *known = hwa_catalog_machine(nullptr, i); ++i)
        names.emplace_back(known);
    const std::string meant = nearest(name, names);
    *exit = fail(ExitUsage, error.message,
                 meant.empty() ? "'hwa list --machines' names those there are"
                               : "did you mean '" + meant + "'?");
    return nullptr;
}

/// One machine, or several as one.
System read_systems(const std::vector<std::string> &paths, int *exit) {
    std::vector<System> systems;
    std::vector<const hwa_system_t *> borrowed;
    for (const std::string &path : paths) {
        systems.push_back(read_system(path, exit));
        if (systems.back() == nullptr)
            return nullptr;
        borrowed.push_back(systems.back().get());
    }
    if (systems.size() == 1)
        return std::move(systems[0]);
    System joined;
    hwa_error_t error = {};
    if (hwa_system_join(borrowed.data(), static_cast<uint32_t>(borrowed.size()), Out(joined),
                        &error) != HWA_OK)
        *exit = fail(error);
    return joined;
}

/// Says why detection failed. A file or folder that is not there is a failure, a backend that there
/// is not is a misspelt option.
int refuse_look(const LookAt &at, const hwa_error_t &error) {
    std::error_code ignored;
    if (error.status == HWA_ERROR_NOT_FOUND &&
        (at.sysroot.empty() || std::filesystem::exists(at.sysroot, ignored)))
        return fail(ExitUsage, error.message, "'hwa doctor' lists the backends");
    if (error.status == HWA_ERROR_INVALID && !at.sysroot.empty() &&
        !std::filesystem::is_directory(at.sysroot, ignored))
        return fail(ExitFailed, error.message, "give the folder that 'hwa capture' filled");
    return fail(error);
}

const char *or_null(const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
}

} // namespace

int fail(const hwa_error_t &error, std::string_view hint) {
    std::string sentence = error.message;
    if (sentence.empty())
        sentence = hwa_status_name(error.status);
    for (const Answer &answer : answers)
        if (answer.status == error.status)
            return fail(answer.exit, sentence, hint.empty() ? answer.hint : hint);
    return fail(ExitFailed, sentence, hint.empty() ? "run again with HWA_LOG=debug" : hint);
}

System look(const LookAt &at, int *exit, const std::string &capture_dir) {
    if (!at.machine.empty())
        return hire(at.machine, exit);
    if (!at.systems.empty())
        return read_systems(at.systems, exit);
    Patience patience;
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = at.no_drivers ? uint32_t{HWA_DETECT_NO_DRIVERS} : 0;
    options.timeout_ms = at.timeout_ms;
    options.log_level = wanted_level();
    options.log = write_log;
    options.cancelled = Patience::wait;
    options.cancelled_user = &patience;
    options.backends = or_null(at.backends);
    options.sysroot = or_null(at.sysroot);
    options.library_path = or_null(at.library_path);
    options.capture_dir = or_null(capture_dir);
    System system;
    hwa_error_t error = {};
    const hwa_status_t status = hwa_detect(&options, Out(system), &error);
    *exit = status == HWA_OK ? ExitDone : refuse_look(at, error);
    return system;
}

hwa_system_info_t info_of(const hwa_system_t *system) {
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    return hwa_system_info(system, &info) == HWA_OK ? info : HWA_INIT(hwa_system_info_t);
}

hwa_device_info_t info_of(const hwa_device_t *device) {
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    return hwa_device_info(device, &info) == HWA_OK ? info : HWA_INIT(hwa_device_info_t);
}

hwa_backend_info_t backend_at(const hwa_system_t *system, uint32_t index) {
    hwa_backend_info_t info = HWA_INIT(hwa_backend_info_t);
    return hwa_system_backend(system, index, &info) == HWA_OK ? info : HWA_INIT(hwa_backend_info_t);
}

hwa_runtime_info_t runtime_at(const hwa_device_t *device, uint32_t index) {
    hwa_runtime_info_t info = HWA_INIT(hwa_runtime_info_t);
    return hwa_device_runtime(device, index, &info) == HWA_OK ? info : HWA_INIT(hwa_runtime_info_t);
}

std::vector<const hwa_device_t *> devices_of(const hwa_system_t *system) {
    std::vector<const hwa_device_t *> all;
    while (const hwa_device_t *device =
               hwa_system_device(system, static_cast<uint32_t>(all.size())))
        all.push_back(device);
    return all;
}

bool is_accelerator(const hwa_device_info_t &info) {
    return info.kind > HWA_KIND_CPU && (info.flags & HWA_DEVICE_SOFTWARE) == 0;
}

bool is_trouble(hwa_outcome_t outcome) {
    return outcome != HWA_OUTCOME_FOUND && outcome != HWA_OUTCOME_ABSENT &&
           outcome != HWA_OUTCOME_SKIPPED;
}

const char *outcome_name(hwa_outcome_t outcome) {
    static constexpr const char *names[] = {"unknown", "found",   "absent",  "skipped",
                                            "missing", "denied",  "timeout", "crashed",
                                            "exited",  "garbage", "starved", "failed"};
    const auto index = static_cast<size_t>(outcome);
    return index < std::size(names) ? names[index] : "unknown";
}

int no_such_device(const hwa_system_t *system, const std::string &id) {
    std::vector<std::string> ids;
    for (const hwa_device_t *device : devices_of(system))
        ids.push_back(or_empty(info_of(device).id));
    const std::string meant = nearest(id, ids);
    return fail(ExitNothing, "there is no device '" + id + "'; there are: " + join(ids),
                meant.empty() ? "'hwa list' shows them" : "did you mean '" + meant + "'?");
}

} // namespace hwa::tool
