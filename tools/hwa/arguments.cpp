// SPDX-License-Identifier: MIT
// The command line by CLI11, which no other file includes: it is slow to compile.
#include "arguments.h"

#include "text.h"
#include "work.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>

namespace hwa::tool {

namespace {

constexpr char exit_codes[] =
    "Exit status:\n"
    "  0 done                     4 the model fits nowhere\n"
    "  1 failed                   5 a backend had trouble (with --strict)\n"
    "  2 wrong usage              6 not permitted\n"
    "  3 no such device, or no    7 the device stopped answering\n"
    "    accelerator (--require)  124 the time was up\n"
    "\n"
    "Environment: HWA_LOG=error|warning|info|debug, NO_COLOR, CLICOLOR_FORCE, COLUMNS\n";

/// Help in an order that puts first what is looked for first, without the names of types.
class Help : public CLI::Formatter {
  public:
    Help() { column_width(26); }
    std::string make_option_opts(const CLI::Option *option) const override {
        return option->get_option_text().empty() ? "" : " " + option->get_option_text();
    }
    std::string make_help(const CLI::App *app, std::string, CLI::AppFormatMode) const override {
        std::string text = "Usage: hwa " + synopsis(app) + "\n\n" + app->get_description() + "\n";
        const auto commands = app->get_subcommands([](const CLI::App *) { return true; });
        if (!commands.empty())
            text += "\nCommands:\n";
        for (const CLI::App *command : commands)
            text += make_subcommand(command);
        for (const char *group : {"Arguments", "Options", "Training", "Which machine", "Output"}) {
            const auto options = app->get_options(
                [group](const CLI::Option *option) { return option->get_group() == group; });
            if (!options.empty())
                text += make_group(group, false, options);
        }
        return text + "\n" +
               (app->get_parent() == nullptr ? exit_codes : "'hwa --help' lists the exit codes.\n");
    }

  private:
    static std::string synopsis(const CLI::App *app) {
        if (app->get_parent() == nullptr)
            return "[COMMAND] [OPTIONS]";
        std::string all = app->get_name();
        for (const CLI::Option *option :
             app->get_options([](const CLI::Option *one) { return one->get_positional(); }))
            all += " " +
                   (option->get_required() ? option->get_name() : "[" + option->get_name() + "]");
        return all + " [OPTIONS]";
    }
};

std::optional<Colour> colour_from(const std::string &name) {
    if (name == "auto")
        return Colour::Auto;
    if (name == "always")
        return Colour::Always;
    return name == "never" ? std::optional(Colour::Never) : std::nullopt;
}

void add_output(CLI::App *app, Arguments &to) {
    app->add_flag("--json", to.json, "print JSON, by the schemas in docs/schema")->group("Output");
    app->add_option_function<std::string>(
           "--color", [&to](const std::string &name) { to.colour = *colour_from(name); },
           "auto, always or never")
        ->option_text("WHEN")
        ->check([](const std::string &name) {
            return colour_from(name) ? "" : "takes auto, always or never, not '" + name + "'";
        })
        ->group("Output");
    app->add_flag("--wide", to.wide, "show every column, however narrow the screen")
        ->group("Output");
}

void add_library_path(CLI::App *app, LookAt &to) {
    app->add_option("--library-path", to.library_path, "look for vendor libraries there only")
        ->option_text("DIR")
        ->group("Which machine");
}

void add_look(CLI::App *app, LookAt &to) {
    const auto add = [app](const char *name, auto &into, const char *what, const char *text) {
        return app->add_option(name, into, text)->option_text(what)->group("Which machine");
    };
    CLI::Option *tree = add("--sysroot", to.sysroot, "DIR", "a captured tree, not this machine");
    add("--system", to.systems, "FILE", "a machine saved by 'hwa list --json'; - is stdin")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->excludes(tree);
    CLI::Option *saved = app->get_option("--system");
    add("--machine", to.machine, "NAME", "one for hire; 'hwa list --machines' names them")
        ->excludes(tree)
        ->excludes(saved);
    app->add_flag("--no-drivers", to.no_drivers, "ask the kernel only, no vendor library")
        ->group("Which machine");
    add("--backends", to.backends, "LIST", "only these, or all but: vulkan,opencl or -vulkan");
    app->add_option("--timeout", to.timeout_ms, "milliseconds a backend may take [5000]")
        ->option_text("MS")
        ->check(CLI::Range(1u, 3600000u))
        ->group("Which machine");
    add_library_path(app, to);
}

void add_verdict(CLI::App *app, Arguments &to) {
    app->add_flag("--strict", to.strict, "exit 5 if a backend had trouble");
}

/// Takes one of the words, and says which there are.
CLI::Option *add_choice(CLI::App *app, const char *name, std::string &into, std::string words,
                        const char *text) {
    return app->add_option(name, into, text)
        ->option_text("WORD")
        ->check([words = std::move(words)](const std::string &word) {
            for (const std::string &one : split(words, ' '))
                if (one == word)
                    return std::string();
            return "takes one of " + join(split(words, ' ')) + ", not '" + word + "'";
        });
}

CLI::Option *add_number(CLI::App *app, const char *name, uint32_t &into, uint32_t most,
                        const char *text) {
    return app->add_option(name, into, text)->option_text("N")->check(CLI::Range(1u, most));
}

void add_workload(CLI::App *app, PlanFor &to) {
    add_number(app, "--context", to.context, 1u << 30, "tokens the cache is reserved for [640]");
    add_number(app, "--prompt", to.prompt, 1u << 30, "of these, tokens of the prompt [512]");
    add_number(app, "--output", to.output, 1u << 30, "tokens of the answer [128]");
    add_number(app, "--batch", to.batch, 1u << 20, "sequences at once [1]");
    app->add_option("--format", to.format, "format of the weights, such as q4_k [best that fits]")
        ->option_text("NAME");
    app->add_option("--recipe", to.recipe, "a published mix of formats, such as Q4_K_M")
        ->option_text("NAME")
        ->excludes("--format");
    app->add_option("--cache-format", to.cache_format, "format of keys and values [f16]")
        ->option_text("NAME");
}

void add_training(CLI::App *app, PlanFor &to) {
    const auto group = [](CLI::Option *option) { option->group("Training"); };
    group(add_choice(app, "--mode", to.mode, "infer train lora qlora prefix dpo rlhf distill",
                     "infer, train, lora, qlora, prefix, dpo, rlhf, distill"));
    group(add_number(app, "--sequence", to.sequence, 1u << 30, "tokens of a sequence [4096]"));
    group(add_number(app, "--micro-batch", to.micro_batch, 1u << 20, "sequences at once [1]"));
    group(add_number(app, "--rank", to.rank, 1u << 20, "of adapters [16]"));
    group(add_choice(app, "--optimizer", to.optimizer,
                     "adamw adamw-8bit adafactor sgd sgd-momentum",
                     "adamw, adamw-8bit, adafactor, sgd, sgd-momentum"));
    group(app->add_option("--zero", to.zero, "stage of ZeRO or FSDP, 0 to 3")
              ->option_text("N")
              ->check(CLI::Range(0u, 3u)));
    group(add_choice(app, "--recompute", to.recompute, "none selective full",
                     "activations made twice: none, selective, full"));
}

void add_devices(CLI::App *app, Arguments &to) {
    app->add_option("--devices", to.devices, "ids of the devices to use [all that can be]")
        ->option_text("LIST");
    add_number(app, "--max-devices", to.plan.max_devices, 1u << 22, "use so many at most");
    app->add_option("--headroom", to.plan.headroom, "share of memory left free [0.1]")
        ->option_text("X")
        ->check(CLI::Range(0.0, 0.95));
}

void add_fit(CLI::App *app, Arguments &to) {
    app->add_option("MODEL", to.models, "files, folders or counts such as 70B")
        ->group("Arguments")
        ->expected(1, 1000)
        ->required();
    add_workload(app, to.plan);
    add_devices(app, to);
}

void add_plan(CLI::App *app, Arguments &to) {
    app->add_option("MODEL", to.model, "a file, a folder, a known name, or a count: 70B")
        ->group("Arguments")
        ->required();
    add_workload(app, to.plan);
    add_devices(app, to);
    add_choice(app, "--objective", to.plan.objective, "throughput latency cost quality",
               "throughput, latency, cost or quality");
    app->add_option("--usd-per-hour", to.plan.usd_per_hour, "price of the machine")
        ->option_text("X")
        ->check(CLI::Range(0.0, 1e9));
    app->add_option("--set", to.plan.pins, "a choice made already, such as engine=vllm")
        ->option_text("KEY=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add_training(app, to.plan);
    app->add_option("--export", to.plan.program, "for llama.cpp, vllm, torchrun or deepspeed")
        ->option_text("PROGRAM")
        ->group("Output");
}

void add_run(CLI::App *app, Arguments &to) {
    app->add_option("OPERATION", to.operation, operation_names() + " [axpby and gemm, everywhere]")
        ->group("Arguments")
        ->check([](const std::string &name) {
            return find_operation(name) != nullptr
                       ? ""
                       : "there is no operation '" + name + "', only " + operation_names();
        });
    app->add_flag("--all", to.all, "on every device, by every runtime, in one table");
    app->add_option("--device", to.device, "where to run [best]")->option_text("ID");
    app->add_option("--runtime", to.runtime, "cpu, cuda, opencl or vulkan [best]")
        ->option_text("NAME");
    app->add_option("--provider", to.provider, "whose code to run, such as builtin [first]")
        ->option_text("NAME");
    app->add_option("--size", to.size, "elements [1048576]; for gemm rows and columns [1024]")
        ->option_text("N")
        ->check(CLI::Range(1u, 1u << 28));
    app->add_option("--repeat", to.repeat, "runs to time [5, or fewer where they take long]")
        ->option_text("K")
        ->check(CLI::Range(1u, 10000u));
    app->add_option("--timeout", to.patience_ms, "milliseconds a run may take [600000]")
        ->option_text("MS")
        ->check(CLI::Range(1u, 86400000u));
    add_library_path(app, to.look);
}

void add_watch(CLI::App *app, Arguments &to) {
    app->add_option("--interval", to.interval, "seconds between readings [1]")
        ->option_text("S")
        ->check(CLI::Range(0.05, 86400.0));
    app->add_option("--count", to.readings, "readings to make [until it is stopped]")
        ->option_text("N")
        ->check(CLI::Range(1u, 1u << 30));
    app->add_option("--device", to.devices, "ids of devices to read [all but emulated ones]")
        ->option_text("LIST");
    const auto add = [app](const char *name, auto &into, const char *what, const char *text) {
        app->add_option(name, into, text)->option_text(what)->group("Which machine");
    };
    app->add_flag("--no-drivers", to.look.no_drivers, "ask the kernel only, no vendor library")
        ->group("Which machine");
    add("--backends", to.look.backends, "LIST", "only these, or all but: nvidia or -nvidia");
    add_library_path(app, to.look);
}

/// One subcommand, with the options that all have.
CLI::App *add_command(CLI::App &app, Arguments &to, Command command, const char *name,
                      const char *what) {
    CLI::App *sub = app.add_subcommand(name, what);
    sub->set_help_flag("-h,--help", "show this")->group("Output");
    sub->callback([&to, command] { to.command = command; });
    add_output(sub, to);
    return sub;
}

void describe(CLI::App &app, Arguments &to) {
    app.description(
        "Find the accelerators of a machine, plan a model over them, run work on them.");
    app.formatter(std::make_shared<Help>());
    app.set_help_flag("-h,--help", "show this, or after a command its options")->group("Output");
    app.require_subcommand(0, 1);
    add_output(&app, to);
    add_look(&app, to.look);
    CLI::App *list = add_command(app, to, Command::List, "list", "every device of the machine");
    add_look(list, to.look);
    add_verdict(list, to);
    list->add_flag("--machines", to.machines, "machines for hire in place of devices");
    list->add_flag("--models", to.named, "models known by name in place of devices");
    list->add_flag("--require", to.require, "exit 3 if there is no accelerator");
    CLI::App *info = add_command(app, to, Command::Info, "info",
                                 "all that is known of a device, and who says so");
    info->add_option("DEVICE", to.device, "its id [the best]")->group("Arguments");
    add_look(info, to.look);
    CLI::App *plan = add_command(app, to, Command::Plan, "plan", "lay a model over the devices");
    add_plan(plan, to);
    add_look(plan, to.look);
    CLI::App *fit = add_command(app, to, Command::Fit, "fit", "which models fit, and how well");
    add_fit(fit, to);
    add_look(fit, to.look);
    add_run(add_command(app, to, Command::Run, "run", "run operations, and check their results"),
            to);
    add_watch(add_command(app, to, Command::Watch, "watch",
                          "how busy, full and hot each device is, again and again"),
              to);
    CLI::App *doctor = add_command(app, to, Command::Doctor, "doctor",
                                   "what each backend met, and what to do about it");
    add_look(doctor, to.look);
    add_verdict(doctor, to);
    CLI::App *capture = add_command(app, to, Command::Capture, "capture",
                                    "save what detection reads, for --sysroot elsewhere");
    capture->add_option("DIR", to.folder, "a new or empty folder")->group("Arguments")->required();
    capture->add_option("--sysroot", to.look.sysroot, "a captured tree in place of this machine")
        ->option_text("DIR");
    add_command(app, to, Command::Version, "version", "version of the tool and of the library");
    app.add_flag_callback(
           "--version", [&to] { to.command = Command::Version; }, "as the command version")
        ->group("Output");
    app.add_subcommand("help", "show the options of a command")
        ->add_option("COMMAND", to.help, "the command [hwa itself]")
        ->group("Arguments");
}

/// Every name that could have been meant in place of a misspelt one.
std::vector<std::string> candidates(const CLI::App &app, bool options) {
    std::vector<std::string> names;
    if (!options)
        for (const CLI::App *sub : app.get_subcommands({}))
            names.push_back(sub->get_name());
    else
        for (const CLI::Option *option : app.get_options())
            for (const std::string &name : option->get_lnames())
                names.push_back("--" + name);
    return names;
}

int show_help(const CLI::App &app, const std::string &command) {
    const CLI::App *at = &app;
    for (const CLI::App *sub : app.get_subcommands([](const CLI::App *) { return true; }))
        if (sub->get_name() == command)
            at = sub;
    if (at == &app && !command.empty())
        return fail(ExitUsage, "there is no command '" + command + "'",
                    "'hwa --help' lists what there is");
    Screen screen(Colour::Never, true);
    // Not App::help(), which speaks for the command that was given.
    screen.print(at->get_formatter()->make_help(at, {}, CLI::AppFormatMode::Normal));
    return screen.finish(ExitDone);
}

/// The sentence on what was not understood.
int refuse(const CLI::App &app, const CLI::ParseError &error) {
    const std::vector<CLI::App *> used = app.get_subcommands();
    const CLI::App &at = used.empty() ? app : *used.front();
    const std::string help = used.empty() ? "hwa --help" : "hwa " + at.get_name() + " --help";
    std::string sentence = error.what();
    std::string hint = "'" + help + "' lists what there is";
    std::vector<std::string> extras = at.remaining();
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) && !extras.empty()) {
        // A word that follows an unknown option is likely its value.
        std::stable_partition(extras.begin(), extras.end(),
                              [](const std::string &extra) { return extra.rfind('-', 0) == 0; });
        const std::string word = extras.front().substr(0, extras.front().find('='));
        const bool option = word.rfind('-', 0) == 0;
        const std::string meant = nearest(word, candidates(at, option));
        sentence = std::string(option         ? "there is no option '"
                               : used.empty() ? "there is no command '"
                                              : "one argument too many: '") +
                   word + "'";
        if (!meant.empty() && (option || used.empty()))
            hint = "did you mean '" + meant + "'? " + hint;
    }
    return fail(ExitUsage, sentence, hint);
}

} // namespace

Parsed parse(int argc, char **argv) {
    Parsed parsed;
    CLI::App app("", "hwa");
    describe(app, parsed.arguments);
    try {
        app.parse(argc, argv);
        if (app.got_subcommand("help"))
            parsed.done = show_help(app, parsed.arguments.help);
    } catch (const CLI::CallForHelp &) {
        const std::vector<CLI::App *> used = app.get_subcommands();
        parsed.done = show_help(app, used.empty() ? "" : used.front()->get_name());
    } catch (const CLI::ParseError &error) {
        parsed.done = refuse(app, error);
    }
    return parsed;
}

} // namespace hwa::tool
