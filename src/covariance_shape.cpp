// VEI, VEE and VEV: one shape, variable volumes.
//
// With weights u_k = 1 / lambda_k and M = sum u_k W_k the best shape is M up to a factor, and what is left to
// minimise is  n log|M| - d sum n_k log u_k,  convex in log u. Its derivatives need no more than the Gram
// matrix G_kl = tr(M^-1 u_k W_k M^-1 u_l W_l), whose rows add up to tr(M^-1 u_k W_k).
#include <algorithm>
#include <cmath>
#include <limits>

#include "covariance_parts.h"
#include "dense.h"

namespace em {

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Scatters of which only the diagonals count: columns of d numbers.
class DiagonalScatters {
 public:
  DiagonalScatters(const double* counts, Diagonals diagonals) : counts_(counts), diagonals_(diagonals) {}

  Index dimension() const { return diagonals_.rows(); }
  Index size() const { return diagonals_.cols(); }
  double count(Index j) const { return counts_[j] > 0 ? counts_[j] : 0; }
  bool zero(Index j) const {
    for (Index i = 0; i < diagonals_.rows(); ++i) {
      if (diagonals_(i, j) > 0) return false;
    }
    return true;
  }

  // Makes M; false where it is singular.
  bool mix(const Vector& weights) {
    mixture_.setZero(diagonals_.rows());
    for (Index j = 0; j < diagonals_.cols(); ++j) {
      for (Index i = 0; i < mixture_.size(); ++i) mixture_[i] += diagonals_(i, j) * weights[j];
    }
    return mixture_.minCoeff() > 0;
  }
  double log_determinant() const {
    double sum = 0;
    for (Index i = 0; i < mixture_.size(); ++i) sum += std::log(mixture_[i]);
    return sum;
  }
  double trace(Index j) const {
    double sum = 0;
    for (Index i = 0; i < mixture_.size(); ++i) sum += diagonals_(i, j) / mixture_[i];
    return sum;
  }
  void gram(const Vector& weights, Matrix& out) {
    standardised_.resize(diagonals_.rows(), diagonals_.cols());
    for (Index j = 0; j < diagonals_.cols(); ++j) {
      for (Index i = 0; i < mixture_.size(); ++i) {
        standardised_(i, j) = diagonals_(i, j) * weights[j] / mixture_[i];
      }
    }
    out = cross_product(standardised_, standardised_);
  }
  const Vector& mixture() const { return mixture_; }

 private:
  const double* counts_;
  Diagonals diagonals_;
  Vector mixture_;
  Matrix standardised_;
};

class FullScatters {
 public:
  explicit FullScatters(const Spread& spread)
      : spread_(spread), standardised_(spread.d * spread.d, spread.k) {}

  Index dimension() const { return spread_.d; }
  Index size() const { return spread_.k; }
  double count(Index j) const { return spread_.empty(j) ? 0 : spread_.counts[j]; }
  bool zero(Index j) const {
    for (Index i = 0; i < spread_.d; ++i) {
      if (spread_.own_scatter(j)(i, i) > 0) return false;
    }
    return true;
  }

  bool mix(const Vector& weights) {
    mixture_.setZero(spread_.d, spread_.d);
    for (Index j = 0; j < size(); ++j) {
      if (weights[j] > 0) add_scaled(weights[j], spread_.own_scatter(j), mixture_);
    }
    log_determinant_ = em::log_determinant(mixture_);
    if (!std::isfinite(log_determinant_)) return false;
    cholesky_ = Cholesky(mixture_);
    return cholesky_.exists();
  }
  double log_determinant() const { return log_determinant_; }
  double trace(Index j) const { return cholesky_.trace_of_solved(spread_.own_scatter(j)); }
  void gram(const Vector& weights, Matrix& out) {
    for (Index j = 0; j < size(); ++j) {
      MatrixMap one(standardised_.col(j).data(), spread_.d, spread_.d);
      scale_to(spread_.own_scatter(j), weights[j], one);
      cholesky_.whiten(one);
    }
    out = cross_product(standardised_, standardised_);
  }
  const Matrix& mixture() const { return mixture_; }

 private:
  const Spread& spread_;
  double log_determinant_ = 0;
  Matrix mixture_;
  Cholesky cholesky_;
  Matrix standardised_;  // a column for each L^-1 u_k W_k L^-T, M = LL'
};

// Finds the weights and leaves M in `scatters`. Returns the factors c_k in Sigma_k = c_k M; they are 1 / n
// for all where M is singular, and 0 for a component that runs away because the maximiser does not exist.
template <class Scatters>
class SharedShape {
 public:
  explicit SharedShape(Scatters& scatters)
      : scatters_(scatters), d_(double(scatters.dimension())), share_(scatters.size()) {
    for (Index j = 0; j < share_.size(); ++j) share_[j] = scatters.zero(j) ? 0 : scatters.count(j);
    const double total = sum(share_);
    if (total > 0) scale_to(share_, d_ / total, share_);
  }

  Vector factors() {
    if (!start()) {
      double total = 0;
      for (Index j = 0; j < share_.size(); ++j) total += scatters_.count(j);
      for (Index j = 0; j < share_.size(); ++j) weights_[j] = scatters_.count(j) > 0;
      scatters_.mix(weights_);
      return Vector::Constant(share_.size(), 1 / total);
    }
    bool going_on = true;
    for (int iteration = 0; going_on && iteration < 100; ++iteration) going_on = improve();
    Vector out(share_.size());
    for (Index j = 0; j < out.size(); ++j) {
      const double count = scatters_.count(j);
      out[j] = scatters_.trace(j) / (d_ * (count > 0 ? count : 1));
    }
    if (ran_away_ >= 0) out[ran_away_] = 0;
    return out;
  }

 private:
  bool takes_part(Index j) const { return share_[j] > 0; }

  // The volumes that the pooled scatter's shape asks for.
  bool start() {
    weights_.resize(share_.size());
    for (Index j = 0; j < share_.size(); ++j) weights_[j] = takes_part(j);
    if (!(sum(share_) > 0) || !scatters_.mix(weights_)) return false;
    for (Index j = 0; j < share_.size(); ++j) {
      if (takes_part(j)) weights_[j] = share_[j] / scatters_.trace(j);
    }
    first_ = weights_;
    if (!scatters_.mix(weights_)) return false;
    objective_ = objective();
    return true;
  }

  double objective() const {
    double sum = scatters_.log_determinant();
    for (Index j = 0; j < share_.size(); ++j) {
      if (takes_part(j)) sum -= share_[j] * std::log(weights_[j]);
    }
    return sum;
  }

  // A Newton step, shortened where need be; where that fails one of alternating maximisation. False: the end.
  bool improve() {
    const double before = objective_;
    scatters_.gram(weights_, gram_);
    const Index k = share_.size();
    Vector traces = Vector::Zero(k), gradient(k);
    Matrix hessian(k, k);
    for (Index j = 0; j < k; ++j) add_scaled(1.0, gram_.col(j), traces);
    for (Index j = 0; j < k; ++j) {
      gradient[j] = traces[j] - share_[j];
      for (Index i = 0; i < k; ++i) {
        // All weights times a constant: no change.
        hessian(i, j) = (i == j ? -gram_(i, j) + traces[j] : -gram_(i, j)) + d_ / double(k * k);
      }
      if (!takes_part(j)) hessian(j, j) += 1;
    }
    Vector newton = solve_vector(hessian, gradient);
    scale_to(newton, -1.0, newton);
    const double expected = -dot(newton, gradient);
    if (!step_along(newton, expected)) {
      Vector alternating = Vector::Zero(share_.size());
      for (Index j = 0; j < share_.size(); ++j) {
        if (takes_part(j)) alternating[j] = std::log(share_[j] / traces[j]);
      }
      if (!step_to(alternating, largest_size(gradient))) return false;
    }
    find_runaway();
    return ran_away_ < 0 && expected > converged * d_ && before - objective_ > 8 * epsilon * std::abs(before);
  }

  bool step_along(const Vector& direction, double expected) {
    if (!std::isfinite(expected)) return false;
    double length = std::min(1.0, longest_step / largest_size(direction));
    Vector step(direction.size());
    for (int attempt = 0; attempt < 4; ++attempt, length /= 3) {
      scale_to(direction, length, step);
      if (step_to(step, expected)) return true;
    }
    return false;
  }

  // Moves log u by `step` if that lowers the objective, or if no lowering could be seen any more.
  bool step_to(const Vector& step, double expected) {
    const Vector before = weights_;
    const Vector factors = exponentials(step);
    for (Index j = 0; j < weights_.size(); ++j) weights_[j] *= factors[j];
    if (scatters_.mix(weights_)) {
      const double after = objective();
      if (after < objective_ || (expected <= converged * d_ && after < objective_ + converged * d_)) {
        objective_ = after;
        return true;
      }
    }
    weights_ = before;
    scatters_.mix(weights_);
    return false;
  }

  void find_runaway() {
    for (Index j = 0; j < share_.size(); ++j) {
      if (takes_part(j) && weights_[j] > first_[j] * farthest) ran_away_ = j;
    }
  }

  static constexpr double converged =
      1e-13;  // of the objective per dimension and row; Newton's next step squares it
  static constexpr double longest_step = 4;
  static constexpr double farthest = 1e40;

  Scatters& scatters_;
  double d_;
  Vector share_;  // d n_k / n, 0 for those who take no part
  Vector weights_;
  Vector first_;
  double objective_ = 0;
  Matrix gram_;
  Index ran_away_ = -1;
};

}  // namespace

void share_shape(const double* counts, Diagonals diagonals) {
  DiagonalScatters scatters(counts, diagonals);
  const Vector factors = SharedShape<DiagonalScatters>(scatters).factors();
  for (Index j = 0; j < factors.size(); ++j) {
    for (Index i = 0; i < diagonals.rows(); ++i) diagonals(i, j) = scatters.mixture()[i] * factors[j];
  }
}

void maximise_vee(const Spread& spread) {
  FullScatters scatters(spread);
  const Vector factors = SharedShape<FullScatters>(scatters).factors();
  for (Index j = 0; j < spread.k; ++j) scale_to(scatters.mixture(), factors[j], spread.covariance(j));
}

}  // namespace em
