// r_headers.h: Rcpp as a system header: its warnings, which differ between versions, never drown ours.
// Without its modules, which nobody here uses and which are half of what it takes to read it. The core knows
// Eigen by itself, and nothing of RcppEigen but its headers.
#pragma once
#pragma GCC system_header

#ifndef RCPP_NO_MODULES
#define RCPP_NO_MODULES
#endif
#include <Rcpp.h>
