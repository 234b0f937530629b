// emfit_types.h: what the generated RcppExports.cpp includes before anything else, by Rcpp's convention. It
// includes all of RcppEigen itself: as a system header that is done here.
#pragma once
#pragma GCC system_header

#ifndef RCPP_NO_MODULES
#define RCPP_NO_MODULES
#endif
#include <RcppEigen.h>
