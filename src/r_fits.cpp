#include "r_fits.h"

#include <cmath>

namespace em {

namespace {

SEXP check_interrupt(void* /*unused*/) {
  R_CheckUserInterrupt();
  return R_NilValue;
}

// Where R was going when it was told to wait.
SEXP postponed_jump = nullptr;

// A data frame with a row for each iteration.
Rcpp::List trace_of(const Fit& fit) {
  const auto rows = static_cast<int>(fit.trace.size());
  Rcpp::List out = ListBuilder(3)
                       .add("iteration", Rcpp::IntegerVector(Rcpp::seq_len(rows) - 1))
                       .add("loglik", fit.trace)
                       .add("accelerated", fit.accelerated)
                       .list();
  out.attr("row.names") = Rcpp::IntegerVector::create(NA_INTEGER, -rows);
  out.attr("class") = "data.frame";
  return out;
}

}  // namespace

bool user_wants_out() {
  try {
    Rcpp::unwindProtect(check_interrupt, nullptr);
    return false;
  } catch (const Rcpp::LongjumpException& jump) {
    postponed_jump = jump.token;
    return true;
  }
}

void leave_if_raised(const Interrupt& interrupt) {
  if (interrupt.raised()) throw Rcpp::LongjumpException(postponed_jump);
}

Rcpp::IntegerVector counted_from_one(const std::vector<Index>& components) {
  Rcpp::IntegerVector out(components.begin(), components.end());
  return out + 1;
}

Rcpp::NumericVector to_r(const Vector& x) { return Rcpp::NumericVector(x.data(), x.data() + x.size()); }

Rcpp::NumericMatrix path_matrix(const std::vector<Vector>& path) {
  if (path.empty()) return Rcpp::NumericMatrix(0, 0);
  Rcpp::NumericMatrix out(static_cast<int>(path.front().size()), static_cast<int>(path.size()));
  double* at = out.begin();
  for (const Vector& one : path) at = std::copy(one.data(), one.data() + one.size(), at);
  return out;
}

ListBuilder starts_table(const std::vector<Fit>& fits, int more) {
  Rcpp::NumericVector loglik(fits.size());
  Rcpp::IntegerVector iterations(fits.size());
  Rcpp::CharacterVector status(fits.size());
  Rcpp::LogicalVector degenerate(fits.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const auto at = static_cast<R_xlen_t>(i);
    loglik[at] = fits[i].loglik;
    iterations[at] = fits[i].iterations;
    status[at] = status_name(fits[i].status);
    degenerate[at] = !fits[i].degenerate.empty() || fits[i].status == Status::bad_start;
  }
  ListBuilder out(4 + more);
  out.add("loglik", loglik).add("iterations", iterations).add("status", status).add("degenerate", degenerate);
  return out;
}

Rcpp::List traces_of(const std::vector<Fit>& fits) {
  Rcpp::List out(fits.size());
  for (std::size_t i = 0; i < fits.size(); ++i) out[i] = Rcpp::wrap(fits[i].trace);
  return out;
}

Rcpp::List ends_of(const Fields& fields, const std::vector<Fit>& fits) {
  Rcpp::List out(fits.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    if (fits[i].status != Status::bad_start) out[i] = write_parameters(fields, fits[i].parameters);
  }
  return out;
}

ListBuilder run_as_list(Model& model, const std::vector<Fit>& fits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < fits.size(); ++i) {
    if (is_better(fits[i], fits[best])) best = i;
  }
  const Fit& fit = fits[best];
  const bool usable = fit.status != Status::bad_start;
  const Vector& parameters = usable ? fit.parameters : fit.start;
  ListBuilder out(26);
  out.add("parameters", write_parameters(model.fields(), parameters))
      .add("start", write_parameters(model.fields(), fit.start))
      .add("loglik", fit.loglik)
      .add("log_prior", fit.log_prior)
      .add("df", static_cast<double>(model.n_free()))
      .add("status", status_name(fit.status))
      .add("iterations", fit.iterations)
      .add("gain", fit.gain)
      .add("remaining", fit.remaining)
      .add("component", static_cast<int>(fit.component + 1))
      .add("rank", fit.rank)
      .add("coincident", counted_from_one(fit.coincident))
      .add("degenerate", counted_from_one(fit.degenerate))
      .add("relative_spread", to_r(fit.relative_spread))
      .add("counts", to_r(fit.counts))
      .add("passes", fit.passes)
      .add("trace", trace_of(fit))
      .add("path", path_matrix(fit.path))
      .add("best", static_cast<int>(best + 1))
      .add("starts", starts_table(fits).list());
  if (!std::isnan(fit.log_classes)) out.add("log_classes", fit.log_classes);
  if (fit.best_iteration >= 0) out.add("best_iteration", fit.best_iteration);
  if (fit.average.size() > 0) out.add("average", write_parameters(model.fields(), fit.average));
  return out;
}

}  // namespace em
