#include "daemon/api/outbox.hpp"

#include <pthread.h>

#include <utility>

namespace homeostat::daemon::api {

Outbox::Outbox() : thread_([this] { run(); }) {}

Outbox::~Outbox() {
  stop();
}

void Outbox::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Outbox::post(Task task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (was_empty) {
    posted_.notify_one();
  }
}

void Outbox::run() {
  pthread_setname_np(pthread_self(), "api-outbox");
  std::vector<Task> batch;
  std::unique_lock lock(mutex_);
  while (true) {
    posted_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) {
      return;
    }
    batch.swap(tasks_);
    lock.unlock();
    for (Task& task : batch) {
      task();
    }
    batch.clear();  // outside the lock: a task may own the last reference to a stream
    lock.lock();
  }
}

}  // namespace homeostat::daemon::api
