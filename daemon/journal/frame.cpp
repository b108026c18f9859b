#include "daemon/journal/frame.hpp"

#include <limits>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/journal/sha256.hpp"

namespace homeostat::journal {
namespace {

// Counts the inputs in `bytes`; false when they do not fill it exactly.
bool count_inputs(std::string_view bytes, std::uint64_t& count) {
  std::string_view input;
  for (count = 0; !bytes.empty(); ++count) {
    if (!take_input(bytes, input)) return false;
  }
  return true;
}

}  // namespace

void add_input(std::string& frame_bytes, std::string_view input) {
  HOMEOSTAT_CHECK(input.size() <= std::numeric_limits<std::uint32_t>::max());
  const auto size = static_cast<std::uint32_t>(input.size());
  const char length[kLengthBytes] = {static_cast<char>(size), static_cast<char>(size >> 8),
                                     static_cast<char>(size >> 16), static_cast<char>(size >> 24)};
  frame_bytes.append(length, kLengthBytes).append(input);
}

bool take_input(std::string_view& rest, std::string_view& input) {
  if (rest.size() < kLengthBytes) return false;
  std::uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
  if (rest.size() - kLengthBytes < size) return false;
  input = rest.substr(kLengthBytes, size);
  rest.remove_prefix(kLengthBytes + size);
  return true;
}

Hash hash_of(const Frame& frame) {
  return Sha256()
      .add(frame.prev_hash.data(), frame.prev_hash.size())
      .add(frame.first_seq)
      .add(frame.last_seq)
      .add(static_cast<std::uint64_t>(frame.at.ns))
      .add(frame.bytes.data(), frame.bytes.size())
      .finish();
}

Hash hash_of(const Snapshot& snapshot) {
  return Sha256()
      .add(snapshot.seq)
      .add(static_cast<std::uint64_t>(snapshot.at.ns))
      .add_field(snapshot.policy_digest)
      .add_field(snapshot.policy_text)
      .add_field(snapshot.state)
      .add_field(snapshot.decisions_hash)
      .finish();
}

std::string hex(const Hash& hash) {
  std::string text;
  for (const unsigned char byte : hash) text += fmt::format("{:02x}", byte);
  return text;
}

Result<> check_frame(const Frame& frame, const ChainHead& head) {
  const auto corrupt = [&](std::string what) -> Result<> {
    return fail(ErrorCode::corrupt, fmt::format("inputs {}..{}", frame.first_seq, frame.last_seq), std::move(what));
  };
  if (frame.first_seq != head.seq + 1) {
    return corrupt(fmt::format("the frame does not follow input {}: inputs are missing", head.seq));
  }
  if (frame.prev_hash != head.hash) {
    return corrupt(fmt::format("the frame names {} as the hash before it, but that hash is {}",
                               hex(frame.prev_hash).substr(0, 16), hex(head.hash).substr(0, 16)));
  }
  if (hash_of(frame) != frame.hash) return corrupt("the stored bytes do not match their hash");
  std::uint64_t count = 0;
  if (!count_inputs(frame.bytes, count) || count == 0 || frame.last_seq - frame.first_seq + 1 != count) {
    return corrupt(fmt::format("the frame holds {} whole inputs, not {}", count, frame.last_seq - frame.first_seq + 1));
  }
  return {};
}

}  // namespace homeostat::journal
