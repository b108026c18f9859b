// A key pair for tests, made of a seed.
#pragma once

#include <sodium/crypto_sign_ed25519.h>

#include <array>
#include <string>
#include <string_view>

#include "guardian/keys.hpp"

namespace homeostat::guardian {

struct Signer {
  explicit Signer(unsigned char seed) {
    std::array<unsigned char, crypto_sign_ed25519_SEEDBYTES> bytes{};
    bytes.fill(seed);
    crypto_sign_ed25519_seed_keypair(public_key.data(), secret_.data(), bytes.data());
  }
  [[nodiscard]] Signature sign(std::string_view text) const {
    Signature signature{};
    crypto_sign_ed25519_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size(), secret_.data());
    return signature;
  }

  PublicKey public_key{};

 private:
  std::array<unsigned char, crypto_sign_ed25519_SECRETKEYBYTES> secret_{};
};

}  // namespace homeostat::guardian
