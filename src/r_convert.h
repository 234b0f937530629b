// r_convert.h: R lists <-> what the core works with, and the registry of latent structures (that of families
// is in r_families.h).
//
// Nothing but plain data crosses the boundary:
//   data     list(x = double matrix, weights = NULL or doubles, missing = is there NaN in x?, kernels = NULL
//            or their name; and what is known of each row, where anything is: labels = integers, 0 where
//            unknown, log_beliefs = matrix, log_noise = log density of noise; units = NULL or the number of
//            the last row of each, for rows that share a component; parts = NULL or where the rows come from,
//            see r_parts.h); the columns of a binomial family are successes and trials
//   family   list(name =, k =, held = a list like the parameters, NaN where free, ...); a Gaussian one has
//            covariance = its letters, prior = NULL or list(mean, kappa, nu, scale)
//   latent   list(name = "mixture", proportions = the start, held = as many, NaN where free; noise = is there
//            a proportion more?, alike = are the components' own equal beside it?)
//            list(name = "markov", initial =, transition = the start, rows from; held_initial =,
//            held_transition = as many, NaN where free; stationary = does the chain begin in its own?)
//   parameters   see r_fields.h
// R has checked all of it; a mismatch found here is a defect of the package and raises std::invalid_argument.
#pragma once

#include "r_headers.h"

#include <memory>
#include <string>

#include "engine.h"
#include "model.h"
#include "r_fields.h"

namespace em {

// The rows and their weights, without what is known of them.
Data make_data(const Rcpp::List& data);

// With what is known of them, for so many columns of responsibilities.
Data make_part(const Rcpp::List& data, Index columns);

// Bound to the rows; where there are `parts`, these are a sample of what comes in parts (r_parts.h).
std::unique_ptr<Family> make_family(const Rcpp::List& data, const Rcpp::List& family);
std::unique_ptr<Model> make_model(const Rcpp::List& data, const Rcpp::List& family, const Rcpp::List& latent);

Control make_control(const Rcpp::List& control);
Start make_start(const Rcpp::List& start, const Model& model);
void check_responsibilities(SEXP given, Index size);
std::string status_name(Status status);

}  // namespace em
