#include "family_gaussian_base.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dense.h"
#include "gaussian_chart.h"
#include "numerics.h"

namespace em {

namespace {

// A component has collapsed where its own rows have no spread in some direction, whatever lies elsewhere:
// where a column's variance given those before it is below this part of its variance (Cholesky leaves
// rounding of a few 1e-16 of it), or where the standard deviation is below so many units in the last place of
// the mean, as numbers that lie there are rounded. Nothing is clipped there; the run ends and says so.
constexpr double flat_ratio = 1e-14;
constexpr double rounding = 8.0 * std::numeric_limits<double>::epsilon();

// A column is taken for a linear combination of those before it where less than this part of its variance is
// its own: fewer than three digits of that part are right.
constexpr double collinear_ratio = 1e-13;

// The same as a ratio of standard deviations, where it is taken from the rows.
constexpr double own_part = 1e-8;

// Variances of parts of the data and sums of squares over all of it must be numbers of full precision, and
// the mean must leave digits for the spread.
bool is_computable(double variance, double mean, Index n_rows) {
  return variance > 1e-302 && variance < 1e306 / static_cast<double>(n_rows) &&
         std::sqrt(variance) > 1e-12 * std::abs(mean);
}

}  // namespace

FamilyGaussianBase::FamilyGaussianBase(Index d, Index k, Structure structure)
    : Family(k),
      d_(d),
      structure_(structure),
      storage_(storage_of(structure)),
      mean_(Matrix::Zero(k, d)),
      covariance_(d * d, k),
      sd_(Vector::Ones(k)),
      scatter_(storage_size(storage_, d, k)) {
  for (Index j = 0; j < k_; ++j) sigma(j) = Matrix::Identity(d, d);
}

Index FamilyGaussianBase::set_overall(const Vector& centre, const Matrix& total) {
  centre_ = centre;
  total_ = total;
  for (Index a = 0; a < d_; ++a) std::fill_n(mean_.data() + a * k_, k_, centre_[a]);
  restore_held();

  own_total_ = total_;
  Index defect = first_defect();
  if (defect >= 0 && prior_.any()) {
    Matrix more(d_, d_);
    divide_to(prior_.scale, prior_.rows(), more);
    add_scaled(1.0, more, own_total_);
    defect = first_defect();
  }
  Vector spread(d_);
  for (Index a = 0; a < d_; ++a) spread[a] = std::sqrt(own_total_(a, a));
  set_columns(centre_, spread);
  if (defect >= 0) return defect;
  set_floors();
  return -1;
}

Index FamilyGaussianBase::first_defect() const {
  for (Index j = 0; j < d_; ++j) {
    if (!is_computable(own_total_(j, j), centre_[j], data_.n)) return j;
  }
  if (structure_.diagonal()) {
    Matrix alone = Matrix::Zero(d_, d_);
    for (Index j = 0; j < d_; ++j) alone(j, j) = own_total_(j, j);
    return first_collinear(alone);
  }
  const Index suspect = first_collinear(own_total_);
  if (suspect < 0 || prior_.any() || !all_finite(x().data(), x().size())) return suspect;
  for (Index column = suspect; column < d_; ++column) {
    if (!has_own_part(column)) return column;
  }
  return -1;
}

// Two groups far apart make columns nearly collinear, more than a covariance of all rows can tell: what its
// pivot leaves in doubt is asked of the rows themselves, each column less its projection on those before it.
bool FamilyGaussianBase::has_own_part(Index column) const {
  Matrix rest(data_.n, column + 1);
  for (Index i = 0; i < data_.n; ++i) {
    const double weight = data_.weight(i) > 0.0 ? std::sqrt(data_.weight(i)) : 0.0;
    for (Index a = 0; a <= column; ++a) rest(i, a) = (x()(i, a) - centre_[a]) * weight;
  }
  const double whole = std::sqrt(sum_of_squares(rest.col(column)));
  for (int twice = 0; twice < 2; ++twice) {
    for (Index a = 0; a < column; ++a) {
      const double size = twice == 0 ? std::sqrt(sum_of_squares(rest.col(a))) : 0.0;
      if (size > 0.0) divide_to(rest.col(a), size, rest.col(a));
      for (Index b = a + 1; b <= column; ++b) {
        if (twice == 0 || b == column) add_scaled(-dot(rest.col(a), rest.col(b)), rest.col(a), rest.col(b));
      }
    }
  }
  return std::sqrt(sum_of_squares(rest.col(column))) > own_part * whole;
}

Index FamilyGaussianBase::first_collinear(Matrix scatter) const {
  Vector lost(d_);
  for (Index a = 0; a < d_; ++a) lost[a] = collinear_ratio * scatter(a, a);
  return cholesky_in_place(d_, scatter.data(), lost.data());
}

bool FamilyGaussianBase::all_diagonal() const {
  for (Index j = 0; j < k_; ++j) {
    for (Index b = 0; b < d_; ++b) {
      for (Index a = 0; a < d_; ++a) {
        if (a != b && sigma(j)(a, b) != 0.0) return false;
      }
    }
  }
  return true;
}

const double* FamilyGaussianBase::floor_of(Index component) const {
  const bool given = !fitted_ || holds_spread(component);
  return given || !pivot_floor_.size() ? nullptr : pivot_floor_.data() + component * d_;
}

void FamilyGaussianBase::set_floors() {
  pivot_floor_.resize(d_ * k_);
  for (Index j = 0; j < k_; ++j) {
    for (Index a = 0; a < d_; ++a) {
      // A single step is made without a look at the rows.
      const double spread = own_total_.size() > 0 ? std::sqrt(own_total_(a, a)) : 0.0;
      const double unit = rounding * std::max(std::abs(mean_(j, a)), spread);
      pivot_floor_[j * d_ + a] = std::max(flat_ratio * variance(j, a), unit * unit);
    }
  }
}

Index FamilyGaussianBase::first_without_density() const {
  Matrix factor(d_, d_);
  for (Index j = 0; j < k_; ++j) {
    factor = sigma(j);
    if (cholesky_in_place(d_, factor.data(), floor_of(j)) >= 0) return j;
    for (Index a = 0; a < d_; ++a) {
      if (!std::isfinite(mean_(j, a))) return j;
    }
  }
  return -1;
}

double FamilyGaussianBase::rows_needed(Index component) const {
  if (prior_.any() || holds_spread(component)) return 0.0;  // these say what rows do not
  const bool own_shape = structure_.shape == Letter::variable;
  if (own_shape && structure_.orientation == Letter::variable) return static_cast<double>(d_ + 1);
  return own_shape || structure_.volume == Letter::variable ? 2.0 : 0.0;
}

void FamilyGaussianBase::load_covariance() {
  for (Index j = 0; d_ == 1 && j < k_; ++j) covariance_(0, j) = sd_[j] * sd_[j];
}

void FamilyGaussianBase::store_covariance() {
  for (Index j = 0; d_ == 1 && j < k_; ++j) sd_[j] = std::sqrt(covariance_(0, j));
}

void FamilyGaussianBase::hold(const HeldGaussian& held) {
  held_ = held;
  restore_held();
}

void FamilyGaussianBase::restore_held() {
  const auto restore = [](const double* held, Index size, double* now) {
    for (Index i = 0; i < size; ++i) {
      if (!std::isnan(held[i])) now[i] = held[i];
    }
  };
  restore(held_.mean.data(), held_.mean.size(), mean_.data());
  restore(held_.spread.data(), held_.spread.size(), d_ == 1 ? sd_.data() : covariance_.data());
  load_covariance();
}

void FamilyGaussianBase::maximise(ConstVectorRef statistics, Step step) {
  fitted_ = true;
  counts_ = ConstVectorMap(statistics.data(), k_);
  for (Index j = 0; j < k_; ++j) counts_[j] += prior_.kappa;
  first_ = ConstMatrixMap(statistics.data() + k_, d_, k_);
  std::copy_n(statistics.data() + statistics.size() - scatter_.size(), scatter_.size(), scatter_.data());
  if (prior_.any()) prior_.add_to(storage_, mean_, first_, scatter_);
  load_covariance();
  for (Index component = 0; component < k_; ++component) {
    if (!(counts_[component] > 0.0)) continue;  // an empty component keeps its mean
    move_mean(component, counts_[component], first_.data() + component * d_, step == Step::ecm);
  }
  for (Index j = 0; prior_.any() && j < k_; ++j) counts_[j] += prior_.rows() - prior_.kappa;
  maximise_covariance(structure_, d_, k_, counts_.data(), scatter_.data(), covariance_.data());
  if (d_ == 1) store_covariance();
  set_floors();
  if (step == Step::start && first_without_density() >= 0) lend_spread(counts_.data());
  store_covariance();
  restore_held();
}

double FamilyGaussianBase::log_prior() const {
  return prior_.any() ? prior_.log_density(mean_, covariance_) : 0.0;
}

// Moves the mean to its maximiser and, unless it is to stay, the scatter from the pivot to it.
void FamilyGaussianBase::move_mean(Index component, double count, const double* first, bool keep_scatter) {
  bool held = false;
  for (Index a = 0; a < d_; ++a) held = held || held_.holds_mean(component, a);
  if (!held) {
    for (Index a = 0; a < d_; ++a) mean_(component, a) += first[a] / count;
    if (!keep_scatter) move_scatter(component, count, first);
    return;
  }
  Vector wanted(d_);
  divide_to(ConstVectorMap(first, d_), count, wanted);
  const Vector shift = shift_of(component, wanted);
  for (Index a = 0; a < d_; ++a) mean_(component, a) += shift[a];
  if (!keep_scatter) move_scatter(component, count, first, shift);
}

// How far a mean moves of which some entries H are held: the others maximise the likelihood at the present
// covariance, wanted_F - Sigma_FH Sigma_HH^-1 (wanted_H - held_H). With the covariance at this mean next, the
// step is one of ECM and ascends.
Vector FamilyGaussianBase::shift_of(Index component, ConstVectorRef wanted) const {
  std::vector<Index> h;
  for (Index a = 0; a < d_; ++a) {
    if (held_.holds_mean(component, a)) h.push_back(a);
  }
  const auto size = static_cast<Index>(h.size());
  Matrix inner(size, size);
  Matrix across(d_, size);
  Vector excess(size);
  for (Index i = 0; i < size; ++i) {
    const Index column = h[static_cast<std::size_t>(i)];
    excess[i] = wanted[column] - (held_.mean(component, column) - mean_(component, column));
    for (Index a = 0; a < d_; ++a) across(a, i) = sigma(component)(a, column);
    for (Index j = 0; j < size; ++j) inner(j, i) = sigma(component)(h[static_cast<std::size_t>(j)], column);
  }
  Vector out = wanted;
  add_scaled(-1.0, times(across, Cholesky(inner).solve_vector(excess)), out);
  return out;
}

double* FamilyGaussianBase::scatter_of(Index component) {
  if (storage_ == Storage::pooled) return scatter_.data();
  return scatter_.data() + component * (storage_ == Storage::diagonal ? d_ : d_ * d_);
}

// The scatter about the pivot -> that about the new mean; exactly symmetric.
void FamilyGaussianBase::move_scatter(Index component, double count, const double* first) {
  double* scatter = scatter_of(component);
  for (Index b = 0; b < d_; ++b) {
    if (storage_ == Storage::diagonal) {
      scatter[b] -= first[b] / count * first[b];
      continue;
    }
    for (Index a = b; a < d_; ++a) {
      scatter[b * d_ + a] -= first[a] / count * first[b];
      scatter[a * d_ + b] = scatter[b * d_ + a];
    }
  }
}

// The same for a mean that did not move by first / count.
void FamilyGaussianBase::move_scatter(Index component, double count, const double* first,
                                      const Vector& shift) {
  double* scatter = scatter_of(component);
  for (Index b = 0; b < d_; ++b) {
    if (storage_ == Storage::diagonal) {
      scatter[b] += shift[b] * (count * shift[b] - 2.0 * first[b]);
      continue;
    }
    for (Index a = b; a < d_; ++a) {
      scatter[b * d_ + a] += count * shift[a] * shift[b] - shift[a] * first[b] - first[a] * shift[b];
      scatter[a * d_ + b] = scatter[b * d_ + a];
    }
  }
}

Fields FamilyGaussianBase::parameters() {
  const Extent components{Axis::component, k_};
  const Extent variables{Axis::variable, d_};
  if (d_ == 1) {
    return {{"mean", Scale::real, {components}, mean_.data()},
            {"sd", Scale::positive, {components}, sd_.data()}};
  }
  return {{"mean", Scale::real, {components, variables}, mean_.data()},
          {"covariance", Scale::covariance, {variables, variables, components}, covariance_.data()}};
}

std::unique_ptr<Chart> FamilyGaussianBase::chart(ConstVectorRef statistics) {
  Vector sums = statistics;
  if (prior_.any()) {
    prior_.add_to(storage_, mean_, MatrixMap(sums.data() + k_, d_, k_),
                  VectorMap(sums.data() + sums.size() - scatter_.size(), scatter_.size()));
    for (Index j = 0; j < k_; ++j) sums[j] += prior_.rows();
  }
  auto out = make_gaussian_chart(structure_, d_, k_, parameters(), sums);
  if (held_.any()) {
    out = make_held_chart(std::move(out), held_, structure_, d_, k_, parameters(), sums);
  }
  if (!prior_.any()) return out;
  return make_prior_chart(std::move(out), prior_, storage_, mean_.data(), k_);
}

// A start may give a component fewer rows than it has dimensions. Each then gets the spread of the data as if
// one row more had it, which every structure takes through its own M-step.
void FamilyGaussianBase::lend_spread(const double* counts) {
  Vector more(k_);
  for (Index j = 0; j < k_; ++j) {
    more[j] = counts[j] + 1.0;
    if (storage_ == Storage::diagonal) {
      for (Index a = 0; a < d_; ++a) scatter_[j * d_ + a] += own_total_(a, a);
    } else {
      double* scatter = scatter_.data() + (storage_ == Storage::pooled ? 0 : j * d_ * d_);
      add_scaled(1.0, own_total_, MatrixMap(scatter, d_, d_));
    }
  }
  maximise_covariance(structure_, d_, k_, more.data(), scatter_.data(), covariance_.data());
}

void FamilyGaussianBase::start_at(const std::vector<Index>& rows) {
  for (Index j = 0; j < k_; ++j) {
    for (Index a = 0; a < d_; ++a) mean_(j, a) = x()(rows[static_cast<std::size_t>(j)], a);
  }
  std::fill_n(scatter_.data(), scatter_.size(), 0.0);
  const Vector none = Vector::Zero(k_);
  lend_spread(none.data());
  store_covariance();
}

}  // namespace em
