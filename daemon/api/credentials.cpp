#include "daemon/api/credentials.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <openssl/bio.h>
#include <openssl/err.h>
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

/// PEM files of certificates are a few kB; what is larger than this is something else.
constexpr std::size_t kPemMax = 1 << 20;
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";

Result<std::string> read_file(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::io, path, fmt::format("the {} cannot be read: {}", what, std::strerror(errno)));
  }
  std::string text(kPemMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() > static_cast<std::streamsize>(kPemMax)) {
    return fail(ErrorCode::io, path, fmt::format("the {} cannot be read, or is larger than 1 MiB", what));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

BioPtr bio_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The first certificate of `text`. The others must be whole, too: a file may be seen while it is written.
Result<X509Ptr> parse_certificates(const std::string& text, const std::string& path, const char* what) {
  std::size_t begun = 0;
  for (auto at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at + 1)) ++begun;
  const BioPtr bio = bio_of(text);
  X509Ptr first(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  std::size_t whole = first != nullptr ? 1 : 0;
  while (first != nullptr && X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) != nullptr) ++whole;
  ERR_clear_error();
  if (first == nullptr || whole != begun) {
    return fail(ErrorCode::malformed, path,
                begun == 0
                    ? fmt::format("the {} is not a PEM certificate", what)
                    : fmt::format("the {} has {} of {} certificates whole: it is damaged, or still being written", what,
                                  whole, begun));
  }
  return first;
}

Result<KeyPtr> parse_key(const std::string& text, const std::string& path) {
  KeyPtr key(PEM_read_bio_PrivateKey(bio_of(text).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return fail(ErrorCode::malformed, path, "the private key is not whole PEM, or is protected by a password");
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

/// Credentials that ask `fetch` at every handshake; the C++ interface of gRPC has none of this kind.
class FetchedTls final : public grpc::ServerCredentials {
 public:
  FetchedTls(grpc_ssl_client_certificate_request_type request, grpc_ssl_server_certificate_config_callback fetch,
             void* user_data)
      : credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(request, fetch, user_data))) {}
  ~FetchedTls() override { grpc_server_credentials_release(credentials_); }
  FetchedTls(const FetchedTls&) = delete;
  FetchedTls& operator=(const FetchedTls&) = delete;

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* credentials_;
};

}  // namespace

Result<TlsTexts> read_tls_files(const TlsSettings& tls, Instant now) {
  auto certificates = read_file(tls.certificate_path, "certificate");
  if (!certificates) return tl::make_unexpected(certificates.error());
  const auto own = parse_certificates(*certificates, tls.certificate_path, "certificate");
  if (!own) return tl::make_unexpected(own.error());
  if (auto ok = check_validity(**own, tls.certificate_path, now); !ok) return tl::make_unexpected(ok.error());

  auto key_text = read_file(tls.key_path, "private key");
  if (!key_text) return tl::make_unexpected(key_text.error());
  const auto key = parse_key(*key_text, tls.key_path);
  if (!key) return tl::make_unexpected(key.error());
  if (X509_check_private_key(own->get(), key->get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::conflict, tls.key_path,
                fmt::format("the private key does not belong to the certificate {}", tls.certificate_path));
  }
  TlsTexts texts{std::move(*certificates), std::move(*key_text), {}};
  if (tls.client_ca_path.empty()) return texts;

  auto authorities = read_file(tls.client_ca_path, "client authority");
  if (!authorities) return tl::make_unexpected(authorities.error());
  const auto authority = parse_certificates(*authorities, tls.client_ca_path, "client authority");
  if (!authority) return tl::make_unexpected(authority.error());
  if (auto ok = check_validity(**authority, tls.client_ca_path, now); !ok) return tl::make_unexpected(ok.error());
  texts.client_ca = std::move(*authorities);
  return texts;
}

TlsFiles::TlsFiles(TlsSettings settings, Clock clock, OnCertificate report, TlsTexts texts)
    : settings_(std::move(settings)), clock_(std::move(clock)), report_(std::move(report)), texts_(std::move(texts)) {}

Result<std::shared_ptr<TlsFiles>> TlsFiles::open(TlsSettings settings, Clock clock, OnCertificate report) {
  auto texts = read_tls_files(settings, clock());
  if (!texts) return tl::make_unexpected(texts.error());
  settings.refresh = std::max(settings.refresh, Duration::seconds(1));
  return std::shared_ptr<TlsFiles>(
      new TlsFiles(std::move(settings), std::move(clock), std::move(report), std::move(*texts)));
}

void TlsFiles::look_again() {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (now < next_look_) return;
  next_look_ = now + std::chrono::nanoseconds(settings_.refresh.ns);
  auto texts = read_tls_files(settings_, clock_());
  if (!texts) {
    std::string why = texts.error().text();
    if (why == last_error_) return;
    last_error_ = std::move(why);
    held_back_.fetch_add(1, std::memory_order_relaxed);
    if (report_) report_(false, last_error_);
    return;
  }
  last_error_.clear();
  if (*texts == texts_) return;
  texts_ = std::move(*texts);
  is_handed_out_ = false;
  renewed_.fetch_add(1, std::memory_order_relaxed);
  if (report_) report_(true, settings_.certificate_path);
}

grpc_ssl_certificate_config_reload_status TlsFiles::fetch(void* self, grpc_ssl_server_certificate_config** config) {
  auto& files = *static_cast<TlsFiles*>(self);
  files.look_again();
  const std::lock_guard lock(files.mutex_);
  if (std::exchange(files.is_handed_out_, true)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair{files.texts_.key.c_str(), files.texts_.certificates.c_str()};
  const char* authorities = files.texts_.client_ca.empty() ? nullptr : files.texts_.client_ca.c_str();
  *config = grpc_ssl_server_certificate_config_create(authorities, &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

std::shared_ptr<grpc::ServerCredentials> TlsFiles::credentials() {
  const auto request = settings_.client_ca_path.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                        : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  return std::make_shared<FetchedTls>(request, &TlsFiles::fetch, this);
}

}  // namespace homeostat::daemon::api
