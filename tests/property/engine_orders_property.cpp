// Signed orders under anything: what was sent before, is late, was altered, or is signed by a key that nobody knows,
// for another policy or by somebody else, is refused and leaves everything that decides as it was, bit for bit.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "core/archive.hpp"
#include "engine/state.hpp"
#include "input_stream.hpp"

namespace homeostat::engine {
namespace {

using golden::Forgery;
using golden::InputStream;
using golden::load_policy;

/// The saved state, the counters of commands apart.
std::string what_decides(const Engine& engine) {
  const std::string saved = engine.save();
  Reader reader(saved);
  std::uint32_t version = 0;
  std::string digest;
  Progress progress;
  reader(version), reader(digest), reader(progress);
  RC_ASSERT(reader.ok());
  progress.commands = progress.commands_refused = 0;
  Writer writer;
  writer(progress);
  return digest + writer.take() + saved.substr(saved.size() - reader.left());
}

RC_GTEST_PROP(SignedOrders, ThatAreReplayedLateAlteredOrUnknownChangeNothing, ()) {
  InputStream stream(*rc::gen::arbitrary<std::uint64_t>());
  Engine engine(load_policy("a").value());
  stream.note(engine.apply(PolicyChange{stream.now(), "alice", "c", load_policy("c").value()}));
  stream.follow("c");
  int forged = 0, carried_out = 0;
  for (int i = 0; i < 600; ++i) {
    const Input input = stream.next();
    const bool is_signed = std::holds_alternative<SignedCommand>(input);
    const bool is_forged = is_signed && (stream.forgery() != Forgery::none || engine.policy().guardian.keys.empty());
    const bool is_unsigned = std::holds_alternative<GuardianCommand>(input) && !engine.policy().guardian.keys.empty();
    if (!is_forged && !is_unsigned) {
      const Effects effects = engine.apply(input);
      carried_out += is_signed && effects.outcome.accepted ? 1 : 0;
      stream.note(effects);
      continue;
    }
    ++forged;
    const std::string before = what_decides(engine);
    const Effects effects = engine.apply(input);
    RC_ASSERT(!effects.outcome.accepted);
    RC_ASSERT(!effects.outcome.message.empty());
    RC_ASSERT(effects.records.empty() && effects.updates.empty() && effects.adjustments.empty());
    RC_ASSERT(what_decides(engine) == before);
    stream.note(effects);
  }
  RC_CLASSIFY(forged >= 3 && carried_out >= 3, "both forged and good ones");
}

}  // namespace
}  // namespace homeostat::engine
