// r_interface.cpp: the whole boundary between R and C++. Plain data in, plain data out; see r_convert.h for
// their shapes. em-engine.R is the only R file that calls these.

#include "r_headers.h"

#include <algorithm>
#include <stdexcept>

#include "information.h"
#include "kernels.h"
#include "numerics.h"
#include "r_convert.h"
#include "r_fits.h"
#include "race.h"
#include "refit.h"
#include "start.h"
#include "tally.h"

// Names of the kernels that this machine has; "best" is the first.
// [[Rcpp::export(rng = false)]]
Rcpp::CharacterVector em_kernels_cpp() {
  Rcpp::CharacterVector out;
  for (const char* name : {"avx512", "avx2", "baseline"}) {
    if (em::find_kernels(name)) out.push_back(name);
  }
  return out;
}

// Is there neither NA nor Inf in x?
// [[Rcpp::export(rng = false)]]
bool em_finite_cpp(Rcpp::NumericMatrix x) { return em::all_finite(x.begin(), x.size()); }

// Successes and trials, n x 2, from columns of successes and failures, or from successes and `size`. sound:
// are all of them counts? empty: rows without trials.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_counts_cpp(Rcpp::NumericMatrix x, Rcpp::Nullable<Rcpp::NumericVector> size) {
  const Rcpp::NumericVector trials = size.isNull() ? Rcpp::NumericVector() : Rcpp::NumericVector(size);
  if (x.ncol() < (size.isNull() ? 2 : 1)) throw std::invalid_argument("counts need two columns, or a size");
  if (size.isNotNull() && trials.size() != 1 && trials.size() != x.nrow()) {
    throw std::invalid_argument("size must be one number, or one for each row");
  }
  const double* failures = size.isNull() ? x.begin() + x.nrow() : nullptr;
  Rcpp::NumericMatrix out(Rcpp::no_init(x.nrow(), 2));
  const em::Counts counts =
      em::count_rows(x.nrow(), x.begin(), failures, trials.begin(), trials.size() == 1, out.begin());
  return Rcpp::List::create(Rcpp::Named("x") = out, Rcpp::Named("sound") = counts.sound,
                            Rcpp::Named("empty") = em::counted_from_one(counts.empty));
}

// The different rows of counts or codes and their summed weights.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_tally_cpp(Rcpp::NumericMatrix x, Rcpp::Nullable<Rcpp::NumericVector> weights) {
  const Rcpp::NumericVector given = weights.isNull() ? Rcpp::NumericVector() : Rcpp::NumericVector(weights);
  const int n = x.nrow();
  if (x.ncol() < 1) throw std::invalid_argument("there must be a column");
  if (weights.isNotNull() && given.size() != n)
    throw std::invalid_argument("there must be a weight for each row");
  const em::Tally tally = em::tally_rows(x.begin(), n, x.ncol(), weights.isNull() ? nullptr : given.begin());
  Rcpp::NumericMatrix rows(static_cast<int>(tally.first.size()), x.ncol());
  for (int j = 0; j < x.ncol(); ++j) {
    for (std::size_t i = 0; i < tally.first.size(); ++i) {
      rows(static_cast<int>(i), j) = x(static_cast<int>(tally.first[i]), j);
    }
  }
  return Rcpp::List::create(Rcpp::Named("x") = rows, Rcpp::Named("weights") = Rcpp::wrap(tally.weights));
}

// Starts made of the data: a list with a partition or parameters for each seed.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_start_cpp(Rcpp::List data, Rcpp::List family, std::string method, Rcpp::NumericVector seeds) {
  const auto bound = em::make_family(data, family);
  const em::Index k = bound->n_components();
  if (bound->data().n < 1) throw std::invalid_argument("starts need rows");
  bound->describe();
  em::Interrupt interrupt(em::user_wants_out);
  Rcpp::List out(seeds.size());
  for (R_xlen_t i = 0; i < seeds.size(); ++i) {
    interrupt.poll();
    em::leave_if_raised(interrupt);
    if (!(seeds[i] >= 0.0 && seeds[i] < 0x1p53)) throw std::invalid_argument("a seed must be 0 or more");
    em::Random random(static_cast<std::uint64_t>(seeds[i]));
    if (method == "random") {
      bound->start_at(em::random_rows(*bound, k, random));
      out[i] = Rcpp::List::create(Rcpp::Named("parameters") = em::write_parameters(bound->parameters()));
    } else {
      const std::vector<int> labels = method == "partition" ? em::random_partition(*bound, k, random)
                                                            : em::kmeans_partition(*bound, k, random);
      out[i] =
          Rcpp::List::create(Rcpp::Named("partition") = Rcpp::IntegerVector(labels.begin(), labels.end()));
    }
  }
  return out;
}

// Runs every start and returns the best, with a line for each.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_run_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List starts,
                      Rcpp::List control) {
  const auto model = em::make_model(data, family, latent);
  const em::Index defect = model->describe();
  if (starts.size() == 0) throw std::invalid_argument("there must be a start");
  std::vector<em::Start> from;
  for (R_xlen_t i = 0; i < starts.size(); ++i) from.push_back(em::make_start(starts[i], *model));
  const em::Control settings = em::make_control(control);
  // Parameters that are given or held need no spread of the data.
  const bool given = std::all_of(from.begin(), from.end(),
                                 [](const em::Start& start) { return start.parameters.size() > 0; });
  const bool estimates = !given || (settings.max_iter > 0 && model->family().n_free() > 0);
  if (defect >= 0 && estimates) {
    return Rcpp::List::create(Rcpp::Named("defect") = static_cast<int>(defect + 1));
  }

  em::Interrupt interrupt(em::user_wants_out);
  std::vector<double> trials;
  if (settings.trials > 0 && from.size() > 1) {
    em::Trials found = em::run_trials(*model, from, settings.trials, settings, interrupt);
    em::leave_if_raised(interrupt);
    from.assign(1, found.best);
    trials = found.loglik;
  }
  const std::vector<em::Fit> fits = settings.finalists > 0 ? em::run_race(*model, from, settings, interrupt)
                                                           : em::run_all(*model, from, settings, interrupt);
  em::leave_if_raised(interrupt);

  em::ListBuilder out = em::run_as_list(*model, fits);
  if (!trials.empty()) out.add("trials", trials);
  if (Rcpp::as<bool>(em::element(control, "ends"))) out.add("ends", em::ends_of(model->fields(), fits));
  return out.list();
}

// One E-step at given parameters: what `want` names of responsibilities, log_density (components, without
// proportions), row_loglik, and always statistics and loglik. given: responsibilities that take the place of
// the posterior (loglik is then NA).
// [[Rcpp::export(rng = false)]]
Rcpp::List em_expect_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                         Rcpp::CharacterVector want, SEXP given, int threads) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  const em::Index n = model->n_rows();
  em::Interrupt interrupt(em::user_wants_out);
  const int component = static_cast<int>(model->prepare(em::Accuracy::exact) + 1);
  em::ListBuilder out(6);
  out.add("component", component);
  if (component > 0 && Rf_isNull(given)) return out.list();

  if (!Rf_isNull(given)) em::check_responsibilities(given, n * model->n_columns());
  const auto wants = [&](const char* name) {
    return std::find(want.begin(), want.end(), name) != want.end();
  };
  const auto make = [&](const char* name, em::Index columns) -> double* {
    if (!wants(name)) return nullptr;
    Rcpp::NumericMatrix matrix(static_cast<int>(n), static_cast<int>(columns));
    out.add(name, matrix);
    return matrix.begin();
  };
  double* responsibilities = make("responsibilities", model->n_columns());
  double* log_density = make("log_density", model->n_components());
  double* row_loglik = nullptr;
  if (wants("row_loglik")) {
    Rcpp::NumericVector vector(n);
    out.add("row_loglik", vector);
    row_loglik = vector.begin();
  }
  if (responsibilities || log_density || row_loglik) {
    model->report(responsibilities, log_density, row_loglik, threads, interrupt);
  }
  if (wants("statistics") || wants("loglik")) {
    double loglik = NA_REAL;
    if (Rf_isNull(given)) {
      loglik = model->expect(threads, interrupt);
    } else {
      model->expect_given({REAL(given), nullptr}, threads, interrupt);
    }
    out.add("loglik", loglik).add("statistics", em::to_r(model->statistics()));
  }
  em::leave_if_raised(interrupt);
  return out.list();
}

// One M-step from statistics; parameters are those of the E-step that made them.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_maximise_cpp(Rcpp::NumericVector statistics, Rcpp::List data, Rcpp::List family,
                           Rcpp::List latent, Rcpp::List parameters, std::string algorithm) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  if (statistics.size() != model->statistics().size()) {
    throw std::invalid_argument("statistics must be as many as the model has");
  }
  model->set_statistics(em::ConstVectorMap(statistics.begin(), statistics.size()));
  model->maximise(algorithm == "ecm" ? em::Step::ecm : em::Step::em);
  return em::write_parameters(model->fields());
}

// How far apart the components are, k x k: see Family::distance().
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix em_distances_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List parameters) {
  const auto bound = em::make_family(data, family);
  bound->describe();
  em::read_parameters(parameters, bound->parameters());
  bound->prepare(em::Accuracy::exact);
  const int k = static_cast<int>(bound->n_components());
  Rcpp::NumericMatrix out(k, k);
  for (int b = 0; b < k; ++b) {
    for (int a = 0; a < b; ++a) out(a, b) = out(b, a) = bound->distance(a, b, em::infinity);
  }
  return out;
}

// What standard errors are made of, in the free coordinates of chart.h about the parameters: the gradient of
// the log-likelihood and, as `want` says, "information" (with the jacobian of the packed parameters), "outer"
// (the sum of the outer products of the rows' own gradients) or "scores" (these, a row for each row).
// [[Rcpp::export(rng = false)]]
Rcpp::List em_score_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                        std::string want, int threads) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  em::Interrupt interrupt(em::user_wants_out);
  const em::Information found = want == "scores"  ? em::row_scores(*model, threads, interrupt)
                                : want == "outer" ? em::outer_information(*model, threads, interrupt)
                                                  : em::observed_information(*model, threads, interrupt);
  em::leave_if_raised(interrupt);
  const auto matrix = [](const em::Matrix& x) {
    return Rcpp::NumericMatrix(static_cast<int>(x.rows()), static_cast<int>(x.cols()), x.data());
  };
  return Rcpp::List::create(
      Rcpp::Named("passes") = found.passes, Rcpp::Named("gradient") = em::to_r(found.gradient),
      Rcpp::Named("information") = matrix(found.observed), Rcpp::Named("jacobian") = matrix(found.jacobian),
      Rcpp::Named("outer") = matrix(found.outer), Rcpp::Named("scores") = matrix(found.scores));
}

// The packed parameters, a column for each column of coordinates in the chart that em_score_cpp() speaks of.
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix em_place_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                                 Rcpp::NumericMatrix coordinates, int threads) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  em::Interrupt interrupt(em::user_wants_out);
  if (coordinates.nrow() != model->n_free())
    throw std::invalid_argument("a point needs a coordinate for each freedom");
  const em::ConstMatrixMap at(coordinates.begin(), coordinates.nrow(), coordinates.ncol());
  const em::Matrix out = em::parameters_at(*model, at, threads, interrupt);
  em::leave_if_raised(interrupt);
  return Rcpp::NumericMatrix(static_cast<int>(out.rows()), static_cast<int>(out.cols()), out.data());
}

// Fits every data set from the same parameters: a column of packed parameters for each, and a table as
// em_run_cpp() gives of its starts. `spread` is the smallest relative spread of a component.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_refit_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                        Rcpp::List control) {
  std::vector<std::unique_ptr<em::Model>> models;
  for (R_xlen_t i = 0; i < data.size(); ++i) {
    models.push_back(em::make_model(data[i], family, latent));
  }
  if (models.empty()) throw std::invalid_argument("there must be data");
  const auto alike = [&](const auto& model) {
    return model->n_parameters() == models.front()->n_parameters();
  };
  if (!std::all_of(models.begin(), models.end(), alike)) {
    throw std::invalid_argument("all data must have the same columns");
  }
  em::Start start;
  start.parameters = em::packed_parameters(parameters, models.front()->fields());
  em::Interrupt interrupt(em::user_wants_out);
  const std::vector<em::Fit> fits = em::refit(models, start, em::make_control(control), interrupt);
  em::leave_if_raised(interrupt);

  std::vector<em::Vector> found;
  Rcpp::NumericVector spread(data.size(), NA_REAL);
  Rcpp::NumericVector log_prior(data.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const bool sound = fits[i].status != em::Status::bad_start;
    found.push_back(sound ? fits[i].parameters : start.parameters);
    if (sound) spread[static_cast<R_xlen_t>(i)] = fits[i].relative_spread.minCoeff();
    log_prior[static_cast<R_xlen_t>(i)] = fits[i].log_prior;
  }
  em::ListBuilder out = em::starts_table(fits, 3);
  return out.add("spread", spread)
      .add("log_prior", log_prior)
      .add("parameters", em::path_matrix(found))
      .list();
}

// The best fit of a race of starts for each data set: what em_select() and em_lrt() ask of a run.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_races_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List starts,
                        Rcpp::List control) {
  if (data.size() != starts.size()) throw std::invalid_argument("each data set needs its starts");
  std::vector<std::unique_ptr<em::Model>> models;
  std::vector<std::vector<em::Start>> from(static_cast<std::size_t>(starts.size()));
  for (R_xlen_t i = 0; i < data.size(); ++i) {
    models.push_back(em::make_model(data[i], family, latent));
    const Rcpp::List items = starts[i];
    if (items.size() == 0) throw std::invalid_argument("there must be starts");
    for (R_xlen_t j = 0; j < items.size(); ++j) {
      from[static_cast<std::size_t>(i)].push_back(em::make_start(items[j], *models.back()));
    }
  }
  em::Interrupt interrupt(em::user_wants_out);
  const std::vector<em::Fit> fits = em::race_each(models, from, em::make_control(control), interrupt);
  em::leave_if_raised(interrupt);

  Rcpp::List out(data.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const em::Fit& fit = fits[i];
    em::ListBuilder run(8);
    run.add("loglik", fit.loglik)
        .add("status", em::status_name(fit.status))
        .add("degenerate", em::counted_from_one(fit.degenerate))
        .add("iterations", fit.iterations)
        .add("gain", fit.gain)
        .add("component", static_cast<int>(fit.component + 1));
    if (fit.status != em::Status::bad_start) {
      run.add("parameters", em::write_parameters(models[i]->fields(), fit.parameters))
          .add("spread", fit.relative_spread.minCoeff());
    }
    out[static_cast<R_xlen_t>(i)] = run.list();
  }
  return out;
}
