// SPDX-License-Identifier: MIT
// Runs the compiler of the system in a folder of its own, without a shell and within a deadline.
#include "launch/cpu_compiler.h"

#include "base/text.h"
#include "launch/cache.h"
#include "os/file.h"
#include "os/host.h"
#include "os/process.h"
#include "os/temp.h"
#include "os/trust.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

constexpr const char *compilers[] = {"/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"};

/// What a caller's option may begin with.
constexpr std::string_view allowed[] = {"-D", "-U", "-O", "-f", "-m", "-W", "-std=", "-pedantic"};

/// What it may be as a whole: others that begin so take the next one for the name of a file.
constexpr std::string_view whole[] = {"-g", "-g0", "-g1", "-g2", "-g3", "-ggdb", "-w"};

/// What it may not begin with all the same: these name files, hand options to other programs, load
/// plugins, write beside the output, or need a library in the process before its start.
constexpr std::string_view refused[] = {"-Wa,",
                                        "-Wl,",
                                        "-Wp,",
                                        "-fauto-profile",
                                        "-fbuild-session",
                                        "-fcallgraph",
                                        "-fcompare-",
                                        "-fcoverage",
                                        "-fcrash-",
                                        "-fcs-profile",
                                        "-fdebug-compilation",
                                        "-fdep",
                                        "-fdiagnostics",
                                        "-fdump-",
                                        "-fembed",
                                        "-ffile-",
                                        "-filelist",
                                        "-finstrument",
                                        "-flto",
                                        "-fmemory-profile",
                                        "-fmodule",
                                        "-fno-PIC",
                                        "-fno-pic",
                                        "-foffload",
                                        "-fopt-info",
                                        "-foptimization-record",
                                        "-force_load",
                                        "-fpass-plugin",
                                        "-fpch",
                                        "-fplugin",
                                        "-fprebuilt",
                                        "-fpreprocessed",
                                        "-fproc-stat",
                                        "-fprofile",
                                        "-framework",
                                        "-frewrite",
                                        "-fsanitize",
                                        "-fsave-",
                                        "-fsplit-dwarf",
                                        "-fstack-usage",
                                        "-fsyntax-only",
                                        "-ftest-coverage",
                                        "-fthinlto",
                                        "-ftime-",
                                        "-fuse-",
                                        "-fxray",
                                        "-mlinker",
                                        "-mllvm",
                                        "-module"};

constexpr size_t log_limit = 4u << 20;
constexpr uint64_t object_limit = 64u << 20;

bool starts_with_any(std::string_view text, std::span<const std::string_view> with) {
    return std::any_of(with.begin(), with.end(),
                       [&](std::string_view one) { return text.starts_with(one); });
}

/// The first of the compilers that is there must be root's own.
base::Result<os::TrustedFile> find_compiler() {
    for (const char *path : compilers)
        if (os::path_kind(path) != os::PathKind::Missing)
            return os::trust(path, os::Owner::Root);
    return base::error(Status::Unsupported, "there is no C compiler: %s, %s and %s are not here",
                       compilers[0], compilers[1], compilers[2]);
}

/// The line to show of what a compiler said.
std::string first_complaint(std::string_view log) {
    static constexpr std::string_view signs[] = {"error:", "undefined reference", ""};
    for (const std::string_view sign : signs)
        for (const std::string_view line : base::split(log, '\n'))
            if (!line.empty() && line.find(sign) != std::string_view::npos &&
                !line.starts_with("collect2:"))
                return std::string(line);
    return "it says nothing";
}

/// Without that text, wherever it stands.
std::string without(std::string_view text, std::string_view what) {
    std::string rest;
    for (size_t at = 0; (at = text.find(what)) != std::string_view::npos;) {
        rest += text.substr(0, at);
        text.remove_prefix(at + what.size());
    }
    rest += text;
    return rest;
}

/// Takes what the child says until it ends; Timeout, and the end of its process group, if that is
/// too late.
base::Result<os::Ending> listen(os::Child &child, uint64_t until_ns, std::string &log) {
    os::Child *const list[] = {&child};
    std::vector<char> piece(1 << 14);
    for (;;) {
        const auto ending = child.ending();
        bool late = false;
        for (size_t got = 1; got != 0 && (ending || !late); late = os::clock_ns() >= until_ns) {
            got = child.read(piece);
            log.append(piece.data(), std::min(got, log_limit - std::min(log_limit, log.size())));
        }
        if (ending)
            return *ending;
        if (late)
            return base::error(Status::Timeout, "the C compiler did not end in time");
        os::wait_for(list, until_ns);
    }
}

std::vector<std::string> command_line(const std::string &compiler, const std::string &folder,
                                      const std::vector<std::string> &options) {
    std::vector<std::string> line = {
        compiler,
        "-x",
        "c",
        "-O3",
        "-shared",
        "-fPIC",
        "-I",
        folder,
        "-include",
        folder + "/hwa/hwa.h", // a mere name is looked for where the process is, first of all
        "-MMD",
        "-MF",
        folder + "/kernel.d",
#if !defined(__riscv) // whose compilers do not know it
        "-march=native"
#endif
    };
    line.insert(line.end(), options.begin(), options.end());
    // What is missing is to show now, with a name, and not when it is loaded.
    line.insert(line.end(), {"-Wl,-z,defs", "-o", folder + "/kernel.so", folder + "/kernel.c"});
    // The threads of a library for OpenMP outlive the kernel.
    if (std::any_of(options.begin(), options.end(),
                    [](const std::string &one) { return one.starts_with("-fopen"); }))
        line.emplace_back("-Wl,-z,nodelete");
    line.insert(line.end(), {"-x", "none", "-lm"});
    return line;
}

/// What a compiler made.
struct Compiled {
    std::string object;
    bool alone = false; ///< of the source and the system's headers only
};

/// Whether the list that the compiler leaves for make names nothing but what was put there.
bool took_ours_only(const std::string &folder) {
    constexpr uint64_t limit = 1u << 20;
    auto list = os::read_whole(folder + "/kernel.d", limit);
    if (!list)
        return false;
    std::replace_if(
        list->begin(), list->end(), [](char c) { return c == '\\' || c == '\n'; }, ' ');
    const std::string_view files = std::string_view(*list).substr(list->find(": ") + 1);
    const std::string own[] = {"", folder + "/kernel.c", folder + "/hwa/hwa.h"};
    const auto names = base::split(files, ' ');
    return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
        return std::find(std::begin(own), std::end(own), name) != std::end(own);
    });
}

base::Result<Compiled> run_compiler(const CSource &source, const std::string &compiler,
                                    const std::vector<std::string> &options, std::string &log) {
    const uint64_t now = os::clock_ns();
    const uint64_t until_ns = now + std::min(source.timeout_ns, UINT64_MAX - now);
    std::optional<os::Turn> turn;
    while (!(turn = os::Turn::wait_briefly()))
        if (os::clock_ns() >= until_ns)
            return base::error(Status::Timeout, "too many other programs run for this process");
    HWA_TRY(const os::TempFolder folder, os::TempFolder::make());
    HWA_CHECK(folder.add_folder("hwa"));
    HWA_CHECK(folder.add_file("hwa/hwa.h", c_prelude));
    HWA_CHECK(folder.add_file("kernel.c", source.text));
    os::Command command;
    command.path = compiler;
    command.arguments = command_line(compiler, folder.path(), options);
    command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=" + folder.path()};
    command.answers_on_output = true;
    HWA_TRY(os::Child child, os::Child::start(command));
    auto ending = listen(child, until_ns, log);
    log = without(log, folder.path() + "/");
    HWA_TRY(const os::Ending how, std::move(ending));
    auto object = os::read_whole(folder.path() + "/kernel.so", object_limit);
    // Who waits for all children of the process may have been told of the end in our place.
    const bool ended_well = how.kind == os::Ending::Kind::Unknown ||
                            (how.kind == os::Ending::Kind::Exited && how.value == 0);
    if (ended_well && object)
        return Compiled{std::move(*object), took_ours_only(folder.path())};
    base::Error why =
        base::error(Status::Build, "%s", base::sanitise(first_complaint(log), 400).c_str());
    why.code = how.value;
    return why;
}

} // namespace

base::Result<std::vector<std::string>> c_options(std::string_view options) {
    std::vector<std::string> list;
    std::string text(options);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
    for (const std::string_view option : base::split(text, ' ')) {
        if (option.empty())
            continue;
        const bool names_file = option.find('/') != std::string_view::npos;
        const bool defines = option.starts_with("-D") || option.starts_with("-U");
        const bool known = starts_with_any(option, allowed) ||
                           std::find(std::begin(whole), std::end(whole), option) != std::end(whole);
        if (!known || starts_with_any(option, refused) || (names_file && !defines))
            return base::error(Status::Invalid,
                               "the option \"%s\" is not one that C may be built with",
                               base::sanitise(option, 80).c_str());
        if (option == "-D" || option == "-U")
            return base::error(Status::Invalid, "the option \"%s\" names nothing",
                               std::string(option).c_str());
        list.emplace_back(option);
    }
    return list;
}

base::Result<std::string> compile_c(const CSource &source, std::string &log) {
    HWA_TRY(const std::vector<std::string> options, c_options(source.options));
    HWA_TRY(const os::TrustedFile compiler, find_compiler());
    const std::string key =
        cache_key({"cpu c 1", c_prelude, source.text, source.options, source.device, compiler.path,
                   base::format("%llu %lld", static_cast<unsigned long long>(compiler.size_bytes),
                                static_cast<long long>(compiler.written_ns))});
    if (source.cache != nullptr)
        if (auto found = source.cache->find(key))
            return std::move(*found);
    HWA_TRY(Compiled made, run_compiler(source, compiler.path, options, log));
    // The key knows nothing of other files that the source takes in, and they may change.
    if (source.cache != nullptr && made.alone)
        source.cache->store(key, made.object);
    return std::move(made.object);
}

} // namespace hwa::launch
