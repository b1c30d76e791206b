// SPDX-License-Identifier: MIT
// hwa doctor: what every backend met, what cannot be used, and what to do about it.
#include "commands.h"
#include "json.h"
#include "library.h"
#include "remedy.h"
#include "table.h"
#include "text.h"
#include "units.h"

#include <algorithm>

namespace hwa::tool {

namespace {

Look look_of(hwa_outcome_t outcome) {
    switch (outcome) {
    case HWA_OUTCOME_FOUND:
        return Look::Good;
    case HWA_OUTCOME_ABSENT:
    case HWA_OUTCOME_SKIPPED:
        return Look::Faint;
    case HWA_OUTCOME_MISSING:
    case HWA_OUTCOME_DENIED:
        return Look::Warn;
    default:
        return Look::Bad;
    }
}

std::vector<hwa_backend_info_t> backends_of(const hwa_system_t *system) {
    std::vector<hwa_backend_info_t> all;
    for (uint32_t i = 0; i < info_of(system).backend_count; ++i)
        all.push_back(backend_at(system, i));
    return all;
}

/// What was left out on purpose is no trouble.
bool was_skipped(const std::vector<hwa_backend_info_t> &backends,
                 const hwa_runtime_info_t &runtime) {
    return std::any_of(backends.begin(), backends.end(), [&](const hwa_backend_info_t &backend) {
        return backend.outcome == HWA_OUTCOME_SKIPPED &&
               or_empty(backend.name) == or_empty(runtime.name);
    });
}

std::vector<Shut> shut_of(const hwa_system_t *system,
                          const std::vector<hwa_backend_info_t> &backends) {
    std::vector<Shut> all;
    for (const hwa_device_t *device : devices_of(system)) {
        const hwa_device_info_t info = info_of(device);
        hwa_attr_t message = {};
        if (hwa_device_attr(device, "access_message", &message) != HWA_OK)
            message = {};
        if (info.access != HWA_OK)
            all.push_back(
                {info.kind, or_empty(info.id), "", false, info.access, or_empty(message.s)});
        // Where the device is shut, so are its runtimes, for the same reason; and one that works,
        // which comes first, is enough.
        const bool runs = info.runtime_count > 0 && runtime_at(device, 0).status == HWA_OK;
        for (uint32_t i = 0; info.access == HWA_OK && !runs && i < info.runtime_count; ++i) {
            const hwa_runtime_info_t runtime = runtime_at(device, i);
            if (!was_skipped(backends, runtime))
                all.push_back({info.kind, or_empty(info.id), or_empty(runtime.name),
                               runtime.native_id != nullptr, runtime.status,
                               or_empty(runtime.message)});
        }
    }
    return all;
}

/// "3 devices · 22.3.6 · in vkCreateInstance: …".
std::string story(const hwa_backend_info_t &backend) {
    std::vector<std::string> parts;
    if (backend.device_count != 0)
        parts.push_back(
            format("%u device%s", backend.device_count, backend.device_count == 1 ? "" : "s"));
    if (backend.version != nullptr)
        parts.push_back(printable(backend.version));
    const std::string stage = is_trouble(backend.outcome) ? or_empty(backend.stage) : "";
    if (!stage.empty())
        parts.push_back("in " + printable(stage));
    if (backend.message != nullptr)
        parts.push_back(printable(backend.message));
    return join(parts, " · ");
}

/// Eight cards behind one door need one piece of advice.
bool is_alike(const Shut &a, const Shut &b) {
    return a.kind == b.kind && a.runtime == b.runtime && a.status == b.status &&
           a.message == b.message;
}

/// Whether there was any to give.
bool print_advice(const std::vector<hwa_backend_info_t> &backends, const std::vector<Shut> &shut,
                  Screen &screen) {
    bool any = false;
    const auto advise = [&screen, &any](const std::string &who, const std::string &why,
                                        const std::string &what) {
        any = true;
        screen.line();
        screen.line(who, Look::Strong);
        if (!why.empty())
            screen.paragraph(why, "  ");
        screen.paragraph(what, "  → ");
    };
    for (const hwa_backend_info_t &backend : backends) {
        const std::string what = remedy(backend);
        if (!what.empty())
            advise(or_empty(backend.name) + " " + outcome_name(backend.outcome), story(backend),
                   what);
    }
    for (size_t i = 0; i < shut.size(); ++i) {
        const Shut &one = shut[i];
        const auto alike = [&one](const Shut &other) { return is_alike(one, other); };
        if (std::any_of(shut.begin(), shut.begin() + static_cast<ptrdiff_t>(i), alike))
            continue;
        const auto others = std::count_if(shut.begin(), shut.end(), alike) - 1;
        advise(one.device + (others > 0 ? format(" and %td like it", others) : "") +
                   (one.runtime.empty() ? "" : ", runtime " + one.runtime),
               one.message.empty() ? hwa_status_name(one.status) : one.message, remedy(one));
    }
    return any;
}

/// No machine has most of what there is, which takes no row each to say.
bool is_plainly_absent(const hwa_backend_info_t &backend) {
    return backend.outcome == HWA_OUTCOME_ABSENT && backend.message == nullptr;
}

/// The names of all that were skipped for the reason that this one was, as long as it comes first.
std::string skipped_alike(const std::vector<hwa_backend_info_t> &backends,
                          const hwa_backend_info_t &first) {
    std::string names;
    for (const hwa_backend_info_t &backend : backends) {
        if (backend.outcome != HWA_OUTCOME_SKIPPED ||
            or_empty(backend.message) != or_empty(first.message))
            continue;
        if (names.empty() && or_empty(backend.name) != or_empty(first.name))
            return "";
        names += (names.empty() ? "" : ", ") + or_empty(backend.name);
    }
    return names;
}

/// Of a machine that is not here, the time says nothing.
void print_table(const std::vector<hwa_backend_info_t> &backends, bool live, Screen &screen) {
    Table table(
        {{"BACKEND"}, {"OUTCOME"}, {"TIME", 1, true}, {"WHAT HAPPENED", 0, false, 20, true}});
    for (const hwa_backend_info_t &backend : backends)
        if (!is_plainly_absent(backend) && backend.outcome != HWA_OUTCOME_SKIPPED)
            table.row({{or_empty(backend.name), Look::Name},
                       {outcome_name(backend.outcome), look_of(backend.outcome)},
                       {live ? seconds(static_cast<double>(backend.elapsed_ns) / 1e9) : ""},
                       {story(backend)}});
    table.print(screen);
    for (const hwa_backend_info_t &backend : backends)
        if (backend.outcome == HWA_OUTCOME_SKIPPED)
            if (const std::string names = skipped_alike(backends, backend); !names.empty())
                screen.paragraph(names + ": " + or_empty(backend.message), "Skipped: ");
    screen.line("All others have no hardware here; --json lists them.", Look::Faint);
}

std::string to_json(const std::vector<hwa_backend_info_t> &backends, const std::vector<Shut> &shut,
                    bool healthy) {
    const auto known = [](const std::string &text) {
        return text.empty() ? nullptr : text.c_str();
    };
    Json json;
    json.integer("schema", 1).boolean("healthy", healthy).open_list("backends");
    for (const hwa_backend_info_t &backend : backends) {
        const std::string advice = remedy(backend);
        json.open(nullptr).text("name", backend.name);
        json.text("outcome", outcome_name(backend.outcome));
        json.integer("device_count", backend.device_count);
        json.integer("elapsed_ns", backend.elapsed_ns);
        json.text("version", backend.version).text("library", backend.library);
        json.text("stage", backend.stage).text("message", backend.message);
        json.text("remedy", known(advice)).close();
    }
    json.close().open_list("shut");
    for (const Shut &one : shut) {
        const std::string advice = remedy(one);
        json.open(nullptr).text("device", one.device).text("runtime", known(one.runtime));
        json.text("status", hwa_status_name(one.status)).text("message", known(one.message));
        json.text("remedy", known(advice)).close();
    }
    return json.close().finish();
}

} // namespace

int doctor(const Arguments &arguments, Screen &screen) {
    int exit = ExitDone;
    const System system = look(arguments.look, &exit);
    if (system == nullptr)
        return exit;
    const std::vector<hwa_backend_info_t> backends = backends_of(system.get());
    const std::vector<Shut> shut = shut_of(system.get(), backends);
    bool healthy = shut.empty();
    for (const hwa_backend_info_t &backend : backends)
        healthy = healthy && !is_trouble(backend.outcome);
    if (arguments.json) {
        screen.print(to_json(backends, shut, healthy));
    } else {
        print_table(backends, (info_of(system.get()).flags & HWA_SYSTEM_LIVE) != 0, screen);
        const bool advised = print_advice(backends, shut, screen);
        screen.line();
        if (healthy)
            screen.line(advised ? "No backend had trouble; the advice is for what could be here."
                                : "All is well: no backend had trouble.",
                        Look::Good);
        else
            screen.paragraph("When the advice is followed, run 'hwa doctor' again.");
    }
    return arguments.strict && !healthy ? ExitPartial : ExitDone;
}

} // namespace hwa::tool
