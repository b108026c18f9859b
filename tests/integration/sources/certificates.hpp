// An authority and certificates of its making in a temporary folder, by the openssl command.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace homeostat::test {

class Certificates {
 public:
  Certificates() {
    std::string pattern = std::filesystem::temp_directory_path() / "homeostat-certificates-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  void make_authority(const std::string& name) const { openssl(std::string(kNew) + name + files(name)); }
  /// `names` as in subjectAltName: DNS:localhost,IP:127.0.0.1
  void make_certificate(const std::string& name, const std::string& authority, const std::string& names) const {
    openssl(std::string(kNew) + name + files(name) +
            " -addext basicConstraints=critical,CA:FALSE -addext 'subjectAltName=" + names + "' -CA " + authority +
            ".crt -CAkey " + authority + ".key");
  }
  [[nodiscard]] std::string certificate(const std::string& name) const { return folder_ / (name + ".crt"); }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ / (name + ".key"); }

  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> server_context(const std::string& name) const {
    auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
    context->use_certificate_chain_file(certificate(name));
    context->use_private_key_file(key(name), boost::asio::ssl::context::pem);
    return context;
  }

 private:
  static constexpr const char* kNew =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=";
  static std::string files(const std::string& name) { return " -keyout " + name + ".key -out " + name + ".crt"; }
  void openssl(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && openssl " + arguments + " 2>openssl.log";
    if (std::system(command.c_str()) == 0) return;
    std::ifstream log(folder_ / "openssl.log");
    throw std::runtime_error(command + ": " + std::string(std::istreambuf_iterator<char>(log), {}));
  }

  std::filesystem::path folder_;
};

}  // namespace homeostat::test
