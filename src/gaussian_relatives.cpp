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

bool SharedSums::found() const { return counts.size() > 0; }

SharedSums share_sums(Model& model, const Start& start, int threads, Interrupt& interrupt) {
  SharedSums out;
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
  out.counts = ConstVectorMap(all_counts.data(), k);
  Parameters step = parameters_of(model);
  const double n = sum(out.counts);
  if (!start.partition) level -= expected(from, step, out.counts);
  // At every structure's maximum the sum of n_k tr(Sigma_k^-1 W_k / n_k) is n d.
  level += mass(out.counts, step.proportions) - 0.5 * n * double(step.mean.cols()) * (1.0 + log_two_pi);
  out.level = level;
  out.proportions = std::move(step.proportions);
  out.mean = std::move(step.mean);
  out.covariance = std::move(step.covariance);
  return out;
}

Relative find_relative(const SharedSums& sums, Structure structure) {
  const Index k = sums.counts.size();
  const Index d = sums.mean.cols();
  const double n = sum(sums.counts);
  const Scatter scatter(sums.counts, sums.covariance);
  Relative out{Vector(d * d * k), minus_infinity};
  double* sigma = out.covariance.data();
  for (Index j = 0; j < k; ++j) divide_to(scatter.pooled(), n, VectorMap(sigma + j * d * d, d * d));
  maximise_covariance(structure, d, k, sums.counts.data(), scatter.stored(storage_of(structure)), sigma);
  double volume = 0.0;
  for (Index j = 0; j < k; ++j) {
    volume += sums.counts[j] * log_determinant(ConstMatrixMap(sigma + j * d * d, d, d));
  }
  if (std::isfinite(volume)) out.bound = sums.level - 0.5 * volume;
  return out;
}

namespace {

Merge merge_of(Index a, Index b, ConstVectorRef proportions, ConstMatrixRef mean, const double* covariance,
               ConstVectorRef volumes) {
  const Index d = mean.cols();
  const double total = proportions[a] + proportions[b];
  const double of_a = proportions[a] / total;
  const double of_b = proportions[b] / total;
  Merge out{a, b, Vector(d), Matrix(d, d), 0.0};
  Vector apart(d);
  for (Index i = 0; i < d; ++i) {
    apart[i] = mean(b, i) - mean(a, i);
    out.mean[i] = mean(a, i) + of_b * apart[i];
  }
  const ConstMatrixMap own_a(covariance + a * d * d, d, d);
  const ConstMatrixMap own_b(covariance + b * d * d, d, d);
  for (Index j = 0; j < d; ++j) {
    for (Index i = 0; i < d; ++i) {
      out.covariance(i, j) = own_a(i, j) * of_a + own_b(i, j) * of_b + apart[i] * apart[j] * (of_a * of_b);
    }
  }
  const auto part = [&](Index j) { return proportions[j] * (volumes[j] / 2 - std::log(proportions[j])); };
  out.loss = total * (log_determinant(out.covariance) / 2 - std::log(total)) - (part(a) + part(b));
  return out;
}

// What has no loss comes last.
bool loses_less(const Merge& one, const Merge& other) {
  if (std::isnan(one.loss) || std::isnan(other.loss)) return !std::isnan(one.loss) && std::isnan(other.loss);
  return one.loss < other.loss;
}

}  // namespace

std::vector<Merge> cheapest_merges(ConstVectorRef proportions, ConstMatrixRef mean, const double* covariance,
                                   std::size_t most) {
  const Index k = mean.rows();
  const Index d = mean.cols();
  Vector volumes(k);
  for (Index j = 0; j < k; ++j) volumes[j] = log_determinant(ConstMatrixMap(covariance + j * d * d, d, d));
  std::vector<Merge> out;
  for (Index a = 0; a < k; ++a) {
    for (Index b = a + 1; b < k; ++b) out.push_back(merge_of(a, b, proportions, mean, covariance, volumes));
  }
  std::stable_sort(out.begin(), out.end(), loses_less);
  if (out.size() > most) out.erase(out.begin() + static_cast<std::ptrdiff_t>(most), out.end());
  return out;
}

}  // namespace em
