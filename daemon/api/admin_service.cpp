#include "daemon/api/build_info.hpp"
#include "daemon/api/services.hpp"
#include "daemon/api/unary.hpp"
#include "daemon/convert/admin.hpp"
#include "daemon/convert/decision.hpp"
#include "daemon/convert/shadow.hpp"
#include "homeostat/v1/admin.grpc.pb.h"

namespace homeostat::daemon::api {
namespace {

/// All errors, one a line; status_from_error cuts what metadata cannot carry, GetConfig has the rest.
Error refused_configuration(const ReloadOutcome& outcome) {
  std::string text = "the new configuration was refused, the last good one stays in force:";
  for (const std::string& error : outcome.errors) {
    text += "\n" + error;
  }
  return {ErrorCode::conflict, "", text};
}

class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(ContextPtr context) : context_(std::move(context)) {}

  grpc::ServerUnaryReactor* Reload(grpc::CallbackServerContext* server_call, const v1::ReloadRequest*,
                                   v1::ReloadResponse* response) override {
    auto call = PendingCall<v1::ReloadResponse>::begin(context_, Method::reload, response);
    if (!call->is_over()) {
      context_->backend.reload(caller_of(*server_call), [call](Result<ReloadOutcome> outcome) {
        call->end_later([outcome = std::move(outcome)](v1::ReloadResponse& filled) {
          if (!outcome) {
            return status_from_error(outcome.error());
          }
          if (!outcome->errors.empty()) {
            return status_from_error(refused_configuration(*outcome));
          }
          convert::proto_from_reload(*outcome, filled);
          return grpc::Status::OK;
        });
      });
    }
    return call.get();
  }

  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* call, const v1::GetConfigRequest*,
                                      v1::GetConfigResponse* response) override {
    convert::proto_from_config(context_->backend.config(), *response);
    return finish_now(*context_, Method::get_config, *call, grpc::Status::OK);
  }

  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext*, const v1::BackupRequest* request,
                                   v1::BackupResponse* response) override {
    auto call = PendingCall<v1::BackupResponse>::begin(context_, Method::backup, response);
    if (call->is_over()) {
      return call.get();
    }
    auto name = convert::backup_name_from_proto(*request);
    if (!name) {
      call->end(name.error());
      return call.get();
    }
    context_->backend.backup(*std::move(name), [call](Result<BackupOutcome> outcome) {
      call->end_later([outcome = std::move(outcome)](v1::BackupResponse& filled) {
        if (!outcome) {
          return status_from_error(outcome.error());
        }
        convert::proto_from_backup(*outcome, filled);
        return grpc::Status::OK;
      });
    });
    return call.get();
  }

  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* call, const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override {
    const auto finish = [&](const grpc::Status& status) {
      return finish_now(*context_, Method::set_log_level, *call, status);
    };
    if (auto status = admit(*context_); !status.ok()) {
      return finish(status);
    }
    const auto previous = convert::log_level_from_proto(*request).and_then(
        [&](const std::string& level) { return context_->backend.set_log_level(level); });
    if (!previous) {
      return finish(status_from_error(previous.error()));
    }
    response->set_previous(*previous);
    return finish(grpc::Status::OK);
  }

  grpc::ServerUnaryReactor* GetVersion(grpc::CallbackServerContext* call, const v1::GetVersionRequest*,
                                       v1::GetVersionResponse* response) override {
    const BuildInfo build = build_info();
    response->set_version(std::string(build.version));
    response->set_compiler(std::string(build.compiler));
    response->set_build_type(std::string(build.build_type));
    return finish_now(*context_, Method::get_version, *call, grpc::Status::OK);
  }

  grpc::ServerUnaryReactor* AddShadow(grpc::CallbackServerContext*, const v1::AddShadowRequest* request,
                                      v1::Shadow* response) override {
    auto call = PendingCall<v1::Shadow>::begin(context_, Method::add_shadow, response);
    if (!call->is_over()) {
      context_->backend.add_shadow(request->name(), request->text(), [call](Result<ShadowStatus> made) {
        call->end_later([made = std::move(made)](v1::Shadow& filled) {
          if (!made) {
            return status_from_error(made.error());
          }
          convert::proto_from_shadow(*made, filled);
          return grpc::Status::OK;
        });
      });
    }
    return call.get();
  }

  grpc::ServerUnaryReactor* RemoveShadow(grpc::CallbackServerContext* call, const v1::RemoveShadowRequest* request,
                                         v1::RemoveShadowResponse* response) override {
    auto status = admit(*context_);
    if (status.ok()) {
      if (const auto removed = context_->backend.remove_shadow(request->name()); !removed) {
        status = status_from_error(removed.error());
      }
    }
    response->set_name(request->name());
    return finish_now(*context_, Method::remove_shadow, *call, status);
  }

  grpc::ServerUnaryReactor* ListShadows(grpc::CallbackServerContext* call, const v1::ListShadowsRequest* request,
                                        v1::ListShadowsResponse* response) override {
    auto status = admit(*context_);
    if (status.ok()) {
      const auto all = context_->backend.shadows(request->name());
      if (!all) {
        status = status_from_error(all.error());
      } else {
        const auto view = context_->backend.view();
        for (const ShadowStatus& one : *all) {
          v1::Shadow& shadow = *response->add_shadows();
          convert::proto_from_shadow(one, shadow);
          for (v1::ShadowParameter& p : *shadow.mutable_parameters()) {
            if (view) p.set_unit(std::string(convert::unit_of(*view, p.name())));
          }
        }
      }
    }
    return finish_now(*context_, Method::list_shadows, *call, status);
  }

  grpc::ServerUnaryReactor* PromoteShadow(grpc::CallbackServerContext* server_call,
                                          const v1::PromoteShadowRequest* request,
                                          v1::ReloadResponse* response) override {
    auto call = PendingCall<v1::ReloadResponse>::begin(context_, Method::promote_shadow, response);
    if (!call->is_over()) {
      context_->backend.promote_shadow(request->name(), caller_of(*server_call), [call](Result<ReloadOutcome> outcome) {
        call->end_later([outcome = std::move(outcome)](v1::ReloadResponse& filled) {
          if (!outcome) {
            return status_from_error(outcome.error());
          }
          if (!outcome->errors.empty()) {
            return status_from_error(refused_configuration(*outcome));
          }
          convert::proto_from_reload(*outcome, filled);
          return grpc::Status::OK;
        });
      });
    }
    return call.get();
  }

 private:
  const ContextPtr context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_admin_service(ContextPtr context) {
  return std::make_unique<AdminService>(std::move(context));
}

}  // namespace homeostat::daemon::api
