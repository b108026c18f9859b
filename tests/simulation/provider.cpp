#include "tests/simulation/provider.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::simulation {

using sources::Fault;
using sources::FaultKind;
using sources::hex_quantity;

namespace {

constexpr std::size_t kViewsKept = 12;

constexpr std::array<WayFacts, kWayCount> kWays = {{
    {"honest"},
    {"refuses_connections"},
    {"never_answers"},
    {"answers_slowly"},
    {"http_503"},
    {"http_429"},
    {"http_429_in_json"},
    {"truncates_json"},
    {"html_instead_of_json"},
    {"wrong_ids"},
    {"answers_twice"},
    {"loses_answers"},
    {"internal_errors"},
    {"null_blocks"},
    {"null_latest"},
    {"too_many_results"},
    {"frozen"},
    {"lags"},
    {"equivocates"},
    {"wrong_chain"},
    {"empty_logs"},
    {"log_wrong_hash"},
    {"log_wrong_number"},
    {"log_twice"},
    {"log_removed"},
    {"header_wrong_number"},
    {"header_wrong_parent"},
    {"header_time_runs_back"},
    {"header_from_the_future"},
    {"finalized_above_head"},
    {"empty_logs_in_ranges", true},
    {"partial_logs", true},
    {"forged_amounts", true},
    {"forged_branch", true},
    {"finalized_too_early", true},
}};

std::string_view field(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + key.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

std::string error(int code, std::string_view message, std::string_view data = {}) {
  return data.empty() ? fmt::format(R"("error":{{"code":{},"message":"{}"}})", code, message)
                      : fmt::format(R"("error":{{"code":{},"message":"{}","data":"{}"}})", code, message, data);
}

Hash32 derived_hash(std::uint64_t a, std::uint64_t b) {
  return sources::keccak256(fmt::format("{} {}", a, b));
}

std::string header_json(const ModelBlock& block, const Hash32& parent) {
  return fmt::format(R"({{"number":"{}","hash":"{}","parentHash":"{}","timestamp":"{}","logsBloom":"{}"}})",
                     hex_quantity(block.number), hex0x_of(block.hash), hex0x_of(parent), hex_quantity(block.time_s),
                     hex0x_of(block.bloom));
}

}  // namespace

const WayFacts& facts_of(Way way) {
  return kWays[static_cast<std::size_t>(way)];
}

Provider::Provider(const ModelChain& chain, std::uint64_t chain_id, Character character, std::uint64_t seed)
    : chain_(chain), chain_id_(chain_id), character_(character), random_(seed), views_(1) {}

void Provider::see(const View& view) {
  if (way_ == Way::frozen) return;
  views_.push_back(view);
  if (views_.size() > kViewsKept) views_.erase(views_.begin());
  known_ = std::max(known_, view.head);
}

void Provider::behave(Way way) {
  way_ = way;
  constexpr std::array kOften = {1.0, 1.0, 0.5, 0.1};
  often_ = kOften[random_.below(kOften.size())];
  dialect_ = random_.next_u64();
}

View Provider::view_to_serve() {
  if (way_ == Way::lags) return views_.front();
  if (way_ == Way::equivocates && now_and_then()) return views_[random_.below(views_.size())];
  return views_.back();
}

std::vector<Provider::Asked> Provider::parse(std::string_view request) {
  // As rpc::encode writes them.
  std::vector<Asked> asked;
  constexpr std::string_view kId = R"("id":)";
  constexpr std::string_view kParams = R"("params":)";
  for (std::size_t at = request.find(kId); at != std::string_view::npos; at = request.find(kId, at)) {
    at += kId.size();
    const std::size_t params = request.find(kParams, at) + kParams.size();
    const std::size_t next = request.find(R"({"jsonrpc")", params);
    const std::string_view rest = request.substr(at);
    asked.push_back({rest.substr(0, rest.find(',')), field(rest, R"("method":")"),
                     request.substr(params, next == std::string_view::npos ? next : next - params)});
    at = params;
  }
  return asked;
}

Answer Provider::answer(std::string_view request) {
  const std::vector<Asked> asked = parse(request);
  HOMEOSTAT_CHECK(!asked.empty());
  exchanges += 1;
  calls += asked.size();
  Answer answer;
  const double times = random_.uniform(0.5, kLatencyMost);
  answer.after = Duration{static_cast<std::int64_t>(static_cast<double>(character_.latency.ns) * times)};
  sources::HttpReply reply{200, ""};
  const bool batch = request.front() == '[';
  const auto whole = [&](std::string error_text) {
    reply.body = fmt::format(R"({{"jsonrpc":"2.0","id":null,{}}})", error_text);
    answer.reply = reply;
    return answer;
  };
  const bool misbehaves = way_ != Way::honest && now_and_then();
  // A look begins with the chain id; alone, where nothing is batched, the chain id also ends a search for the fork.
  const bool ends_search = asked.size() == 1 && asked_by_number_;
  turns += asked.front().method == "eth_chainId" && !ends_search ? 1 : 0;
  asked_by_number_ =
      asked.back().method == "eth_getBlockByNumber" && field(asked.back().params, "[\"").starts_with("0x");
  if (misbehaves) {
    switch (way_) {
      case Way::refuses_connections:
        answer.reply = tl::make_unexpected(Fault{FaultKind::transport, "connection refused", {}});
        return answer;
      case Way::never_answers: answer.never = true; return answer;
      case Way::answers_slowly:
        answer.after = Duration::milliseconds(static_cast<std::int64_t>(500 + random_.below(15'000)));
        break;
      case Way::http_503: answer.reply = sources::HttpReply{503, "no upstream"}; return answer;
      case Way::http_429: answer.reply = sources::HttpReply{429, ""}; return answer;
      case Way::http_429_in_json: return whole(error(-32005, "daily request count exceeded, request rate limited"));
      case Way::html_instead_of_json:
        answer.reply = sources::HttpReply{200, "<html><body>maintenance</body></html>"};
        return answer;
      default: break;
    }
  }
  if (asked.size() > character_.batch_max) return whole(error(-32600, "batch too large"));
  const View view = view_to_serve();
  std::vector<std::string> answers;
  for (const Asked& one : asked) {
    const bool wrong_id = misbehaves && way_ == Way::wrong_ids;
    answers.push_back(
        fmt::format(R"({{"jsonrpc":"2.0","id":{}{},{}}})", one.id, wrong_id ? "7" : "", result_of(one, view)));
  }
  if (misbehaves && way_ == Way::answers_twice) answers.push_back(answers.front());
  if (misbehaves && way_ == Way::loses_answers)
    answers.erase(answers.begin() + static_cast<std::ptrdiff_t>(random_.below(answers.size())));
  reply.body = batch ? fmt::format("[{}]", fmt::join(answers, ",")) : answers.empty() ? "" : answers.front();
  if (misbehaves && way_ == Way::truncates_json) reply.body.resize(random_.below(reply.body.size()));
  answer.reply = std::move(reply);
  return answer;
}

std::string Provider::chain_id_text() const {
  return hex_quantity(way_ == Way::wrong_chain ? chain_id_ + 1 : chain_id_);
}

std::string Provider::head_notification() const {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"0x1","result":{}}}}})",
                     header_json(chain_.block(view().head), chain_.parent_hash(view().head)));
}

std::string Provider::result_of(const Asked& asked, const View& view) {
  if (way_ == Way::internal_errors && now_and_then()) return error(-32603, "internal error");
  if (asked.method == "eth_chainId") return fmt::format(R"("result":"{}")", chain_id_text());
  if (asked.method == "eth_getCode") return R"("result":"0x6001")";
  if (asked.method == "eth_getBlockByNumber") return header_by_number(asked.params, view);
  if (asked.method == "eth_getLogs") return logs(asked.params, view);
  return error(-32601, "the method does not exist");
}

std::string Provider::header(std::size_t at) {
  const ModelBlock& block = chain_.block(at);
  const Hash32 parent = chain_.parent_hash(at);
  if (way_ < Way::header_wrong_number || way_ > Way::header_from_the_future || !now_and_then()) {
    return header_json(block, parent);
  }
  ModelBlock wrong = block;
  if (way_ == Way::header_wrong_number) wrong.number += 1 + random_.below(3);
  if (way_ == Way::header_time_runs_back) wrong.time_s = chain_.block(block.parent).time_s - 1 - random_.below(1000);
  if (way_ == Way::header_from_the_future) wrong.time_s += 7200 + random_.below(1'000'000);
  return header_json(wrong, way_ == Way::header_wrong_parent ? derived_hash(random_.next_u64(), 0) : parent);
}

std::string Provider::forged_header(const View& view, std::uint64_t number) {
  const std::uint64_t fork =
      chain_.block(view.head).number - std::min<std::uint64_t>(chain_.block(view.head).number, dialect_ % 3 + 1);
  const std::size_t base = chain_.ancestor(view.head, std::min(number, fork));
  if (number <= fork) return header(base);
  ModelBlock forged;
  forged.number = number;
  forged.hash = derived_hash(dialect_, number);
  forged.time_s = chain_.block(view.head).time_s;
  return header_json(forged, number == fork + 1 ? chain_.block(base).hash : derived_hash(dialect_, number - 1));
}

std::string Provider::header_by_number(std::string_view params, const View& view) {
  const std::string_view which = field(params, "[\"");
  const std::uint64_t head = chain_.block(view.head).number;
  std::uint64_t number = 0;
  if (which == "latest") {
    if (way_ == Way::null_latest && now_and_then()) return R"("result":null)";
    number = head;
  } else if (which == "safe" || which == "finalized") {
    if (!character_.knows_finality) return error(-32602, "unknown block tag");
    number = which == "safe" ? view.safe : view.finalized;
    if (way_ == Way::finalized_too_early && now_and_then()) number = head;
    if (way_ == Way::finalized_above_head && now_and_then()) {
      ModelBlock above;
      above.number = head + 1 + random_.below(20);
      above.hash = derived_hash(dialect_, above.number);
      above.time_s = chain_.block(view.head).time_s;
      return "\"result\":" + header_json(above, derived_hash(dialect_, above.number - 1));
    }
  } else {
    const auto parsed = sources::parse_quantity(which);
    HOMEOSTAT_CHECK(parsed.has_value());
    number = *parsed;
    if (way_ == Way::null_blocks && now_and_then()) return R"("result":null)";
  }
  if (number > head) return R"("result":null)";
  if (way_ == Way::wrong_chain) {
    ModelBlock foreign;
    foreign.number = number;
    foreign.hash = derived_hash(chain_id_ + 1, number);
    foreign.time_s = chain_.block(chain_.ancestor(view.head, number)).time_s;
    return "\"result\":" + header_json(foreign, derived_hash(chain_id_ + 1, number - 1));
  }
  // A wrong number under a tag is finality claimed too early: another lie.
  if (which == "safe" || which == "finalized") {
    const std::size_t at = chain_.ancestor(view.head, number);
    return "\"result\":" + header_json(chain_.block(at), chain_.parent_hash(at));
  }
  if (way_ == Way::forged_branch) return "\"result\":" + forged_header(view, number);
  return "\"result\":" + header(chain_.ancestor(view.head, number));
}

void Provider::append_logs(std::string& out, std::size_t at, std::string_view filter, std::uint64_t& count,
                           bool in_range) {
  const ModelBlock& block = chain_.block(at);
  const bool unfiltered = filter.find("\"address\"") == std::string_view::npos;
  std::vector<const ModelLog*> matching;
  for (const ModelLog& log : block.logs) {
    const auto asked = [&](const auto& bytes) { return filter.find(hex0x_of(bytes)) != std::string_view::npos; };
    if (unfiltered || (asked(log.address) && asked(log.topics.front()))) matching.push_back(&log);
  }
  if (matching.empty()) return;
  if (way_ == Way::empty_logs && now_and_then()) return;
  if (way_ == Way::empty_logs_in_ranges && in_range && now_and_then()) return;
  if (way_ == Way::partial_logs && matching.size() > 1 && now_and_then()) matching.erase(matching.begin());
  if (way_ == Way::log_twice && now_and_then()) matching.push_back(matching.front());
  if (character_.shuffles_logs) {
    for (std::size_t i = matching.size(); i > 1; --i) std::swap(matching[i - 1], matching[random_.below(i)]);
  }
  for (const ModelLog* log : matching) {
    // In a range whose logs carry their times no header is read, so that one provider alone can lie about the block.
    const bool unseen = in_range && character_.tells_block_times && way_ <= Way::log_wrong_number;
    const bool wrong = way_ >= Way::log_wrong_hash && way_ <= Way::log_removed && !unseen && now_and_then();
    const bool forged = way_ == Way::forged_amounts && now_and_then();
    if (!out.empty()) out += ',';
    out +=
        fmt::format(R"({{"address":"{}","topics":["{}","{}"],"data":"{}","blockNumber":"{}","blockHash":"{}",)"
                    R"("transactionHash":"{}","logIndex":"{}","removed":{})",
                    hex0x_of(log->address), hex0x_of(log->topics[0]), hex0x_of(log->topics[1]),
                    forged ? fmt::format("0x{:064x}", log->amount + 1) : log->data,
                    hex_quantity(block.number + (wrong && way_ == Way::log_wrong_number ? 1 : 0)),
                    hex0x_of(wrong && way_ == Way::log_wrong_hash ? derived_hash(dialect_, block.number) : block.hash),
                    hex0x_of(log->transaction), hex_quantity(log->index), wrong && way_ == Way::log_removed);
    if (character_.tells_block_times) out += fmt::format(R"(,"blockTimestamp":"{}")", hex_quantity(block.time_s));
    out += '}';
    ++count;
  }
}

std::string Provider::too_many(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t half = from + (to - from) / 2;
  const std::uint64_t width = to - from + 1;
  switch (dialect_ % 9) {
    case 0: return error(-32005, "query returned more than 10000 results");
    case 1:
      return error(-32005, "query returned more than 10000 results",
                   fmt::format("Try with this block range [{}, {}]", hex_quantity(from), hex_quantity(half)));
    case 2:
      return error(
          -32602,
          fmt::format("Log response size exceeded. Based on your parameters, this block range should work: [{}, {}]",
                      hex_quantity(from), hex_quantity(half)));
    case 3:
      return error(-32614, fmt::format("eth_getLogs is limited to a {} range", std::max<std::uint64_t>(width / 3, 1)));
    case 4: return error(-32701, "block range is too wide");
    case 5: return error(35, "ranges over 10000 blocks are not supported on freetier");
    // Hints that must not be followed: the very range refused, a larger one, none at all.
    case 6:
      return error(-32602, fmt::format("this block range should work: [{}, {}]. Log response size exceeded",
                                       hex_quantity(from), hex_quantity(to)));
    case 7: return error(-32614, fmt::format("eth_getLogs is limited to a {} range", width * 2));
    default: return error(-32614, "eth_getLogs is limited to a 0 range");
  }
}

std::string Provider::logs(std::string_view params, const View& view) {
  std::string out;
  std::uint64_t count = 0;
  if (const auto hash_text = field(params, R"("blockHash":")"); !hash_text.empty()) {
    const auto hash = sources::parse_array<32>(hash_text);
    HOMEOSTAT_CHECK(hash.has_value());
    const auto at = chain_.find(*hash);
    bool known = at && *at <= known_;
    if (known && way_ == Way::equivocates) {
      const std::uint64_t number = chain_.block(*at).number;
      known = number <= chain_.block(view.head).number && chain_.ancestor(view.head, number) == *at;
    }
    if (!known)
      return character_.empty_for_unknown || way_ == Way::forged_branch ? R"("result":[])"
                                                                        : error(-32000, "unknown block");
    append_logs(out, *at, params, count, false);
    return fmt::format(R"("result":[{}])", out);
  }
  const auto from = sources::parse_quantity(field(params, R"("fromBlock":")"));
  const auto to = sources::parse_quantity(field(params, R"("toBlock":")"));
  HOMEOSTAT_CHECK(from && to && *from <= *to);
  const bool too_wide = *to - *from + 1 > character_.range_max;
  if (too_wide || (way_ == Way::too_many_results && *to > *from && now_and_then())) return too_many(*from, *to);
  const std::uint64_t head = chain_.block(view.head).number;
  std::vector<std::size_t> path;
  if (*from <= head) {
    for (std::size_t at = chain_.ancestor(view.head, std::min(*to, head));; at = chain_.block(at).parent) {
      path.push_back(at);
      if (chain_.block(at).number == *from) break;
    }
  }
  for (auto at = path.rbegin(); at != path.rend(); ++at) append_logs(out, *at, params, count, true);
  if (count > character_.results_max && *to > *from) return too_many(*from, *to);
  return fmt::format(R"("result":[{}])", out);
}

}  // namespace homeostat::simulation
