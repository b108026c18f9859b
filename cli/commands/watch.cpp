// watch: what happens, as it happens. On a terminal a panel that redraws itself; otherwise, or with --lines, one line
// per event; with --json one JSON object per line. A lost daemon is waited for, and its absence is shown.
#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

#include "cli/commands/context.hpp"
#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

/// Kept for the panel; what does not fit on the screen is cut there.
constexpr std::size_t kDecisionsShown = 8;
constexpr std::size_t kNoticesShown = 5;
/// Between attempts to reach a lost daemon, doubling from the first to the last.
constexpr Duration kRetryFirst = Duration::milliseconds(500);
constexpr Duration kRetryLast = Duration::seconds(5);
/// A fast grid (periods of milliseconds) must not make the terminal the bottleneck.
constexpr Duration kRedrawMin = Duration::milliseconds(200);

struct WatchOptions {
  bool decisions = false;
  bool lines = false;
  bool once = false;         ///< do not come back after the stream ended
  std::uint64_t events = 0;  ///< end after so many, 0 = never
};

/// The state that the panel shows.
class Panel {
 public:
  explicit Panel(Context& context) : context_(context) {}

  void take(const v1::WatchEvent& event) {
    lost_.clear();
    if (event.has_status()) status_ = event.status();
    if (event.has_decision()) keep(decisions_, event, kDecisionsShown);
    if (event.has_notice()) keep(notices_, event, kNoticesShown);
    if (!event.has_status() || context_.console.now() - drawn_ < kRedrawMin) return;
    refresh();
    draw();
  }

  void lost(const std::string& why, Instant since) {
    lost_ = fmt::format("STALE since {}: {}", text_of(since), why);
    draw();
  }

 private:
  static void keep(std::deque<v1::WatchEvent>& events, const v1::WatchEvent& event, std::size_t count) {
    // An answer to a decision replaces the line of the decision.
    std::erase_if(events, [&](const v1::WatchEvent& e) {
      return event.has_decision() && e.decision().id() == event.decision().id();
    });
    events.push_front(event);
    if (events.size() > count) events.pop_back();
  }

  /// A list that cannot be read keeps its last content: the stream's own end says what is wrong.
  void refresh() {
    auto client = context_.client();
    if (!client) return;
    if (auto m = client->call(v1::ListMetricsRequest{})) metrics_ = *std::move(m);
    if (auto l = client->call(v1::ListLoopsRequest{})) loops_ = *std::move(l);
    if (auto p = client->call(v1::ListParametersRequest{})) parameters_ = *std::move(p);
  }

  [[nodiscard]] std::string metrics(const Look& look) const {
    Table table({{"METRIC"}, {"VALUE", Align::right}, {"SET-POINT", Align::right}, {"UNIT"}, {"QUALITY"}, {"REASON"}});
    for (const v1::Metric& m : metrics_.metrics()) {
      std::string setpoint;
      for (const v1::Loop& l : loops_.loops()) {
        if (l.metric() == m.name()) setpoint = number(l.setpoint());
      }
      const v1::Quality quality = m.reading().quality();
      table.add({{m.name()},
                 {number(m.reading().value()), Tone::strong},
                 {setpoint},
                 {m.unit()},
                 {word_of(quality), tone_of(quality)},
                 {m.reading().reason()}});
    }
    return table.render(look.style);
  }

  [[nodiscard]] std::string parameters(const Look& look) const {
    Table table({{"PARAMETER"},
                 {"VALUE", Align::right},
                 {"WANTED", Align::right},
                 {"MIN", Align::right},
                 {"MAX", Align::right},
                 {"UNIT"},
                 {"STATE"}});
    for (const v1::Parameter& p : parameters_.parameters()) {
      table.add({{p.name()},
                 {p.value(), Tone::strong},
                 {p.wanted()},
                 {p.min()},
                 {p.max()},
                 {p.unit()},
                 {state_of(p), p.paused() || p.overridden() ? Tone::warn : Tone::plain}});
    }
    return table.render(look.style);
  }

  void draw() {
    Console& console = context_.console;
    const Look look{console.table_style(), console.now()};
    std::string text;
    if (!lost_.empty()) text += console.tone(printable(lost_), Tone::bad) + "\n\n";
    text += status_text(status_, look) + "\n" + metrics(look) + "\n" + parameters(look) + "\n";
    for (const v1::WatchEvent& event : decisions_) text += event_line(event, look) + "\n";
    if (!notices_.empty()) text += "\n";
    for (const v1::WatchEvent& event : notices_) text += event_line(event, look) + "\n";

    const auto [columns, rows] = console.size();
    std::string screen = drawn_.is_never() ? "\x1b[2J\x1b[H" : "\x1b[H";
    std::size_t row = 1;
    for (std::size_t begin = 0; begin < text.size() && (rows == 0 || row < rows); ++row) {
      const std::size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      screen += (columns == 0 ? line : clip(line, columns)) + "\x1b[K\n";
      begin = end + 1;
    }
    context_.print(screen + "\x1b[J");
    drawn_ = console.now();
  }

  Context& context_;
  v1::Status status_;
  v1::ListMetricsResponse metrics_;
  v1::ListLoopsResponse loops_;
  v1::ListParametersResponse parameters_;
  std::deque<v1::WatchEvent> decisions_;  ///< newest first
  std::deque<v1::WatchEvent> notices_;    ///< newest first
  std::string lost_;
  Instant drawn_;
};

Outcome<> watch(Context& context, const WatchOptions& options) {
  v1::WatchRequest request;
  request.set_decisions(options.decisions);
  const bool drawn = context.console.out_is_terminal && !context.options.json && !options.lines;
  Panel panel(context);
  std::uint64_t seen = 0;
  Duration wait = kRetryFirst;
  Instant heard;  // the last event's arrival; never = this daemon was not reached yet
  const auto on_event = [&](const v1::WatchEvent& event) {
    heard = context.console.now();
    wait = kRetryFirst;
    if (context.options.json) {
      context.print_line(line_json(event));
    } else if (drawn) {
      panel.take(event);
    } else if (event.event_case() != v1::WatchEvent::EVENT_NOT_SET) {
      context.print_line(event_line(event, {context.console.table_style(), heard}));
    }
    return options.events == 0 || ++seen < options.events;
  };
  for (;;) {
    auto client = context.client();
    if (!client) return tl::make_unexpected(client.error());
    const auto ended = client->watch(request, on_event);
    if (ended || options.once || heard.is_never()) return ended;
    if (ended.error().code == ExitCode::denied) return ended;
    if (drawn) {
      panel.lost(ended.error().message, heard);
    } else {
      context.say(
          fmt::format("stale since {}: {}; trying again in {}", text_of(heard), ended.error().message, human(wait)));
    }
    std::this_thread::sleep_for(std::chrono::nanoseconds(wait.ns));
    wait = std::min(wait * 2, kRetryLast);
  }
}

}  // namespace

void add_watch_command(CLI::App& root, Context& context) {
  const auto options = std::make_shared<WatchOptions>();
  CLI::App* app = add_command(root, context, "watch", "What happens, live: a panel on a terminal, lines otherwise",
                              {"homeostat watch", "homeostat watch --json | jq -c 'select(.decision) | .decision.why'"},
                              [&context, options] { return watch(context, *options); });
  app->add_flag("--decisions", options->decisions, "also decisions that sent nothing");
  app->add_flag("--lines", options->lines, "one line per event, also on a terminal");
  app->add_flag("--once", options->once, "stop when the stream ends, instead of connecting again");
  app->add_option("--events", options->events, "stop after so many events; default: never")->type_name("N");
}

}  // namespace homeostat::cli
