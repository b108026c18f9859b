#include "benchmarks/support/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "benchmarks/support/table.hpp"

namespace homeostat::bench {
namespace {

constexpr auto kStartMax = std::chrono::minutes(2);
constexpr auto kPoll = std::chrono::milliseconds(1);

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const std::filesystem::path& written(const std::filesystem::path& directory, const std::string& config) {
  std::ofstream(directory / "config.yaml") << config;
  return directory;
}

/// The number after `label` in `text`.
std::uint16_t number_after(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  if (at == std::string::npos) give_up("no '" + label + "' in: " + text);
  return static_cast<std::uint16_t>(std::atoi(text.c_str() + at + label.size()));
}

}  // namespace

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "homeostat-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) give_up("no scratch directory like " + name);
  path_ = name;
}
Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::string& program, const std::vector<std::string>& arguments, std::filesystem::path output)
    : output_(std::move(output)) {
  const auto file = std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
  std::vector<std::string> words = {file.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) give_up("cannot fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an interrupted benchmark leaves nothing running
    const int fd = ::open(output_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
}

Process::~Process() {
  if (pid_ > 0) (void)end(SIGKILL);
}

std::string Process::wait_for(const std::string& marker) const {
  const auto until = std::chrono::steady_clock::now() + kStartMax;
  while (std::chrono::steady_clock::now() < until) {
    const std::string text = read_all(output_);
    const auto at = text.find(marker);
    const auto line_end = at == std::string::npos ? at : text.find('\n', at);
    if (line_end != std::string::npos) {
      return text.substr(at + marker.size(), line_end - at - marker.size());
    }
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_) break;
    std::this_thread::sleep_for(kPoll);
  }
  give_up(fmt::format("no '{}' from the process; it said:\n{}", marker, read_all(output_)));
}

int Process::end(int signal) {
  ::kill(pid_, signal);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::uint64_t Process::resident_bytes() const {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid_));
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Daemon::Daemon(const std::filesystem::path& directory, const std::string& config)
    : process_("homeostatd", {"--config", (written(directory, config) / "config.yaml").string()},
               directory / "output.log") {
  const std::string ports = process_.wait_for("ready: gRPC on");
  grpc_ = fmt::format("127.0.0.1:{}", number_after(ports, "port "));
  http_port_ = number_after(ports, "http port ");
}

void Daemon::stop() {
  if (const int code = process_.end(SIGTERM); code != 0) give_up(fmt::format("homeostatd ended with {}", code));
}

int http_get(std::uint16_t port, const std::string& path, std::string* body) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char buffer[4096];
    ssize_t n = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    while (n > 0 && (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0) answer.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  if (body != nullptr) *body = answer;
  int status = 0;
  return std::sscanf(answer.c_str(), "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("no free port");
  }
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace homeostat::bench
