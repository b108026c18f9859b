// SHA-256 over fields, for the chains. Inside this folder only.
#pragma once

#include <memory>
#include <string_view>

#include <openssl/evp.h>

#include "core/check.hpp"
#include "daemon/journal/types.hpp"

namespace homeostat::journal {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    HOMEOSTAT_CHECK(context_ != nullptr);
    // Fetched once: the look-up by name costs more than hashing a small frame.
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    HOMEOSTAT_CHECK(EVP_DigestInit_ex2(context_.get(), algorithm, nullptr) == 1);
  }
  Sha256& add(const void* data, std::size_t size) {
    HOMEOSTAT_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1);
    return *this;
  }
  Sha256& add(std::uint64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
    return add(bytes, sizeof bytes);
  }
  Sha256& add(const Hash& hash) { return add(hash.data(), hash.size()); }
  /// Length first, so that two fields can never be read as one.
  Sha256& add_field(std::string_view bytes) { return add(std::uint64_t{bytes.size()}).add(bytes.data(), bytes.size()); }
  [[nodiscard]] Hash finish() {
    Hash hash;
    HOMEOSTAT_CHECK(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1);
    return hash;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace homeostat::journal
