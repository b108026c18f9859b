// Replies of a Chainlink feed: the first byte says what was asked, the rest is what came back. Any bytes give a value
// or a reason; what can be read is judged, twice, without ever giving a price that is not finite and above 0.
#include <cmath>

#include "core/check.hpp"
#include "daemon/sources/chainlink_check.hpp"

using namespace homeostat;
using namespace homeostat::sources;

namespace {

constexpr std::uint64_t kNow = 1'700'000'000;

void judge(const chainlink::Round& round, std::uint8_t decimals) {
  chainlink::FeedCheck check({.heartbeat = Duration::days(20000)});
  chainlink::Parameters parameters{.phase = round.phase, .decimals = decimals};
  parameters.answer_min = chainlink::Int256{};
  check.learn(parameters);
  for (int i = 0; i < 2; ++i) {
    const auto verdict = check.judge(round, Instant::from_unix_seconds(kNow));
    HOMEOSTAT_CHECK(verdict.text.size() < 1000);
    const bool is_price = std::isfinite(verdict.value) && verdict.value > 0;
    HOMEOSTAT_CHECK(is_price == (verdict.refusal == chainlink::Refusal::none));
  }
  const auto sequencer = chainlink::judge_sequencer(round, Instant::from_unix_seconds(kNow), Duration::hours(1));
  HOMEOSTAT_CHECK(!sequencer || sequencer->refusal != chainlink::Refusal::none);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const rpc::CallResult reply{.reverted = data[0] == 0xff, .bytes = {data + 1, data + size}};
  const auto round = chainlink::decode_round(reply);
  if (round) judge(*round, data[0] % 78);
  const auto decimals = chainlink::decode_decimals(reply);
  HOMEOSTAT_CHECK(!decimals || *decimals <= 77);
  const auto text = chainlink::decode_text(reply);
  HOMEOSTAT_CHECK(!text || text->size() <= chainlink::kTextMax);
  (void)chainlink::decode_address(reply);
  if (const auto number = chainlink::decode_int(reply)) {
    HOMEOSTAT_CHECK(chainlink::text_of(*number).size() <= 78);
    HOMEOSTAT_CHECK(std::isfinite(chainlink::scaled(*number, data[0] % 78)));
  }
  return 0;
}
