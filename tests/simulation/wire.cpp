#include "tests/simulation/wire.hpp"

#include <deque>

#include "core/check.hpp"

namespace homeostat::simulation {

namespace asio = boost::asio;
using sources::Fault;
using sources::FaultKind;
using sources::Fetch;
using sources::HttpReply;

namespace {

constexpr std::size_t kUnreadMax = 1000;

std::size_t index_of(const sources::Endpoint& endpoint) {
  return static_cast<std::size_t>(std::stoul(endpoint.host.substr(1)));
}

Fault closed() {
  return {FaultKind::transport, "the connection was closed", {}};
}

class Exchanges final : public sources::HttpChannel {
 public:
  Exchanges(Timeline& timeline, Provider& provider, const sources::HttpSettings& settings)
      : state_(std::make_shared<State>(timeline, provider, settings.deadline)) {}
  ~Exchanges() override { close(); }

  asio::awaitable<Fetch<HttpReply>> exchange(sources::HttpRequest request) override {
    const auto state = state_;  // outlives the channel
    if (state->closed) co_return tl::make_unexpected(closed());
    HOMEOSTAT_CHECK(!state->wait.waits());  // one at a time
    const Moment deadline = sources::after(state->timeline.now(), state->deadline);
    Answer answer = state->provider.answer(request.body);
    const Moment arrives = answer.never ? Moment::max() : sources::after(state->timeline.now(), answer.after);
    co_await state->wait.until(std::min(arrives, deadline));
    if (state->closed) co_return tl::make_unexpected(closed());
    if (arrives > deadline) co_return sources::fault(FaultKind::timed_out, "no answer in time");
    co_return std::move(answer.reply);
  }
  void close() override {
    state_->closed = true;
    state_->wait.end();
  }

 private:
  struct State {
    State(Timeline& t, Provider& p, Duration d) : timeline(t), provider(p), deadline(d), wait(t) {}
    Timeline& timeline;
    Provider& provider;
    Duration deadline;
    Wait wait;
    bool closed = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace

struct SimulatedWire::Line {
  Line(Timeline& t, Provider& p, const Heads& h, std::size_t i, Duration d)
      : timeline(t), provider(p), heads(h), index(i), deadline(d), wait(t) {}

  Timeline& timeline;
  Provider& provider;
  const Heads& heads;
  std::size_t index;
  Duration deadline;
  Wait wait;
  bool open = false;
  bool subscribed = false;
  std::deque<std::string> unread;

  void push(std::string text) {
    if (unread.size() < kUnreadMax) unread.push_back(std::move(text));
    wait.end();
  }
  void close() {
    open = subscribed = false;
    unread.clear();
    wait.end();
  }
};

namespace {

class Messages final : public sources::MessageChannel {
 public:
  explicit Messages(std::shared_ptr<SimulatedWire::Line> line) : line_(std::move(line)) {}
  ~Messages() override { line_->close(); }

  asio::awaitable<std::optional<Fault>> open() override {
    const auto line = line_;
    const Way way = line->provider.way();
    co_await line->wait.until(
        sources::after(line->timeline.now(), way == Way::never_answers ? line->deadline : Duration::milliseconds(30)));
    if (way == Way::never_answers) co_return Fault{FaultKind::timed_out, "no answer in time", {}};
    if (way == Way::refuses_connections || line->heads == Heads::closed) co_return closed();
    line->open = true;
    co_return std::nullopt;
  }
  asio::awaitable<std::optional<Fault>> write(std::string text) override {
    if (!line_->open) co_return closed();
    if (text.find("eth_chainId") != std::string::npos) {
      line_->push(R"({"jsonrpc":"2.0","id":1,"result":")" + line_->provider.chain_id_text() + "\"}");
    } else {
      line_->push(R"({"jsonrpc":"2.0","id":2,"result":"0x1"})");
      line_->subscribed = true;
    }
    co_return std::nullopt;
  }
  asio::awaitable<Fetch<std::string>> read() override {
    const auto line = line_;
    if (line->open && line->unread.empty()) co_await line->wait.until(Moment::max());
    if (!line->open || line->unread.empty()) co_return tl::make_unexpected(closed());
    std::string text = std::move(line->unread.front());
    line->unread.pop_front();
    co_return text;
  }
  void close() override { line_->close(); }

 private:
  std::shared_ptr<SimulatedWire::Line> line_;
};

}  // namespace

SimulatedWire::SimulatedWire(Timeline& timeline, std::vector<Provider>& providers)
    : timeline_(timeline), providers_(providers), heads_(providers.size(), Heads::told) {}

std::unique_ptr<sources::HttpChannel> SimulatedWire::http(const sources::Endpoint& endpoint,
                                                          const sources::HttpSettings& settings) {
  return std::make_unique<Exchanges>(timeline_, providers_.at(index_of(endpoint)), settings);
}

std::unique_ptr<sources::MessageChannel> SimulatedWire::messages(const sources::Endpoint& endpoint,
                                                                 const sources::HttpSettings& settings) {
  const std::size_t i = index_of(endpoint);
  auto line = std::make_shared<Line>(timeline_, providers_.at(i), heads_.at(i), i, settings.deadline);
  std::erase_if(lines_, [](const auto& weak) { return weak.expired(); });
  lines_.push_back(line);
  return std::make_unique<Messages>(std::move(line));
}

void SimulatedWire::tell_head(std::size_t provider) {
  if (heads_[provider] != Heads::told) return;
  for (const auto& weak : lines_) {
    const auto line = weak.lock();
    if (line && line->index == provider && line->subscribed) line->push(providers_[provider].head_notification());
  }
}

void SimulatedWire::set_heads(std::size_t provider, Heads heads) {
  heads_[provider] = heads;
  if (heads != Heads::closed) return;
  for (const auto& weak : lines_) {
    const auto line = weak.lock();
    if (line && line->index == provider) line->close();
  }
}

}  // namespace homeostat::simulation
