// r_select.cpp: the boundary between R and C++ for what em_select() alone asks; see r_interface.cpp.

#include "r_headers.h"

#include <stdexcept>

#include "certainty.h"
#include "gaussian_relatives.h"
#include "leave_out.h"
#include "r_fits.h"
#include "refit.h"

namespace {

Rcpp::NumericVector with_shape(const em::Vector& x, const Rcpp::IntegerVector& shape) {
  Rcpp::NumericVector out = em::to_r(x);
  out.attr("dim") = shape;
  return out;
}

// What find_relatives() asks of a model.
void check_shared(const em::Model& model, const Rcpp::List& family) {
  const auto is = [&](const char* name, const char* word) {
    SEXP value = em::element(family, name);
    return TYPEOF(value) == STRSXP && Rf_xlength(value) == 1 && Rcpp::as<std::string>(value) == word;
  };
  const bool free = Rf_isNull(em::element(family, "prior")) && Rf_isNull(em::element(family, "held"));
  const bool general = is("name", "gaussian") && (is("covariance", "VVV") || is("covariance", "V"));
  if (free && general && model.n_columns() == model.n_components()) return;
  throw std::invalid_argument("only free Gaussian components without noise share their sums");
}

Rcpp::List shared_parameters(const em::Relatives& found, std::size_t structure) {
  const int k = static_cast<int>(found.mean.rows());
  const int d = static_cast<int>(found.mean.cols());
  const em::Vector& sigma = found.covariance[structure];
  const em::Vector mean = em::ConstVectorMap(found.mean.data(), found.mean.size());
  if (d == 1) {
    return Rcpp::List::create(Rcpp::Named("proportions") = em::to_r(found.proportions),
                              Rcpp::Named("mean") = em::to_r(mean),
                              Rcpp::Named("sd") = em::to_r(sigma.cwiseSqrt()));
  }
  return Rcpp::List::create(Rcpp::Named("proportions") = em::to_r(found.proportions),
                            Rcpp::Named("mean") = with_shape(mean, {k, d}),
                            Rcpp::Named("covariance") = with_shape(sigma, {d, d, k}));
}

}  // namespace

// What an M-step makes of each start, as gaussian_relatives.h says, under each structure: a list with
// `bounds`, `fewest` (rows of the smallest component) and `parameters`, where there are any. family:
// Gaussian, VVV.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_share_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List starts,
                        Rcpp::CharacterVector structures, int threads) {
  const auto model = em::make_model(data, family, latent);
  check_shared(*model, family);
  model->describe();
  std::vector<em::Structure> wanted;
  for (R_xlen_t s = 0; s < structures.size(); ++s) {
    wanted.push_back(em::parse_structure(Rcpp::as<std::string>(structures[s])));
  }
  em::Interrupt interrupt(em::user_wants_out);
  Rcpp::List out(starts.size());
  for (R_xlen_t i = 0; i < starts.size(); ++i) {
    const em::Start start = em::make_start(starts[i], *model);
    if (start.responsibilities) throw std::invalid_argument("a start must be parameters or a partition here");
    const em::Relatives found = em::find_relatives(*model, start, wanted, threads, interrupt);
    em::leave_if_raised(interrupt);
    if (found.bound.size() == 0) continue;
    Rcpp::List parameters(structures.size());
    for (std::size_t s = 0; s < wanted.size(); ++s) {
      parameters[static_cast<R_xlen_t>(s)] = shared_parameters(found, s);
    }
    out[i] = Rcpp::List::create(Rcpp::Named("bounds") = em::to_r(found.bound),
                                Rcpp::Named("fewest") = found.fewest, Rcpp::Named("parameters") = parameters);
  }
  return out;
}

// Runs of several families, each from a start of its own, as em_run_cpp() returns one; families share
// threads.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_run_each_cpp(Rcpp::List data, Rcpp::List families, Rcpp::List latent, Rcpp::List starts,
                           Rcpp::List control) {
  if (families.size() != starts.size()) throw std::invalid_argument("each family needs its start");
  std::vector<std::unique_ptr<em::Model>> models;
  std::vector<em::Start> from;
  for (R_xlen_t i = 0; i < families.size(); ++i) {
    models.push_back(em::make_model(data, families[i], latent));
    from.push_back(em::make_start(starts[i], *models.back()));
  }
  em::Interrupt interrupt(em::user_wants_out);
  const std::vector<em::Fit> fits = em::run_each(models, from, em::make_control(control), interrupt);
  em::leave_if_raised(interrupt);
  Rcpp::List out(families.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    out[static_cast<R_xlen_t>(i)] = em::run_as_list(*models[i], {fits[i]}).list();
  }
  return out;
}

// How clearly the rows fall into components: see certainty.h.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_certainty_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                            int threads) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  if (model->prepare(em::Accuracy::exact) >= 0) throw std::invalid_argument("a component has no density");
  em::Interrupt interrupt(em::user_wants_out);
  const em::Certainty found = em::certainty(*model, threads, interrupt);
  em::leave_if_raised(interrupt);
  return Rcpp::List::create(Rcpp::Named("log_top") = found.log_top, Rcpp::Named("entropy") = found.entropy,
                            Rcpp::Named("least") = found.least);
}

// What each row would be worth to a fit that never saw it: see leave_out.h. group: from 1, as they appear. An
// empty list where rows are not by themselves.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_leave_out_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                            Rcpp::IntegerVector group, int threads) {
  const auto model = em::make_model(data, family, latent);
  if (group.size() != model->n_rows()) throw std::invalid_argument("a group for each row");
  if (model->n_units() != model->n_rows()) return Rcpp::List();
  std::vector<int> at(group.begin(), group.end());
  for (int& one : at) {
    if (one < 1) throw std::invalid_argument("groups are numbered from 1");
    --one;
  }
  em::Interrupt interrupt(em::user_wants_out);
  model->describe();
  em::read_parameters(parameters, model->fields());
  const em::LeftOut found = em::leave_out(*model, at, threads, interrupt);
  em::leave_if_raised(interrupt);
  return Rcpp::List::create(Rcpp::Named("with") = em::to_r(found.with),
                            Rcpp::Named("without") = em::to_r(found.without));
}
