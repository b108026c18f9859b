#include "cli/completion.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace homeostat::cli {
namespace {

struct Word {
  std::string text;
  std::string meaning;
};

/// One command as completion sees it.
struct Entry {
  std::string path;         ///< " guardian pause"; empty for the root
  std::vector<Word> words;  ///< sub-commands, options and fixed arguments that may follow
  std::string names;        ///< what `homeostat names` lists for its argument, or empty
  bool files = false;       ///< its argument is a file or directory
};

std::vector<CLI::App*> commands_of(const CLI::App& app) {
  std::vector<CLI::App*> out;
  auto& writable =
      const_cast<CLI::App&>(app);  // CLI11 offers the unfiltered list of a const App only as const pointers
  for (CLI::App* sub : writable.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) out.push_back(sub);
  }
  return out;
}

void add_options(const CLI::App& app, std::vector<Word>& words) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) words.push_back({"--" + name, option->get_description()});
  }
}

/// Which of the daemon's names an argument takes.
std::string names_of(const CLI::App& app, const std::string& argument) {
  if (argument == "PARAMETER") return "parameters";
  if (argument == "LOOP") return "loops";
  if (argument != "NAME") return "";
  if (app.get_name() == "clear-halt") return "metrics";
  return app.get_parent() != nullptr && app.get_parent()->get_parent() == nullptr && app.get_name() != "backup"
             ? app.get_name()
             : "";
}

void collect(const CLI::App& root, const CLI::App& app, const std::string& path, std::vector<Entry>& out) {
  Entry entry{.path = path};
  for (const CLI::App* sub : commands_of(app)) entry.words.push_back({sub->get_name(), sub->get_description()});
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_single_name();
    if (name == "FILE" || name == "DIR") entry.files = true;
    if (name == "STATE") entry.words.insert(entry.words.end(), {{"on", ""}, {"off", ""}});
    if (name == "SHELL") entry.words.insert(entry.words.end(), {{"bash", ""}, {"zsh", ""}, {"fish", ""}});
    if (name == "LEVEL") {
      for (const char* level : {"trace", "debug", "info", "warn", "error"}) entry.words.push_back({level, ""});
    }
    if (entry.names.empty()) entry.names = names_of(app, name);
  }
  add_options(app, entry.words);
  if (&app != &root) add_options(root, entry.words);
  out.push_back(std::move(entry));
  for (const CLI::App* sub : commands_of(app)) collect(root, *sub, path + " " + sub->get_name(), out);
}

std::vector<Entry> entries_of(const CLI::App& root) {
  std::vector<Entry> entries;
  collect(root, root, "", entries);
  return entries;
}

/// `" status"|" guardian"|" guardian pause"`: the paths a shell walks down word by word.
std::string path_pattern(const std::vector<Entry>& entries) {
  std::string pattern;
  for (const Entry& entry : entries) {
    if (!entry.path.empty()) pattern += (pattern.empty() ? "\"" : "|\"") + entry.path + "\"";
  }
  return pattern;
}

/// Inside single quotes of a POSIX shell.
std::string in_single_quotes(std::string text) {
  for (std::size_t i = text.find('\''); i != std::string::npos; i = text.find('\'', i + 4)) text.replace(i, 1, "'\\''");
  return text;
}

std::string joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  const auto entries = entries_of(root);
  std::string cases;
  for (const Entry& entry : entries) {
    cases += fmt::format("    \"{}\") words=\"{}\"; names=\"{}\"; files={} ;;\n", entry.path, joined(entry.words),
                         entry.names, entry.files ? 1 : 0);
  }
  return "# bash completion for homeostat: source <(homeostat completion bash)\n"
         "_homeostat() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" at=\"\" words=\"\" names=\"\" files=0 i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"$at ${COMP_WORDS[i]}\" in\n"
         "      " +
         path_pattern(entries) +
         ") at=\"$at ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$at\" in\n" +
         cases +
         "  esac\n"
         "  if [[ -n \"$names\" && \"$current\" != -* ]]; then\n"
         "    words=\"$words $(\"${COMP_WORDS[0]}\" names \"$names\" --timeout 1s 2>/dev/null)\"\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  if [[ $files == 1 && \"$current\" != -* ]]; then COMPREPLY+=($(compgen -f -- \"$current\")); fi\n"
         "}\n"
         "complete -o filenames -F _homeostat homeostat\n";
}

std::string zsh_completion(const CLI::App& root) {
  const auto entries = entries_of(root);
  std::string cases;
  for (const Entry& entry : entries) {
    std::string words;
    for (const Word& word : entry.words) {
      std::string meaning = word.meaning;
      std::replace(meaning.begin(), meaning.end(), ':', ';');  // zsh splits word and meaning at the colon
      words += fmt::format(" '{}'", in_single_quotes(meaning.empty() ? word.text : word.text + ":" + meaning));
    }
    cases += fmt::format("    (\"{}\") candidates=({}); names='{}'; files={} ;;\n", entry.path, words, entry.names,
                         entry.files ? 1 : 0);
  }
  return "#compdef homeostat\n"
         "# zsh completion for homeostat: homeostat completion zsh > \"${fpath[1]}/_homeostat\"\n"
         "_homeostat() {\n"
         "  local at='' names='' files=0 word\n"
         "  local -a candidates\n"
         "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
         "    case \"$at $word\" in\n"
         "      (" +
         path_pattern(entries) +
         ") at=\"$at $word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$at\" in\n" +
         cases +
         "  esac\n"
         "  if [[ -n $names ]]; then\n"
         "    candidates+=(${(f)\"$(homeostat names $names --timeout 1s 2>/dev/null)\"})\n"
         "  fi\n"
         "  _describe 'homeostat' candidates\n"
         "  if (( files )); then _files; fi\n"
         "}\n"
         "_homeostat \"$@\"\n";
}

std::string fish_completion(const CLI::App& root) {
  const auto entries = entries_of(root);
  std::string out =
      "# fish completion for homeostat: homeostat completion fish | source\n"
      "function __homeostat_at\n"
      "  set -l at ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$at $word\"\n"
      "      case";
  for (const Entry& entry : entries) {
    if (!entry.path.empty()) out += fmt::format(" '{}'", entry.path);
  }
  out +=
      "\n        set at \"$at $word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c homeostat -f\n";
  for (const Entry& entry : entries) {
    const std::string when = fmt::format("complete -c homeostat -n '__homeostat_at \"{}\"'", entry.path);
    for (const Word& word : entry.words) {
      const bool option = word.text.rfind("--", 0) == 0;
      out += fmt::format("{} {} {}", when, option ? "-l" : "-a", option ? word.text.substr(2) : word.text);
      out += word.meaning.empty() ? "\n" : fmt::format(" -d '{}'\n", in_single_quotes(word.meaning));
    }
    if (!entry.names.empty())
      out += fmt::format("{} -a '(homeostat names {} --timeout 1s 2>/dev/null)'\n", when, entry.names);
    if (entry.files) out += when + " -F\n";
  }
  return out;
}

}  // namespace homeostat::cli
