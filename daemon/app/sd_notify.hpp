// The service manager's readiness and watchdog datagrams (sd_notify(3)), without its library: one
// datagram to $NOTIFY_SOCKET. Everything is a no-op when not started by a service manager.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace homeostat::daemon {

/// Sends e.g. "READY=1\nSTATUS=serving". Failures are ignored: the manager's timeout then says it.
void sd_notify(std::string_view message);

/// Half of $WATCHDOG_USEC: how often the control loop must say that it lives. None = no watchdog.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period();

}  // namespace homeostat::daemon
