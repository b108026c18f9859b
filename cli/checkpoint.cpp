#include "cli/checkpoint.hpp"

#include <charconv>

#include <fmt/format.h>

#include "cli/json.hpp"
#include "core/format.hpp"
#include "core/hex.hpp"

namespace homeostat::cli {
namespace {

/// Takes the values off the line in their order; anything else than expected makes it not ok.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (rest_.starts_with(expected)) return rest_.remove_prefix(expected.size());
    ok_ = false;
  }
  std::uint64_t integer(std::string_view name) {
    literal(name);
    std::uint64_t x = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), x);
    if (error != std::errc{}) ok_ = false;
    if (ok_) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return x;
  }
  std::string text(std::string_view name) {
    literal(name);
    literal("\"");
    const std::size_t end = ok_ ? rest_.find('"') : std::string_view::npos;
    if (end == std::string_view::npos) {
      ok_ = false;
      return "";
    }
    std::string value(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return value;
  }
  journal::Hash hash(std::string_view name) {
    journal::Hash hash{};
    if (!decode_hex(text(name), hash)) ok_ = false;
    return hash;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string with_signature(std::string line, const std::string& name, const std::string& public_key,
                           const guardian::Signature& signature) {
  line.pop_back();
  return line + fmt::format(",\"key\":{},\"public_key\":\"{}\",\"signature\":\"{}\"}}", quoted(name), public_key,
                            hex_of(signature));
}

}  // namespace

std::string checkpoint_line(const journal::Checkpoint& c) {
  return fmt::format(
      "{{\"homeostat_checkpoint\":1,\"at\":\"{}\",\"epoch\":{},\"inputs\":{},\"inputs_hash\":\"{}\",\"decisions\":{},"
      "\"decisions_hash\":\"{}\",\"seals\":{},\"seals_hash\":\"{}\"}}",
      text_of(c.at), c.epoch, c.inputs, hex_of(c.inputs_hash), c.decisions, hex_of(c.decisions_hash), c.seals,
      hex_of(c.seals_hash));
}

std::string checkpoint_line(const journal::Checkpoint& checkpoint, const SigningKey& key) {
  const std::string line = checkpoint_line(checkpoint);
  return with_signature(line, key.name(), key.public_hex(), key.sign(line));
}

Outcome<CheckpointFile> parse_checkpoint(std::string_view text) {
  const auto refuse = [](const char* why) {
    return stop(ExitCode::refused,
                fmt::format("this is not a checkpoint ({}); homeostat audit checkpoint makes one", why));
  };
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  Line line(text);
  CheckpointFile out;
  journal::Checkpoint& c = out.checkpoint;
  line.literal("{\"homeostat_checkpoint\":1,");
  const auto at = parse_instant(line.text("\"at\":"));
  c.epoch = line.integer(",\"epoch\":");
  c.inputs = line.integer(",\"inputs\":");
  c.inputs_hash = line.hash(",\"inputs_hash\":");
  c.decisions = line.integer(",\"decisions\":");
  c.decisions_hash = line.hash(",\"decisions_hash\":");
  c.seals = line.integer(",\"seals\":");
  c.seals_hash = line.hash(",\"seals_hash\":");
  if (!line.ok() || !at) return refuse("its values are not the ones of a checkpoint, in their order");
  c.at = *at;
  const std::string plain = checkpoint_line(c);
  std::string written = plain;
  if (line.rest() != "}") {
    out.key = line.text(",\"key\":");
    out.public_key = line.text(",\"public_key\":");
    guardian::PublicKey key{};
    guardian::Signature signature{};
    const bool is_hex = decode_hex(out.public_key, key) && decode_hex(line.text(",\"signature\":"), signature);
    if (!line.ok() || !is_hex || line.rest() != "}") return refuse("what follows its values is no signature");
    if (!guardian::verify(key, plain, signature)) {
      return stop(ExitCode::divergence,
                  fmt::format("the checkpoint's signature by {} is wrong: it was altered", out.key));
    }
    out.public_key = hex_of(key);
    written = with_signature(plain, out.key, out.public_key, signature);
  }
  if (text != written) return refuse("it is written differently");
  return out;
}

}  // namespace homeostat::cli
