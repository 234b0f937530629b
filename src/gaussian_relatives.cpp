#include "gaussian_relatives.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "covariance_parts.h"
#include "dense.h"

namespace em {

namespace {

constexpr double log_two_pi = 1.8378770664093454836;
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

struct Parameters {
  Vector proportions;
  Matrix mean;
  std::vector<Matrix> covariance;
};

const Field& field_of(const Fields& fields, const char* name) {
  const auto named = [&](const Field& field) { return field.name == name; };
  return *std::find_if(fields.begin(), fields.end(), named);
}

Parameters parameters_of(const Model& model) {
  const Index k = model.n_components();
  const Field& mean = field_of(model.fields(), "mean");
  const Index d = mean.size() / k;
  const Field& spread = field_of(model.fields(), d == 1 ? "sd" : "covariance");
  Parameters out{
      ConstVectorMap(field_of(model.fields(), "proportions").data, k), ConstMatrixMap(mean.data, k, d), {}};
  for (Index j = 0; j < k; ++j) {
    out.covariance.emplace_back(ConstMatrixMap(spread.data + j * d * d, d, d));
    if (d == 1) out.covariance.back()(0, 0) *= out.covariance.back()(0, 0);
  }
  return out;
}

// sum n_k log(proportion_k); what is empty adds nothing.
double mass(const Vector& counts, const Vector& proportions) {
  double sum = 0;
  for (Index j = 0; j < counts.size(); ++j) {
    if (counts[j] > 0) sum += counts[j] * std::log(proportions[j]);
  }
  return sum;
}

// Q(p), from the M-step's own means and covariances, which hold the sums.
double expected(const Parameters& p, const Parameters& step, const Vector& counts) {
  double out = mass(counts, p.proportions) - 0.5 * sum(counts) * double(p.mean.cols()) * log_two_pi;
  for (Index j = 0; j < counts.size(); ++j) {
    const auto at = static_cast<std::size_t>(j);
    Vector shift(step.mean.cols());
    for (Index a = 0; a < shift.size(); ++a) shift[a] = step.mean(j, a) - p.mean(j, a);
    Matrix scatter = step.covariance[at];
    add_outer_product(1.0, shift, shift, scatter);
    const double far = Cholesky(p.covariance[at]).trace_of_solved(scatter);
    out -= 0.5 * counts[j] * (log_determinant(p.covariance[at]) + far);
  }
  return out;
}

// The scatters, stored as each structure wants them.
class Scatter {
 public:
  Scatter(const Vector& counts, const std::vector<Matrix>& covariance)
      : d_(covariance.front().rows()),
        full_(d_ * d_, counts.size()),
        diagonal_(d_, counts.size()),
        pooled_(Vector::Zero(d_ * d_)) {
    for (Index j = 0; j < counts.size(); ++j) {
      MatrixMap own(full_.data() + j * d_ * d_, d_, d_);
      scale_to(covariance[static_cast<std::size_t>(j)], counts[j], own);
      for (Index i = 0; i < d_; ++i) diagonal_(i, j) = own(i, i);
      add_scaled(1.0, own, MatrixMap(pooled_.data(), d_, d_));
    }
  }

  const double* stored(Storage storage) const {
    return storage == Storage::full     ? full_.data()
           : storage == Storage::pooled ? pooled_.data()
                                        : diagonal_.data();
  }
  const Vector& pooled() const { return pooled_; }

 private:
  Index d_;
  Matrix full_;
  Matrix diagonal_;
  Vector pooled_;
};

}  // namespace

Relatives find_relatives(Model& model, const Start& start, const std::vector<Structure>& structures,
                         int threads, Interrupt& interrupt) {
  Relatives out;
  const Index k = model.n_components();
  double level = 0.0;
  Parameters from;
  if (start.partition) {
    model.maximise_from({nullptr, start.partition}, Step::em, threads, interrupt);
  } else {
    unpack(start.parameters, model.fields());
    if (model.prepare(Accuracy::fast) >= 0) return out;
    from = parameters_of(model);
    level = model.expect(threads, interrupt);
    model.maximise(Step::em);
  }
  const Vector all_counts = model.counts();
  const Vector counts = ConstVectorMap(all_counts.data(), k);
  const Parameters step = parameters_of(model);
  const Index d = step.mean.cols();
  const double n = sum(counts);
  if (!start.partition) level -= expected(from, step, counts);
  // At every structure's maximum the sum of n_k tr(Sigma_k^-1 W_k / n_k) is n d.
  level += mass(counts, step.proportions) - 0.5 * n * double(d) * (1.0 + log_two_pi);

  const Scatter scatter(counts, step.covariance);
  out.proportions = step.proportions;
  out.mean = step.mean;
  out.fewest = counts.minCoeff();
  out.bound = Vector::Constant(static_cast<Index>(structures.size()), minus_infinity);
  for (std::size_t s = 0; s < structures.size(); ++s) {
    Vector sigma(d * d * k);
    for (Index j = 0; j < k; ++j) divide_to(scatter.pooled(), n, VectorMap(sigma.data() + j * d * d, d * d));
    maximise_covariance(structures[s], d, k, counts.data(), scatter.stored(storage_of(structures[s])),
                        sigma.data());
    double volume = 0.0;
    for (Index j = 0; j < k; ++j) {
      volume += counts[j] * log_determinant(ConstMatrixMap(sigma.data() + j * d * d, d, d));
    }
    if (std::isfinite(volume)) out.bound[static_cast<Index>(s)] = level - 0.5 * volume;
    out.covariance.push_back(std::move(sigma));
  }
  return out;
}

}  // namespace em
