#include "cli/client.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "cli/format.hpp"
#include "homeostat/v1/admin.grpc.pb.h"
#include "homeostat/v1/control.grpc.pb.h"
#include "homeostat/v1/economy.grpc.pb.h"
#include "homeostat/v1/guardian.grpc.pb.h"

namespace homeostat::cli {
namespace {

/// A configuration text or a thousand decisions fit many times over.
constexpr int kMessageBytesMax = 64 * 1024 * 1024;

Outcome<std::string> read_pem(const std::string& path, const char* option) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  if (!file) return stop(ExitCode::error, fmt::format("{}: cannot read {}", option, path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::chrono::system_clock::time_point deadline_after(Duration d) {
  return std::chrono::system_clock::now() + std::chrono::nanoseconds(d.ns);
}

Failure unreachable(const Connection& c, const std::string& detail) {
  return {ExitCode::unavailable,
          fmt::format("no daemon answers at {}; is homeostatd running? Try ./run, or name another with --endpoint "
                      "(HOMEOSTAT_ENDPOINT){}{}",
                      c.endpoint, detail.empty() ? "" : ". gRPC says: ", detail)};
}

/// One sentence and an exit code for what gRPC reports. `connected`: this channel has talked to a daemon.
Failure translate(const grpc::Status& status, const Connection& c, bool connected) {
  const std::string& text = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (text.find("SSL") != std::string::npos || text.find("handshak") != std::string::npos) {
        return unreachable(c, text + "; does the daemon expect TLS (--ca, --cert, --key)?");
      }
      // A daemon that answers UNAVAILABLE itself (not ready, draining) says why; a dead one leaves gRPC's own words.
      if (!connected || text.find("connect") != std::string::npos) return unreachable(c, "");
      return {ExitCode::unavailable, fmt::format("the daemon at {} is not available: {}", c.endpoint, text)};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (!connected) return unreachable(c, fmt::format("no connection within {}", human(c.timeout)));
      return {ExitCode::timeout, fmt::format("the daemon at {} did not answer within {}; raise --timeout, and look at "
                                             "its state before repeating a command",
                                             c.endpoint, human(c.timeout))};
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED: return {ExitCode::denied, "denied: " + text};
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::ABORTED: return {ExitCode::conflict, text};
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::OUT_OF_RANGE: return {ExitCode::refused, text};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ExitCode::error, fmt::format("what answers at {} does not know this call; is it a homeostatd of this "
                                           "version?",
                                           c.endpoint)};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return {ExitCode::error, fmt::format("the daemon is overloaded, try again: {}", text)};
    default:
      return {ExitCode::error, fmt::format("the daemon at {} failed: {} (gRPC status {})", c.endpoint,
                                           text.empty() ? "no message" : text, static_cast<int>(status.error_code()))};
  }
}

Outcome<std::shared_ptr<grpc::ChannelCredentials>> credentials_of(const Connection& c) {
  if (c.ca_path.empty() && c.certificate_path.empty() && c.key_path.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  if (c.certificate_path.empty() != c.key_path.empty()) {
    return stop(ExitCode::usage, "--cert and --key belong together: give both or neither");
  }
  grpc::SslCredentialsOptions options;
  const std::pair<std::string*, Outcome<std::string>> files[] = {
      {&options.pem_root_certs, read_pem(c.ca_path, "--ca")},
      {&options.pem_cert_chain, read_pem(c.certificate_path, "--cert")},
      {&options.pem_private_key, read_pem(c.key_path, "--key")}};
  for (const auto& [target, text] : files) {
    if (!text) return tl::make_unexpected(text.error());
    *target = *text;
  }
  return grpc::SslCredentials(options);
}

}  // namespace

struct Client::Stubs {
  Stubs(Connection c, std::shared_ptr<grpc::Channel> with)
      : connection(std::move(c)),
        channel(std::move(with)),
        control(channel),
        guardian(channel),
        admin(channel),
        economy(channel) {}

  template <class Response, class Stub, class Request>
  Outcome<Response> unary(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                          const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(deadline_after(connection.timeout));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return tl::make_unexpected(translate(status, connection, was_connected()));
    connected = true;
    return response;
  }

  bool was_connected() {
    connected = connected || channel->GetState(false) == GRPC_CHANNEL_READY;
    return connected;
  }

  Connection connection;
  std::shared_ptr<grpc::Channel> channel;
  v1::ControlService::Stub control;
  v1::GuardianService::Stub guardian;
  v1::AdminService::Stub admin;
  v1::EconomyService::Stub economy;
  bool connected = false;
};

Outcome<Client> Client::make(const Connection& connection) {
  auto credentials = credentials_of(connection);
  if (!credentials) return tl::make_unexpected(credentials.error());
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  // A daemon that went away without a word (power, network) is noticed by watch within half a minute.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // The control port is talked to directly; an http_proxy meant for browsers must not swallow it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return Client(
      std::make_unique<Stubs>(connection, grpc::CreateCustomChannel(connection.endpoint, *credentials, arguments)));
}

Client::Client(std::unique_ptr<Stubs> stubs) : stubs_(std::move(stubs)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

#define HOMEOSTAT_CALL(Service, stub, Method, Request, Response)                           \
  Outcome<v1::Response> Client::call(const v1::Request& request) {                         \
    return stubs_->unary<v1::Response>(stubs_->stub, &v1::Service::Stub::Method, request); \
  }
HOMEOSTAT_CALL(ControlService, control, GetStatus, GetStatusRequest, Status)
HOMEOSTAT_CALL(ControlService, control, ListSources, ListSourcesRequest, ListSourcesResponse)
HOMEOSTAT_CALL(ControlService, control, ListMetrics, ListMetricsRequest, ListMetricsResponse)
HOMEOSTAT_CALL(ControlService, control, ListLoops, ListLoopsRequest, ListLoopsResponse)
HOMEOSTAT_CALL(ControlService, control, ListParameters, ListParametersRequest, ListParametersResponse)
HOMEOSTAT_CALL(ControlService, control, ListDecisions, ListDecisionsRequest, ListDecisionsResponse)
HOMEOSTAT_CALL(ControlService, control, Explain, ExplainRequest, ExplainResponse)
HOMEOSTAT_CALL(ControlService, control, Preview, PreviewRequest, PreviewResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Pause, PauseRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Resume, ResumeRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Override, OverrideRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, ClearOverride, ClearOverrideRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, ShiftSetpoint, ShiftSetpointRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, ClearShift, ClearShiftRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Emergency, EmergencyRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Veto, VetoRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Release, ReleaseRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, ClearHalt, ClearHaltRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, Submit, SubmitRequest, CommandResponse)
HOMEOSTAT_CALL(GuardianService, guardian, ListPending, ListPendingRequest, ListPendingResponse)
HOMEOSTAT_CALL(EconomyService, economy, Evaluate, EvaluateRequest, EvaluateResponse)
HOMEOSTAT_CALL(AdminService, admin, Reload, ReloadRequest, ReloadResponse)
HOMEOSTAT_CALL(AdminService, admin, GetConfig, GetConfigRequest, GetConfigResponse)
HOMEOSTAT_CALL(AdminService, admin, Backup, BackupRequest, BackupResponse)
HOMEOSTAT_CALL(AdminService, admin, SetLogLevel, SetLogLevelRequest, SetLogLevelResponse)
HOMEOSTAT_CALL(AdminService, admin, GetVersion, GetVersionRequest, GetVersionResponse)
HOMEOSTAT_CALL(AdminService, admin, AddShadow, AddShadowRequest, Shadow)
HOMEOSTAT_CALL(AdminService, admin, RemoveShadow, RemoveShadowRequest, RemoveShadowResponse)
HOMEOSTAT_CALL(AdminService, admin, ListShadows, ListShadowsRequest, ListShadowsResponse)
HOMEOSTAT_CALL(AdminService, admin, PromoteShadow, PromoteShadowRequest, ReloadResponse)
#undef HOMEOSTAT_CALL

Outcome<> Client::watch(const v1::WatchRequest& request, const std::function<bool(const v1::WatchEvent&)>& on_event) {
  const Connection& connection = stubs_->connection;
  // A stream has no deadline; a unary call first finds out, with one, whether anybody is there.
  if (const auto status = call(v1::GetStatusRequest{}); !status) return tl::make_unexpected(status.error());
  grpc::ClientContext context;
  const auto reader = stubs_->control.Watch(&context, request);
  v1::WatchEvent event;
  while (reader->Read(&event)) {
    if (on_event(event)) continue;
    context.TryCancel();
    while (reader->Read(&event)) {
    }
    (void)reader->Finish();
    return {};
  }
  const grpc::Status status = reader->Finish();
  if (status.ok())
    return stop(ExitCode::unavailable, fmt::format("the daemon at {} ended the stream", connection.endpoint));
  return tl::make_unexpected(translate(status, connection, true));
}

}  // namespace homeostat::cli
