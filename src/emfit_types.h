// emfit_types.h: what the generated RcppExports.cpp includes before anything else, by Rcpp's convention.
#pragma once

#include "r_exports.h"
