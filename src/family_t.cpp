#include "family_t.h"

#include <algorithm>
#include <cmath>

#include "blocks.h"
#include "gamma_functions.h"
#include "numerics.h"

namespace em {

namespace {

// Before anything is known of them.
constexpr double first_df = 10.0;

// Up to here log(1 + x / nu) may be a logarithm of 1 + x / nu: what that loses is nothing beside the rest.
constexpr double moderate = 1e4;

// log Gamma(a + y) - log Gamma(a) - y log a, which goes to 0 as a grows.
double rising(double a, double y) {
  const double away = std::log1p(y / a);
  return (y - 0.5) * away - a * less_log1p(y / a) + gamma_error(a + y) - gamma_error(a);
}

// What one row of known component tells of log nu (Lange, Little & Taylor 1989), which vanishes as nu grows
// and is rounding there.
double information_of(double nu, double d) {
  const double half = 0.5 * nu, whole = 0.5 * (nu + d);
  const double trigammas = trigamma(half) - trigamma(whole);
  const double told = 0.25 * trigammas - 0.5 * d * (nu + d + 4.0) / (nu * (nu + d) * (nu + d + 2.0));
  return std::max(nu * nu * told, 1e-6);
}

}  // namespace

// The coordinates of the normal components, then those of log nu.
class ChartT : public Chart {
 public:
  ChartT(FamilyT& family, std::unique_ptr<Chart> gaussian, ConstVectorRef counts)
      : Chart(scale_of(family, *gaussian, counts)),
        family_(family),
        gaussian_(std::move(gaussian)),
        origin_(family.df_),
        unit_(family.k_) {
    for (Index k = 0; k < unit_.size(); ++k) {
      unit_[k] = 1.0 / std::sqrt(information_of(origin_[k], static_cast<double>(family.d_)));
    }
    if (family.freedom_ == Freedom::shared) unit_.setConstant(unit_[0]);
  }

  void place(ConstVectorRef z) override {
    gaussian_->place(z.head(gaussian_->size()));
    Index at = gaussian_->size();
    for (Index k = 0; k < origin_.size(); ++k) {
      if (family_.df_is_held(k)) continue;
      family_.df_[k] = origin_[k] * std::exp(z[at] * unit_[k]);
      if (family_.freedom_ == Freedom::own) ++at;
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    Vector sums = statistics.head(family_.n_gaussian());
    sums.head(family_.k_) = statistics.segment(family_.n_gaussian(), family_.k_);
    gaussian_->slope(sums, g.head(gaussian_->size()));
    Vector own(family_.k_);
    family_.slope_of_df(statistics, own);
    Index at = gaussian_->size();
    if (family_.freedom_ == Freedom::shared) {
      if (at < g.size()) g[at] = own.sum() * unit_[0];
      return;
    }
    for (Index k = 0; k < own.size(); ++k) {
      if (!family_.df_is_held(k)) g[at++] = own[k] * unit_[k];
    }
  }

 private:
  static Vector scale_of(const FamilyT& family, const Chart& gaussian, ConstVectorRef counts) {
    Vector out(gaussian.size() + family.n_free_df());
    out.head(gaussian.size()) = gaussian.scale();
    Index at = gaussian.size();
    const auto of = [](double rows) { return rows > 0.0 ? 1.0 / std::sqrt(rows) : 1.0; };
    if (family.freedom_ == Freedom::shared) {
      if (at < out.size()) out[at] = of(counts.sum());
      return out;
    }
    for (Index k = 0; k < counts.size(); ++k) {
      if (!family.df_is_held(k)) out[at++] = of(counts[k]);
    }
    return out;
  }

  FamilyT& family_;
  std::unique_ptr<Chart> gaussian_;
  Vector origin_;
  Vector unit_;
};

FamilyT::FamilyT(Index d, Index k, Structure structure, Freedom freedom)
    : FamilyGaussian(d, k, structure),
      freedom_(freedom),
      df_(Vector::Constant(k, infinity)),
      constant_(k),
      beside_(k) {}

Index FamilyT::n_free_df() const {
  if (freedom_ == Freedom::shared) return df_is_held(0) ? 0 : 1;
  Index out = 0;
  for (Index k = 0; k < k_; ++k) out += df_is_held(k) ? 0 : 1;
  return out;
}

void FamilyT::hold_df(ConstVectorRef held) {
  held_df_ = held;
  for (Index k = 0; k < k_; ++k) {
    if (df_is_held(k)) df_[k] = held_df_[k];
  }
}

// Behind the workspace of the normal components: delta, log(1 + delta / nu), and r u.
Index FamilyT::n_workspace(Index rows) const {
  return FamilyGaussian::n_workspace(rows) + 8 + 3 * k_ * static_cast<Index>(block_stride(size_of(rows)));
}

// Distances are wanted in full, so no form will do that leaves out what all components share.
Index FamilyT::prepare(Accuracy /*accuracy*/) {
  const Index lacking = FamilyGaussian::prepare(Accuracy::exact);
  for (Index k = 0; k < k_ && lacking < 0; ++k) {
    if (!(df_[k] > 0.0)) return k;
    constant_[k] = log_density_at_mean(k);
    beside_[k] = df_[k] < infinity ? rising(0.5 * df_[k], 0.5 * static_cast<double>(d_)) : 0.0;
  }
  return lacking;
}

void FamilyT::pack(Rows rows, double* work) const {
  FamilyGaussian::pack(rows, work);
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  MatrixMap delta(room, stride, k_);
  FamilyGaussian::log_density(rows, work, delta.topRows(rows.size));
  for (Index k = 0; k < k_; ++k) {
    const double nu = df_[k];
    const double inverse = 1.0 / nu;
    double* const own = room + k * stride;
    double* const logs = room + (k_ + k) * stride;
    for (Index i = 0; i < rows.size; ++i) own[i] = std::max(0.0, 2.0 * (constant_[k] - own[i]));
    if (nu < moderate) {
      for (Index i = 0; i < rows.size; ++i) logs[i] = 1.0 + own[i] * inverse;
      kernels().log(logs, size_of(rows.size));
    } else {
      for (Index i = 0; i < rows.size; ++i) logs[i] = std::log1p(own[i] * inverse);
    }
  }
}

void FamilyT::log_density(Rows rows, double* work, MatrixRef out) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  const double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  for (Index k = 0; k < k_; ++k) {
    const double* delta = room + k * stride;
    const double top = constant_[k] + beside_[k];
    const double nu = df_[k];
    const double power = 0.5 * (nu + static_cast<double>(d_));
    if (nu < infinity) {
      const double* logs = room + (k_ + k) * stride;
      for (Index i = 0; i < rows.size; ++i) out(i, k) = top - power * logs[i];
    } else {
      for (Index i = 0; i < rows.size; ++i) out(i, k) = top - 0.5 * delta[i];
    }
  }
}

void FamilyT::accumulate(Rows rows, double* work, ConstMatrixRef responsibilities,
                         VectorRef statistics) const {
  const auto stride = static_cast<Index>(block_stride(size_of(rows.size)));
  double* const room = aligned(work + FamilyGaussian::n_workspace(rows.size));
  MatrixMap weighted(room + 2 * k_ * stride, stride, k_);
  const auto d = static_cast<double>(d_);
  for (Index k = 0; k < k_; ++k) {
    const double* delta = room + k * stride;
    double* out = weighted.data() + k * stride;
    const double nu = df_[k];
    const double* logs = room + (k_ + k) * stride;
    double count = 0.0, spread = 0.0;
    const double at_centre = std::log1p(d / nu);  // log u there
    for (Index i = 0; i < rows.size; ++i) {
      const double r = responsibilities(i, k);
      count += r;
      out[i] = r;
      if (!(nu < infinity)) continue;
      const double gap = r > 0.0 ? (d - delta[i]) / (nu + delta[i]) : 0.0;  // u - 1
      out[i] += r * gap;
      if (nu < moderate)
        spread += r > 0.0 ? r * (gap - (at_centre - logs[i])) : 0.0;
      else
        spread += r * (gap > -0.5 ? less_log1p(gap) : gap - (at_centre - logs[i]));
    }
    std::fill(out + rows.size, out + stride, 0.0);
    statistics[n_gaussian() + k] += count;
    statistics[n_gaussian() + k_ + k] += spread;
  }
  FamilyGaussian::accumulate(rows, work, weighted.topRows(rows.size), statistics.head(n_gaussian()));
}

void FamilyT::close_slice(VectorRef statistics, double* work) const {
  FamilyGaussian::close_slice(statistics.head(n_gaussian()), work);
}

double FamilyT::close_pass(VectorRef statistics) const {
  return FamilyGaussian::close_pass(statistics.head(n_gaussian()));
}

// For the M-step of normal components: the statistics of as many rows as there are, with the mean of those
// weighted by u and, about it, their scatter.
void FamilyT::maximise(ConstVectorRef statistics, Step step) {
  Vector sums = statistics.head(n_gaussian());
  const ConstVectorMap counts(statistics.data() + n_gaussian(), k_);
  for (Index k = 0; k < k_; ++k) {
    const double weight = sums[k];
    sums[k] = counts[k];
    if (!(weight > 0.0 && counts[k] > 0.0)) continue;
    VectorMap first(sums.data() + k_ + k * d_, d_);
    const Vector shift = first / weight;
    first = counts[k] * shift;
    if (step == Step::ecm) continue;  // which takes the scatter about the mean before
    const double more = counts[k] - weight;
    double* second = sums.data() + k_ * (1 + d_);
    if (storage_ == Storage::diagonal) {
      VectorMap(second + k * d_, d_) += more * shift.cwiseAbs2();
    } else {
      MatrixMap(second + (storage_ == Storage::pooled ? 0 : k * d_ * d_), d_, d_) +=
          more * shift * shift.transpose();
    }
  }
  FamilyGaussian::maximise(sums, step);
  move_df(counts, ConstVectorMap(statistics.data() + n_gaussian() + k_, k_));
}

void FamilyT::move_df(ConstVectorRef counts, ConstVectorRef spread) {
  const auto d = static_cast<double>(d_);
  Vector wanted(k_);
  for (Index k = 0; k < k_; ++k) {
    wanted[k] = df_[k] < infinity ? spread[k] + counts[k] * log_less_digamma(0.5 * (df_[k] + d)) : -1.0;
  }
  for (Index k = 0; k < k_; ++k) {
    const bool shared = freedom_ == Freedom::shared;
    const double rows = shared ? counts.sum() : counts[k];
    const double sum = shared ? wanted.sum() : wanted[k];
    if (df_is_held(k)) {
      df_[k] = held_df_[k];
    } else if (!(df_[k] < infinity)) {
      df_[k] = first_df;
    } else if (rows > 0.0 && sum > 0.0) {
      df_[k] = 2.0 * shape_from(sum / rows);
    }
  }
}

void FamilyT::slope_of_df(ConstVectorRef statistics, VectorRef out) const {
  for (Index k = 0; k < k_; ++k) {
    const double half = 0.5 * df_[k];
    const double count = statistics[n_gaussian() + k];
    const double more = log_less_digamma(half) - log_less_digamma(half + 0.5 * static_cast<double>(d_));
    out[k] = half * (count * more - statistics[n_gaussian() + k_ + k]);
  }
}

Fields FamilyT::parameters() {
  Fields out = FamilyGaussian::parameters();
  out.push_back({"df", Scale::positive, {{Axis::component, k_}}, df_.data()});
  return out;
}

void FamilyT::start_at(const std::vector<Index>& rows) {
  FamilyGaussian::start_at(rows);
  for (Index k = 0; k < k_; ++k) df_[k] = df_is_held(k) ? held_df_[k] : first_df;
}

std::unique_ptr<Chart> FamilyT::chart(ConstVectorRef statistics) {
  Vector sums = statistics.head(n_gaussian());
  const Vector counts = statistics.segment(n_gaussian(), k_);
  sums.head(k_) = counts;
  return std::make_unique<ChartT>(*this, FamilyGaussian::chart(sums), counts);
}

std::unique_ptr<Family> FamilyT::clone() const { return std::make_unique<FamilyT>(*this); }

}  // namespace em
