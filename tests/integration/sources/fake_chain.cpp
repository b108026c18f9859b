#include "tests/integration/sources/fake_chain.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::test {

namespace json = boost::json;

namespace {

std::string topic() {
  return hex0x_of(sources::keccak256("Tip(address,address,uint256)"));
}
std::string word(std::uint64_t value) {
  return fmt::format("0x{:064x}", value);
}

std::string bloom() {
  sources::rpc::Bloom bits{};
  const auto contract = FakeChain::contract();
  sources::add_to_bloom(bits, contract);
  sources::add_to_bloom(bits, sources::keccak256("Tip(address,address,uint256)"));
  for (const std::uint64_t value : {1, 2}) sources::add_to_bloom(bits, *sources::parse_array<32>(word(value)));
  return hex0x_of(bits);
}

std::string error(std::int64_t id, const std::string& text, int code = -32000) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":{},"message":"{}"}}}})", id, code, text);
}

}  // namespace

FakeChain::FakeChain(std::uint64_t head) : branches_(head + 1, 'a') {}

void FakeChain::reorg(std::uint64_t ancestor, std::uint64_t head, char branch) {
  branches_.resize(ancestor + 1);
  branches_.resize(head + 1, branch);
}

void FakeChain::mine(std::uint64_t blocks) {
  branches_.resize(branches_.size() + blocks, branches_.back());
}

sources::Address FakeChain::contract() {
  return {0xc0, 0xde};
}

std::string FakeChain::hash(std::uint64_t number) const {
  return fmt::format("0x{:02x}{:062x}", branches_[number], number);
}

std::string FakeChain::header(std::uint64_t number) const {
  if (number >= branches_.size()) return "null";
  return fmt::format(R"({{"number":"0x{:x}","hash":"{}","parentHash":"{}","timestamp":"0x{:x}","logsBloom":"{}"}})",
                     number, hash(number), number == 0 ? word(0) : hash(number - 1), 1'000'000 + number, bloom());
}

std::string FakeChain::logs(std::uint64_t from, std::uint64_t to) const {
  std::string list;
  if (hide_logs) return "[]";
  for (std::uint64_t n = from; n <= to && n < branches_.size(); ++n) {
    for (int copy = 0; copy < (duplicate_logs ? 2 : 1); ++copy) {
      list += fmt::format(
          R"({}{{"address":"{}","topics":["{}","{}","{}"],"data":"{}","blockNumber":"0x{:x}","blockHash":"{}","transactionHash":"{}","logIndex":"0x0","removed":false}})",
          list.empty() ? "" : ",", hex0x_of(contract()), topic(), word(1), word(2), word(n), n,
          wrong_block_hash ? word(99) : hash(n), word(n));
    }
  }
  return "[" + list + "]";
}

std::string FakeChain::answer_one(const void* opaque) {
  const json::object& request = static_cast<const json::value*>(opaque)->as_object();
  const std::int64_t id = request.at("id").as_int64();
  const std::string method(request.at("method").as_string());
  const json::array& params = request.at("params").as_array();
  calls[method] += 1;
  std::string result = "null";
  if (method == "eth_chainId") result = fmt::format("\"0x{:x}\"", chain_id);
  if (method == "eth_getCode") result = "\"0x60\"";
  if (method == "eth_getBlockByNumber") {
    const std::string which(params.at(0).as_string());
    if (which == "finalized") return error(id, "unknown tag", -32602);
    result = header(which == "latest" ? head() : which == "safe" ? 0 : *sources::parse_quantity(which));
  }
  if (method == "eth_getLogs") {
    const json::object& filter = params.at(0).as_object();
    if (const json::value* block = filter.if_contains("blockHash")) {
      for (std::uint64_t n = 0; n < branches_.size(); ++n) {
        if (hash(n) == block->as_string()) result = logs(n, n);
      }
      if (result == "null") return error(id, "unknown block");
    } else {
      const std::uint64_t from = *sources::parse_quantity(filter.at("fromBlock").as_string());
      const std::uint64_t to = *sources::parse_quantity(filter.at("toBlock").as_string());
      widest_range = std::max(widest_range, to - from + 1);
      if (to - from + 1 > range_max) return error(id, too_wide_text, -32005);
      result = logs(from, to);
    }
  }
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id, result);
}

std::string FakeChain::answer(const std::string& body) {
  const json::value request = json::parse(body);
  if (request.is_object()) return answer_one(&request);
  if (no_batches) return R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not supported"}})";
  std::string all;
  for (const json::value& one : request.as_array()) all += (all.empty() ? "[" : ",") + answer_one(&one);
  return all + "]";
}

}  // namespace homeostat::test
