#include "gaussian_held.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "dense.h"
#include "gaussian_chart.h"

namespace em {

bool HeldGaussian::holds_mean(Index component, Index column) const {
  return mean.size() > 0 && !std::isnan(mean(component, column));
}

bool HeldGaussian::holds_variance(Index d, Index component, Index column) const {
  return spread.size() > 0 && !std::isnan(spread[component * d * d + column * (d + 1)]);
}

Index HeldGaussian::n_held_means() const {
  Index out = 0;
  for (Index i = 0; i < mean.size(); ++i) out += !std::isnan(mean.data()[i]);
  return out;
}

Index HeldGaussian::n_held_variances(Index d, Index component) const {
  Index out = 0;
  for (Index a = 0; a < d; ++a) out += holds_variance(d, component, a);
  return out;
}

Index HeldGaussian::n_free_spread(Structure structure, Index d, Index k) const {
  if (spread.size() == 0) return n_covariance_parameters(structure, d, k);
  Index held = 0;
  Index free = 0;
  for (Index j = 0; j < k; ++j) {
    const Index variances = n_held_variances(d, j);
    held += variances == d;
    if (variances < d) free += variances > 0 ? d - variances : n_covariance_parameters(structure, d, 1);
  }
  return held == k ? 0 : free;
}

namespace {

class HeldChart : public Chart {
 public:
  // Coordinates behind those that the inner chart keeps: of a mean or of the logarithms of variances.
  struct Own {
    Index component;
    Index first;  // of its coordinates
    std::vector<Index> columns;
    Matrix root;  // of a mean: G
  };

  struct Parts {
    std::vector<Index> kept;
    std::vector<Own> means;
    std::vector<Own> variances;
    Vector scale;
  };

  HeldChart(std::unique_ptr<Chart> inner, Parts parts, const HeldGaussian& held, Index d, Index k,
            const Fields& fields)
      : Chart(parts.scale),
        inner_(std::move(inner)),
        parts_(std::move(parts)),
        d_(d),
        k_(k),
        mean_(fields[0].data, k, d),
        spread_(fields[1].data, fields[1].size()),
        mean0_(mean_),
        spread0_(spread_),
        held_(held),
        whole_(inner_->size()) {}

  void place(ConstVectorRef z) override {
    std::fill_n(whole_.data(), whole_.size(), 0.0);
    for (std::size_t i = 0; i < parts_.kept.size(); ++i) whole_[parts_.kept[i]] = z[static_cast<Index>(i)];
    inner_->place(whole_);
    for (Index j = 0; j < k_; ++j) {
      if (held_.n_held_variances(d_, j) == 0) continue;
      std::copy_n(spread0_.data() + j * d_ * d_, d_ * d_, spread_.data() + j * d_ * d_);
    }
    for (const Own& own : parts_.means) {
      const Vector shift = times(own.root, ConstVectorMap(z.data() + own.first, own.root.cols()));
      for (Index a = 0; a < d_; ++a) mean_(own.component, a) = mean0_(own.component, a);
      for (std::size_t i = 0; i < own.columns.size(); ++i) {
        mean_(own.component, own.columns[i]) += shift[static_cast<Index>(i)];
      }
    }
    for (const Own& own : parts_.variances) {
      for (std::size_t i = 0; i < own.columns.size(); ++i) {
        const Index at = own.component * d_ * d_ + own.columns[i] * (d_ + 1);
        spread_[at] = spread0_[at] * std::exp(std::sqrt(2.0) * z[own.first + static_cast<Index>(i)]);
      }
    }
  }

  void slope(ConstVectorRef statistics, VectorRef g) const override {
    Vector inner(inner_->size());
    inner_->slope(statistics, inner);
    for (std::size_t i = 0; i < parts_.kept.size(); ++i) g[static_cast<Index>(i)] = inner[parts_.kept[i]];
    for (const Own& own : parts_.means) {
      const Vector pull = pull_of(own.component, statistics);
      Vector free(static_cast<Index>(own.columns.size()));
      for (Index i = 0; i < free.size(); ++i) free[i] = pull[own.columns[static_cast<std::size_t>(i)]];
      VectorMap(g.data() + own.first, free.size()) = transposed_times(own.root, free);
    }
    for (const Own& own : parts_.variances) {
      for (std::size_t i = 0; i < own.columns.size(); ++i) {
        const Index column = own.columns[i];
        const double variance = spread_[own.component * d_ * d_ + column * (d_ + 1)];
        const double square = statistics[k_ * (1 + d_) + own.component * d_ + column];
        g[own.first + static_cast<Index>(i)] =
            std::sqrt(0.5) * (square / variance - statistics[own.component]);
      }
    }
  }

 private:
  Vector pull_of(Index j, ConstVectorRef statistics) const {
    Vector first = ConstVectorMap(statistics.data() + k_ + j * d_, d_);
    if (d_ > 1) return Cholesky(ConstMatrixMap(spread_.data() + j * d_ * d_, d_, d_)).solve_vector(first);
    first[0] /= spread_[j] * spread_[j];
    return first;
  }

  std::unique_ptr<Chart> inner_;
  Parts parts_;
  Index d_;
  Index k_;
  MatrixMap mean_;
  VectorMap spread_;
  Matrix mean0_;
  Vector spread0_;
  HeldGaussian held_;
  Vector whole_;
};

// The root of Sigma_FF for the columns F of component j.
Matrix root_of(const Fields& fields, Index d, Index j, const std::vector<Index>& columns) {
  const auto size = static_cast<Index>(columns.size());
  Matrix sigma(size, size);
  for (Index a = 0; a < size; ++a) {
    for (Index b = 0; b < size; ++b) {
      const Index from = columns[static_cast<std::size_t>(a)];
      const Index to = columns[static_cast<std::size_t>(b)];
      const double spread = fields[1].data[j * d * d + to * d + from];
      sigma(a, b) = d == 1 ? spread * spread : spread;
    }
  }
  return Cholesky(sigma).lower();
}

}  // namespace

std::unique_ptr<Chart> make_held_chart(std::unique_ptr<Chart> inner, const HeldGaussian& held,
                                       Structure structure, Index d, Index k, const Fields& fields,
                                       ConstVectorRef statistics) {
  HeldChart::Parts parts;
  std::vector<double> scale;
  const auto keep = [&](Index coordinate) {
    parts.kept.push_back(coordinate);
    scale.push_back(inner->scale()[coordinate]);
  };
  const bool all_spread_free = held.spread.size() == 0;
  for (Index j = 0; j < k; ++j) {
    HeldChart::Own mean{j, 0, {}, {}};
    HeldChart::Own variance{j, 0, {}, {}};
    for (Index a = 0; a < d; ++a) {
      if (!held.holds_mean(j, a)) mean.columns.push_back(a);
      if (!held.holds_variance(d, j, a)) variance.columns.push_back(a);
    }
    const auto size = static_cast<Index>(mean.columns.size());
    if (size == d) {
      for (Index a = 0; a < d; ++a) keep(j * d + a);
    } else if (size > 0) {
      mean.root = root_of(fields, d, j, mean.columns);
      parts.means.push_back(mean);
    }
    if (all_spread_free) continue;
    if (variance.columns.size() == static_cast<std::size_t>(d)) {
      for (const Index coordinate : own_covariance_coordinates(structure, d, k, j)) keep(coordinate);
    } else if (!variance.columns.empty()) {
      parts.variances.push_back(variance);
    }
  }
  for (Index i = k * d; all_spread_free && i < inner->size(); ++i) keep(i);
  for (std::vector<HeldChart::Own>* list : {&parts.means, &parts.variances}) {
    for (HeldChart::Own& own : *list) {
      own.first = static_cast<Index>(scale.size());
      const double rows = statistics[own.component];
      scale.resize(scale.size() + own.columns.size(), 1.0 / std::sqrt(rows > 0.0 ? rows : 1.0));
    }
  }
  parts.scale = ConstVectorMap(scale.data(), static_cast<Index>(scale.size()));
  return std::make_unique<HeldChart>(std::move(inner), std::move(parts), held, d, k, fields);
}

}  // namespace em
