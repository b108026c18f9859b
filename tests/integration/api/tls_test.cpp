// Mutual TLS with certificates that openssl makes in a temporary folder.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "daemon/api/grpc_log.hpp"
#include "homeostat/v1/guardian.grpc.pb.h"
#include "scripted_backend.hpp"

namespace homeostat::daemon::api {
namespace {

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "homeostat-tls-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    make_authority("ca");
    make_certificate("server", "ca", "DNS:localhost,IP:127.0.0.1");
    make_certificate("guardian", "ca", "URI:spiffe://homeostat/guardian,DNS:guardian.example");
    make_authority("rogue-ca");
    make_certificate("rogue", "rogue-ca", "URI:spiffe://homeostat/guardian");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void openssl(const std::string& arguments) const {
    const std::string command = "cd '" + folder_.string() + "' && openssl " + arguments + " 2>openssl.log";
    ASSERT_EQ(std::system(command.c_str()), 0) << text("openssl.log");
  }
  void make_authority(const std::string& name) const {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
            " -keyout " + name + ".key -out " + name + ".crt");
  }
  void make_certificate(const std::string& name, const std::string& authority, const std::string& names) const {
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
            " -addext basicConstraints=critical,CA:FALSE -addext 'subjectAltName=" + names + "' -CA " + authority +
            ".crt -CAkey " + authority + ".key -keyout " + name + ".key -out " + name + ".crt");
  }

  [[nodiscard]] ServerSettings settings() const {
    return {
        .address = "127.0.0.1:0",
        .tls = TlsSettings{
            .certificate_path = path("server.crt"), .key_path = path("server.key"), .client_ca_path = path("ca.crt")}};
  }

  void start() {
    auto started = Server::start(settings(), backend_);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server_ = *std::move(started);
    server_->set_serving(true);
  }

  /// Pauses everything as a client with that certificate; "" = none.
  [[nodiscard]] grpc::Status pause_as(const std::string& client) const {
    grpc::SslCredentialsOptions options{.pem_root_certs = text("ca.crt")};
    if (!client.empty()) {
      options.pem_private_key = text(client + ".key");
      options.pem_cert_chain = text(client + ".crt");
    }
    return pause(grpc::SslCredentials(options));
  }
  [[nodiscard]] grpc::Status pause(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()), credentials, arguments);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::PauseRequest request;
    request.mutable_order()->set_actor("somebody else");
    request.mutable_order()->set_reason("drill");
    v1::CommandResponse response;
    return v1::GuardianService::NewStub(channel)->Pause(&context, request, &response);
  }

  std::filesystem::path folder_;
  ScriptedBackend backend_;
  std::unique_ptr<Server> server_;
};

TEST_F(Tls, TheCertificatesNameIsTheActorRecorded) {
  start();
  const grpc::Status status = pause_as("guardian");
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(backend_.commands().size(), 1u);
  EXPECT_EQ(backend_.commands()[0].actor, "spiffe://homeostat/guardian");
}

TEST_F(Tls, AClientWithoutACertificateOrWithAForeignOneOrWithoutTlsIsRefused) {
  start();
  EXPECT_EQ(pause_as("").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(pause_as("rogue").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(pause(grpc::InsecureChannelCredentials()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(backend_.commands().empty());
}

TEST_F(Tls, StartNamesTheFileThatIsWrong) {
  const auto start_error = [&](auto spoil) {
    ServerSettings spoilt = settings();
    spoil(*spoilt.tls);
    auto started = Server::start(std::move(spoilt), backend_);
    return started ? Error{} : started.error();
  };
  Error error = start_error([&](TlsSettings& tls) { tls.key_path = path("nowhere.key"); });
  EXPECT_EQ(error.code, ErrorCode::io);
  EXPECT_EQ(error.where, path("nowhere.key"));
  error = start_error([&](TlsSettings& tls) { tls.key_path = path("guardian.key"); });
  EXPECT_EQ(error.code, ErrorCode::conflict) << "the key of another certificate";
  error = start_error([&](TlsSettings& tls) { tls.certificate_path = path("server.key"); });
  EXPECT_EQ(error.code, ErrorCode::malformed);
  error = start_error([&](TlsSettings& tls) { tls.client_ca_path = path("nowhere.crt"); });
  EXPECT_EQ(error.code, ErrorCode::io);
}

/// The files of a running server change.
class Rotation : public Tls {
 protected:
  void SetUp() override {
    Tls::SetUp();
    make_certificate("renewed", "ca", "DNS:localhost,IP:127.0.0.1");
    copy("server.crt", "live.crt");
    copy("server.key", "live.key");
    ServerSettings live = settings();
    live.tls->certificate_path = path("live.crt");
    live.tls->key_path = path("live.key");
    live.tls->refresh = Duration::seconds(1);
    live.on_certificate = [this](bool is_taken, const std::string& text) {
      const std::lock_guard lock(mutex_);
      told_.emplace_back(is_taken, text);
    };
    auto started = Server::start(std::move(live), backend_);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server_ = *std::move(started);
    server_->set_serving(true);
  }
  void TearDown() override {
    server_.reset();
    Tls::TearDown();
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path("fresh")) << content;
    std::filesystem::rename(path("fresh"), path(name));
  }
  void copy(const std::string& from, const std::string& to) const { write(to, text(from)); }
  [[nodiscard]] std::vector<std::pair<bool, std::string>> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  /// What a new connection is shown.
  [[nodiscard]] std::string served() const {
    const std::string command = "openssl s_client -connect 127.0.0.1:" + std::to_string(server_->port()) + " -cert '" +
                                path("guardian.crt") + "' -key '" + path("guardian.key") +
                                "' -alpn h2 </dev/null 2>/dev/null | openssl x509 -noout -subject 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    std::string subject(200, '\0');
    subject.resize(std::fread(subject.data(), 1, subject.size(), pipe));
    pclose(pipe);
    return subject;
  }

  mutable std::mutex mutex_;
  std::vector<std::pair<bool, std::string>> told_;
};

TEST_F(Rotation, ARenewedPairIsServedToNewConnections) {
  EXPECT_EQ(served(), "subject=CN = server\n");
  copy("renewed.key", "live.key");
  copy("renewed.crt", "live.crt");
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_renewed == 1; }));
  EXPECT_EQ(served(), "subject=CN = renewed\n");
  EXPECT_TRUE(pause_as("guardian").ok());
  EXPECT_TRUE(told().back().first);
}

TEST_F(Rotation, APairThatCannotBeRightIsHeldBackToldAndCountedAndTheLastGoodOneStays) {
  // The key was written, its certificate not yet; then the certificate by half.
  copy("renewed.key", "live.key");
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_held_back == 1; }));
  EXPECT_EQ(told().back().first, false);
  EXPECT_NE(told().back().second.find("does not belong to the certificate"), std::string::npos) << told().back().second;
  EXPECT_EQ(served(), "subject=CN = server\n");
  EXPECT_TRUE(pause_as("guardian").ok());
  const std::string whole = text("renewed.crt");
  write("live.crt", whole.substr(0, whole.size() / 2));
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_held_back == 2; }));
  EXPECT_NE(told().back().second.find("still being written"), std::string::npos) << told().back().second;
  EXPECT_EQ(served(), "subject=CN = server\n");
  std::filesystem::remove(path("live.crt"));
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_held_back == 3; }));
  EXPECT_TRUE(pause_as("guardian").ok());
  EXPECT_EQ(server_->stats().certificates_renewed, 0u);
  // Whole at last.
  write("live.crt", whole);
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_renewed == 1; }));
  EXPECT_EQ(served(), "subject=CN = renewed\n");
  EXPECT_EQ(told().size(), 4u);
}

TEST_F(Rotation, AChainWhoseLastCertificateIsCutOffIsHeldBack) {
  const std::string authority = text("ca.crt");
  write("live.crt", text("server.crt") + authority.substr(0, authority.size() - 20));
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_held_back == 1; }));
  EXPECT_NE(told().back().second.find("1 of 2 certificates whole"), std::string::npos) << told().back().second;
  write("live.crt", text("server.crt") + authority);
  ASSERT_TRUE(eventually([&] { return server_->stats().certificates_renewed == 1; }));
  EXPECT_TRUE(pause_as("guardian").ok());
}

std::mutex lines_mutex;
std::vector<std::string> lines;

TEST_F(Tls, GrpcsOwnLinesGoWhereTheyAreSentTo) {
  set_grpc_log([](GrpcLogLevel level, std::string_view line) {
    if (level != GrpcLogLevel::error) return;
    const std::lock_guard lock(lines_mutex);
    lines.emplace_back(line);
  });
  start();
  EXPECT_FALSE(pause_as("").ok());
  const auto told = [](std::string_view what) {
    const std::lock_guard lock(lines_mutex);
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.find(what) != line.npos; });
  };
  EXPECT_TRUE(eventually([&] { return told("Handshake failed"); }));
  EXPECT_TRUE(told("ssl_transport_security.cc:"));
  set_grpc_log(nullptr);
}

}  // namespace
}  // namespace homeostat::daemon::api
