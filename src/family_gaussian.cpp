#include "family_gaussian.h"

#include <cmath>

#include "numerics.h"

namespace em {

FamilyGaussian::FamilyGaussian(Index n_rows, Index d, const double* data, Index k, Structure structure)
    : FamilyGaussianBase(n_rows, d, data, k, structure), factor_(d * d, k), log_constant_(k) {}

Index FamilyGaussian::describe(const double* weights) {
  const Index n = n_rows();
  Vector weight = weights ? Vector(ConstVectorMap(weights, n)) : Vector::Ones(n);
  weight /= weight.sum();
  // About the first row, so that offsets cost no digits.
  Vector centre(d_);
  for (Index j = 0; j < d_; ++j) {
    const double origin = x_(0, j);
    centre[j] = origin + weight.dot((x_.col(j).array() - origin).matrix());
  }
  Matrix total = Matrix::Zero(d_, d_);
  Matrix block(128, d_);
  for (Index begin = 0; begin < n; begin += 128) {
    const Index rows = std::min<Index>(128, n - begin);
    for (Index j = 0; j < d_; ++j) {
      block.col(j).head(rows) =
          (x_.col(j).segment(begin, rows).array() - centre[j]) * weight.segment(begin, rows).array().sqrt();
    }
    total.selfadjointView<Eigen::Lower>().rankUpdate(block.topRows(rows).transpose());
  }
  total.triangularView<Eigen::StrictlyUpper>() = total.transpose();
  return set_overall(centre, total);
}

Index FamilyGaussian::prepare(Accuracy /*accuracy*/) {
  load_covariance();
  factor_ = covariance_;
  const double* floor = pivot_floor_.size() ? pivot_floor_.data() : nullptr;
  for (Index j = 0; j < k_; ++j) {
    double* factor = factor_.data() + j * d_ * d_;
    if (!mean_.row(j).allFinite() || cholesky_in_place(d_, factor, floor) >= 0) return j;
    double log_determinant = 0.0;
    for (Index i = 0; i < d_; ++i) log_determinant += std::log(factor[i * (d_ + 1)]);
    log_constant_[j] = -0.5 * static_cast<double>(d_) * log_two_pi - log_determinant;
  }
  return -1;
}

void FamilyGaussian::pack(Rows /*rows*/, double* /*work*/) const {}

void FamilyGaussian::log_density(Rows rows, double* work, MatrixRef out) const {
  MatrixMap z(work, rows.size, d_);
  for (Index component = 0; component < k_; ++component) {
    const double* factor = factor_.data() + component * d_ * d_;
    auto distance = out.col(component).array();
    distance.setZero();
    for (Index j = 0; j < d_; ++j) {
      auto column = z.col(j).array();
      column = x_.col(j).segment(rows.begin, rows.size).array() - mean_(component, j);
      if (!structure_.diagonal()) {
        for (Index i = 0; i < j; ++i) column -= factor[i * d_ + j] * z.col(i).array();
      }
      column *= 1.0 / factor[j * (d_ + 1)];
      distance += column.square();
    }
    distance = log_constant_[component] - 0.5 * distance;
  }
}

void FamilyGaussian::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                                VectorRef statistics) const {
  MatrixMap z(work, rows.size, d_);
  MatrixMap rz(work + rows.size * d_, rows.size, d_);
  VectorMap counts(statistics.data(), k_);
  MatrixMap first(statistics.data() + k_, d_, k_);
  double* second = statistics.data() + k_ * (1 + d_);
  for (Index component = 0; component < k_; ++component) {
    const auto r = responsibilities.col(component).array();
    counts[component] += r.sum();
    for (Index j = 0; j < d_; ++j) {
      z.col(j).array() = x_.col(j).segment(rows.begin, rows.size).array() - mean_(component, j);
      rz.col(j).array() = r * z.col(j).array();
      first(j, component) += rz.col(j).sum();
    }
    if (storage_ == Storage::diagonal) {
      for (Index j = 0; j < d_; ++j) second[component * d_ + j] += rz.col(j).dot(z.col(j));
      continue;
    }
    double* scatter = storage_ == Storage::pooled ? second : second + component * d_ * d_;
    for (Index j = 0; j < d_; ++j) {
      for (Index i = j; i < d_; ++i) {
        const double sum = rz.col(i).dot(z.col(j));
        scatter[j * d_ + i] += sum;
        if (i != j) scatter[i * d_ + j] += sum;
      }
    }
  }
}

void FamilyGaussian::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < d_; ++j) {
    const double sd = std::sqrt(total_(j, j));
    out.col(j) = (x_.col(j).segment(rows.begin, rows.size).array() - centre_[j]) / (sd > 0.0 ? sd : 1.0);
  }
}

std::unique_ptr<Family> FamilyGaussian::clone() const { return std::make_unique<FamilyGaussian>(*this); }

}  // namespace em
