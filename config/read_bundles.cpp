// bundles. Names and expressions are judged by engine::check, which knows all of them.
#include "config/readers.hpp"

namespace homeostat::config {

void read_bundles(const Field& field, Context& context, guardian::Settings& out) {
  if (!field.is_given()) return;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    guardian::Bundle bundle{.name = name, .members = {}, .invariants = {}};
    Section s(entry, context);
    s.required("members", "the parameters that move together").names(bundle.members);
    if (const Field invariants = s.optional("invariants"); invariants.is_given()) {
      Section::each(invariants, context, [&](const std::string& which, const Field& text) {
        guardian::BundleInvariant invariant{.name = which, .text = {}};
        text.text(invariant.text);
        bundle.invariants.push_back(std::move(invariant));
      });
    }
    out.bundles.push_back(std::move(bundle));
  });
}

}  // namespace homeostat::config
