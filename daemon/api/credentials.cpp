#include "daemon/api/credentials.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace homeostat::daemon::api {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<&BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freer<&X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;

/// A key under a password would make OpenSSL ask on the terminal; a daemon must fail instead.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<BioPtr> open_file(const std::string& path, const char* what) {
  BioPtr file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) {
    return fail(ErrorCode::io, path, fmt::format("the {} cannot be read: {}", what, std::strerror(errno)));
  }
  return file;
}

Result<X509Ptr> read_certificate(const std::string& path, const char* what) {
  auto file = open_file(path, what);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  X509Ptr certificate(PEM_read_bio_X509(file->get(), nullptr, no_password, nullptr));
  if (certificate == nullptr) {
    return fail(ErrorCode::malformed, path, fmt::format("the {} is not a PEM certificate", what));
  }
  return certificate;
}

Result<KeyPtr> read_key(const std::string& path) {
  auto file = open_file(path, "private key");
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  KeyPtr key(PEM_read_bio_PrivateKey(file->get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    return fail(ErrorCode::malformed, path, "the private key is not PEM, or is protected by a password");
  }
  return key;
}

Result<> check_validity(const X509& certificate, const std::string& path, Instant now) {
  std::time_t seconds = now.ns / 1'000'000'000;
  if (X509_cmp_time(X509_get0_notAfter(&certificate), &seconds) < 0) {
    return fail(ErrorCode::out_of_range, path, "the certificate has expired; renew it");
  }
  if (X509_cmp_time(X509_get0_notBefore(&certificate), &seconds) > 0) {
    return fail(ErrorCode::out_of_range, path, "the certificate is not valid yet; is this machine's clock right?");
  }
  return {};
}

}  // namespace

Result<> check_tls_files(const TlsSettings& tls, Instant now) {
  const auto certificate = read_certificate(tls.certificate_path, "certificate");
  if (!certificate) {
    return tl::make_unexpected(certificate.error());
  }
  if (auto ok = check_validity(**certificate, tls.certificate_path, now); !ok) {
    return ok;
  }
  const auto key = read_key(tls.key_path);
  if (!key) {
    return tl::make_unexpected(key.error());
  }
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    return fail(ErrorCode::conflict, tls.key_path,
                fmt::format("the private key does not belong to the certificate {}", tls.certificate_path));
  }
  if (tls.client_ca_path.empty()) {
    return {};
  }
  const auto authority = read_certificate(tls.client_ca_path, "client authority");
  if (!authority) {
    return tl::make_unexpected(authority.error());
  }
  return check_validity(**authority, tls.client_ca_path, now);
}

Result<std::shared_ptr<grpc::ServerCredentials>> make_credentials(const std::optional<TlsSettings>& tls, Instant now) {
  namespace experimental = grpc::experimental;
  if (!tls) {
    return grpc::InsecureServerCredentials();
  }
  if (auto ok = check_tls_files(*tls, now); !ok) {
    return tl::make_unexpected(ok.error());
  }
  const auto refresh_s =
      static_cast<unsigned>(std::clamp<std::int64_t>(tls->refresh / Duration::seconds(1), 1, 86'400));
  const auto provider = std::make_shared<experimental::FileWatcherCertificateProvider>(
      tls->key_path, tls->certificate_path, tls->client_ca_path, refresh_s);
  experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (tls->client_ca_path.empty()) {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return experimental::TlsServerCredentials(options);
}

}  // namespace homeostat::daemon::api
