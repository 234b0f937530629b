// r_headers.h: Rcpp and, for RcppExports.cpp, all of RcppEigen, as system headers: their warnings, which
// differ between versions, never drown ours.
#pragma once
#pragma GCC system_header

#include <RcppEigen.h>
