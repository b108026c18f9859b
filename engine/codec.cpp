#include "engine/codec.hpp"

#include "core/archive.hpp"

namespace homeostat::engine {
namespace {

/// A PolicyChange as the journal has it.
struct StoredPolicyChange {
  Instant at;
  std::string actor;
  std::string text;
  std::string digest;
  bool promotion = false;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.at), a(x.actor), a(x.text), a(x.digest);
    // What is no promotion is stored as it was before promotions were told apart.
    if constexpr (requires { a.fail(); }) {
      if (a.left() > 0) {
        a(x.promotion);
        if (!x.promotion) a.fail();  // one text for one change
      }
    } else {
      if (x.promotion) a(x.promotion);
    }
  }
};

InputTag tag_of(const Input& input) {
  return static_cast<InputTag>(input.index() + 1);
}

void write(Writer& writer, const PolicyChange& change) {
  writer(StoredPolicyChange{change.at, change.actor, change.text, change.policy ? change.policy->digest : "",
                            change.promotion});
}
void write(Writer& writer, const oracle::SampleBatch& batch) {
  constexpr std::size_t kSampleBytes = 20;  // index, time and value; more names than usual grow it once
  writer.reserve(256 + batch.samples.size() * kSampleBytes);
  writer(batch);
}
template <class T>
void write(Writer& writer, const T& input) {
  writer(input);
}

tl::unexpected<Error> corrupt(std::string_view what, const char* how) {
  return fail(ErrorCode::corrupt, std::string(what), std::string("the bytes ") + how);
}

template <class T>
Result<Input> read(Reader& reader, InputTag tag) {
  T input;
  reader(input);
  if (!reader.is_done()) return corrupt(name_of(tag), "are malformed");
  return Input(std::move(input));
}

Result<Input> read_policy_change(Reader& reader, const PolicyLoader& load_policy) {
  StoredPolicyChange stored;
  reader(stored);
  if (!reader.is_done()) return corrupt(name_of(InputTag::policy_change), "are malformed");
  PolicyChange change{stored.at, stored.actor, stored.text, nullptr, stored.promotion};
  if (stored.digest.empty()) return Input(std::move(change));  // it was refused for having no policy; so it will be
  if (!load_policy) {
    return fail(ErrorCode::unsupported, "policy_change", "a policy change cannot be read here: there is no loader");
  }
  auto policy = load_policy(stored.text);
  if (!policy) return tl::make_unexpected(policy.error());
  if (*policy == nullptr || (*policy)->digest != stored.digest) {
    return fail(ErrorCode::conflict, "policy_change",
                "the text makes another policy than it did when it was journaled (digest " +
                    (*policy == nullptr ? "none" : (*policy)->digest) + ", was " + stored.digest + ")");
  }
  change.policy = std::move(*policy);
  return Input(std::move(change));
}

}  // namespace

std::string_view name_of(InputTag tag) {
  switch (tag) {
    case InputTag::sample_batch: return "sample_batch";
    case InputTag::chain_segment: return "chain_segment";
    case InputTag::source_report: return "source_report";
    case InputTag::tick: return "tick";
    case InputTag::guardian_command: return "guardian_command";
    case InputTag::actuator_report: return "actuator_report";
    case InputTag::policy_change: return "policy_change";
    case InputTag::signed_command: return "signed_command";
  }
  return "?";
}

std::string encode(const Input& input) {
  Writer writer;
  const auto tag = static_cast<char>(tag_of(input));
  writer.raw(&tag, 1);
  std::visit([&writer](const auto& x) { write(writer, x); }, input);
  return writer.take();
}

Result<Input> decode(std::string_view bytes, const PolicyLoader& load_policy) {
  if (bytes.empty()) return corrupt("input", "are empty");
  const auto tag = static_cast<InputTag>(bytes.front());
  Reader reader(bytes.substr(1));
  switch (tag) {
    case InputTag::sample_batch: return read<oracle::SampleBatch>(reader, tag);
    case InputTag::chain_segment: return read<oracle::ChainSegment>(reader, tag);
    case InputTag::source_report: return read<oracle::SourceReport>(reader, tag);
    case InputTag::tick: return read<Tick>(reader, tag);
    case InputTag::guardian_command: return read<GuardianCommand>(reader, tag);
    case InputTag::actuator_report: return read<ActuatorReport>(reader, tag);
    case InputTag::policy_change: return read_policy_change(reader, load_policy);
    case InputTag::signed_command: return read<SignedCommand>(reader, tag);
  }
  return corrupt("input", "begin with an unknown tag");
}

std::string encode_record(const DecisionRecord& record) {
  return archive_bytes(record);
}

Result<DecisionRecord> decode_record(std::string_view bytes) {
  Reader reader(bytes);
  DecisionRecord record;
  reader(record);
  if (!reader.is_done()) return corrupt("decision record", "are malformed");
  return record;
}

}  // namespace homeostat::engine
