#include "cli/signing.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "core/hex.hpp"

namespace homeostat::cli {
namespace {

constexpr std::string_view kTitle = "homeostat key 1\n";
constexpr std::string_view kSignatureLine = "signature: ";

Outcome<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return stop(ExitCode::error, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Creates the file, readable by its owner alone, or says that it is there.
Outcome<> write_new(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return stop(ExitCode::error, fmt::format("cannot create {}: {}{}", path, std::strerror(errno),
                                             errno == EEXIST ? "; it is never overwritten" : ""));
  }
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (written && synced) return {};
  ::unlink(path.c_str());
  return stop(ExitCode::error, fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

/// Takes `name: value` from the front of `rest`; empty if it is not there.
std::string take_line(std::string_view& rest, std::string_view name) {
  const std::size_t end = rest.find('\n');
  if (!rest.starts_with(name) || end == std::string_view::npos) return "";
  const std::string value(rest.substr(name.size(), end - name.size()));
  rest.remove_prefix(end + 1);
  return value;
}

}  // namespace

SigningKey SigningKey::make(std::string name) {
  SigningKey key;
  key.name_ = std::move(name);
  randombytes_buf(key.seed_.data(), key.seed_.size());
  key.expand();
  return key;
}

void SigningKey::expand() {
  crypto_sign_ed25519_seed_keypair(public_.data(), secret_.data(), seed_.data());
}

Outcome<SigningKey> SigningKey::read(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return stop(ExitCode::denied,
                fmt::format("{} can be read by others; make it yours alone: chmod 600 {}", path, path));
  }
  const auto text = read_file(path);
  if (!text) return tl::make_unexpected(text.error());
  const auto broken = [&](const std::string& why) {
    return stop(ExitCode::refused,
                fmt::format("{} is not a key file ({}); homeostat guardian key new makes one", path, why));
  };
  std::string_view rest = *text;
  if (!rest.starts_with(kTitle)) return broken("it does not begin with 'homeostat key 1'");
  rest.remove_prefix(kTitle.size());
  SigningKey key;
  key.name_ = take_line(rest, "name: ");
  const std::string public_text = take_line(rest, "public: ");
  if (auto seed = decode_hex(take_line(rest, "secret: "), key.seed_); !seed)
    return broken("secret " + seed.error().message);
  if (key.name_.empty() || !rest.empty()) return broken("its lines are not name, public and secret");
  key.expand();
  if (key.public_hex() != public_text) return broken("public and secret do not belong together");
  return key;
}

Outcome<> SigningKey::write(const std::string& path) const {
  return write_new(path,
                   fmt::format("{}name: {}\npublic: {}\nsecret: {}\n", kTitle, name_, public_hex(), hex_of(seed_)));
}

std::string SigningKey::public_hex() const {
  return hex_of(public_);
}

guardian::Signature SigningKey::sign(std::string_view text) const {
  guardian::Signature signature{};
  crypto_sign_ed25519_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size(), secret_.data());
  return signature;
}

std::string new_nonce() {
  std::array<std::uint8_t, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return hex_of(bytes);
}

Outcome<> write_signed(const std::string& path, const SignedText& order) {
  return write_new(path, fmt::format("{}{}{}\n", order.text, kSignatureLine, hex_of(order.signature)));
}

Outcome<SignedText> read_signed(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::make_unexpected(text.error());
  const std::size_t line = text->rfind(kSignatureLine);
  SignedText order;
  if (line == std::string::npos || line == 0 || (*text)[line - 1] != '\n' || text->back() != '\n') {
    return stop(ExitCode::refused, fmt::format("{} is not a signed order: its last line is no signature", path));
  }
  const std::string_view digits = std::string_view(*text).substr(line + kSignatureLine.size());
  if (auto ok = decode_hex(digits.substr(0, digits.size() - 1), order.signature); !ok) {
    return stop(ExitCode::refused, fmt::format("{}: signature {}", path, ok.error().message));
  }
  order.text = text->substr(0, line);
  return order;
}

}  // namespace homeostat::cli
