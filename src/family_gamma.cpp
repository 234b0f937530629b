#include "family_gamma.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "gamma_functions.h"
#include "numerics.h"

namespace em {

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

// What the linear form may lose of a log density.
constexpr double loss_fast = 1e-10;
constexpr double loss_exact = 4e-12;

// log m - mean log x is half the squared spread of log x: below that rounding of the logarithms is all there
// is.
double least_spread(double log_mean) { return 16.0 * eps * (1.0 + std::abs(log_mean)); }

// The part of a log density that x is not in: a log a - a - log Gamma(a).
double scale_part(double a) { return 0.5 * (std::log(a) - log_two_pi) - gamma_error(a); }

}  // namespace

FamilyGamma::FamilyGamma(Index k, Index p, bool gaps)
    : Family(k),
      p_(p),
      gaps_(gaps),
      scale_(Vector::Zero(p)),
      pooled_shape_(Vector::Ones(p)),
      feature_mean_(Vector::Zero(p)),
      feature_scale_(Vector::Ones(p)),
      mean_(Matrix::Ones(k, p)),
      shape_(Matrix::Ones(k, p)),
      theta_(n_columns(), k),
      constant_(k) {}

void FamilyGamma::bind(const Data& data) {
  Family::bind(data);
  if (scale_.isZero(0.0)) choose_scale();
  auto table = std::make_shared<Table>();
  table->resize(size_of(n_columns() * data_.n));
  for (Index j = 0; j < p_; ++j) {
    double* z = table->data() + j * data_.n;
    double* log_z = z + p_ * data_.n;
    for (Index i = 0; i < data_.n; ++i) {
      const double x = data_.x[i + j * data_.n];
      const bool seen = !std::isnan(x);
      z[i] = seen ? x / scale_[j] : 0.0;
      log_z[i] = seen ? std::log(z[i]) : 0.0;
      if (gaps_) z[2 * p_ * data_.n + i] = seen ? 1.0 : 0.0;
    }
  }
  table_ = std::move(table);
}

// The geometric mean of a column, about which logarithms are small; its last digits don't matter.
void FamilyGamma::choose_scale() {
  for (Index j = 0; j < p_; ++j) {
    double sum = 0.0;
    double seen = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      const double x = data_.x[i + j * data_.n];
      if (std::isnan(x)) continue;
      sum += std::log(x);
      seen += 1.0;
    }
    scale_[j] = seen > 0.0 ? std::exp(sum / seen) : 1.0;
  }
}

Index FamilyGamma::n_workspace(Index block_rows) const {
  return 3 * p_ * static_cast<Index>(block_stride(size_of(block_rows))) + k_;
}

Index FamilyGamma::describe() {
  Index defect = -1;
  for (Index k = 0; k < k_; ++k) mean_.row(k) = scale_.transpose();
  restore_held();
  for (Index j = p_ - 1; j >= 0; --j) {
    double mass = 0.0, mean = 0.0, log_mean = 0.0, scatter = 0.0;
    for (Index i = 0; i < data_.n; ++i) {
      const double w = data_.weight(i);
      if (!(w > 0.0) || !is_seen(i, j)) continue;
      mass += w;
      mean += (column(j)[i] - mean) * (w / mass);
      const double gap = column(p_ + j)[i] - log_mean;
      log_mean += gap * (w / mass);
      scatter += w * gap * (column(p_ + j)[i] - log_mean);
    }
    if (!(mass > 0.0)) continue;
    feature_mean_[j] = log_mean;
    feature_scale_[j] = scatter > 0.0 ? std::sqrt(mass / scatter) : 1.0;
    const double spread = std::log(mean) - log_mean;
    const bool constant = !(spread > least_spread(log_mean));
    pooled_shape_[j] = constant ? 1.0 : shape_from(spread);
    bool free = false;
    for (Index k = 0; k < k_; ++k) free = free || !shape_is_held(k, j);
    if (constant && free) defect = j;
  }
  return defect;
}

Index FamilyGamma::prepare(Accuracy accuracy) {
  double loss = 0.0;
  for (Index k = 0; k < k_; ++k) {
    constant_[k] = 0.0;
    for (Index j = 0; j < p_; ++j) {
      const double a = shape_(k, j);
      const double ratio = scale_[j] / mean_(k, j);
      const double away = std::log(ratio);
      if (!(a > 0.0 && a < infinity && std::isfinite(away))) return k;
      const double here = scale_part(a) + a * (1.0 + away) - std::log(scale_[j]);
      theta_(j, k) = -a * ratio;
      theta_(p_ + j, k) = a - 1.0;
      if (gaps_)
        theta_(2 * p_ + j, k) = here;
      else
        constant_[k] += here;
      loss = std::max(loss, a * (1.0 + std::abs(away)) * eps);
    }
  }
  linear_ = loss < (accuracy == Accuracy::fast ? loss_fast : loss_exact);
  exact_ = !linear_ || loss < loss_exact;
  return -1;
}

void FamilyGamma::pack(Rows rows, double* work) const {
  const std::size_t size = size_of(rows.size);
  const Block all{work, size, size_of(n_columns()), block_stride(size)};
  kernels().pack(rows_of(table_->data(), data_.n, n_columns(), rows.begin, rows.size), nullptr, nullptr, all);
}

void FamilyGamma::log_density(Rows rows, double* work, MatrixRef out) const {
  const std::size_t size = size_of(rows.size);
  if (linear_) {
    kernels().linear_density({work, size, size_of(n_columns()), block_stride(size)}, constant_.data(),
                             theta_.data(), block_of(out));
    return;
  }
  out.setZero();
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double a = shape_(k, j);
      const double m = mean_(k, j);
      const double part = scale_part(a) - std::log(scale_[j]);
      const double away = std::log(scale_[j] / m);
      for (Index i = 0; i < rows.size; ++i) {
        const Index row = rows.begin + i;
        if (!is_seen(row, j)) continue;
        const double gap = (data_.x[row + j * data_.n] - m) / m;
        const double log_z = column(p_ + j)[row];
        const double lost = gap > -0.5 ? less_log1p(gap) : gap - (log_z + away);
        out(i, k) += part - log_z - a * lost;
      }
    }
  }
}

void FamilyGamma::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                             VectorRef statistics) const {
  const std::size_t size = size_of(rows.size);
  const std::size_t columns = size_of(n_columns());
  kernels().linear_sums({work, size, columns, block_stride(size)}, block_of(responsibilities),
                        statistics.data(), size_of(stride()));
  if (gaps_) return;
  double* rows_of_each = work + 2 * p_ * static_cast<Index>(block_stride(size));
  std::fill_n(rows_of_each, k_, 0.0);
  kernels().column_sums(block_of(responsibilities), rows_of_each);
  for (Index k = 0; k < k_; ++k) statistics[2 * p_ + k * stride()] += rows_of_each[k];
}

// The kernel's sums are about the scale of the column.
void FamilyGamma::close_slice(VectorRef statistics, double* /*work*/) const {
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double ratio = scale_[j] / mean_(k, j);
      statistics[j + k * stride()] *= ratio;
      statistics[p_ + j + k * stride()] += count_in(statistics, j, k) * std::log(ratio);
    }
  }
}

void FamilyGamma::maximise(ConstVectorRef statistics, Step step) {
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      const double count = count_in(statistics, j, k);
      if (!(count > 0.0)) continue;                              // nothing speaks for other numbers
      const double over = statistics[j + k * stride()] / count;  // the mean of x / m
      const double logs = statistics[p_ + j + k * stride()] / count;
      // A mean that is held is not that of the rows, which makes the spread about it wider.
      const double beside = is_held(k + j * k_) ? less_log1p(over - 1.0) : 0.0;
      const double spread = std::log(over) - logs;
      mean_(k, j) *= over;
      if (spread > least_spread(logs) || beside > 0.0) {
        shape_(k, j) = shape_from(std::max(spread, 0.0) + beside);
      } else {
        shape_(k, j) = step == Step::start ? pooled_shape_[j] : infinity;
      }
    }
  }
  restore_held();
}

void FamilyGamma::score(ConstVectorRef statistics, VectorRef slope, VectorRef rows,
                        VectorRef information) const {
  for (Index j = 0; j < p_; ++j) {
    for (Index k = 0; k < k_; ++k) {
      const Index at = k + j * k_;
      const Index behind = k_ * p_ + at;
      const double a = shape_(k, j);
      const double count = count_in(statistics, j, k);
      const double over = statistics[j + k * stride()] - count;  // sum of x / m - 1
      const double logs = statistics[p_ + j + k * stride()];
      slope[at] = a * over;
      slope[behind] = a * (count * log_less_digamma(a) + logs - over);
      rows[at] = rows[behind] = count;
      information[at] = a;
      information[behind] = a * trigamma_excess(a);
    }
  }
}

Fields FamilyGamma::parameters() {
  std::vector<Extent> axes{{Axis::component, k_}};
  if (p_ > 1) axes.push_back({Axis::variable, p_});
  return {{"mean", Scale::positive, axes, mean_.data()}, {"shape", Scale::positive, axes, shape_.data()}};
}

void FamilyGamma::features(Rows rows, MatrixRef out) const {
  for (Index j = 0; j < p_; ++j) {
    for (Index i = 0; i < rows.size; ++i) {
      const Index row = rows.begin + i;
      out(i, j) = is_seen(row, j) ? (column(p_ + j)[row] - feature_mean_[j]) * feature_scale_[j] : 0.0;
    }
  }
}

// The spread is that of log x, about 1 / sqrt(shape).
Vector FamilyGamma::relative_spread() const {
  Vector out = Vector::Ones(k_);
  for (Index k = 0; k < k_; ++k) {
    for (Index j = 0; j < p_; ++j) {
      if (!shape_is_held(k, j)) out[k] = std::min(out[k], std::sqrt(pooled_shape_[j] / shape_(k, j)));
    }
  }
  return out;
}

double FamilyGamma::rows_needed(Index component) const {
  for (Index j = 0; j < p_; ++j) {
    if (!shape_is_held(component, j)) return 2.0;
  }
  return 0.0;
}

double FamilyGamma::distance(Index a, Index b, double /*enough*/) const {
  double out = 0.0;
  for (Index j = 0; j < p_; ++j) {
    const double first = shape_(a, j), second = shape_(b, j);
    const double between = 0.5 * (first + second);
    const double first_rate = first / mean_(a, j), second_rate = second / mean_(b, j);
    const double middle = 0.5 * (first_rate + second_rate);
    out += 0.5 * (log_gamma(first) + log_gamma(second)) - log_gamma(between) +
           0.5 * (first * std::log(middle / first_rate) + second * std::log(middle / second_rate));
  }
  return std::max(out, 0.0);
}

std::unique_ptr<Family> FamilyGamma::clone() const { return std::make_unique<FamilyGamma>(*this); }

}  // namespace em
