// The yardstick of the ingest benchmark: a gRPC server with the same service and messages that decodes each batch and
// does nothing with it. Every batch is answered by an empty reply; with --silent only the end of a stream is.
// Prints its port, and runs until it is told to end.
#include <signal.h>

#include <cstdio>
#include <mutex>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "homeostat/v1/ingest.grpc.pb.h"

namespace {

using namespace homeostat;

/// Reads and writes independently of each other: the most that a stream with a reply per batch can do.
class Stream final : public grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply> {
 public:
  explicit Stream(bool silent) : silent_(silent) { StartRead(&batch_); }

  void OnReadDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      if (ok && !silent_) ++owed_;
      input_over_ = !ok;
    }
    if (ok) StartRead(&batch_);
    advance();
  }
  void OnWriteDone(bool) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
    }
    advance();
  }
  void OnDone() override { delete this; }

 private:
  void advance() {
    grpc::WriteOptions options;
    {
      const std::lock_guard lock(mutex_);
      if (writing_ || finished_) return;
      if (owed_ == 0) {
        if (!input_over_) return;
        finished_ = true;
      } else {
        writing_ = true;
        --owed_;
        if (owed_ > 0 && any_written_) options.set_buffer_hint();  // more follows: one packet for both
        any_written_ = true;
      }
    }
    if (finished_) {
      Finish(grpc::Status::OK);
    } else {
      StartWrite(&reply_, options);
    }
  }

  const bool silent_;
  v1::SampleBatch batch_;
  const v1::IngestReply reply_;
  std::mutex mutex_;
  std::uint64_t owed_ = 0;
  bool writing_ = false;
  bool any_written_ = false;
  bool input_over_ = false;
  bool finished_ = false;
};

class Service final : public v1::IngestService::CallbackService {
 public:
  explicit Service(bool silent) : silent_(silent) {}
  grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply>* Ingest(grpc::CallbackServerContext*) override {
    return new Stream(silent_);
  }

 private:
  const bool silent_;
};

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Service service(argc > 1 && std::string_view(argv[1]) == "--silent");
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  std::printf("port %d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
