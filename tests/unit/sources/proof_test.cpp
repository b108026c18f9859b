// What a block proves of its logs. tests/golden/blocks.json holds blocks of a real node (anvil 1.x, EIP-7702 in force)
// with the receipts it gave of them: none, one, twenty of the types 0, 1, 2 and 4 of which one failed, and more than
// 128, where the keys of the trie become longer.
#include "daemon/sources/proof.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "core/hex.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::sources::proof {
namespace {

struct Recorded {
  std::string name;
  std::string block;
  std::string receipts;
};

std::vector<Recorded> recorded() {
  std::vector<Recorded> all;
  simdjson::dom::parser parser;
  for (const simdjson::dom::element one : parser.load("tests/golden/blocks.json").get_array()) {
    all.push_back({std::string(std::string_view(one["name"])), simdjson::minify(one["block"]),
                   simdjson::minify(one["receipts"])});
  }
  return all;
}

std::string hex(const Hash32& hash) {
  return hex0x_of(hash);
}

TEST(Proof, OfNothingIsTheEmptyRoot) {
  EXPECT_EQ(hex(trie_root({})), "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
}

TEST(Proof, TheGenesisHeaderOfEthereumHasItsHash) {
  const std::string zero_bloom = "0x" + std::string(512, '0');
  const std::string zero = "0x" + std::string(64, '0');
  const std::string empty = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
  const auto seal = parse_seal(
      R"({"parentHash":")" + zero +
      R"(","sha3Uncles":"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",)"
      R"("miner":"0x0000000000000000000000000000000000000000",)"
      R"("stateRoot":"0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544","transactionsRoot":")" +
      empty + R"(","receiptsRoot":")" + empty + R"(","logsBloom":")" + zero_bloom +
      R"(","difficulty":"0x400000000","number":"0x0","gasLimit":"0x1388","gasUsed":"0x0","timestamp":"0x0",)"
      R"("extraData":"0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa","mixHash":")" +
      zero +
      R"(","nonce":"0x0000000000000042","transactions":[],)"
      R"("hash":"0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"})");
  ASSERT_TRUE(seal) << seal.error().text;
  EXPECT_TRUE(seal->holds()) << hex(seal->computed);
}

TEST(Proof, ARealNodesHeadersHaveTheirHashesAndItsReceiptsTheirRoots) {
  const auto all = recorded();
  ASSERT_EQ(all.size(), 4u);
  for (const Recorded& one : all) {
    const auto seal = parse_seal(one.block);
    ASSERT_TRUE(seal) << one.name << ": " << seal.error().text;
    EXPECT_TRUE(seal->holds()) << one.name;
    const auto receipts = parse_receipts(one.receipts);
    ASSERT_TRUE(receipts) << one.name << ": " << receipts.error().text;
    EXPECT_EQ(receipts->size(), seal->transactions.size());
    EXPECT_EQ(hex(receipts_root(*receipts)), hex(seal->receipts_root)) << one.name;
    EXPECT_TRUE(all_types_known(*receipts));
  }
}

TEST(Proof, ProvenLogsAreThoseOfTheReceiptsNumberedInTheirOrder) {
  const Recorded one = recorded()[2];
  const auto seal = parse_seal(one.block);
  auto receipts = parse_receipts(one.receipts);
  std::ranges::reverse(*receipts);  // some nodes give them in no order
  const auto logs = proven_logs(*receipts, seal->claimed, seal->number, seal->receipts_root);
  ASSERT_TRUE(logs) << logs.error().text;
  ASSERT_EQ(logs->size(), 22u);  // twenty transactions, one of which failed, three with two logs
  for (std::size_t i = 0; i < logs->size(); ++i) EXPECT_EQ((*logs)[i].log_index, i);
}

TEST(Proof, AnyChangeOfAnyReceiptShows) {
  const Recorded one = recorded()[2];
  const auto seal = parse_seal(one.block);
  const auto good = parse_receipts(one.receipts);
  const auto refused = [&](const char* what, auto&& change) {
    auto receipts = *good;
    change(receipts);
    const auto logs = proven_logs(receipts, seal->claimed, seal->number, seal->receipts_root);
    ASSERT_FALSE(logs) << what;
    EXPECT_EQ(logs.error().kind, FaultKind::inconsistent) << what;
  };
  refused("a log less", [](auto& r) { r[5].logs.pop_back(); });
  refused("another amount", [](auto& r) { r[0].logs[0].data[31] += 1; });
  refused("another topic", [](auto& r) { r[0].logs[0].topics[1][0] ^= 1; });
  refused("another address", [](auto& r) { r[0].logs[0].address[0] ^= 1; });
  refused("another status", [](auto& r) { r[1].succeeded = !r[1].succeeded; });
  refused("another gas", [](auto& r) { r[1].cumulative_gas += 1; });
  refused("a receipt less", [](auto& r) { r.pop_back(); });
  refused("a receipt twice", [](auto& r) { r.push_back(r.back()); });
  refused("of another block", [](auto& r) { r[0].block[0] ^= 1; });
}

TEST(Proof, AForgedHeaderDoesNotHaveItsHash) {
  std::string block = recorded()[1].block;
  const auto at = block.find("receiptsRoot") + 20;
  block[at] = block[at] == '0' ? '1' : '0';
  const auto seal = parse_seal(block);
  ASSERT_TRUE(seal);
  EXPECT_FALSE(seal->holds());
}

TEST(Proof, AnUnknownTypeProvesNothingAgainstAProvider) {
  const Recorded one = recorded()[1];
  const auto seal = parse_seal(one.block);
  auto receipts = *parse_receipts(one.receipts);
  receipts[0].type = 0x6a;
  const auto logs = proven_logs(receipts, seal->claimed, seal->number, seal->receipts_root);
  ASSERT_FALSE(logs);
  EXPECT_EQ(logs.error().kind, FaultKind::bad_reply);
}

TEST(Proof, RefusesWhatIsNoReceiptsOrBlock) {
  for (const char* text : {"", "{", "null", "{}", "[{}]", "[null]", "7", R"([{"transactionIndex":"0x0"}])",
                           R"([{"transactionIndex":"0x0","type":"0x2","cumulativeGasUsed":"0x1","status":"0x1",)"
                           R"("blockHash":"0x12","logs":[]}])"}) {
    EXPECT_FALSE(parse_receipts(text)) << text;
    EXPECT_FALSE(parse_seal(text)) << text;
  }
  EXPECT_FALSE(parse_receipt("null"));
}

}  // namespace
}  // namespace homeostat::sources::proof
