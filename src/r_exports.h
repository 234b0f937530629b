// r_exports.h: all of RcppEigen, which the generated RcppExports.cpp includes by itself, as a system header.
#pragma once
#pragma GCC system_header

#ifndef RCPP_NO_MODULES
#define RCPP_NO_MODULES
#endif
#include <RcppEigen.h>
