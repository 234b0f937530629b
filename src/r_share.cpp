// r_share.cpp: what somebody who has only a share of the rows does with them. `data` is a sample of all rows,
// and its `parts` (r_parts.h) are the share.
#include "r_headers.h"

#include <cmath>
#include <stdexcept>

#include "r_convert.h"
#include "r_fits.h"

namespace {

// At the packed parameters, described where the description is not NULL.
std::unique_ptr<em::Model> model_at(const Rcpp::List& data, const Rcpp::List& family,
                                    const Rcpp::List& latent, const Rcpp::NumericVector& parameters,
                                    SEXP description) {
  auto model = em::make_model(data, family, latent);
  if (!Rf_isNull(description)) {
    const Rcpp::NumericVector found(description);
    model->take_description(em::ConstVectorMap(found.begin(), found.size()));
  }
  if (parameters.size() != model->n_parameters()) {
    throw std::invalid_argument("parameters must be as many as the model has");
  }
  em::unpack(em::ConstVectorMap(parameters.begin(), parameters.size()), model->fields());
  return model;
}

}  // namespace

// An E-step over the share: nodes of the tree of sums (tree.h), a column each, with their level and index.
// [[Rcpp::export(rng = false)]]
Rcpp::List em_share_expect_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent,
                               Rcpp::NumericVector parameters, bool exact, SEXP description, int threads) {
  const auto model = model_at(data, family, latent, parameters, description);
  em::Interrupt interrupt(em::user_wants_out);
  if (model->prepare(exact ? em::Accuracy::exact : em::Accuracy::fast) >= 0) {
    throw std::invalid_argument("a component of a pass has no density");
  }
  model->expect(threads, interrupt);
  em::leave_if_raised(interrupt);

  const em::SumTree& tree = model->tree();
  const int n = static_cast<int>(tree.n_nodes());
  Rcpp::IntegerVector level(n);
  Rcpp::NumericVector index(n);
  std::vector<em::Vector> sums;
  for (int i = 0; i < n; ++i) {
    const em::SumTree::Node& node = tree.node(static_cast<std::size_t>(i));
    level[i] = node.level;
    index[i] = static_cast<double>(node.index);
    sums.push_back(node.sum);
  }
  return Rcpp::List::create(Rcpp::Named("level") = level, Rcpp::Named("index") = index,
                            Rcpp::Named("sums") = em::path_matrix(sums));
}

// The total of nodes of all shares, in order.
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector em_share_total_cpp(Rcpp::IntegerVector level, Rcpp::NumericVector index,
                                       Rcpp::NumericMatrix sums) {
  bool fits = sums.nrow() > 0 && level.size() == sums.ncol() && index.size() == sums.ncol();
  for (int i = 0; fits && i < sums.ncol(); ++i) {
    fits = level[i] >= 0 && level[i] < 53 && index[i] >= 0.0 && index[i] < std::ldexp(1.0, 53 - level[i]);
  }
  if (!fits) throw std::invalid_argument("a node has a level, an index and sums");
  em::SumTree tree;
  em::Vector out(sums.nrow());
  tree.reset(sums.nrow(), 1);
  for (int i = 0; i < sums.ncol(); ++i) {
    tree.join(level[i], static_cast<em::Index>(index[i]), em::ConstVectorMap(&sums(0, i), sums.nrow()));
  }
  tree.total(out);
  return em::to_r(out);
}

// The state with what the share adds to it, whose first row is the first-th of n: Family::describe_parts().
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector em_share_describe_cpp(Rcpp::List data, Rcpp::List family, Rcpp::List latent, double first,
                                          double n, Rcpp::NumericVector about, Rcpp::NumericVector state) {
  if (!(first >= 0.0 && first < 0x1p53 && n >= 1.0 && n < 0x1p53)) {
    throw std::invalid_argument("a share has a first row of n");
  }
  const auto model = em::make_model(data, family, latent);
  em::Vector out = em::ConstVectorMap(state.begin(), state.size());
  model->add_description(static_cast<em::Index>(first), static_cast<em::Index>(n),
                         em::ConstVectorMap(about.begin(), about.size()), out);
  return em::to_r(out);
}

// The sum of weights, added to that of the rows before.
// [[Rcpp::export(rng = false)]]
double em_share_weight_cpp(Rcpp::NumericVector weights, double before) {
  em::Data rows;
  rows.n = weights.size();
  rows.weights = weights.begin();
  return rows.total_weight(before);
}
