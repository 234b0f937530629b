// r_fits.h: what R sees of fits, and of the user's wish to stop.
#pragma once

#include "r_headers.h"

#include <vector>

#include "r_convert.h"

namespace em {

// What an Interrupt of the boundary asks. Where R is told to stop it jumps, past C++ destructors and running
// threads: the jump is held up here and goes on from leave_if_raised(), once all has been put away, so that R
// shows its own condition.
bool user_wants_out();
void leave_if_raised(const Interrupt& interrupt);

Rcpp::IntegerVector counted_from_one(const std::vector<Index>& components);
Rcpp::NumericVector to_r(const Vector& x);
Rcpp::NumericMatrix path_matrix(const std::vector<Vector>& path);

// A line for each start: loglik, iterations, status, degenerate; with room for `more` elements.
ListBuilder starts_table(const std::vector<Fit>& fits, int more = 0);

// The log-likelihoods of every start's run, for a picture of them all.
Rcpp::List traces_of(const std::vector<Fit>& fits);

// The parameters that every start's run ended with.
Rcpp::List ends_of(const Fields& fields, const std::vector<Fit>& fits);

// The best of the fits, with the table of all; with room for three elements more.
ListBuilder run_as_list(Model& model, const std::vector<Fit>& fits);

}  // namespace em
