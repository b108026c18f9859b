#include "daemon/sources/rpc.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include <fmt/format.h>
#include <simdjson.h>

#include "daemon/sources/hex.hpp"
#include "daemon/sources/rpc_plain.hpp"

namespace homeostat::sources::rpc {
namespace {

namespace ondemand = simdjson::ondemand;

template <class List>
std::string quoted_hex_list(const List& list) {
  std::string text = "[";
  for (const auto& item : list) {
    if (text.size() > 1) text += ',';
    text += '"' + hex0x_of(item) + '"';
  }
  return text + "]";
}

std::string filter_fields(const LogFilter& filter) {
  if (filter.addresses.empty()) return "";
  return fmt::format(R"(,"address":{},"topics":[{}])", quoted_hex_list(filter.addresses),
                     quoted_hex_list(filter.topics));
}

tl::unexpected<Fault> bad(std::string text) {
  return fault(FaultKind::bad_reply, std::move(text));
}

tl::unexpected<Fault> not_json(simdjson::error_code error) {
  return fault(FaultKind::not_json, fmt::format("the reply is not JSON ({})", simdjson::error_message(error)));
}

/// The name of a field where it stands in the reply: never decoded, only compared.
struct Key {
  const char* text;  ///< behind the first quote; the reply is padded, so that a comparison may look too far

  template <std::size_t N>
  bool operator==(const char (&name)[N]) const {
    return std::memcmp(text, name, N - 1) == 0 && text[N - 1] == '"';
  }
};

/// Calls f(key, value) for every field; the first error of the text itself ends it.
template <class F>
simdjson::error_code for_each_field(ondemand::object object, F&& f) {
  for (auto item : object) {
    ondemand::field field;
    if (const auto error = std::move(item).get(field)) return error;
    f(Key{field.key().raw()}, field.value());
  }
  return simdjson::SUCCESS;
}

/// A text as it stands between its quotes. Nothing that is read this way can hold an escape.
std::optional<std::string_view> raw_text(ondemand::value value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && token.back() <= ' ') token.remove_suffix(1);
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::nullopt;
  return token.substr(1, token.size() - 2);
}

std::optional<std::uint64_t> quantity(ondemand::value value) {
  const auto text = raw_text(value);
  return text ? parse_quantity(*text) : std::nullopt;
}

bool read_bytes(ondemand::value value, std::span<std::uint8_t> out) {
  const auto text = raw_text(value);
  return text && parse_fixed(*text, out);
}

bool is_null(ondemand::value value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null;
}

Fetch<Value> parse_header(ondemand::value value) {
  if (is_null(value)) return Value(std::optional<Header>());
  ondemand::object block;
  if (value.get_object().get(block) != simdjson::SUCCESS) return bad("a block is neither an object nor null");
  Header header;
  std::optional<std::uint64_t> number;
  std::optional<std::uint64_t> time;
  bool has_hash = false;
  bool has_parent = false;
  bool bloom_is_good = true;
  const auto error = for_each_field(block, [&](Key key, ondemand::value field) {
    if (key == "number") number = quantity(field);
    if (key == "timestamp") time = quantity(field);
    if (key == "hash") has_hash = read_bytes(field, header.hash);
    if (key == "parentHash") has_parent = read_bytes(field, header.parent);
    if (key == "logsBloom") bloom_is_good = read_bytes(field, header.bloom);
  });
  if (error) return not_json(error);
  if (!number) return bad("a block without a valid number");
  if (!has_hash) return bad(fmt::format("block {} without a valid hash", *number));
  if (!has_parent) return bad(fmt::format("block {} without a valid parentHash", *number));
  if (!time || *time > kTimeMax_s) return bad(fmt::format("block {} without a valid timestamp", *number));
  if (!bloom_is_good) return bad(fmt::format("block {} with a malformed logsBloom", *number));
  header.number = *number;
  header.time_s = *time;
  return Value(std::optional<Header>(header));
}

bool read_topics(ondemand::value value, Log& log) {
  ondemand::array topics;
  if (value.get_array().get(topics) != simdjson::SUCCESS) return false;
  for (auto item : topics) {
    ondemand::value topic;
    if (log.topic_count == log.topics.size() || std::move(item).get(topic) != simdjson::SUCCESS) return false;
    if (!read_bytes(topic, log.topics[log.topic_count++])) return false;
  }
  return true;
}

/// What of a log has been found and is as it must be.
struct LogParts {
  std::optional<std::uint64_t> number;
  std::optional<std::uint64_t> index;
  bool address = false;
  bool block_hash = false;
  bool transaction = false;
  bool topics = false;
  bool data = false;
  bool time = true;
  bool removed = false;
};

void read_log_field(Key key, ondemand::value value, Log& log, LogParts& parts) {
  switch (key.text[0]) {  // most keys are told apart by their first letter
    case 'a':
      if (key == "address") parts.address = read_bytes(value, log.address);
      break;
    case 'b':
      if (key == "blockNumber") parts.number = quantity(value);
      if (key == "blockHash") parts.block_hash = read_bytes(value, log.block_hash);
      if (key == "blockTimestamp") {
        log.block_time_s = quantity(value);
        parts.time = !(log.block_time_s > kTimeMax_s);
      }
      break;
    case 'd':
      if (key == "data") {
        const auto text = raw_text(value);
        parts.data = text && parse_bytes(*text, log.data);
      }
      break;
    case 'l':
      if (key == "logIndex") parts.index = quantity(value);
      break;
    case 'r':
      if (key == "removed") parts.removed = value.raw_json_token().starts_with("true");
      break;
    case 't':
      if (key == "topics") parts.topics = read_topics(value, log);
      if (key == "transactionHash") parts.transaction = read_bytes(value, log.transaction);
      break;
    default: break;
  }
}

std::optional<Fault> parse_log(ondemand::value value, Log& log) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return bad("a log is not an object").value();
  LogParts parts;
  const auto error =
      for_each_field(object, [&](Key key, ondemand::value field) { read_log_field(key, field, log, parts); });
  if (error) return not_json(error).value();
  if (!parts.number) return bad("a log without a valid blockNumber").value();
  if (!parts.index || *parts.index > UINT32_MAX) {
    return bad(fmt::format("a log of block {} without a valid logIndex", *parts.number)).value();
  }
  log.block_number = *parts.number;
  log.log_index = static_cast<std::uint32_t>(*parts.index);
  const char* missing = !parts.address       ? "address"
                        : !parts.block_hash  ? "blockHash"
                        : !parts.transaction ? "transactionHash"
                        : parts.removed      ? "state: it is marked as removed"
                        : !parts.topics      ? "list of topics"
                        : !parts.data        ? "data"
                        : !parts.time        ? "blockTimestamp"
                                             : nullptr;
  if (missing == nullptr) return std::nullopt;
  return bad(fmt::format("log {} of block {} without a valid {}", log.log_index, log.block_number, missing)).value();
}

Fetch<Value> parse_logs(ondemand::value value, std::size_t logs_expected) {
  ondemand::array items;
  if (value.get_array().get(items) != simdjson::SUCCESS) return bad("eth_getLogs did not give a list");
  std::vector<Log> logs;
  logs.reserve(logs_expected);
  for (auto item : items) {
    ondemand::value log;
    if (const auto error = std::move(item).get(log)) return not_json(error);
    if (auto wrong = parse_log(log, logs.emplace_back())) return tl::make_unexpected(std::move(*wrong));
  }
  return Value(std::move(logs));
}

Fetch<Value> parse_result(ondemand::value result, const Call& call, std::size_t logs_expected) {
  if (call.want == Want::header) return parse_header(result);
  if (call.want == Want::logs) return parse_logs(result, logs_expected);
  if (call.want == Want::json) {
    std::string_view raw;
    if (is_null(result)) return bad(call.method + " gave null");
    if (const auto error = simdjson::to_json_string(result).get(raw)) return not_json(error);
    return Value(RawJson{std::string(raw)});
  }
  const auto text = raw_text(result);
  switch (call.want) {
    case Want::quantity: {
      const auto number = text ? parse_quantity(*text) : std::nullopt;
      if (!number) return bad(call.method + " did not give a number");
      return Value(*number);
    }
    case Want::has_code:
      if (!text || !text->starts_with("0x")) return bad(call.method + " did not give bytes");
      return Value(text->size() > 2);
    case Want::text:
      if (!text) return bad(call.method + " did not give a text");
      return Value(std::string(*text));
    case Want::bytes: {
      CallResult called;
      if (!text || !parse_bytes(*text, called.bytes)) return bad(call.method + " did not give bytes");
      return Value(std::move(called));
    }
    case Want::header:
    case Want::json:
    case Want::logs: break;
  }
  return bad("unknown kind of call");
}

/// A node's error as it says it; what is missing or of another type is the default.
struct ErrorParts {
  std::int64_t code = 0;
  std::string message = "(no message)";
  std::string data;  ///< Infura and others put the range that would do here, Nethermind that a call was reverted
};

Fetch<ErrorParts> read_error(ondemand::value error) {
  ondemand::object object;
  if (error.get_object().get(object) != simdjson::SUCCESS) return bad("the error is not an object");
  ErrorParts parts;
  const auto broken = for_each_field(object, [&](Key key, ondemand::value field) {
    std::string_view text;
    if (key == "code") std::ignore = field.get_int64().get(parts.code);
    if (key == "message" && field.get_string().get(text) == simdjson::SUCCESS) parts.message = text;
    if (key == "data" && field.get_string().get(text) == simdjson::SUCCESS) parts.data = text;
  });
  if (broken) return not_json(broken);
  return parts;
}

Fault fault_of(const ErrorParts& error, Want want) {
  return classify_error(error.code, error.data.empty() ? error.message : error.message + " " + error.data, want);
}

Fault parse_error(ondemand::value error, Want want) {
  const auto parts = read_error(error);
  return parts ? fault_of(*parts, want) : parts.error();
}

/// Whether the call ran and failed, by the contract's own doing. Code 3 is geth's; others only say it.
bool is_revert(const ErrorParts& error) {
  if (error.code == 3) return true;
  constexpr std::array<std::string_view, 6> kWords = {"revert",     "Revert",       "invalid opcode",
                                                      "out of gas", "invalid jump", "stack underflow"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return error.message.find(word) != std::string::npos || error.data.find(word) != std::string::npos;
  });
}

/// The answer to an eth_call that did not succeed.
Fetch<Value> parse_call_error(ondemand::value error) {
  const auto parts = read_error(error);
  if (!parts) return tl::make_unexpected(parts.error());
  if (is_revert(*parts)) return Value(CallResult{.reverted = true, .bytes = {}});
  return tl::make_unexpected(fault_of(*parts, Want::bytes));
}

/// Looks for a field wherever it stands, and begins anew behind it. A reader of broken text must not be used again:
/// then the error is returned, and `f` is not called.
template <class F>
simdjson::error_code look_up(ondemand::object& object, std::string_view key, F&& f) {
  ondemand::value value;
  const auto error = object.find_field_unordered(key).get(value);
  if (error && error != simdjson::NO_SUCH_FIELD) return error;
  if (!error) f(value);
  return object.reset().error();
}

simdjson::error_code find_id(ondemand::object& answer, std::optional<std::uint64_t>& id) {
  return look_up(answer, "id", [&](ondemand::value value) {
    std::uint64_t number = 0;
    if (value.get_uint64().get(number) == simdjson::SUCCESS) id = number;
  });
}

Fetch<Value> parse_answer(ondemand::object answer, const Call& call, std::size_t logs_expected) {
  std::optional<Fetch<Value>> value;
  const auto broken = for_each_field(answer, [&](Key key, ondemand::value field) {
    if (key == "result" && !value) value = parse_result(field, call, logs_expected);
    if (key == "error" && !is_null(field)) {
      value = call.want == Want::bytes ? parse_call_error(field)
                                       : Fetch<Value>(tl::make_unexpected(parse_error(field, call.want)));
    }
  });
  if (broken) return not_json(broken);
  if (!value) return bad(call.method + ": neither result nor error");
  if (!*value && value->error().kind == FaultKind::bad_reply) {
    value->error().text = call.method + ": " + value->error().text;
  }
  return std::move(*value);
}

/// One reply being read: which call each answer belongs to.
class Answers {
 public:
  Answers(std::size_t bytes, std::span<const Call> calls, std::uint64_t first_id)
      : calls_(calls),
        first_id_(first_id),
        logs_expected_(bytes / (kLogBytes * std::max<std::size_t>(calls.size(), 1))),
        values_(calls.size(), bad("no answer")),
        answered_(calls.size()) {}

  [[nodiscard]] std::optional<Fault> take(ondemand::object answer) {
    std::optional<std::uint64_t> id;
    if (const auto error = find_id(answer, id)) return not_json(error).value();
    std::uint64_t index = id.value_or(first_id_ - 1) - first_id_;
    if (!id && calls_.size() == 1) {
      // A request the node could not read is answered with a null id; with one call it can only be that one.
      const auto error = look_up(answer, "error", [&](ondemand::value value) { index = is_null(value) ? index : 0; });
      if (error) return not_json(error).value();
    }
    if (index >= calls_.size()) return Fault{FaultKind::wrong_id, "an answer with an id that was not asked", {}};
    if (answered_[index]) return Fault{FaultKind::wrong_id, "two answers with the same id", {}};
    answered_[index] = true;
    values_[index] = parse_answer(answer, calls_[index], logs_expected_);
    if (!values_[index] && values_[index].error().kind == FaultKind::not_json) return values_[index].error();
    return std::nullopt;
  }

  [[nodiscard]] Fetch<std::vector<Fetch<Value>>> finish() {
    const auto missing = std::count(answered_.begin(), answered_.end(), false);
    if (missing > 0) return bad(fmt::format("{} of {} answers are missing", missing, calls_.size()));
    return std::move(values_);
  }

 private:
  std::span<const Call> calls_;
  std::uint64_t first_id_;
  std::size_t logs_expected_;  ///< in one answer, to make room once
  std::vector<Fetch<Value>> values_;
  std::vector<bool> answered_;
};

/// The parser keeps its index of a reply's structure for the next one, but not that of an unusually large one.
ondemand::parser& parser_for(std::size_t size) {
  constexpr std::size_t kKept = 8u << 20;
  thread_local ondemand::parser parser;
  if (parser.capacity() > kKept && size <= kKept) parser = ondemand::parser();
  return parser;
}

}  // namespace

Call chain_id() {
  return {Want::quantity, "eth_chainId", "[]"};
}
Call header_by_number(std::uint64_t number) {
  return {Want::header, "eth_getBlockByNumber", fmt::format(R"(["{}",false])", hex_quantity(number))};
}
Call header_by_tag(std::string_view tag) {
  return {Want::header, "eth_getBlockByNumber", fmt::format(R"(["{}",false])", tag)};
}
Call seal_of_block(const Hash32& block) {
  return {Want::json, "eth_getBlockByHash", fmt::format(R"(["{}",false])", hex0x_of(block))};
}
Call receipts_of_block(const Hash32& block) {
  return {Want::json, "eth_getBlockReceipts", fmt::format(R"(["{}"])", hex0x_of(block))};
}
Call receipt_of(const Hash32& transaction) {
  return {Want::json, "eth_getTransactionReceipt", fmt::format(R"(["{}"])", hex0x_of(transaction))};
}
Call has_code(const Address& address) {
  return {Want::has_code, "eth_getCode", fmt::format(R"(["{}","latest"])", hex0x_of(address))};
}
Call subscribe_heads() {
  return {Want::text, "eth_subscribe", R"(["newHeads"])"};
}
Call call_contract(const Address& contract, std::span<const std::uint8_t> data, const Hash32& block) {
  return {Want::bytes, "eth_call",
          fmt::format(R"([{{"to":"{}","data":"{}"}},{{"blockHash":"{}"}}])", hex0x_of(contract), hex0x_of(data),
                      hex0x_of(block))};
}
Call logs_of_block(const LogFilter& filter, const Hash32& block) {
  return {Want::logs, "eth_getLogs",
          fmt::format(R"([{{"blockHash":"{}"{}}}])", hex0x_of(block), filter_fields(filter))};
}
Call logs_of_range(const LogFilter& filter, std::uint64_t from, std::uint64_t to) {
  return {Want::logs, "eth_getLogs",
          fmt::format(R"([{{"fromBlock":"{}","toBlock":"{}"{}}}])", hex_quantity(from), hex_quantity(to),
                      filter_fields(filter))};
}

std::string encode(std::span<const Call> calls, std::uint64_t first_id) {
  std::string text = calls.size() == 1 ? "" : "[";
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) text += ',';
    text += fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}})", first_id + i, calls[i].method,
                        calls[i].params);
  }
  if (calls.size() != 1) text += ']';
  return text;
}

Fetch<std::vector<Fetch<Value>>> parse_replies(std::string body, std::span<const Call> calls, std::uint64_t first_id) {
  auto plain = read_plain_logs(body, calls, first_id);
  if (!plain) return parse_any_replies(std::move(body), calls, first_id);
  std::vector<Fetch<Value>> values;
  values.reserve(plain->size());
  for (std::vector<Log>& logs : *plain) values.push_back(Value(std::move(logs)));
  return values;
}

Fetch<std::vector<Fetch<Value>>> parse_any_replies(std::string body, std::span<const Call> calls,
                                                   std::uint64_t first_id) {
  const auto broken = [&](simdjson::error_code error) {
    return fault(FaultKind::not_json, fmt::format("the reply is not JSON ({}): {}", simdjson::error_message(error),
                                                  shown(std::string_view(body).substr(0, 80))));
  };
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  ondemand::document document;
  if (const auto error = parser_for(body.size()).iterate(padded).get(document)) return broken(error);
  ondemand::json_type type{};
  if (const auto error = document.type().get(type)) return broken(error);

  Answers answers(body.size(), calls, first_id);
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return broken(error);
    if (calls.size() > 1) {
      ondemand::value whole;
      if (object.find_field_unordered("error").get(whole) != simdjson::SUCCESS) {
        return bad("one answer to a batch of " + std::to_string(calls.size()));
      }
      return tl::make_unexpected(parse_error(whole, Want::text));
    }
    if (auto wrong = answers.take(object)) return tl::make_unexpected(std::move(*wrong));
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (const auto error = document.get_array().get(array)) return broken(error);
    if (calls.size() == 1) return bad("the reply is not an object");
    for (auto item : array) {
      ondemand::object object;
      const auto error = item.get_object().get(object);
      if (error == simdjson::INCORRECT_TYPE) return bad("an answer is not an object");
      if (error) return broken(error);
      if (auto wrong = answers.take(object)) return tl::make_unexpected(std::move(*wrong));
    }
  } else {
    return bad(calls.size() == 1 ? "the reply is not an object" : "the reply to a batch is not a list");
  }
  // Behind the last value nothing may be left: the location is then out of bounds.
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return broken(simdjson::TRAILING_CONTENT);
  return answers.finish();
}

Fetch<WsMessage> parse_ws_message(std::string_view body) {
  const simdjson::padded_string padded(body);
  ondemand::document document;
  ondemand::object object;
  if (const auto error = parser_for(body.size()).iterate(padded).get(document)) return not_json(error);
  if (const auto error = document.get_object().get(object)) {
    return error == simdjson::INCORRECT_TYPE ? bad("the message is not an object") : not_json(error);
  }
  WsMessage message;
  if (const auto error = find_id(object, message.id)) return not_json(error);
  std::optional<Fault> refused;
  bool has_head = false;
  const auto broken = for_each_field(object, [&](Key key, ondemand::value field) {
    if (key == "error" && !is_null(field)) refused = parse_error(field, Want::text);
    if (key == "result") {
      if (const auto text = raw_text(field)) message.result = std::string(*text);
    }
    if (key == "params") {
      ondemand::value number;
      has_head = field["result"]["number"].get(number) == simdjson::SUCCESS;
      if (has_head) message.head = quantity(number);
    }
  });
  if (broken) return not_json(broken);
  if (refused) return tl::make_unexpected(std::move(*refused));
  if (message.id) return message;
  if (!has_head) return bad("neither an answer nor a notification with a head");
  if (!message.head) return bad("a head without a valid number");
  return message;
}

}  // namespace homeostat::sources::rpc
