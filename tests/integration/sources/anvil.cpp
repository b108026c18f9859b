#include "tests/integration/sources/anvil.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "daemon/sources/hex.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::test {

namespace asio = boost::asio;

namespace {

constexpr const char* kAccount = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";  // anvil's first, unlocked

// Calldata: topic 0, topic 1, topic 2, the data word, how often. Emits LOG3 in a loop.
//   mem[0] = data; n = count; loop: if n == 0 stop; log3(mem[0..32], topics); n = n - 1; goto loop
constexpr const char* kEmitter =
    "0x602680600b6000396000f3"  // deploy the 38 bytes behind this line
    "606035600052"
    "608035"
    "5b"
    "8015602457"
    "604035602035600035"  // data, n, loop, exit, topics
    "60206000a3"
    "6001900360"
    "0956"
    "5b00";

std::string binary() {
  if (const char* given = std::getenv("HOMEOSTAT_ANVIL")) return given;
  const std::filesystem::path root = std::filesystem::path(HOMEOSTAT_SOURCE_DIR) / "node_modules/@foundry-rs";
  if (std::filesystem::exists(root)) {
    for (const auto& package : std::filesystem::directory_iterator(root)) {
      const auto path = package.path() / "bin/anvil";
      if (package.path().filename().string().starts_with("anvil-") && std::filesystem::exists(path)) return path;
    }
  }
  throw std::runtime_error("anvil is not in " + root.string() + "; run `npm ci` first, or set HOMEOSTAT_ANVIL");
}

std::string word_of(std::uint64_t value) {
  return fmt::format("{:064x}", value);
}

}  // namespace

Anvil::Anvil(Options options) {
  std::vector<std::string> arguments{binary(),
                                     "--port",
                                     std::to_string(options.port),
                                     "--chain-id",
                                     std::to_string(options.chain_id),
                                     "--no-mining",
                                     "--order",
                                     "fifo",
                                     "--gas-limit",
                                     "1000000000",
                                     "--no-request-size-limit",
                                     "--prune-history",  // else every further state goes to ~/.foundry, for ever
                                     "128"};
  arguments.insert(arguments.end(), options.more.begin(), options.more.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the test
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  output_ = ends[0];
  wait_for_port();
  drain_ = std::thread([from = output_] {
    char buffer[4096];
    while (read(from, buffer, sizeof buffer) > 0) {
    }
  });
}

void Anvil::wait_for_port() {
  std::string seen;
  char buffer[4096];
  for (;;) {
    const std::size_t at = seen.find("Listening on 127.0.0.1:");
    if (at != std::string::npos && seen.find('\n', at) != std::string::npos) {
      port_ = static_cast<std::uint16_t>(std::stoul(seen.substr(at + 23)));
      return;
    }
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got <= 0) throw std::runtime_error("anvil did not start: " + seen);
    seen.append(buffer, static_cast<std::size_t>(got));
  }
}

void Anvil::end(int signal) {
  if (pid_ < 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  if (drain_.joinable()) drain_.join();  // its end of the pipe is closed now
  close(output_);
  pid_ = -1;
}

Anvil::~Anvil() {
  end(SIGKILL);
}

std::string Anvil::call(const std::string& method, const std::string& params) const {
  asio::io_context io;
  sources::HttpSettings settings;
  settings.deadline = Duration::seconds(120);
  settings.response_max = 1ull << 30;
  sources::HttpClient client(io.get_executor(), *sources::parse_endpoint(http(), false, "anvil"), settings);
  sources::HttpRequest request;
  request.post = true;
  request.target = "/";
  request.content_type = "application/json";
  request.body = fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})", method, params);
  sources::Fetch<sources::HttpReply> reply;
  std::exception_ptr thrown;
  asio::co_spawn(io, client.exchange(std::move(request)),
                 [&](std::exception_ptr e, sources::Fetch<sources::HttpReply> r) {
                   thrown = e;
                   reply = std::move(r);
                 });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  if (!reply) throw std::runtime_error(reply.error().text);
  const boost::json::value answer = boost::json::parse(reply->body);
  const auto* result = answer.as_object().if_contains("result");
  if (result == nullptr) throw std::runtime_error(method + ": " + reply->body.substr(0, 500));
  return boost::json::serialize(*result);
}

void Anvil::mine(std::uint64_t blocks) const {
  call("anvil_mine", fmt::format(R"(["0x{:x}"])", blocks));
}

std::uint64_t Anvil::block_number() const {
  const std::string quoted = call("eth_blockNumber");
  return *sources::parse_quantity(std::string_view(quoted).substr(1, quoted.size() - 2));
}

sources::Address Anvil::deploy_emitter() const {
  const std::string hash =
      call("eth_sendTransaction", fmt::format(R"([{{"from":"{}","data":"{}","gas":"0x100000"}}])", kAccount, kEmitter));
  mine(1);
  const auto receipt = boost::json::parse(call("eth_getTransactionReceipt", "[" + hash + "]"));
  return *sources::parse_array<20>(receipt.as_object().at("contractAddress").as_string());
}

void Anvil::send_tips(const sources::Address& emitter, std::uint64_t viewer, std::uint64_t amount,
                      std::uint64_t count) const {
  const std::string topic = hex_of(sources::keccak256("Tip(address,address,uint256)"));
  call("eth_sendTransaction",
       fmt::format(R"([{{"from":"{}","to":"{}","gas":"0x{:x}","data":"0x{}{}{}{}{}"}}])", kAccount, hex0x_of(emitter),
                   100'000 + 3'000 * count, topic, word_of(viewer), word_of(7), word_of(amount), word_of(count)));
}

void Anvil::tip(const sources::Address& emitter, std::uint64_t viewer, std::uint64_t amount,
                std::uint64_t count) const {
  send_tips(emitter, viewer, amount, count);
  mine(1);
}

}  // namespace homeostat::test
