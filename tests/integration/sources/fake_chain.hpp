// A chain in memory that answers JSON-RPC and can misbehave on purpose. Every block holds one Tip of its number.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/sources/settings.hpp"

namespace homeostat::test {

class FakeChain {
 public:
  /// Blocks 0..head of branch 'a'.
  explicit FakeChain(std::uint64_t head);

  /// Replaces the blocks above `ancestor` up to `head` by those of another branch.
  void reorg(std::uint64_t ancestor, std::uint64_t head, char branch);
  void mine(std::uint64_t blocks);
  [[nodiscard]] std::uint64_t head() const { return branches_.size() - 1; }

  /// Answers an object or a batch.
  [[nodiscard]] std::string answer(const std::string& body);

  static sources::Address contract();

  std::uint64_t chain_id = 1;
  std::uint64_t range_max = UINT64_MAX;  ///< wider eth_getLogs are refused with `too_wide_text`
  std::string too_wide_text = "query returned more than 10000 results";
  bool hide_logs = false;         ///< success and an empty list, bloom filters as they are
  bool wrong_block_hash = false;  ///< in logs
  bool duplicate_logs = false;
  bool no_batches = false;
  std::map<std::string, std::uint64_t> calls;  ///< by method
  std::uint64_t widest_range = 0;              ///< ever asked for

 private:
  std::string answer_one(const void* request);
  [[nodiscard]] std::string hash(std::uint64_t number) const;
  [[nodiscard]] std::string header(std::uint64_t number) const;
  [[nodiscard]] std::string logs(std::uint64_t from, std::uint64_t to) const;

  std::vector<char> branches_;  ///< of each block
};

}  // namespace homeostat::test
