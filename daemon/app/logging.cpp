#include "daemon/app/logging.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace homeostat::daemon {
namespace {

bool is_json = false;

constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warn", "error"};

spdlog::level::level_enum level_of(std::string_view name) {
  if (name == "warning") name = "warn";
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == name) return static_cast<spdlog::level::level_enum>(i);
  }
  return spdlog::level::off;
}

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

void write(spdlog::level::level_enum level, std::string_view event, std::string_view text) {
  if (!spdlog::should_log(level)) return;
  if (is_json) {
    spdlog::log(level, "\"event\":\"{}\",\"message\":\"{}\"", json_escaped(event), json_escaped(text));
  } else {
    spdlog::log(level, "{}: {}", event, text);
  }
}

}  // namespace

void start_log(LogStyle style, std::string_view level) {
  is_json = style == LogStyle::json;
  auto logger = std::make_shared<spdlog::logger>("homeostatd", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  // Under journald (JOURNAL_STREAM is set) the time is the journal's; the priority prefix is understood there.
  const bool journald = std::getenv("JOURNAL_STREAM") != nullptr;
  const std::string pattern = is_json    ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                              : journald ? "%v"
                                         : "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v";
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  logger->set_level(level_of(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

Result<std::string> set_log_level(std::string_view level) {
  const auto wanted = level_of(level);
  if (wanted == spdlog::level::off) {
    return fail(ErrorCode::invalid_argument, "level",
                fmt::format("\"{}\" is not a log level; use trace, debug, info, warn or error", level));
  }
  const auto before = spdlog::get_level();
  spdlog::set_level(wanted);
  return std::string(kLevels[std::min<std::size_t>(before, kLevels.size() - 1)]);
}

void log_debug(std::string_view event, std::string_view text) {
  write(spdlog::level::debug, event, text);
}
void log_info(std::string_view event, std::string_view text) {
  write(spdlog::level::info, event, text);
}
void log_warn(std::string_view event, std::string_view text) {
  write(spdlog::level::warn, event, text);
}
void log_error(std::string_view event, std::string_view text) {
  write(spdlog::level::err, event, text);
}

}  // namespace homeostat::daemon
