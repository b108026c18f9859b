#include "daemon/sources/rpc.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources::rpc {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kTimeMax_s = 253402300799;  // the end of year 9999
constexpr std::size_t kParseDepthMax = 16;          // a reply needs 5

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

std::optional<std::string_view> text_field(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::uint64_t> quantity_field(const json::object& object, std::string_view key) {
  const auto text = text_field(object, key);
  return text ? parse_quantity(*text) : std::nullopt;
}

template <std::size_t N>
bool read_bytes(const json::object& object, std::string_view key, std::array<std::uint8_t, N>& out) {
  const auto text = text_field(object, key);
  return text && parse_fixed(*text, out);
}

Fetch<Value> parse_header(const json::value& value) {
  if (value.is_null()) return Value(std::optional<Header>());
  if (!value.is_object()) return bad("a block is neither an object nor null");
  const json::object& block = value.get_object();
  Header header;
  const auto number = quantity_field(block, "number");
  if (!number) return bad("a block without a valid number");
  header.number = *number;
  if (!read_bytes(block, "hash", header.hash)) return bad(fmt::format("block {} without a valid hash", *number));
  if (!read_bytes(block, "parentHash", header.parent))
    return bad(fmt::format("block {} without a valid parentHash", *number));
  const auto time = quantity_field(block, "timestamp");
  if (!time || *time > kTimeMax_s) return bad(fmt::format("block {} without a valid timestamp", *number));
  header.time_s = *time;
  if (block.if_contains("logsBloom") != nullptr && !read_bytes(block, "logsBloom", header.bloom)) {
    return bad(fmt::format("block {} with a malformed logsBloom", *number));
  }
  return Value(std::optional<Header>(header));
}

Fetch<Log> parse_log(const json::value& value) {
  if (!value.is_object()) return bad("a log is not an object");
  const json::object& object = value.get_object();
  Log log;
  const auto number = quantity_field(object, "blockNumber");
  const auto index = quantity_field(object, "logIndex");
  if (!number) return bad("a log without a valid blockNumber");
  if (!index || *index > UINT32_MAX) return bad(fmt::format("a log of block {} without a valid logIndex", *number));
  log.block_number = *number;
  log.log_index = static_cast<std::uint32_t>(*index);
  const auto missing = [&](std::string_view what) {
    return bad(fmt::format("log {} of block {} without a valid {}", log.log_index, log.block_number, what));
  };
  if (!read_bytes(object, "address", log.address)) return missing("address");
  if (!read_bytes(object, "blockHash", log.block_hash)) return missing("blockHash");
  if (!read_bytes(object, "transactionHash", log.transaction)) return missing("transactionHash");
  const json::value* removed = object.if_contains("removed");
  if (removed != nullptr && removed->is_bool() && removed->get_bool()) return missing("state: it is marked as removed");
  const json::value* topics = object.if_contains("topics");
  if (topics == nullptr || !topics->is_array() || topics->get_array().size() > 4) return missing("list of topics");
  for (const json::value& topic : topics->get_array()) {
    if (!topic.is_string() || !parse_fixed(topic.get_string(), log.topics[log.topic_count])) return missing("topic");
    ++log.topic_count;
  }
  const auto data = text_field(object, "data");
  auto bytes = data ? parse_bytes(*data) : std::nullopt;
  if (!bytes) return missing("data");
  log.data = std::move(*bytes);
  if (object.if_contains("blockTimestamp") != nullptr) {
    log.block_time_s = quantity_field(object, "blockTimestamp");
    if (log.block_time_s > kTimeMax_s) return missing("blockTimestamp");
  }
  return log;
}

Fetch<Value> parse_logs(const json::value& value) {
  if (!value.is_array()) return bad("eth_getLogs did not give a list");
  std::vector<Log> logs;
  logs.reserve(value.get_array().size());
  for (const json::value& item : value.get_array()) {
    auto log = parse_log(item);
    if (!log) return tl::make_unexpected(std::move(log.error()));
    logs.push_back(std::move(*log));
  }
  return Value(std::move(logs));
}

Fetch<Value> parse_result(const json::value& result, const Call& call) {
  const auto text = [&]() -> std::optional<std::string_view> {
    if (!result.is_string()) return std::nullopt;
    return std::string_view(result.get_string());
  }();
  switch (call.want) {
    case Want::header: return parse_header(result);
    case Want::logs: return parse_logs(result);
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
  }
  return bad("unknown kind of call");
}

Fault parse_error(const json::value& error, Want want) {
  if (!error.is_object()) return {FaultKind::bad_reply, "the error is not an object", {}};
  const json::object& object = error.get_object();
  const json::value* code = object.if_contains("code");
  std::string message(text_field(object, "message").value_or("(no message)"));
  // Infura and others put the range that would do beside the message.
  if (const json::value* data = object.if_contains("data"); data != nullptr && data->is_string()) {
    message += " " + std::string(data->get_string());
  }
  return classify_error(code != nullptr && code->is_int64() ? code->get_int64() : 0, message, want);
}

Fetch<Value> parse_answer(const json::object& answer, const Call& call) {
  const json::value* error = answer.if_contains("error");
  if (error != nullptr && !error->is_null()) return tl::make_unexpected(parse_error(*error, call.want));
  const json::value* result = answer.if_contains("result");
  if (result == nullptr) return bad(call.method + ": neither result nor error");
  auto value = parse_result(*result, call);
  if (!value) value.error().text = call.method + ": " + value.error().text;
  return value;
}

std::optional<std::uint64_t> id_of(const json::object& answer) {
  const json::value* id = answer.if_contains("id");
  if (id == nullptr) return std::nullopt;
  if (id->is_uint64()) return id->get_uint64();
  if (id->is_int64() && id->get_int64() >= 0) return static_cast<std::uint64_t>(id->get_int64());
  return std::nullopt;
}

json::value parse_text(std::string_view body, json::storage_ptr storage, json::error_code& error) {
  json::parse_options options;
  options.max_depth = kParseDepthMax;
  return json::parse(body, error, std::move(storage), options);
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
Call has_code(const Address& address) {
  return {Want::has_code, "eth_getCode", fmt::format(R"(["{}","latest"])", hex0x_of(address))};
}
Call subscribe_heads() {
  return {Want::text, "eth_subscribe", R"(["newHeads"])"};
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

Fetch<std::vector<Fetch<Value>>> parse_replies(std::string_view body, std::span<const Call> calls,
                                               std::uint64_t first_id) {
  json::monotonic_resource memory;
  json::error_code error;
  const json::value document = parse_text(body, &memory, error);
  if (error)
    return fault(FaultKind::not_json, "the reply is not JSON (" + error.message() + "): " + shown(body.substr(0, 80)));
  if (calls.size() == 1 && !document.is_object()) return bad("the reply is not an object");
  if (calls.size() > 1 && document.is_object()) {
    const json::value* whole = document.get_object().if_contains("error");
    if (whole == nullptr) return bad("one answer to a batch of " + std::to_string(calls.size()));
    return tl::make_unexpected(parse_error(*whole, Want::text));
  }
  if (calls.size() > 1 && !document.is_array()) return bad("the reply to a batch is not a list");

  std::vector<Fetch<Value>> values(calls.size(), bad("no answer"));
  std::vector<bool> answered(calls.size());
  const auto take = [&](const json::value& item) -> std::optional<Fault> {
    if (!item.is_object()) return Fault{FaultKind::bad_reply, "an answer is not an object", {}};
    const json::object& answer = item.get_object();
    const auto id = id_of(answer);
    const json::value* whole = answer.if_contains("error");
    // A request the node could not read is answered with a null id; with one call it can only be that one.
    const bool anonymous_error = !id && calls.size() == 1 && whole != nullptr && !whole->is_null();
    const std::uint64_t index = anonymous_error ? 0 : id.value_or(first_id - 1) - first_id;
    if (index >= calls.size()) return Fault{FaultKind::wrong_id, "an answer with an id that was not asked", {}};
    if (answered[index]) return Fault{FaultKind::wrong_id, "two answers with the same id", {}};
    answered[index] = true;
    values[index] = parse_answer(answer, calls[index]);
    return std::nullopt;
  };
  if (document.is_object()) {
    if (auto wrong = take(document)) return tl::make_unexpected(std::move(*wrong));
  } else {
    for (const json::value& item : document.get_array()) {
      if (auto wrong = take(item)) return tl::make_unexpected(std::move(*wrong));
    }
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!answered[i]) return bad(fmt::format("{} of {} answers are missing", calls.size() - i, calls.size()));
  }
  return values;
}

Fetch<WsMessage> parse_ws_message(std::string_view body) {
  json::monotonic_resource memory;
  json::error_code error;
  const json::value document = parse_text(body, &memory, error);
  if (error) return fault(FaultKind::not_json, "the message is not JSON (" + error.message() + ")");
  if (!document.is_object()) return bad("the message is not an object");
  const json::object& object = document.get_object();
  WsMessage message;
  if (const json::value* failed = object.if_contains("error"); failed != nullptr && !failed->is_null()) {
    return tl::make_unexpected(parse_error(*failed, Want::text));
  }
  message.id = id_of(object);
  if (const auto result = text_field(object, "result")) message.result = std::string(*result);
  if (message.id) return message;
  const json::value* params = object.if_contains("params");
  if (params == nullptr || !params->is_object()) return bad("neither an answer nor a notification");
  const json::value* head = params->get_object().if_contains("result");
  if (head == nullptr || !head->is_object()) return bad("a notification without a head");
  message.head = quantity_field(head->get_object(), "number");
  if (!message.head) return bad("a head without a valid number");
  return message;
}

}  // namespace homeostat::sources::rpc
