// Shadow policies: what a comparison says, as messages.
#pragma once

#include "daemon/api/backend.hpp"
#include "homeostat/v1/admin.pb.h"

namespace homeostat::convert {

/// Everything but its name, its sequence numbers and the units of parameters.
void proto_from_shadow(const engine::Shadow& shadow, v1::Shadow& proto);
/// Everything but the units of parameters.
void proto_from_shadow(const daemon::ShadowStatus& status, v1::Shadow& proto);

}  // namespace homeostat::convert
