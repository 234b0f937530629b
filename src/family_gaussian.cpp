#include "family_gaussian.h"

#include <cmath>

#include "chart_gaussian.h"
#include "numerics.h"

namespace em {

namespace {

// A component is taken to have collapsed where its spread in some direction, given the others, falls below
// this part of the data's own: sd ratio 1e-6. Nothing is clipped there; the run ends and says so.
constexpr double collapse_ratio = 1e-12;

// A column is taken for a linear combination of those before it where less than this part of its variance is
// its own: fewer than three digits of that part are right.
constexpr double collinear_ratio = 1e-13;

}  // namespace

FamilyGaussian::FamilyGaussian(Index n_rows, Index d, const double* data, Index k, Structure structure)
    : x_(data, n_rows, d),
      d_(d),
      k_(k),
      structure_(structure),
      storage_(storage_of(structure)),
      mean_(Matrix::Zero(k, d)),
      covariance_(d * d, k),
      sd_(Vector::Ones(k)),
      factor_(d * d, k),
      log_constant_(k),
      scatter_(storage_size(storage_, d, k)) {
  for (Index j = 0; j < k_; ++j) sigma(j).setIdentity();
}

Index FamilyGaussian::describe(const double* weights) {
  const Index n = n_rows();
  Vector weight = weights ? Vector(ConstVectorMap(weights, n)) : Vector::Ones(n);
  weight /= weight.sum();
  // About the first row, so that offsets cost no digits.
  centre_.resize(d_);
  for (Index j = 0; j < d_; ++j) {
    const double origin = x_(0, j);
    centre_[j] = origin + weight.dot((x_.col(j).array() - origin).matrix());
  }
  total_.setZero(d_, d_);
  Matrix block(128, d_);
  for (Index begin = 0; begin < n; begin += 128) {
    const Index rows = std::min<Index>(128, n - begin);
    for (Index j = 0; j < d_; ++j) {
      block.col(j).head(rows) =
          (x_.col(j).segment(begin, rows).array() - centre_[j]) * weight.segment(begin, rows).array().sqrt();
    }
    total_.selfadjointView<Eigen::Lower>().rankUpdate(block.topRows(rows).transpose());
  }
  total_.triangularView<Eigen::StrictlyUpper>() = total_.transpose();
  for (Index j = 0; j < k_; ++j) mean_.row(j) = centre_.transpose();

  // The Cholesky pivots are what is left of each column's variance given the columns before it.
  Matrix factor = total_;
  if (structure_.diagonal()) factor = total_.diagonal().asDiagonal();
  const Vector lost = collinear_ratio * total_.diagonal();
  const Index defect = cholesky_in_place(d_, factor.data(), lost.data());
  if (defect < 0) pivot_floor_ = collapse_ratio * factor.diagonal().array().square();
  return defect;
}

void FamilyGaussian::load_covariance() {
  if (d_ == 1) covariance_.row(0) = sd_.array().square().transpose();
}

void FamilyGaussian::store_covariance() {
  if (d_ == 1) sd_ = covariance_.row(0).array().sqrt().transpose();
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

void FamilyGaussian::maximise(ConstVectorRef statistics, Step step) {
  const double* counts = statistics.data();
  const ConstMatrixMap first(statistics.data() + k_, d_, k_);
  scatter_ = statistics.tail(scatter_.size());
  load_covariance();
  for (Index component = 0; component < k_; ++component) {
    if (!(counts[component] > 0.0)) continue;  // an empty component keeps its mean
    const Vector shift = first.col(component) / counts[component];
    mean_.row(component) += shift.transpose();
    if (step == Step::ecm) continue;  // the spread stays about the previous mean
    if (storage_ == Storage::diagonal) {
      VectorMap(scatter_.data() + component * d_, d_) -= counts[component] * shift.cwiseAbs2();
    } else {
      const Index at = storage_ == Storage::pooled ? 0 : component * d_ * d_;
      MatrixMap(scatter_.data() + at, d_, d_).noalias() -= counts[component] * shift * shift.transpose();
    }
  }
  maximise_covariance(structure_, d_, k_, counts, scatter_.data(), covariance_.data());
  if (step == Step::start && lacks_spread()) lend_spread(counts);
  store_covariance();
}

Fields FamilyGaussian::parameters() {
  if (d_ == 1) {
    return {{"mean", Scale::real, {k_}, mean_.data()}, {"sd", Scale::log, {k_}, sd_.data()}};
  }
  return {{"mean", Scale::real, {k_, d_}, mean_.data()},
          {"covariance", Scale::log_cholesky, {d_, d_, k_}, covariance_.data()}};
}

std::unique_ptr<Chart> FamilyGaussian::chart(ConstVectorRef statistics) {
  return make_gaussian_chart(structure_, d_, k_, parameters(), statistics);
}

// A start may give a component fewer rows than it has dimensions. Each then gets the spread of the data as if
// one row more had it, which every structure takes through its own M-step.
void FamilyGaussian::lend_spread(const double* counts) {
  const Vector more = ConstVectorMap(counts, k_).array() + 1.0;
  for (Index j = 0; j < k_; ++j) {
    if (storage_ == Storage::diagonal) {
      VectorMap(scatter_.data() + j * d_, d_) += total_.diagonal();
    } else {
      MatrixMap(scatter_.data() + (storage_ == Storage::pooled ? 0 : j * d_ * d_), d_, d_) += total_;
    }
  }
  maximise_covariance(structure_, d_, k_, more.data(), scatter_.data(), covariance_.data());
}

bool FamilyGaussian::lacks_spread() const {
  Matrix factor(d_, d_);
  for (Index j = 0; j < k_; ++j) {
    factor = sigma(j);
    if (cholesky_in_place(d_, factor.data(), pivot_floor_.data()) >= 0) return true;
  }
  return false;
}

Vector FamilyGaussian::relative_spread() const {
  Matrix factor = total_;
  const bool regular = !structure_.diagonal() && cholesky_in_place(d_, factor.data(), nullptr) < 0;
  if (!regular) factor = total_.diagonal().cwiseSqrt().asDiagonal();
  const auto lower = factor.triangularView<Eigen::Lower>();
  Vector out(k_);
  for (Index j = 0; j < k_; ++j) {
    Matrix relative = lower.solve(Matrix(sigma(j)));
    relative = lower.solve(relative.transpose()).eval();
    out[j] = Eigen::SelfAdjointEigenSolver<Matrix>(relative, Eigen::EigenvaluesOnly).eigenvalues()[0];
  }
  return out;
}

void FamilyGaussian::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < d_; ++j) {
    const double sd = std::sqrt(total_(j, j));
    out.col(j) = (x_.col(j).segment(rows.begin, rows.size).array() - centre_[j]) / (sd > 0.0 ? sd : 1.0);
  }
}

void FamilyGaussian::start_at(const std::vector<Index>& rows) {
  for (Index j = 0; j < k_; ++j) mean_.row(j) = x_.row(rows[static_cast<std::size_t>(j)]);
  scatter_.setZero();
  lend_spread(Vector::Zero(k_).eval().data());
  store_covariance();
}

std::unique_ptr<Family> FamilyGaussian::clone() const { return std::make_unique<FamilyGaussian>(*this); }

}  // namespace em
