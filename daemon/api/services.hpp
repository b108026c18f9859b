// The six services of the public contract, over one context. Internal to daemon/api.
#pragma once

#include <memory>
#include <vector>

#include <grpcpp/impl/service_type.h>

#include "daemon/api/context.hpp"

namespace homeostat::daemon::api {

[[nodiscard]] std::unique_ptr<grpc::Service> make_ingest_service(ContextPtr context);
[[nodiscard]] std::unique_ptr<grpc::Service> make_control_service(ContextPtr context);
[[nodiscard]] std::unique_ptr<grpc::Service> make_actuator_service(ContextPtr context);
[[nodiscard]] std::unique_ptr<grpc::Service> make_guardian_service(ContextPtr context);
[[nodiscard]] std::unique_ptr<grpc::Service> make_admin_service(ContextPtr context);
[[nodiscard]] std::unique_ptr<grpc::Service> make_economy_service(ContextPtr context);

}  // namespace homeostat::daemon::api
