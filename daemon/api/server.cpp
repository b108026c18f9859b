#include "daemon/api/server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "daemon/api/context.hpp"
#include "daemon/api/credentials.hpp"
#include "daemon/api/services.hpp"

namespace homeostat::daemon::api {
namespace {

constexpr std::array kHealthNames = {"",
                                     "homeostat.v1.IngestService",
                                     "homeostat.v1.ControlService",
                                     "homeostat.v1.ActuatorService",
                                     "homeostat.v1.GuardianService",
                                     "homeostat.v1.AdminService",
                                     "homeostat.v1.EconomyService"};

/// While draining: how often open calls are looked at, and how long calls that are not ours may take once ours are
/// over (a health check under way; the watchers among them would stay for ever).
constexpr auto kDrainPoll = std::chrono::milliseconds(5);
constexpr auto kForeignCallsGrace = std::chrono::milliseconds(200);

int milliseconds(Duration duration) {
  return static_cast<int>(
      std::clamp<std::int64_t>(duration / Duration::milliseconds(1), 1, std::numeric_limits<int>::max()));
}

bool has_open_calls(const Counters& c) {
  return c.ingest_streams + c.watch_streams + c.subscribe_streams + c.pending_calls > 0;
}

void set_limits(grpc::ServerBuilder& builder, const ServerLimits& limits) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.message_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.calls_per_connection_max);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Clients may probe as often as we do; more often is abuse and closes their connection.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             milliseconds(limits.keepalive_timeout));
  // gRPC shares a port between processes by default: a second daemon would silently get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("homeostat");
  quota.Resize(limits.memory_bytes_max);
  quota.SetMaxThreads(limits.threads_max);
  builder.SetResourceQuota(quota);
}

/// Both are process-wide switches of gRPC, read when a server is built.
void enable_plugins() {
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(once);
}

Result<> check(const ServerLimits& limits) {
  const auto positive = [](std::string_view name, auto value) -> Result<> {
    return value > 0 ? Result<>{} : fail(ErrorCode::out_of_range, std::string(name), "must be at least 1");
  };
  return positive("batches_in_flight_max", limits.batches_in_flight_max)
      .and_then([&] { return positive("samples_in_flight_max", limits.samples_in_flight_max); })
      .and_then([&] { return positive("watch_queue_max", limits.watch_queue_max); })
      .and_then([&] { return positive("subscribe_queue_max", limits.subscribe_queue_max); });
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<TlsFiles> tls;  ///< null without TLS; gRPC's handshakes ask it until the server is gone
  ContextPtr context;
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  bool drained = false;

  void set_health(bool serving) {
    for (const char* name : kHealthNames) {
      server->GetHealthCheckService()->SetServingStatus(name, serving);
    }
  }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::start(ServerSettings settings, Backend& backend) {
  if (auto ok = check(settings.limits); !ok) {
    return tl::make_unexpected(ok.error());
  }
  auto impl = std::make_unique<Impl>();
  auto credentials = grpc::InsecureServerCredentials();
  if (settings.tls) {
    auto files = TlsFiles::open(
        *settings.tls, [&backend] { return backend.now(); }, std::move(settings.on_certificate));
    if (!files) {
      return tl::make_unexpected(files.error());
    }
    impl->tls = std::move(*files);
    credentials = impl->tls->credentials();
  }
  enable_plugins();
  impl->context = std::make_shared<Context>(backend, settings.limits);
  impl->services.push_back(make_ingest_service(impl->context));
  impl->services.push_back(make_control_service(impl->context));
  impl->services.push_back(make_actuator_service(impl->context));
  impl->services.push_back(make_guardian_service(impl->context));
  impl->services.push_back(make_admin_service(impl->context));
  impl->services.push_back(make_economy_service(impl->context));

  grpc::ServerBuilder builder;
  set_limits(builder, settings.limits);
  builder.AddListeningPort(settings.address, credentials, &impl->port);
  for (const auto& service : impl->services) {
    builder.RegisterService(service.get());
  }
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || (impl->port == 0 && !settings.address.starts_with("unix:"))) {
    return fail(ErrorCode::unavailable, settings.address,
                "cannot listen there: the port is taken, the address is not one of this machine's, or it may not be "
                "bound by this user");
  }
  impl->set_health(false);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  drain(Duration::zero());
  impl_->context->outbox.stop();
}

int Server::port() const {
  return impl_->port;
}

void Server::set_serving(bool serving) {
  impl_->context->serving.store(serving, std::memory_order_release);
  impl_->set_health(serving);
}

void Server::drain(Duration deadline) {
  if (std::exchange(impl_->drained, true)) {
    return;
  }
  const auto until = std::chrono::system_clock::now() + std::chrono::nanoseconds(deadline.ns);
  impl_->context->serving.store(false, std::memory_order_release);
  // Shutdown, not SetServingStatus: it also ends the health service's own watchers' hopes of another change.
  impl_->server->GetHealthCheckService()->Shutdown();
  impl_->context->streams.drain_all();
  // Health watchers and idle reflection streams never end by themselves: only our own calls are waited for.
  while (has_open_calls(impl_->context->counters) && std::chrono::system_clock::now() < until) {
    std::this_thread::sleep_for(kDrainPoll);
  }
  impl_->server->Shutdown(std::min(until, std::chrono::system_clock::now() + kForeignCallsGrace));
  impl_->server->Wait();
}

ApiStats Server::stats() const {
  ApiStats stats = impl_->context->counters.snapshot();
  if (impl_->tls) {
    impl_->tls->look_again();  // so that a scrape sees trouble before the next client does
    stats.certificates_renewed = impl_->tls->renewed();
    stats.certificates_held_back = impl_->tls->held_back();
  }
  return stats;
}

}  // namespace homeostat::daemon::api
