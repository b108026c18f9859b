// help, completion, names: what there is, for people and for shells.
#include "cli/help.hpp"

#include "cli/commands/context.hpp"
#include "cli/completion.hpp"
#include "core/text.hpp"

namespace homeostat::cli {
namespace {

std::string exit_codes_text() {
  Table table({{"CODE", Align::right}, {"NAME"}, {"MEANING"}});
  for (const ExitCodeMeaning& m : kExitCodes) {
    table.add({{std::to_string(static_cast<int>(m.code))}, {std::string(m.name)}, {std::string(m.meaning)}});
  }
  return table.render({});
}

constexpr const char* kEnvironmentText =
    "HOMEOSTAT_ENDPOINT      host:port of the daemon; --endpoint wins over it\n"
    "HOMEOSTAT_GUARDIAN_KEY  key file that guardian commands are signed with; --sign wins over it\n"
    "NO_COLOR                not empty: never colour\n"
    "USER                    the default of --actor\n";

Outcome<> help(Context& context, const std::vector<std::string>& words) {
  if (words.size() == 1 && words.front() == "exit-codes") return context.print(exit_codes_text()), Outcome<>();
  if (words.size() == 1 && words.front() == "environment") return context.print(kEnvironmentText), Outcome<>();
  const CLI::App* app = context.root;
  for (const std::string& word : words) {
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(sub->get_name());
      if (sub->get_name() == word) next = sub;
    }
    if (app == context.root) known.insert(known.end(), {"exit-codes", "environment"});
    if (next == nullptr) {
      return stop(ExitCode::usage, fmt::format("no help on '{}'{}", word, did_you_mean(word, known)));
    }
    app = next;
  }
  context.print(help_text(*app));
  return {};
}

Outcome<> completion(Context& context, const std::string& shell) {
  const CLI::App& root = *context.root;
  context.print(shell == "bash"  ? bash_completion(root)
                : shell == "zsh" ? zsh_completion(root)
                                 : fish_completion(root));
  return {};
}

template <class Items>
void print_names(const Context& context, const Items& items) {
  for (const auto& item : items) context.print_line(printable(item.name()));
}

Outcome<> names(Context& context, const std::string& kind) {
  if (kind == "metrics") {
    const auto list = fetch(context, v1::ListMetricsRequest{});
    if (!list) return tl::make_unexpected(list.error());
    print_names(context, list->metrics());
  } else if (kind == "loops") {
    const auto list = fetch(context, v1::ListLoopsRequest{});
    if (!list) return tl::make_unexpected(list.error());
    print_names(context, list->loops());
  } else if (kind == "parameters") {
    const auto list = fetch(context, v1::ListParametersRequest{});
    if (!list) return tl::make_unexpected(list.error());
    print_names(context, list->parameters());
  } else {
    const auto list = fetch(context, v1::ListSourcesRequest{});
    if (!list) return tl::make_unexpected(list.error());
    print_names(context, list->sources());
  }
  return {};
}

}  // namespace

void add_help_commands(CLI::App& root, Context& context) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* app = add_command(root, context, "completion", "Completion for bash, zsh or fish",
                              {"source <(homeostat completion bash)", "homeostat completion fish | source"},
                              [&context, shell] { return completion(context, *shell); });
  app->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));

  const auto words = std::make_shared<std::vector<std::string>>();
  app = add_command(root, context, "help", "Help on a command, on exit-codes or on environment",
                    {"homeostat help guardian override", "homeostat help exit-codes"},
                    [&context, words] { return help(context, *words); });
  app->add_option("WORDS", *words, "a command, exit-codes or environment");

  const auto kind = std::make_shared<std::string>();
  app = add_command(root, context, "names", "The daemon's names, one per line, for completion",
                    {"homeostat names parameters"}, [&context, kind] { return names(context, *kind); });
  app->group("");  // not for people: left out of help
  app->add_option("KIND", *kind, "metrics, loops, parameters or sources")
      ->required()
      ->check(CLI::IsMember({"metrics", "loops", "parameters", "sources"}));
}

}  // namespace homeostat::cli
