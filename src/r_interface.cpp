// r_interface.cpp: the whole boundary between R and C++. Plain data in, plain data out; see r_convert.h for
// their shapes. em-engine.R is the only R file that calls these.

#include "r_headers.h"

#include <algorithm>
#include <stdexcept>

#include "batch.h"
#include "bayes.h"
#include "clarity.h"
#include "information.h"
#include "kernels.h"
#include "leave_out.h"
#include "numerics.h"
#include "r_convert.h"
#include "r_fits.h"
#include "r_lists.h"
#include "race.h"
#include "start.h"
#include "tally.h"

namespace {

using Beside = Rcpp::Nullable<Rcpp::NumericVector>;

Rcpp::List counts(const Rcpp::NumericMatrix& x, const Beside& size) {
  const Rcpp::NumericVector trials = size.isNull() ? Rcpp::NumericVector() : Rcpp::NumericVector(size);
  if (x.ncol() < (size.isNull() ? 2 : 1)) throw std::invalid_argument("counts need two columns, or a size");
  if (size.isNotNull() && trials.size() != 1 && trials.size() != x.nrow()) {
    throw std::invalid_argument("size must be one number, or one for each row");
  }
  const double* failures = size.isNull() ? x.begin() + x.nrow() : nullptr;
  Rcpp::NumericMatrix out(Rcpp::no_init(x.nrow(), 2));
  const em::Counts found =
      em::count_rows(x.nrow(), x.begin(), failures, trials.begin(), trials.size() == 1, out.begin());
  return Rcpp::List::create(Rcpp::Named("x") = out, Rcpp::Named("sound") = found.sound,
                            Rcpp::Named("empty") = em::counted_from_one(found.empty));
}

Rcpp::List tally(const Rcpp::NumericMatrix& x, const Beside& weights) {
  const Rcpp::NumericVector given = weights.isNull() ? Rcpp::NumericVector() : Rcpp::NumericVector(weights);
  const int n = x.nrow();
  if (x.ncol() < 1) throw std::invalid_argument("there must be a column");
  if (weights.isNotNull() && given.size() != n)
    throw std::invalid_argument("there must be a weight for each row");
  const em::Tally found = em::tally_rows(x.begin(), n, x.ncol(), weights.isNull() ? nullptr : given.begin());
  Rcpp::NumericMatrix rows(static_cast<int>(found.first.size()), x.ncol());
  for (int j = 0; j < x.ncol(); ++j) {
    for (std::size_t i = 0; i < found.first.size(); ++i) {
      rows(static_cast<int>(i), j) = x(static_cast<int>(found.first[i]), j);
    }
  }
  return Rcpp::List::create(Rcpp::Named("x") = rows, Rcpp::Named("weights") = Rcpp::wrap(found.weights));
}

Rcpp::List clarity_as_list(em::Model& model, int threads, em::Interrupt& interrupt) {
  const em::Clarity found = em::measure_clarity(model, threads, interrupt);
  return Rcpp::List::create(Rcpp::Named("log_top") = found.log_top, Rcpp::Named("entropy") = found.entropy,
                            Rcpp::Named("least") = found.least);
}

// k x k: see Family::distance().
Rcpp::NumericMatrix distances(const em::Family& family) {
  const int k = static_cast<int>(family.n_components());
  Rcpp::NumericMatrix out(k, k);
  for (int b = 0; b < k; ++b) {
    for (int a = 0; a < b; ++a) out(a, b) = out(b, a) = family.distance(a, b, em::infinity);
  }
  return out;
}

Rcpp::NumericMatrix to_matrix(const em::Matrix& x) {
  return Rcpp::NumericMatrix(static_cast<int>(x.rows()), static_cast<int>(x.cols()), x.data());
}

void set_kinds(const Rcpp::IntegerVector& kinds, std::vector<em::Start>& starts) {
  if (kinds.size() != static_cast<R_xlen_t>(starts.size()))
    throw std::invalid_argument("each start needs a kind");
  for (std::size_t i = 0; i < starts.size(); ++i) starts[i].kind = kinds[static_cast<R_xlen_t>(i)];
}

em::Task make_task(const Rcpp::List& task) {
  em::Task out;
  out.model = em::make_model(Rcpp::as<Rcpp::List>(em::element(task, "data")),
                             Rcpp::as<Rcpp::List>(em::element(task, "family")),
                             Rcpp::as<Rcpp::List>(em::element(task, "latent")));
  const Rcpp::List starts = Rcpp::as<Rcpp::List>(em::element(task, "starts"));
  if (starts.size() < 1) throw std::invalid_argument("each task needs a start");
  for (R_xlen_t i = 0; i < starts.size(); ++i) {
    out.starts.push_back(em::make_start(Rcpp::as<Rcpp::List>(starts[i]), *out.model));
  }
  if (em::has(task, "kinds"))
    set_kinds(Rcpp::as<Rcpp::IntegerVector>(em::element(task, "kinds")), out.starts);
  if (em::has(task, "to_beat")) out.to_beat = Rcpp::as<double>(em::element(task, "to_beat"));
  return out;
}

}  // namespace

// Names of the kernels that this machine has; "best" is the first.
// [[Rcpp::export(rng = false)]]
Rcpp::CharacterVector em_kernels_cpp() {
  Rcpp::CharacterVector out;
  for (const char* name : {"avx512", "avx2", "baseline"}) {
    if (em::find_kernels(name)) out.push_back(name);
  }
  return out;
}

// What the rows are, as `want` says: "finite", is there neither NA nor Inf in x? "tally", the different rows
// of counts or codes and their summed weights; beside: weights, or NULL. "counts", successes and trials (n x
// 2) from columns of successes and failures, or from successes and their trials, which stand beside; sound:
// are all of them counts? empty: rows without trials.
// [[Rcpp::export(rng = false)]]
SEXP em_describe_cpp(Rcpp::NumericMatrix x, std::string want, Rcpp::Nullable<Rcpp::NumericVector> beside) {
  if (want == "finite") return Rcpp::wrap(em::all_finite(x.begin(), x.size()));
  if (want == "tally") return tally(x, beside);
  if (want == "counts") return counts(x, beside);
  throw std::invalid_argument("rows are asked for finite, tally or counts");
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

// One E-step at given parameters: what `want` names of responsibilities, log_density (components, without
// proportions), row_loglik, statistics, loglik, clarity (see clarity.h) and distances (how far apart the
// components are, k x k). given: responsibilities that take the place of the posterior (loglik is then NA).
// [[Rcpp::export(rng = false)]]
Rcpp::List em_expect_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                         Rcpp::CharacterVector want, SEXP given, int threads) {
  const auto model = em::make_model(data, family, latent);
  const auto wants = [&](const char* name) {
    return std::find(want.begin(), want.end(), name) != want.end();
  };
  if (wants("distances")) model->describe();
  em::read_parameters(parameters, model->fields());
  const em::Index n = model->n_rows();
  em::Interrupt interrupt(em::user_wants_out);
  const int component = static_cast<int>(model->prepare(em::Accuracy::exact) + 1);
  em::ListBuilder out(8);
  out.add("component", component);
  if (wants("distances")) out.add("distances", distances(model->family()));
  if (component > 0 && Rf_isNull(given)) return out.list();

  if (!Rf_isNull(given)) em::check_responsibilities(given, n * model->n_columns());
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
  if (wants("clarity")) out.add("clarity", clarity_as_list(*model, threads, interrupt));
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

// What standard errors are made of, in the free coordinates of chart.h about the parameters: the gradient of
// the log-likelihood and, as `want` says, "information" (with the jacobian of the packed parameters), "outer"
// (the sum of the outer products of the rows' own gradients) or "scores" (these, a row for each row). With
// "parameters" nothing but the packed parameters, a column for each column of coordinates in `at`.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_score_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, Rcpp::List parameters,
                        std::string want, Rcpp::Nullable<Rcpp::NumericMatrix> at, int threads) {
  const auto model = em::make_model(data, family, latent);
  em::read_parameters(parameters, model->fields());
  em::Interrupt interrupt(em::user_wants_out);
  if (want == "parameters") {
    const Rcpp::NumericMatrix points = at.isNull() ? Rcpp::NumericMatrix(0, 0) : Rcpp::NumericMatrix(at);
    if (at.isNull() || points.nrow() != model->n_free())
      throw std::invalid_argument("a point needs a coordinate for each freedom");
    const em::ConstMatrixMap coordinates(points.begin(), points.nrow(), points.ncol());
    const em::Matrix found = em::parameters_at(*model, coordinates, threads, interrupt);
    em::leave_if_raised(interrupt);
    return Rcpp::List::create(Rcpp::Named("parameters") = to_matrix(found));
  }
  const bool known = want == "scores" || want == "outer" || want == "information";
  if (!known) throw std::invalid_argument("unknown answer " + want);
  const em::Information found = want == "scores"  ? em::row_scores(*model, threads, interrupt)
                                : want == "outer" ? em::outer_information(*model, threads, interrupt)
                                                  : em::observed_information(*model, threads, interrupt);
  em::leave_if_raised(interrupt);
  return Rcpp::List::create(
      Rcpp::Named("passes") = found.passes, Rcpp::Named("gradient") = em::to_r(found.gradient),
      Rcpp::Named("information") = to_matrix(found.observed),
      Rcpp::Named("jacobian") = to_matrix(found.jacobian), Rcpp::Named("outer") = to_matrix(found.outer),
      Rcpp::Named("scores") = to_matrix(found.scores));
}

// Tasks of data, family, latent, starts and, where there are, their kinds and what there is to beat: the best
// run of each, with a line for each start. A race or all to the end, as control says; batch.h has the rest.
// Where no component can fit the data, defect is the number of the column, and the status "bad_start".
// [[Rcpp::export(rng = false)]]
Rcpp::List em_runs_cpp(Rcpp::List tasks, Rcpp::List control) {
  if (tasks.size() == 0) throw std::invalid_argument("there must be tasks");
  std::vector<em::Task> read;
  for (R_xlen_t i = 0; i < tasks.size(); ++i) read.push_back(make_task(Rcpp::as<Rcpp::List>(tasks[i])));
  const em::Control settings = em::make_control(control);
  const bool ends = Rcpp::as<bool>(em::element(control, "ends"));
  em::Interrupt interrupt(em::user_wants_out);
  const std::vector<em::Outcome> found = em::run_batch(read, settings, interrupt);
  em::leave_if_raised(interrupt);
  Rcpp::List out(tasks.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    em::Model& model = *read[i].model;
    em::ListBuilder run = em::run_as_list(model, found[i].fits);
    if (found[i].defect >= 0) run.add("defect", static_cast<int>(found[i].defect + 1));
    if (!found[i].trials.empty()) run.add("trials", found[i].trials);
    if (ends) run.add("ends", em::ends_of(model.fields(), found[i].fits));
    out[static_cast<R_xlen_t>(i)] = run.list();
  }
  return out;
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

// See bayes.h. posterior: n x K where it is wanted, else NULL; loglik: n.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_bayes_cpp(Rcpp::NumericMatrix log_density, Rcpp::NumericVector proportions, bool posterior,
                        int threads) {
  if (proportions.size() != log_density.ncol() || log_density.ncol() < 1) {
    throw std::invalid_argument("a proportion for each column");
  }
  const em::ConstMatrixMap densities(log_density.begin(), log_density.nrow(), log_density.ncol());
  Rcpp::NumericVector loglik(Rcpp::no_init(log_density.nrow()));
  Rcpp::NumericMatrix shares(Rcpp::no_init(posterior ? log_density.nrow() : 0, log_density.ncol()));
  em::Interrupt interrupt(em::user_wants_out);
  em::apply_bayes(densities, em::ConstVectorMap(proportions.begin(), proportions.size()), loglik.begin(),
                  posterior ? shares.begin() : nullptr, threads, interrupt);
  em::leave_if_raised(interrupt);
  return Rcpp::List::create(Rcpp::Named("posterior") = posterior ? Rcpp::RObject(shares) : Rcpp::RObject(),
                            Rcpp::Named("loglik") = loglik);
}
