#include "benchmarks/support/recorded_chain.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "benchmarks/support/table.hpp"
#include "core/hex.hpp"
#include "daemon/sources/hex.hpp"
#include "tests/integration/sources/anvil.hpp"
#include "tests/integration/sources/web_server.hpp"

namespace homeostat::bench {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t kEmittersPerBlock = 20;

sources::Address contract(std::size_t i) {
  sources::Address address{};
  address[0] = 0x5e;
  address[18] = static_cast<std::uint8_t>(i >> 8);
  address[19] = static_cast<std::uint8_t>(i);
  return address;
}

std::string number_of_block(std::uint64_t number) {
  return '"' + sources::hex_quantity(number) + '"';
}

}  // namespace

RecordedChain record(std::size_t contracts, std::uint64_t blocks, std::uint64_t logs_per_block) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(ChainServer::Clock::now().time_since_epoch());
  const test::Anvil anvil(
      {.more = {"--timestamp", std::to_string(now.count() - static_cast<std::int64_t>(blocks) - 30)}});
  RecordedChain chain;
  chain.chain_id = 31337;
  const auto emitter = anvil.deploy_emitter();
  const std::string code = anvil.call("eth_getCode", "[\"" + hex0x_of(emitter) + "\",\"latest\"]");
  for (std::size_t i = 0; i < contracts; ++i) {
    chain.contracts.push_back(contract(i));
    anvil.call("anvil_setCode", "[\"" + hex0x_of(contract(i)) + "\"," + code + "]");
  }
  anvil.call("anvil_setBlockTimestampInterval", "[1]");
  anvil.mine(1);
  chain.first = anvil.block_number() + 1;
  const auto start = std::chrono::steady_clock::now();
  std::size_t next = 1;
  for (std::uint64_t b = 0; b < blocks; ++b) {
    for (std::size_t e = 0; e < kEmittersPerBlock; ++e) {
      const std::size_t which = e == 0 ? 0 : next;
      if (e > 0) next = next % (contracts - 1) + 1;
      anvil.send_tips(chain.contracts[which], e * 1'000'003 + b, chain.first + b, logs_per_block / kEmittersPerBlock);
    }
    anvil.call("evm_mine");
  }
  chain.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (std::uint64_t n = 0; n < chain.first + blocks; ++n) {
    RecordedBlock block;
    block.header = anvil.call("eth_getBlockByNumber", "[" + number_of_block(n) + ",false]");
    block.hash = json::parse(block.header).as_object().at("hash").as_string();
    block.logs = anvil.call("eth_getLogs", "[{\"blockHash\":\"" + block.hash + "\"}]");
    for (std::size_t at = 0; (at = block.logs.find("\"logIndex\"", at)) != std::string::npos; ++at) ++block.log_count;
    if (n >= chain.first && block.log_count != logs_per_block) {
      give_up(fmt::format("the node mined {} logs in block {}, not {}", block.log_count, n, logs_per_block));
    }
    chain.blocks.push_back(std::move(block));
  }
  return chain;
}

struct ChainServer::State {
  explicit State(const RecordedChain& c, std::uint64_t h)
      : chain(c),
        head(h),
        work(io.get_executor()),
        server(
            io, [this](const std::string&, const std::string& body) { return answer(body); },
            [this](const std::string& text) { return std::optional(answer(text)); }) {
    for (std::uint64_t n = 0; n < chain.blocks.size(); ++n) number_of[chain.blocks[n].hash] = n;
    thread = std::thread([this] { io.run(); });
  }
  ~State() {
    io.stop();
    thread.join();
  }

  const RecordedChain& chain;
  std::uint64_t head;
  std::uint64_t announce_up_to = 0;
  std::map<std::string, std::uint64_t, std::less<>> number_of;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  test::WebServer server;
  std::thread thread;

  /// Runs on the server's thread and waits for it.
  template <class F>
  auto on_thread(F f) {
    std::packaged_task<decltype(f())()> task(std::move(f));
    auto result = task.get_future();
    asio::post(io, [&task] { task(); });
    return result.get();
  }

  Clock::time_point announce(std::uint64_t to) {
    head = to;
    const auto now = Clock::now();
    server.tell(R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":)" +
                chain.blocks[to].header + "}}");
    return now;
  }

  std::string answer(const std::string& body) {
    const json::value request = json::parse(body);
    if (request.is_object()) return answer_one(request.as_object());
    std::string all;
    for (const json::value& one : request.as_array()) all += (all.empty() ? "[" : ",") + answer_one(one.as_object());
    return all + "]";
  }

  std::string answer_one(const json::object& request) {
    const std::string_view method = request.at("method").as_string();
    const json::array& params = request.at("params").as_array();
    std::string text = fmt::format(R"({{"jsonrpc":"2.0","id":{},)", request.at("id").as_int64());
    const std::string* recorded = nullptr;
    std::string other = "null";
    if (method == "eth_chainId") other = number_of_block(chain.chain_id);
    if (method == "eth_subscribe") other = "\"0x1\"";
    if (method == "eth_getCode") other = "\"0x60\"";
    if (method == "eth_getBlockByNumber") {
      const std::string_view which = params.at(0).as_string();
      const std::uint64_t number = which == "latest"      ? head
                                   : which == "safe"      ? head - std::min<std::uint64_t>(head, 32)
                                   : which == "finalized" ? head - std::min<std::uint64_t>(head, 64)
                                                          : *sources::parse_quantity(which);
      if (number <= head) recorded = &chain.blocks[number].header;
    }
    if (method == "eth_getLogs") recorded = logs(params.at(0).as_object());
    if (method == "eth_getLogs" && recorded == nullptr) {
      return text + R"("error":{"code":-32000,"message":"only whole blocks are recorded"}})";
    }
    const std::string& result = recorded != nullptr ? *recorded : other;
    text.reserve(text.size() + result.size() + 16);
    return text.append("\"result\":").append(result).append("}");
  }

  const std::string* logs(const json::object& filter) {
    const json::value* hash = filter.if_contains("blockHash");
    const auto found = hash == nullptr ? number_of.end() : number_of.find(std::string_view(hash->as_string()));
    if (found == number_of.end() || found->second > head) return nullptr;
    const RecordedBlock& block = chain.blocks[found->second];
    if (filter.contains("address") && block.log_count > 0) return nullptr;  // what a filter would leave is not recorded
    if (found->second == head && head < announce_up_to) {
      asio::post(io, [this, next = head + 1] { announce(next); });
    }
    return &block.logs;
  }
};

ChainServer::ChainServer(const RecordedChain& chain, std::uint64_t head)
    : state_(std::make_unique<State>(chain, head)) {}
ChainServer::~ChainServer() = default;

std::string ChainServer::http() const {
  return state_->server.url("http");
}
std::string ChainServer::ws() const {
  return state_->server.url("ws");
}

ChainServer::Clock::time_point ChainServer::announce(std::uint64_t head) {
  return state_->on_thread([&] { return state_->announce(head); });
}

void ChainServer::announce_as_followed(std::uint64_t last) {
  state_->on_thread([&] {
    state_->announce_up_to = last;
    return state_->announce(state_->head + 1);
  });
}

std::size_t ChainServer::listeners() const {
  return state_->on_thread([&] { return state_->server.sockets_open(); });
}

}  // namespace homeostat::bench
