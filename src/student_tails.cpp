#include "student_tails.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dense.h"
#include "gamma_functions.h"
#include "numerics.h"

namespace em {

namespace {

// Before anything is known of them.
constexpr double first_df = 10.0;

// Where tails are no heavier than normal the likelihood has no maximum in nu, but by then it is that of the
// normal density: nu goes no farther, unless a start was there.
constexpr double most_df = 1e10;

// What one row of known component tells of log nu (Lange, Little & Taylor 1989), which vanishes as nu grows
// and is rounding there.
double information_of(double nu, double d) {
  const double half = 0.5 * nu, whole = 0.5 * (nu + d);
  const double trigammas = trigamma(half) - trigamma(whole);
  const double told = 0.25 * trigammas - 0.5 * d * (nu + d + 4.0) / (nu * (nu + d) * (nu + d + 2.0));
  return std::max(nu * nu * told, 1e-6);
}

}  // namespace

double rising_factor(double a, double y) {
  const double away = std::log1p(y / a);
  return (y - 0.5) * away - a * less_log1p(y / a) + gamma_error(a + y) - gamma_error(a);
}

class TailsChart : public Chart {
 public:
  TailsChart(Tails& tails, std::unique_ptr<Chart> gaussian, ConstVectorRef counts)
      : Chart(scale_of(tails, *gaussian, counts)),
        tails_(tails),
        gaussian_(std::move(gaussian)),
        origin_(tails.df_),
        unit_(tails.df_.size()) {
    for (Index k = 0; k < unit_.size(); ++k) {
      unit_[k] = 1.0 / std::sqrt(information_of(origin_[k], static_cast<double>(tails.d_)));
    }
    if (tails.freedom_ == Freedom::shared) unit_.setConstant(unit_[0]);
  }

  void place(ConstVectorRef z) override {
    gaussian_->place(ConstVectorMap(z.data(), gaussian_->size()));
    Index at = gaussian_->size();
    for (Index k = 0; k < origin_.size(); ++k) {
      if (tails_.is_held(k)) continue;
      const double most = std::max(most_df, origin_[k]);
      tails_.df_[k] = std::min(origin_[k] * std::exp(z[at] * unit_[k]), most);
      if (tails_.freedom_ == Freedom::own) ++at;
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    gaussian_->slope(tails_.gaussian_sums(statistics), VectorMap(g.data(), gaussian_->size()));
    Vector own(unit_.size());
    tails_.slope(statistics, own);
    Index at = gaussian_->size();
    if (tails_.freedom_ == Freedom::shared) {
      if (at < g.size()) g[at] = own.sum() * unit_[0];
      return;
    }
    for (Index k = 0; k < own.size(); ++k) {
      if (!tails_.is_held(k)) g[at++] = own[k] * unit_[k];
    }
  }

 private:
  static Vector scale_of(const Tails& tails, const Chart& gaussian, ConstVectorRef counts) {
    Vector out(gaussian.size() + tails.n_free());
    std::copy_n(gaussian.scale().data(), gaussian.size(), out.data());
    Index at = gaussian.size();
    const auto of = [](double rows) { return rows > 0.0 ? 1.0 / std::sqrt(rows) : 1.0; };
    if (tails.freedom_ == Freedom::shared) {
      if (at < out.size()) out[at] = of(counts.sum());
      return out;
    }
    for (Index k = 0; k < counts.size(); ++k) {
      if (!tails.is_held(k)) out[at++] = of(counts[k]);
    }
    return out;
  }

  Tails& tails_;
  std::unique_ptr<Chart> gaussian_;
  Vector origin_;
  Vector unit_;
};

Tails::Tails(Index d, Index k, Freedom freedom)
    : d_(d), freedom_(freedom), df_(Vector::Constant(k, infinity)) {}

Index Tails::n_free() const {
  if (freedom_ == Freedom::shared) return is_held(0) ? 0 : 1;
  Index out = 0;
  for (Index k = 0; k < df_.size(); ++k) out += is_held(k) ? 0 : 1;
  return out;
}

void Tails::hold(ConstVectorRef held) {
  held_ = held;
  for (Index k = 0; k < df_.size(); ++k) {
    if (is_held(k)) df_[k] = held_[k];
  }
}

void Tails::start() {
  for (Index k = 0; k < df_.size(); ++k) df_[k] = is_held(k) ? held_[k] : first_df;
}

Vector Tails::sums_of_rows(ConstVectorRef statistics, Storage storage, Step step) const {
  const Index k = df_.size();
  const ConstVectorMap rows = counts(statistics);
  Vector sums = ConstVectorMap(statistics.data(), statistics.size() - n_statistics());
  Vector shift(d_);
  for (Index j = 0; j < k; ++j) {
    const double weight = sums[j];
    sums[j] = rows[j];
    if (!(weight > 0.0 && rows[j] > 0.0)) continue;
    VectorMap first(sums.data() + k + j * d_, d_);
    divide_to(first, weight, shift);
    scale_to(shift, rows[j], first);
    if (step == Step::ecm) continue;  // which takes the scatter about the mean before
    const double more = rows[j] - weight;
    double* second = sums.data() + k * (1 + d_);
    if (storage == Storage::diagonal) {
      for (Index a = 0; a < d_; ++a) second[j * d_ + a] += more * (shift[a] * shift[a]);
    } else {
      double* own = second + (storage == Storage::pooled ? 0 : j * d_ * d_);
      add_outer_product(more, shift, shift, MatrixMap(own, d_, d_));
    }
  }
  return sums;
}

Vector Tails::gaussian_sums(ConstVectorRef statistics) const {
  Vector sums = ConstVectorMap(statistics.data(), statistics.size() - n_statistics());
  std::copy_n(counts(statistics).data(), df_.size(), sums.data());
  return sums;
}

void Tails::maximise(ConstVectorRef statistics) {
  const ConstVectorMap rows = counts(statistics);
  const ConstVectorMap wanted = spreads(statistics);
  const bool shared = freedom_ == Freedom::shared;
  for (Index k = 0; k < df_.size(); ++k) {
    const double all = shared ? rows.sum() : rows[k];
    const double sum = shared ? wanted.sum() : wanted[k];
    if (is_held(k)) {
      df_[k] = held_[k];
    } else if (!(df_[k] < infinity)) {
      df_[k] = first_df;
    } else if (all > 0.0 && sum > 0.0) {
      df_[k] = std::min(2.0 * shape_from(sum / all), most_df);
    }
  }
}

void Tails::slope(ConstVectorRef statistics, VectorRef out) const {
  const ConstVectorMap rows = counts(statistics);
  const ConstVectorMap wanted = spreads(statistics);
  for (Index k = 0; k < df_.size(); ++k) {
    const double half = 0.5 * df_[k];
    out[k] = half * (rows[k] * log_less_digamma(half) - wanted[k]);
  }
}

std::unique_ptr<Chart> Tails::join(std::unique_ptr<Chart> gaussian, ConstVectorRef counts) {
  return std::make_unique<TailsChart>(*this, std::move(gaussian), counts);
}

void find_distances(ArrayMap inout, double top, double nu, ArrayMap logs) {
  if (nu < moderate_df) {
    kernels().tail_logs(inout.data(), static_cast<std::size_t>(inout.size()), top, farthest_square, 1.0 / nu,
                        logs.data());
    return;
  }
  inout = (2.0 * (top - inout)).max(0.0).min(farthest_square);
  for (Index i = 0; i < logs.size() && nu < infinity; ++i) logs[i] = std::log1p(inout[i] / nu);
}

// log u is log(1 + p / nu) - log(1 + delta / nu); u - 1 - log u may be so small that it has a form of its
// own.
TailSums weigh_rows(ConstArrayMap delta, ConstArrayMap logs, ConstArrayMap r, double nu, double p,
                    ArrayMap out) {
  TailSums sums;
  if (nu >= moderate_df) sums.count = r.sum();
  if (!(nu < infinity)) {
    out = r;
    return sums;
  }
  const double at_centre = std::log1p(p / nu);
  if (nu < moderate_df) {
    sums.spread =
        kernels().weigh_tails(delta.data(), logs.data(), r.data(), static_cast<std::size_t>(r.size()), nu, p,
                              at_centre, out.data(), &sums.count);
  } else {
    for (Index i = 0; i < r.size(); ++i) {
      const double gap = (p - delta[i]) / (nu + delta[i]);
      out[i] = r[i] + r[i] * gap;
      sums.spread += r[i] * (gap > -0.5 ? less_log1p(gap) : gap - (at_centre - logs[i]));
    }
  }
  sums.spread += sums.count * log_less_digamma(0.5 * (nu + p));
  return sums;
}

}  // namespace em
