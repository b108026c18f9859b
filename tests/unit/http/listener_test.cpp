// The listener over a real socket: what it answers to requests it does not serve.
#include "daemon/http/listener.hpp"

#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace homeostat::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Listening : ::testing::Test {
  void SetUp() override {
    auto started = HttpListener::start("127.0.0.1:0", [](std::string_view path) {
      return HttpResponse{.body = "this is " + std::string(path) + "\n"};
    });
    ASSERT_TRUE(started) << started.error().text();
    listener = std::move(*started);
  }

  /// Sends all of it and reads until the listener hangs up.
  [[nodiscard]] std::string exchange(const std::string& bytes) const {
    boost::asio::ip::tcp::iostream stream;
    stream.expires_after(std::chrono::seconds(20));
    stream.connect("127.0.0.1", std::to_string(listener->port()));
    stream << bytes << std::flush;
    std::string answer{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(stream.error(), boost::asio::error::eof) << stream.error().message();
    return answer;
  }

  std::unique_ptr<HttpListener> listener;
};

TEST_F(Listening, AnswersAPathWithoutItsQuery) {
  const std::string answer = exchange("GET /metrics?x=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("this is /metrics\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Allow:")));
}

TEST_F(Listening, APostWithABodyIsToldWhatIsAllowed) {
  const std::string answer = exchange("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\npause=all");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(answer, HasSubstr("only GET and HEAD"));
}

TEST_F(Listening, ALargeOrChunkedBodyIsToldSoToo) {
  const std::string large(500'000, 'x');
  EXPECT_THAT(exchange("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" + large),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
}

TEST_F(Listening, APostWithoutABodyKeepsTheConnection) {
  const std::string answer = exchange(
      "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("this is /second\n"));
}

}  // namespace
}  // namespace homeostat::daemon
