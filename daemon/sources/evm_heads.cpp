#include "daemon/sources/evm_heads.hpp"

#include <optional>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/sources/backoff.hpp"
#include "daemon/sources/http_client.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;

struct EvmHeads::State : std::enable_shared_from_this<EvmHeads::State> {
  State(Outside o, const EvmSettings& s, EvmMetrics& m, const Sink& k, std::function<void()> w)
      : outside(std::move(o)), settings(s), metrics(m), sink(k), wake(std::move(w)) {}

  Outside outside;
  const EvmSettings& settings;
  EvmMetrics& metrics;
  const Sink& sink;
  std::function<void()> wake;
  std::optional<std::size_t> provider;
  bool stopped = false;

  /// One connection after another to one provider; replaced as a whole when the provider changes. It holds
  /// copies of what it needs while suspended: the source may be gone when it wakes up.
  struct Session : std::enable_shared_from_this<Session> {
    Session(State& o, const Endpoint& endpoint)
        : owner(&o),
          chain_id(o.settings.chain_id),
          timing(o.outside.timing),
          client(o.outside.wire->messages(endpoint, o.settings.http)),
          backoff(o.settings.backoff),
          pause(timing->make_timer()) {}

    State* owner;  ///< null once ended
    std::uint64_t chain_id;
    std::shared_ptr<Timing> timing;
    std::unique_ptr<MessageChannel> client;
    Backoff backoff;
    std::unique_ptr<Timer> pause;
    Moment last_head{};  ///< or when it began to connect: one that never answers is as silent as any
    bool listening = false;

    void end() {
      owner = nullptr;
      client->close();
      pause->cancel();
    }

    /// Asks and waits for the answer; heads that come before it are passed over.
    asio::awaitable<Fetch<std::string>> ask(rpc::Call call, std::uint64_t id) {
      constexpr int kMessagesBefore = 100;
      if (auto failed = co_await client->write(rpc::encode({&call, 1}, id)))
        co_return tl::make_unexpected(std::move(*failed));
      for (int i = 0; i < kMessagesBefore; ++i) {
        auto text = co_await client->read();
        if (!text) co_return tl::make_unexpected(std::move(text.error()));
        auto message = rpc::parse_ws_message(*text);
        if (!message) co_return tl::make_unexpected(std::move(message.error()));
        if (message->id == id && message->result) co_return *message->result;
      }
      co_return fault(FaultKind::bad_reply, call.method + ": no answer on the WebSocket");
    }

    asio::awaitable<std::optional<Fault>> subscribe() {
      if (auto failed = co_await client->open()) co_return failed;
      rpc::Call which = rpc::chain_id();
      auto id = co_await ask(which, 1);
      if (!id) co_return id.error();
      if (*id != fmt::format("0x{:x}", chain_id)) {
        co_return Fault{FaultKind::wrong_chain, "the WebSocket answers for chain id " + rpc::shown(*id), {}};
      }
      rpc::Call heads = rpc::subscribe_heads();
      auto subscription = co_await ask(heads, 2);
      if (!subscription) co_return subscription.error();
      co_return std::nullopt;
    }

    asio::awaitable<Fault> listen() {
      listening = true;
      last_head = timing->now();
      auto failed = co_await subscribe();
      if (failed) co_return *failed;
      if (owner == nullptr) co_return Fault{FaultKind::transport, "ended", {}};
      last_head = timing->now();
      owner->metrics.ws_connects += 1;
      owner->wake();  // what came while nobody listened is not announced again
      while (owner != nullptr) {
        auto text = co_await client->read();
        if (!text) co_return text.error();
        const auto message = rpc::parse_ws_message(*text);
        if (!message) co_return message.error();
        if (!message->head || owner == nullptr) continue;
        last_head = timing->now();
        backoff.reset();
        owner->metrics.ws_heads += 1;
        owner->wake();
      }
      co_return Fault{FaultKind::transport, "ended", {}};
    }

    asio::awaitable<void> run() {
      while (owner != nullptr) {
        const Fault why = co_await listen();
        listening = false;
        client->close();
        if (owner == nullptr) co_return;
        owner->metrics.ws_faults += 1;
        owner->sink.log(LogLevel::warning, owner->settings.name + ": new heads by WebSocket ended: " + why.text);
        co_await pause->wait_until(after(timing->now(), backoff.next()));
      }
    }
  };
  std::shared_ptr<Session> session;

  void end_session() {
    if (session) session->end();
    session.reset();
  }
};

EvmHeads::EvmHeads(Outside outside, const EvmSettings& settings, EvmMetrics& metrics, const Sink& sink,
                   std::function<void()> wake)
    : state_(std::make_shared<State>(std::move(outside), settings, metrics, sink, std::move(wake))) {}

EvmHeads::~EvmHeads() {
  stop();
}

void EvmHeads::follow(std::size_t provider) {
  State& state = *state_;
  if (state.stopped || state.provider == provider) return;
  state.end_session();
  state.provider = provider;
  const std::string& url = state.settings.providers[provider].ws;
  if (url.empty()) return;
  auto endpoint = parse_endpoint(url, true, state.settings.providers[provider].name);
  if (!endpoint) return;  // refused by EvmSource::make already
  state.session = std::make_shared<State::Session>(state, *endpoint);
  asio::co_spawn(
      state.outside.executor, [session = state.session] { return session->run(); }, asio::detached);
}

void EvmHeads::polled_progress() {
  const auto& session = state_->session;
  if (!session || !session->listening) return;
  if (state_->outside.timing->now() - session->last_head < std::chrono::nanoseconds(state_->settings.ws_silence_max.ns))
    return;
  state_->metrics.ws_silences += 1;
  session->client->close();
}

void EvmHeads::stop() {
  state_->stopped = true;
  state_->end_session();
}

}  // namespace homeostat::sources
