// r_markov.cpp: what R asks of a chain beside its fit, from the log densities of the rows under each state.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "chain.h"
#include "r_headers.h"

namespace {

struct Series {
  em::Index begin;
  em::Index size;
};

std::vector<Series> series_of(const Rcpp::IntegerVector& ends, em::Index n) {
  std::vector<Series> out;
  em::Index begin = 0;
  for (const int end : ends) {
    if (end <= begin || end > n)
      throw std::invalid_argument("ends must be the last rows of series, in order");
    out.push_back({begin, end - begin});
    begin = end;
  }
  if (begin != n) throw std::invalid_argument("the last series must end with the last row");
  return out;
}

}  // namespace

// want: "filtered", "others" (the weights of the states in the law of a row given all others), "before"
// (given those before it): a matrix; "path": the most probable states (columns numbered from 1) and the log
// of its joint probability with the rows; "entropy" of the path, given the rows. One number of a series each.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_chain_cpp(Rcpp::NumericMatrix log_density, Rcpp::NumericVector initial,
                        Rcpp::NumericMatrix transition, Rcpp::IntegerVector ends, std::string want) {
  const em::Index n = log_density.nrow();
  const em::Index k = log_density.ncol();
  if (initial.size() != k || transition.nrow() != k || transition.ncol() != k) {
    throw std::invalid_argument("a chain needs a probability for each state and transition");
  }
  const em::Matrix to = em::ConstMatrixMap(transition.begin(), k, k).transpose();
  const em::Chain chain(initial.begin(), to.data(), k);
  const em::ConstMatrixMap rows(log_density.begin(), n, k);
  const std::vector<Series> series = series_of(ends, n);
  const bool by_state = want == "filtered" || want == "others" || want == "before";
  if (!by_state && want != "path" && want != "entropy") throw std::invalid_argument("unknown answer " + want);
  Rcpp::NumericMatrix states(by_state ? static_cast<int>(n) : 0, static_cast<int>(k));
  Rcpp::IntegerVector path(want == "path" ? static_cast<int>(n) : 0);
  Rcpp::NumericVector value(static_cast<int>(series.size()));
  std::vector<double> work;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const auto [begin, size] = series[s];
    work.resize(static_cast<std::size_t>(chain.work_size(size)));
    const em::Matrix in = rows.middleRows(begin, size);
    double& own = value[static_cast<int>(s)];
    if (want == "path") {
      own = chain.best_path(in, path.begin() + begin, work.data());
    } else if (want == "entropy") {
      own = chain.path_entropy(in, work.data());
    } else {
      em::Matrix out(size, k);
      if (want == "filtered") {
        own = chain.filter(in, out, nullptr, work.data());
      } else {
        chain.predict(in, want == "before", out, work.data());
      }
      em::MatrixMap(states.begin(), n, k).middleRows(begin, size) = out;
    }
  }
  for (int& state : path) ++state;
  return Rcpp::List::create(Rcpp::Named("states") = states, Rcpp::Named("path") = path,
                            Rcpp::Named("value") = value);
}
