#include "daemon/api/context.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "daemon/convert/fields.hpp"

namespace homeostat::daemon::api {

bool StreamRegistry::add(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  if (draining_) {
    return false;
  }
  streams_.emplace(stream.get(), stream);
  return true;
}

void StreamRegistry::remove(const Stream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void StreamRegistry::drain_all() {
  std::vector<std::shared_ptr<Stream>> open;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    for (const auto& [key, weak] : streams_) {
      if (auto stream = weak.lock()) {
        open.push_back(std::move(stream));
      }
    }
  }
  for (const auto& stream : open) {
    stream->drain();
  }
}

grpc::Status admit(const Context& context) {
  if (!context.serving.load(std::memory_order_acquire)) {
    return {grpc::StatusCode::UNAVAILABLE, "the daemon is not in service: it is starting or stopping; try again"};
  }
  return grpc::Status::OK;
}

std::unique_ptr<Ticket> Ticket::take(const ContextPtr& context, Counter Counters::*counter, std::uint64_t places) {
  Counter& taken = context->counters.*counter;
  auto ticket = std::make_unique<Ticket>(context, counter);
  if (taken.fetch_add(1, std::memory_order_relaxed) >= places) {
    context->counters.refused_streams.fetch_add(1, std::memory_order_relaxed);
    return nullptr;  // the ticket's death gives the place back
  }
  return ticket;
}

namespace {

grpc::StatusCode code_from(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::out_of_range:
    case ErrorCode::malformed: return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::unknown_name:
    case ErrorCode::missing: return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::duplicate: return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::conflict: return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::unavailable: return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::timed_out: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::permission_denied: return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::resource_exhausted: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::corrupt: return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::io: return grpc::StatusCode::INTERNAL;
    case ErrorCode::unsupported: return grpc::StatusCode::UNIMPLEMENTED;
  }
  return grpc::StatusCode::UNKNOWN;
}

std::vector<std::string> properties(const grpc::AuthContext& auth, const std::string& name) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : auth.FindPropertyValues(name)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

}  // namespace

grpc::Status status_from_error(const Error& error) {
  // A status travels as metadata, of which clients take 8 kB by default, and bytes beyond ASCII take three each.
  constexpr std::size_t kTextMax = 2'000;
  std::string text = convert::valid_utf8(error.text());
  if (text.size() > kTextMax) {
    text = convert::valid_utf8(text.substr(0, kTextMax)) + " ...";
  }
  return {code_from(error.code), text};
}

grpc::Status too_many(std::string_view what, std::uint64_t places) {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          fmt::format("{} {} are open, no more are allowed; try later", places, what)};
}

std::string identity_of(const grpc::ServerContextBase& call) {
  const auto auth = call.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) {
    return {};
  }
  std::vector<std::string> names = properties(*auth, "x509_subject_alternative_name");
  const auto uri = std::find_if(names.begin(), names.end(),
                                [](const std::string& name) { return name.find("://") != std::string::npos; });
  if (uri != names.end()) {
    return *uri;
  }
  if (names.empty()) {
    names = properties(*auth, "x509_common_name");
  }
  return names.empty() ? std::string{} : names.front();
}

std::string caller_of(const grpc::ServerContextBase& call) {
  std::string identity = identity_of(call);
  return identity.empty() ? call.peer() : identity;
}

}  // namespace homeostat::daemon::api
