// A scripted backend, served, and a plain-text channel to it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "scripted_backend.hpp"

namespace homeostat::daemon::api {

class Served : public ::testing::Test {
 protected:
  void start(ServerLimits limits = {}) {
    auto started = Server::start({.address = "127.0.0.1:0", .limits = limits}, backend_);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server_ = *std::move(started);
    server_->set_serving(true);
    channel_ = connect();
  }

  [[nodiscard]] std::shared_ptr<grpc::Channel> connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  [[nodiscard]] std::uint64_t calls(Method method, grpc::StatusCode code) const {
    return server_->stats().methods[static_cast<std::size_t>(method)].calls[static_cast<std::size_t>(code)];
  }

  ScriptedBackend backend_;  // outlives the server
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace homeostat::daemon::api
