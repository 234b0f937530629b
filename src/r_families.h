// r_families.h: the registry of families by name.
#pragma once

#include "r_headers.h"

#include <memory>

#include "family.h"

namespace em {

// The family that r_convert.h describes, for rows of which some have NaN where `missing`; not yet bound to
// them.
std::unique_ptr<Family> family_of(const Rcpp::List& family, const Data& rows, bool missing);

}  // namespace em
