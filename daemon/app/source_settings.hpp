// From the configuration to the settings of each fetching source.
#pragma once

#include "config/config.hpp"
#include "core/result.hpp"
#include "daemon/sources/chainlink_source.hpp"
#include "daemon/sources/settings.hpp"

namespace homeostat::daemon {

[[nodiscard]] Result<sources::EvmSettings> evm_settings(const std::string& name,
                                                        const config::EvmConnection& connection,
                                                        const oracle::Settings& oracle);
[[nodiscard]] Result<sources::PrometheusSettings> prometheus_settings(const std::string& name,
                                                                      const config::PrometheusConnection& connection);
[[nodiscard]] Result<sources::ChainlinkSettings> chainlink_settings(const std::string& name,
                                                                    const config::ChainlinkConnection& connection);
[[nodiscard]] Result<sources::HttpSourceSettings> http_settings(const std::string& name,
                                                                const config::HttpConnection& connection);

}  // namespace homeostat::daemon
