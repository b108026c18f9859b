// gRPC's own lines (failed handshakes, sockets it could not use) in the daemon's log instead of raw on stderr.
#pragma once

#include <string_view>

namespace homeostat::daemon::api {

enum class GrpcLogLevel { debug, info, error };

/// Called on any of gRPC's threads, at any time until it is replaced; must neither block nor call gRPC. Which levels
/// come at all is gRPC's own choice: errors, or what GRPC_VERBOSITY says.
using GrpcLog = void (*)(GrpcLogLevel level, std::string_view text);

/// For the whole process. Null brings gRPC's own output to stderr back.
void set_grpc_log(GrpcLog log);

}  // namespace homeostat::daemon::api
