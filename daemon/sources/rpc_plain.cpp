#include "daemon/sources/rpc_plain.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "daemon/sources/hex.hpp"

namespace homeostat::sources::rpc {
namespace {

/// Fields of a log, as a set.
enum Field : unsigned {
  kNone = 0,
  kAddress = 1,
  kTopics = 2,
  kData = 4,
  kNumber = 8,
  kBlockHash = 16,
  kTransaction = 32,
  kIndex = 64,
  kTime = 128,
  kTransactionIndex = 256,
  kRemoved = 512,
};
constexpr unsigned kRequired = kAddress | kTopics | kData | kNumber | kBlockHash | kTransaction | kIndex;

class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  template <std::size_t N>
  bool take(const char (&literal)[N]) {
    constexpr std::size_t size = N - 1;
    if (left() < size || std::memcmp(at_, literal, size) != 0) return false;
    at_ += size;
    return true;
  }
  bool take(std::string_view text) {
    if (left() < text.size() || std::memcmp(at_, text.data(), text.size()) != 0) return false;
    at_ += text.size();
    return true;
  }
  /// Only white space is left.
  bool is_over() const {
    return std::all_of(at_, end_, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
  }

  bool logs(std::vector<Log>& out) {
    if (!take("[")) return false;
    if (take("]")) return true;
    do {
      if (!log(out.emplace_back())) return false;
    } while (take(","));
    return take("]");
  }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  bool log(Log& log) {
    if (!take("{")) return false;
    unsigned seen = 0;
    do {
      const unsigned found = field(log);
      if (found == kNone || (seen & found) != 0) return false;
      seen |= found;
    } while (take(","));
    return take("}") && (seen & kRequired) == kRequired;
  }

  Field field(Log& log) {
    if (left() < 2) return kNone;
    switch (at_[1]) {
      case 'a': return take("\"address\":\"0x") && fixed(log.address) ? kAddress : kNone;
      case 't':
        if (take("\"topics\":[")) return topics(log) ? kTopics : kNone;
        if (take("\"transactionHash\":\"0x")) return fixed(log.transaction) ? kTransaction : kNone;
        return take("\"transactionIndex\":\"0x") && quantity() ? kTransactionIndex : kNone;
      case 'd': return take("\"data\":\"0x") && bytes(log.data) ? kData : kNone;
      case 'b':
        if (take("\"blockHash\":\"0x")) return fixed(log.block_hash) ? kBlockHash : kNone;
        if (take("\"blockNumber\":\"0x")) return number(log.block_number, UINT64_MAX) ? kNumber : kNone;
        if (!take("\"blockTimestamp\":\"0x") || !number(log.block_time_s.emplace(), kTimeMax_s)) return kNone;
        return kTime;
      case 'l': {
        std::uint64_t index = 0;
        if (!take("\"logIndex\":\"0x") || !number(index, UINT32_MAX)) return kNone;
        log.log_index = static_cast<std::uint32_t>(index);
        return kIndex;
      }
      case 'r': return take("\"removed\":false") ? kRemoved : kNone;
      default: return kNone;
    }
  }

  template <std::size_t N>
  bool fixed(std::array<std::uint8_t, N>& out) {
    if (left() < 2 * N + 1 || at_[2 * N] != '"' || !decode_digits(at_, 2 * N, out.data())) return false;
    at_ += 2 * N + 1;
    return true;
  }

  bool topics(Log& log) {
    if (take("]")) return true;
    do {
      if (log.topic_count == log.topics.size() || !take("\"0x") || !fixed(log.topics[log.topic_count++])) return false;
    } while (take(","));
    return take("]");
  }

  template <class Bytes>
  bool bytes(Bytes& out) {
    const void* quote = std::memchr(at_, '"', left());
    if (quote == nullptr) return false;
    const auto digits = static_cast<std::size_t>(static_cast<const char*>(quote) - at_);
    if (digits % 2 != 0) return false;
    out.resize(digits / 2, boost::container::default_init);
    if (!decode_digits(at_, digits, out.data())) return false;
    at_ += digits + 1;
    return true;
  }

  std::optional<std::uint64_t> quantity() {
    constexpr int kDigitsMax = 16;
    std::uint64_t value = 0;
    for (int i = 0; i <= kDigitsMax && at_ != end_; ++i) {
      const unsigned char c = static_cast<unsigned char>(*at_++);
      if (c == '"') return i == 0 ? std::nullopt : std::optional(value);
      const unsigned digit = c - '0';
      const unsigned letter = (c | 0x20u) - 'a';
      if (digit > 9 && letter > 5) return std::nullopt;
      value = value << 4 | (digit <= 9 ? digit : letter + 10);
    }
    return std::nullopt;
  }
  bool number(std::uint64_t& out, std::uint64_t max) {
    const auto value = quantity();
    out = value.value_or(0);
    return value && *value <= max;
  }

  const char* at_;
  const char* end_;
};

/// `{"jsonrpc":"2.0","id":1,"result":[...]}`, in whichever order.
bool read_answer(PlainReader& reader, std::uint64_t id, std::vector<Log>& logs) {
  if (!reader.take("{")) return false;
  enum : unsigned { kVersion = 1, kId = 2, kResult = 4 };
  unsigned seen = 0;
  const fmt::format_int wanted(id);
  do {
    unsigned found = 0;
    if (reader.take("\"jsonrpc\":\"2.0\"")) {
      found = kVersion;
    } else if (reader.take("\"id\":")) {
      // A longer number only begins alike: then no comma follows, and this is not plain.
      found = reader.take(std::string_view(wanted.data(), wanted.size())) ? +kId : 0u;
    } else if (reader.take("\"result\":")) {
      found = reader.logs(logs) ? +kResult : 0u;
    }
    if (found == 0 || (seen & found) != 0) return false;
    seen |= found;
  } while (reader.take(","));
  return reader.take("}") && (seen & (kId | kResult)) == (kId | kResult);
}

}  // namespace

std::optional<std::vector<std::vector<Log>>> read_plain_logs(std::string_view body, std::span<const Call> calls,
                                                             std::uint64_t first_id) {
  if (calls.empty() || !std::ranges::all_of(calls, [](const Call& call) { return call.want == Want::logs; })) {
    return std::nullopt;
  }
  const bool is_batch = calls.size() > 1;
  PlainReader reader(body);
  if (is_batch && !reader.take("[")) return std::nullopt;
  std::vector<std::vector<Log>> all(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0 && !reader.take(",")) return std::nullopt;
    all[i].reserve(body.size() / (kLogBytes * calls.size()));
    if (!read_answer(reader, first_id + i, all[i])) return std::nullopt;
  }
  if ((is_batch && !reader.take("]")) || !reader.is_over()) return std::nullopt;
  return all;
}

}  // namespace homeostat::sources::rpc
