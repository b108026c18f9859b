// The service manager's end of the datagram socket.
#include "daemon/app/sd_notify.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace homeostat::daemon {
namespace {

TEST(SdNotify, SendsOneDatagramToTheManagersSocket) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("homeostat-notify-" + std::to_string(::getpid()))).string();
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ASSERT_GE(fd, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  sd_notify("READY=1\nSTATUS=serving");
  ::unsetenv("NOTIFY_SOCKET");
  sd_notify("WATCHDOG=1");  // nobody listens: nothing happens

  std::string got(256, '\0');
  const ssize_t size = ::recv(fd, got.data(), got.size(), 0);
  ASSERT_GT(size, 0);
  got.resize(static_cast<std::size_t>(size));
  EXPECT_EQ(got, "READY=1\nSTATUS=serving");
  EXPECT_LT(::recv(fd, got.data(), got.size(), 0), 0);
  ::close(fd);
  std::filesystem::remove(path);
}

TEST(SdNotify, FeedsTheWatchdogTwiceInItsTime) {
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  EXPECT_EQ(watchdog_period(), std::chrono::microseconds(1'000'000));
  for (const char* wrong : {"", "0", "-5", "soon", "10s"}) {
    ::setenv("WATCHDOG_USEC", wrong, 1);
    EXPECT_EQ(watchdog_period(), std::nullopt) << wrong;
  }
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(watchdog_period(), std::nullopt);
}

}  // namespace
}  // namespace homeostat::daemon
