// The thread that sends what others produced. The engine thread only posts here: starting a write in
// gRPC may serialise a message and enter the kernel, which the engine must not wait for.
//
// Bound: a stream posts only when it has no post pending, and a unary call posts once, so the queue never
// holds more than one task per open stream and pending call.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace homeostat::daemon::api {

class Outbox {
 public:
  using Task = std::function<void()>;

  Outbox();
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Tasks run one after another in the order of posting.
  void post(Task task);

  /// Runs what was posted and ends the thread; later posts are dropped. Must be called by the owner before the
  /// last reference to whatever holds the outbox can be dropped by a task.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace homeostat::daemon::api
