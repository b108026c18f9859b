// A race on purpose, inside the reactor pattern that daemon/api uses: if ThreadSanitizer with our
// suppressions does not report `racy`, then a clean run of the other tests proves nothing.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "daemon/api/tsan.hpp"
#include "homeostat/v1/admin.grpc.pb.h"

namespace {

namespace v1 = homeostat::v1;
namespace tsan = homeostat::daemon::api::tsan;

long racy = 0;  // written by every gRPC thread, guarded by nothing

class VersionReactor final : public grpc::ServerUnaryReactor {
 public:
  VersionReactor() {
    ++racy;
    tsan::released(this);
    Finish(grpc::Status::OK);
  }
  void OnDone() override {
    tsan::acquired(this);
    delete this;
  }
};

class RacyService final : public v1::AdminService::CallbackService {
  grpc::ServerUnaryReactor* GetVersion(grpc::CallbackServerContext*, const v1::GetVersionRequest*,
                                       v1::GetVersionResponse*) override {
    return new VersionReactor;
  }
};

void call_often(int port) {
  constexpr int kCalls = 300;
  const auto stub = v1::AdminService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    v1::GetVersionResponse response;
    stub->GetVersion(&context, {}, &response);
  }
}

}  // namespace

int main() {
  RacyService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(call_often, port);
  }
  for (auto& client : clients) {
    client.join();
  }
  server->Shutdown();
  std::printf("calls counted, with a race: %ld\n", racy);
}
