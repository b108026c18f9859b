// The daemon as seen by the command: one call per request type, each with the deadline of --timeout, each failure
// already one helpful sentence with its exit code. gRPC stays behind client.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/exit_codes.hpp"
#include "core/time.hpp"
#include "homeostat/v1/admin.pb.h"
#include "homeostat/v1/control.pb.h"
#include "homeostat/v1/economy.pb.h"
#include "homeostat/v1/guardian.pb.h"

namespace homeostat::cli {

namespace v1 = ::homeostat::v1;

inline constexpr const char* kDefaultEndpoint = "127.0.0.1:7400";

struct Connection {
  std::string endpoint = kDefaultEndpoint;  ///< host:port or unix:path
  Duration timeout = Duration::seconds(5);  ///< of each call
  std::string ca_path;                      ///< PEM; TLS is used when any of the three is given
  std::string certificate_path;             ///< PEM, with key_path: this client's identity
  std::string key_path;
};

class Client {
 public:
  /// Does not connect yet. Fails when a TLS file cannot be read or a certificate comes without its key.
  [[nodiscard]] static Outcome<Client> make(const Connection& connection);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  [[nodiscard]] Outcome<v1::Status> call(const v1::GetStatusRequest& request);
  [[nodiscard]] Outcome<v1::ListSourcesResponse> call(const v1::ListSourcesRequest& request);
  [[nodiscard]] Outcome<v1::ListMetricsResponse> call(const v1::ListMetricsRequest& request);
  [[nodiscard]] Outcome<v1::ListLoopsResponse> call(const v1::ListLoopsRequest& request);
  [[nodiscard]] Outcome<v1::ListParametersResponse> call(const v1::ListParametersRequest& request);
  [[nodiscard]] Outcome<v1::ListDecisionsResponse> call(const v1::ListDecisionsRequest& request);
  [[nodiscard]] Outcome<v1::ExplainResponse> call(const v1::ExplainRequest& request);
  [[nodiscard]] Outcome<v1::PreviewResponse> call(const v1::PreviewRequest& request);

  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::PauseRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ResumeRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::OverrideRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ClearOverrideRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ShiftSetpointRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ClearShiftRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::EmergencyRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::VetoRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ReleaseRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::ClearHaltRequest& request);
  [[nodiscard]] Outcome<v1::CommandResponse> call(const v1::SubmitRequest& request);
  [[nodiscard]] Outcome<v1::ListPendingResponse> call(const v1::ListPendingRequest& request);

  [[nodiscard]] Outcome<v1::ReloadResponse> call(const v1::ReloadRequest& request);
  [[nodiscard]] Outcome<v1::GetConfigResponse> call(const v1::GetConfigRequest& request);
  [[nodiscard]] Outcome<v1::BackupResponse> call(const v1::BackupRequest& request);
  [[nodiscard]] Outcome<v1::SetLogLevelResponse> call(const v1::SetLogLevelRequest& request);
  [[nodiscard]] Outcome<v1::GetVersionResponse> call(const v1::GetVersionRequest& request);
  [[nodiscard]] Outcome<v1::Shadow> call(const v1::AddShadowRequest& request);
  [[nodiscard]] Outcome<v1::RemoveShadowResponse> call(const v1::RemoveShadowRequest& request);
  [[nodiscard]] Outcome<v1::ListShadowsResponse> call(const v1::ListShadowsRequest& request);
  [[nodiscard]] Outcome<v1::ReloadResponse> call(const v1::PromoteShadowRequest& request);

  [[nodiscard]] Outcome<v1::EvaluateResponse> call(const v1::EvaluateRequest& request);

  /// Calls `on_event` for each event until it returns false (success) or the stream ends (failure, also when the
  /// daemon ended it). No deadline, except for getting connected.
  [[nodiscard]] Outcome<> watch(const v1::WatchRequest& request,
                                const std::function<bool(const v1::WatchEvent&)>& on_event);

 private:
  struct Stubs;
  explicit Client(std::unique_ptr<Stubs> stubs);
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace homeostat::cli
