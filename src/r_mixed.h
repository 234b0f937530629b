// r_mixed.h: a mixed family as R describes it.
//
//   family   list(name = "mixed", k =, parts = a list of families, each as r_convert.h has them and with
//            part = its name; part_columns = its columns of the data, from 1; reading = "plain", "counts" or
//            "trials"; size = of "trials" of one column how many there are)
#pragma once

#include "r_headers.h"

#include <memory>

#include "data.h"
#include "family.h"

namespace em {

// Makes the family of a part: from its list, its rows and whether some of them have gaps.
using FamilyMaker = std::unique_ptr<Family> (*)(const Rcpp::List& family, const Data& rows, bool missing);

std::unique_ptr<Family> make_mixed(const Rcpp::List& family, const Data& rows, Index k, FamilyMaker make);

}  // namespace em
