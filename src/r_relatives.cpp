// What em_select() asks of Gaussian components beside their runs: gaussian_relatives.h.
#include "gaussian_relatives.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "r_convert.h"
#include "r_fits.h"
#include "r_lists.h"

namespace {

Rcpp::NumericVector with_shape(const em::Vector& x, const Rcpp::IntegerVector& shape) {
  Rcpp::NumericVector out = em::to_r(x);
  out.attr("dim") = shape;
  return out;
}

// What share_sums() asks of a model.
void check_related(const em::Model& model, const Rcpp::List& family) {
  const auto is = [&](const char* name, const char* word) {
    SEXP value = em::element(family, name);
    return TYPEOF(value) == STRSXP && Rf_xlength(value) == 1 && Rcpp::as<std::string>(value) == word;
  };
  const bool free = Rf_isNull(em::element(family, "prior")) && Rf_isNull(em::element(family, "held"));
  const bool general = is("name", "gaussian") && (is("covariance", "VVV") || is("covariance", "V"));
  if (free && general && model.n_columns() == model.n_components()) return;
  throw std::invalid_argument("only free Gaussian components without noise share their sums");
}

Rcpp::List sums_as_list(const em::SharedSums& sums) {
  const int k = static_cast<int>(sums.mean.rows());
  const int d = static_cast<int>(sums.mean.cols());
  em::Vector covariance(em::Index{d} * d * k);
  for (int j = 0; j < k; ++j) {
    const em::Matrix& own = sums.covariance[static_cast<std::size_t>(j)];
    std::copy(own.data(), own.data() + d * d, covariance.data() + j * d * d);
  }
  const em::Vector mean = em::ConstVectorMap(sums.mean.data(), sums.mean.size());
  return em::ListBuilder(5)
      .add("counts", em::to_r(sums.counts))
      .add("proportions", em::to_r(sums.proportions))
      .add("mean", with_shape(mean, {k, d}))
      .add("covariance", with_shape(covariance, {d, d, k}))
      .add("level", sums.level)
      .list();
}

em::SharedSums sums_of_list(const Rcpp::List& list) {
  em::SharedSums out;
  const em::Index k = Rf_xlength(em::element(list, "counts"));
  const em::Index d = k > 0 ? Rf_xlength(em::element(list, "mean")) / k : 0;
  if (d < 1 || !em::has(list, "covariance") || !em::has(list, "level")) {
    throw std::invalid_argument("sums need counts, means, covariances and a level");
  }
  out.counts = em::ConstVectorMap(em::doubles_of(list, "counts", k), k);
  out.mean = em::ConstMatrixMap(em::doubles_of(list, "mean", k * d), k, d);
  const double* covariance = em::doubles_of(list, "covariance", d * d * k);
  for (em::Index j = 0; j < k; ++j) {
    out.covariance.emplace_back(em::ConstMatrixMap(covariance + j * d * d, d, d));
  }
  out.level = Rcpp::as<double>(em::element(list, "level"));
  return out;
}

// What is left where b has joined a: a row less of the means, a matrix less of the covariances.
Rcpp::List merged_parameters(const em::Merge& merge, em::ConstMatrixRef mean, const double* covariance,
                             bool flat) {
  const int k = static_cast<int>(mean.rows()) - 1;
  const int d = static_cast<int>(mean.cols());
  em::Matrix means(k, d);
  em::Vector spread(em::Index{d} * d * k);
  for (em::Index j = 0; j < k; ++j) {
    const em::Index from = j < merge.b ? j : j + 1;
    const bool merged = j == merge.a;
    for (em::Index i = 0; i < d; ++i) means(j, i) = merged ? merge.mean[i] : mean(from, i);
    const double* own = merged ? merge.covariance.data() : covariance + from * d * d;
    std::copy(own, own + d * d, spread.data() + j * d * d);
  }
  const em::Vector packed = em::ConstVectorMap(means.data(), means.size());
  em::ListBuilder out(2);
  if (flat) return out.add("mean", em::to_r(packed)).add("sd", em::to_r(spread.cwiseSqrt())).list();
  return out.add("mean", with_shape(packed, {k, d})).add("covariance", with_shape(spread, {d, d, k})).list();
}

}  // namespace

// What an M-step makes of each start, as gaussian_relatives.h says: its sums, NULL where it has no density.
// family: Gaussian, VVV.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_sums_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List starts,
                       int threads) {
  const auto model = em::make_model(data, family, latent);
  check_related(*model, family);
  model->describe();
  em::Interrupt interrupt(em::user_wants_out);
  Rcpp::List out(starts.size());
  for (R_xlen_t i = 0; i < starts.size(); ++i) {
    const em::Start start = em::make_start(starts[i], *model);
    if (start.responsibilities) throw std::invalid_argument("a start must be parameters or a partition here");
    const em::SharedSums found = em::share_sums(*model, start, threads, interrupt);
    em::leave_if_raised(interrupt);
    if (found.found()) out[i] = sums_as_list(found);
  }
  return out;
}

// The M-step of each of these sums under a structure: `bounds` and `covariances`, d x d x K.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_relatives_cpp(Rcpp::List sums, std::string structure) {
  const em::Structure wanted = em::parse_structure(structure);
  Rcpp::NumericVector bounds(sums.size());
  Rcpp::List covariances(sums.size());
  for (R_xlen_t i = 0; i < sums.size(); ++i) {
    const em::SharedSums own = sums_of_list(Rcpp::as<Rcpp::List>(sums[i]));
    const em::Relative found = em::find_relative(own, wanted);
    const int k = static_cast<int>(own.counts.size());
    const int d = static_cast<int>(own.mean.cols());
    bounds[i] = found.bound;
    covariances[i] = with_shape(found.covariance, {d, d, k});
  }
  return Rcpp::List::create(Rcpp::Named("bounds") = bounds, Rcpp::Named("covariances") = covariances);
}

// The pairs of components that lose least where they are merged, at most so many: a list of list(pair,
// parameters of one component less). parameters: proportions, mean and covariance, or sd.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_merges_cpp(Rcpp::List parameters, int k, double most) {
  const bool flat = em::has(parameters, "sd");
  const em::Index d = k > 0 ? Rf_xlength(em::element(parameters, "mean")) / k : 0;
  const em::Index shares = Rf_xlength(em::element(parameters, "proportions"));
  const char* spread_name = flat ? "sd" : "covariance";
  if (d < 1 || shares < k || !em::has(parameters, spread_name) || !(most >= 0)) {
    throw std::invalid_argument("components need proportions, means and covariances to be merged");
  }
  const double* proportions = em::doubles_of(parameters, "proportions", shares);
  const double* mean = em::doubles_of(parameters, "mean", k * d);
  const double* spread = em::doubles_of(parameters, spread_name, d * d * k);
  em::Vector covariance = em::ConstVectorMap(spread, d * d * k);
  if (flat) covariance = covariance.cwiseProduct(covariance).eval();
  const em::Matrix means = em::ConstMatrixMap(mean, k, d);
  const auto at_most = static_cast<std::size_t>(std::min(most, double(k) * k));
  const std::vector<em::Merge> merges =
      em::cheapest_merges(em::ConstVectorMap(proportions, shares), means, covariance.data(), at_most);
  Rcpp::List out(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto pair =
        Rcpp::IntegerVector::create(static_cast<int>(merges[i].a) + 1, static_cast<int>(merges[i].b) + 1);
    const Rcpp::List left = merged_parameters(merges[i], means, covariance.data(), flat);
    out[static_cast<R_xlen_t>(i)] = em::ListBuilder(2).add("pair", pair).add("parameters", left).list();
  }
  return out;
}
